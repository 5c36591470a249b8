"""What an agent looks with: cameras of one kind, or of several kinds that go by names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from megastep.core import Cameras

Rig = Cameras | Mapping[str, Cameras]
"""Cameras, or cameras of several kinds by name: ``{'front': Cameras(), 'rear': Cameras(res=16, mounts=...)}``."""

Thing = TypeVar('Thing')


def checked(rig: Rig) -> Rig:
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


def kinds(things: Thing | Mapping[str, Thing]) -> Mapping[str, Thing]:
    """What there is for each kind of camera, by name; the name of an only kind is empty."""
    return things if isinstance(things, Mapping) else {'': things}


def per_kind(function: Callable[..., Any], *things: Any) -> Any:
    """Applies a function to what there is for an only kind of camera, or, by name, to what there is for each kind."""
    if not isinstance(things[0], Mapping):
        return function(*things)
    return {name: function(*(thing[name] for thing in things)) for name in things[0]}


def num_rays(rig: Rig) -> int:
    """How many rays an agent casts."""
    return sum(kind.num_cameras * kind.num_rays for kind in kinds(rig).values())


def num_pixels(rig: Rig) -> int:
    """How many pixels an agent sees."""
    return sum(kind.num_cameras * kind.res for kind in kinds(rig).values())
