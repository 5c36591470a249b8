"""Camera rigs: what an agent looks with, cameras of one kind, or of several kinds that go by names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from megastep.checks import check_counts, check_numbers, plain

FURTHEST = 1e38
"""Kernels count in float32, in which little more is infinite: nothing would then be as near as an agent's rim."""


@dataclass(frozen=True)
class Cameras:
    """Pinhole cameras with a screen of one row of pixels: one at each mount.

    Args:
        res: How many pixels wide a camera's picture is.
        fov: The horizontal field of view, in degrees.
        subsample: How many rays each pixel is the mean of: supersampling, against aliasing.
        max_depth: The distance, in metres, at which depth reaches 0.
        mounts: Each camera's x and y in metres and angle in degrees, relative to an agent that faces +x.

    Raises:
        ValueError: if fov isn't in (0, 180); res or subsample is below 1; max_depth isn't above 0 and up to 1e38; or
            there is no mount, or one that isn't three finite numbers.
    """

    res: int = 64
    fov: float = 130.0
    subsample: int = 4
    max_depth: float = 10.0
    mounts: tuple[tuple[float, float, float], ...] = ((0.0, 0.0, 0.0),)

    def __post_init__(self) -> None:
        check_counts(res=self.res, subsample=self.subsample)
        check_numbers(fov=self.fov, max_depth=self.max_depth)
        if not 0 < self.fov < 180:
            raise ValueError(f'fov must be between 0 and 180 degrees, got {self.fov}.')
        if not 0 < self.max_depth <= FURTHEST:
            raise ValueError(f'max_depth must be above 0 m and up to {FURTHEST:g} m, got {self.max_depth}.')
        try:
            mounts = tuple(tuple(map(plain, mount)) for mount in self.mounts)
            fine = bool(mounts) and all(len(mount) == 3 and all(map(math.isfinite, mount)) for mount in mounts)
        except (TypeError, OverflowError):  # of numbers alone, of what are none, or too large
            fine = False
        if not fine:
            raise ValueError(f'mounts must be at least one finite (x, y, angle), got {self.mounts!r}.')
        counts = {name: int(getattr(self, name)) for name in ('res', 'subsample')}
        reals = {name: float(getattr(self, name)) for name in ('fov', 'max_depth')}  # 130 is 130.0 in fingerprints, too
        mounts = tuple(tuple(map(float, mount)) for mount in mounts)
        for name, value in {**counts, **reals, 'mounts': mounts}.items():
            object.__setattr__(self, name, value)

    @property
    def num_cameras(self) -> int:
        """The number of cameras that an agent carries."""
        return len(self.mounts)

    @property
    def num_rays(self) -> int:
        """The number of rays that a camera casts."""
        return self.res * self.subsample


CameraRig = Cameras | Mapping[str, Cameras]
"""Cameras, or cameras of several kinds by name: ``{'front': Cameras(), 'rear': Cameras(res=16, mounts=...)}``."""

Thing = TypeVar('Thing')


def checked(rig: CameraRig) -> CameraRig:
    """Returns a copy of a rig.

    Raises:
        ValueError: if it is neither cameras nor a mapping from at least one name to cameras.
    """
    if isinstance(rig, Cameras):
        return rig
    if not isinstance(rig, Mapping):
        raise ValueError(f'cameras must be Cameras, or Cameras by name, got {type(rig).__name__}.')  # noqa: TRY004
    if not rig:
        raise ValueError('cameras must have at least 1 kind, got 0.')
    for name, kind in rig.items():
        if not isinstance(name, str) or not name or not isinstance(kind, Cameras):
            raise ValueError(f'cameras must be Cameras by name, got {type(kind).__name__} by {name!r}.')
    return dict(rig)


def by_name(things: Thing | Mapping[str, Thing]) -> Mapping[str, Thing]:
    """A mapping from each kind of camera's name to what there is for it; the name of an only kind is empty."""
    return things if isinstance(things, Mapping) else {'': things}


def map_by_name(function: Callable[..., Any], *things: Any) -> Any:
    """Applies a function to what there is for an only kind of camera, or, by name, to what there is for each kind."""
    if not isinstance(things[0], Mapping):
        return function(*things)
    return {name: function(*(thing[name] for thing in things)) for name in things[0]}


def num_rays(rig: CameraRig) -> int:
    """The number of rays that an agent casts."""
    return sum(kind.num_cameras * kind.num_rays for kind in by_name(rig).values())


def num_pixels(rig: CameraRig) -> int:
    """The number of pixels that an agent sees."""
    return sum(kind.num_cameras * kind.res for kind in by_name(rig).values())
