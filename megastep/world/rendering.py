"""Rendering, by ray casting in the plane. Checks its arguments, then hands on to the kernels for their device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import overload

import torch
from jaxtyping import Float, Int
from torch import Tensor

from megastep.world.cameras import CameraRig, Cameras, checked, map_by_name
from megastep.world.core import Core
from megastep.world.kernels import implementation, is_compiling_ahead
from megastep.world.scenery import bake
from megastep.world.seen_texels import SeenTexels, check_seen

__all__ = ['SeenTexels', 'View', 'bake', 'render']

PerRay = bool | slice | Mapping[str, bool | slice]
"""Whether to return what each ray hits, or for which rays, ``slice(first, stop)``; or that for each kind of camera."""


@dataclass(frozen=True, eq=False)
class View:
    """Pictures of what each camera sees. Pixels and rays run from left to right.

    Args:
        rgb: Linear RGB, 0 to 1; black where nothing is hit. None if it wasn't asked for.
        depth: 1 at the agent's rim, falling to 0 at the cameras' ``max_depth`` and beyond.
        distances: Metres along each ray to the line it hits, infinite if there is none.
        lines: The number of that line in its env, -1 if there is none.
        locations: Where on the line, from 0 at its first endpoint to 1 at its second, NaN if there is none.
        first_ray: The number of the first ray that the last three are of.
    """

    rgb: Float[Tensor, 'env agent camera 3 pixel'] | None
    depth: Float[Tensor, 'env agent camera pixel']
    distances: Float[Tensor, 'env agent camera ray'] | None = None
    lines: Int[Tensor, 'env agent camera ray'] | None = None
    locations: Float[Tensor, 'env agent camera ray'] | None = None
    first_ray: int = 0

    def __repr__(self) -> str:
        there = {name: tuple(values.shape) for name, values in vars(self).items() if isinstance(values, Tensor)}
        shapes = ', '.join(f'{name} {shape}' for name, shape in there.items())
        return f'View({shapes}, device={str(self.depth.device)!r})'


@overload
def render(
    core: Core, cameras: Cameras, *, rgb: bool = True, per_ray: PerRay = False, seen: SeenTexels | None = None
) -> View: ...
@overload
def render(
    core: Core,
    cameras: Mapping[str, Cameras],
    *,
    rgb: bool = True,
    per_ray: PerRay = False,
    seen: SeenTexels | None = None,
) -> dict[str, View]: ...
def render(
    core: Core,
    cameras: CameraRig,
    *,
    rgb: bool = True,
    per_ray: PerRay = False,
    seen: SeenTexels | None = None,
) -> View | dict[str, View]:
    """Renders what every agent's cameras see.

    Ray r of R runs along forward + s * left with s = (R - 2r - 1) / R * tan(fov / 2). It sees the nearest line whose
    free side faces the camera and which is further than the agent's radius; an agent doesn't see itself. A ray's
    colour is albedo * light * (1 - c²), c the cosine between the ray and the line; a pixel is the mean of its rays.
    That isn't Lambert's law, by which light counts by the cosine at which it falls on a surface, and the surface looks
    alike from everywhere: here light counts alike from all sides, and what is seen edge-on is dark. The light on walls
    is kept in 255ths, which changes no pixel by more than 0.002; that on agents and markers isn't rounded.

    Args:
        core: The envs.
        cameras: The cameras that each agent carries; if they are of several kinds, by name.
        rgb: Whether to return colours. What has none is rendered sooner.
        per_ray: Whether to return each ray's distance, line and location too; or of which rays of each camera, as a
            slice, such as ``slice(30, 34)``. If cameras are of several kinds, one for all or one each, by name.
        seen: Where the texels that any ray hits are marked. That spares returning rays: an agent casts hundreds.

    Returns:
        The view, or, by name, that of each kind.

    Raises:
        ValueError: if the cameras are none, per_ray has no ray of them or leaves some out in between, or seen isn't
            these envs'.
    """
    checked(cameras)
    if seen is not None:
        check_seen(seen, core)
    asked = map_by_name(lambda kind: per_ray, cameras) if not isinstance(per_ray, Mapping) else per_ray
    view = map_by_name(lambda kind, some: _rendered(core, kind, rgb, _rays(kind, some), seen), cameras, asked)
    for watch in () if is_compiling_ahead() else core.watchers:
        watch(cameras, view)
    return view


def _rays(cameras: Cameras, per_ray: bool | slice) -> range:
    """The rays of each camera that are returned."""
    if not isinstance(per_ray, slice):
        return range(cameras.num_rays if per_ray else 0)
    rays = range(cameras.num_rays)[per_ray]
    if not rays or rays.step != 1:
        raise ValueError(f'per_ray must be a slice of the {cameras.num_rays} rays, one next to another, got {per_ray}.')
    return rays


def _rendered(core: Core, cameras: Cameras, rgb: bool, rays: range, seen: SeenTexels | None) -> View:
    frames = (core.num_envs, core.num_agents, cameras.num_cameras)
    shape, device = (*frames, len(rays)), core.device
    view = View(
        rgb=torch.empty((*frames, 3, cameras.res), device=device) if rgb else None,
        depth=torch.empty((*frames, cameras.res), device=device),
        distances=torch.empty(shape, device=device) if rays else None,
        lines=torch.empty(shape, dtype=torch.int32, device=device) if rays else None,
        locations=torch.empty(shape, device=device) if rays else None,
        first_ray=rays.start,
    )
    implementation(device).render(core, cameras, view, seen)
    return view
