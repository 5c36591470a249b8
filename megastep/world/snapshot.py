"""Snapshots: one env at one moment, as plain arrays, which a picture of it is drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, SupportsFloat

import numpy as np
from jaxtyping import Float
from torch import Tensor

from megastep.world import rendering
from megastep.world.cameras import CameraRig, Cameras, map_by_name
from megastep.world.core import Core
from megastep.world.overlays import Discs, Marks, Overlay, Points, Segments, Shares, check_overlay, check_shape
from megastep.world.rendering import View
from megastep.world.scenery import Scenery

__all__ = ['Discs', 'Marks', 'Overlay', 'Points', 'Segments', 'Shares', 'Snapshot', 'take_snapshot']


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Snapshot of one env, in metres, degrees and linear RGB; everything is in the map's coordinates.

    Where agents carry cameras of several kinds, ``eyes``, ``ray_ends``, ``rgb`` and ``depth`` have such an array for
    each kind, by name.

    Args:
        map_id: The map the env stands in.
        walls: The map's walls.
        texels: The walls cut into their texels, each from end to end.
        texel_colours: How each texel looks in the light that falls on it, seen face on.
        lights: Each light's x, y and intensity.
        positions: Where the agents are.
        angles: Which way they face, anticlockwise from +x.
        outlines: The sides of each agent's outline.
        side_colours: What each side of an outline looks like in full light.
        eyes: Where each camera is.
        ray_ends: Where each ray ends: on the line it hits, or ``max_depth`` from the camera if that is nearer.
        rgb: What each camera sees.
        depth: How near that is, from 1 at the agent's rim to 0 at ``max_depth``.
        values: Named numbers that go with the picture: a reward, a step's number.
        overlays: The markers that are there, if the core has any, and what else the task has drawn, as arrays.
        title: What is written above all.
    """

    map_id: int
    walls: Float[np.ndarray, 'wall 2 2']
    texels: Float[np.ndarray, 'texel 2 2']
    texel_colours: Float[np.ndarray, 'texel 3']
    lights: Float[np.ndarray, 'light 3']
    positions: Float[np.ndarray, 'agent 2']
    angles: Float[np.ndarray, ' agent']
    outlines: Float[np.ndarray, 'agent side 2 2']
    side_colours: Float[np.ndarray, 'side 3']
    eyes: Float[np.ndarray, 'agent camera 2'] | Any
    ray_ends: Float[np.ndarray, 'agent camera ray 2'] | Any
    rgb: Float[np.ndarray, 'agent camera 3 pixel'] | Any
    depth: Float[np.ndarray, 'agent camera pixel'] | Any
    values: dict[str, float]
    overlays: tuple[Overlay, ...] = ()
    title: str = ''

    def __repr__(self) -> str:
        numbers = ', '.join(f'{name}={value}' for name, value in self.values.items())
        there = f'{len(self.positions)} agents, {len(self.walls)} walls, {len(self.overlays)} overlays'
        return f'{type(self).__name__}(map {self.map_id}, {there}{numbers and "; "}{numbers})'


def take_snapshot(
    core: Core,
    cameras: CameraRig,
    env: int,
    *,
    overlays: Sequence[Overlay] = (),
    title: str = '',
    **values: SupportsFloat,
) -> Snapshot:
    """Takes a snapshot of one env: renders it alone, and copies what a picture needs off the device.

    Args:
        core: The envs.
        cameras: The cameras that each agent carries; if they are of several kinds, by name.
        env: Which env.
        overlays: What else is to be drawn; tensors become arrays.
        title: What is written above all.
        values: Named numbers to show beside the picture.

    Raises:
        ValueError: if there is no such env, an overlay or a value is none, or shares or marks are not one for each
            agent.
    """
    if not 0 <= env < core.num_envs:
        raise ValueError(f'env must be from 0 to {core.num_envs - 1}, got {env}.')
    for place, overlay in enumerate(overlays):
        check_overlay(overlay, place, env)
        for kind, name in ((Shares, 'values'), (Marks, 'agents')):
            if isinstance(overlay, kind):
                check_shape(name, getattr(overlay, name), (core.num_agents,))
    alone = _alone(core, env)
    view = rendering.render(alone, cameras, per_ray=True)
    map_id, scenery = int(alone.map_ids[0]), core.scenery
    positions, angles = _array(alone.agents.positions[0]), _array(alone.agents.angles[0])
    texels, texel_colours = _lit_texels(scenery, map_id)
    return Snapshot(
        map_id=map_id,
        walls=_array(scenery.walls[map_id]),
        texels=texels,
        texel_colours=texel_colours,
        lights=_array(scenery.lights[map_id]),
        positions=positions,
        angles=angles,
        outlines=_turned(_array(scenery.outline), angles[:, None, None]) + positions[:, None, None],
        side_colours=_array(scenery.outline_albedo).reshape(scenery.lines_per_agent, -1, 3).mean(axis=1) / 255,
        eyes=map_by_name(lambda kind: _eyes(positions, angles, kind), cameras),
        ray_ends=map_by_name(lambda kind, seen: _ray_ends(positions, angles, kind, seen), cameras, view),
        rgb=map_by_name(lambda seen: _array(seen.rgb[0]), view),
        depth=map_by_name(lambda seen: _array(seen.depth[0]), view),
        values={name: _number(name, value) for name, value in values.items()},
        overlays=(*_markers(alone), *map(_copied, overlays)),
        title=title,
    )


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:  # of a tensor of several it is a RuntimeError
        raise ValueError(f'value {name!r} must be a number, got {value!r}.') from error


def _markers(alone: Core) -> list[Discs]:
    """The markers of an only env that are there."""
    if not alone.num_markers:
        return []
    there = alone.markers.visible[0].cpu().numpy()
    seen = (alone.markers.positions, alone.markers.radii, alone.markers.colours)
    return [Discs(*(_array(values[0])[there] for values in seen))]


def _copied(overlay: Overlay) -> Overlay:
    """An overlay with arrays in the place of its tensors."""
    arrays: dict[str, Any] = {name: _array(value) for name, value in vars(overlay).items() if isinstance(value, Tensor)}
    return replace(overlay, **arrays)


def _alone(core: Core, env: int) -> Core:
    """A core with a copy of one env of another, so that only that env is rendered."""
    alone = Core(core.scenery, 1, fps=core.fps, map_ids=core.map_ids[env : env + 1], num_markers=core.num_markers)
    for own, all_envs in ((alone.agents, core.agents), (alone.markers, core.markers)):
        for name, tensor in vars(own).items():
            tensor.copy_(getattr(all_envs, name)[env : env + 1])
    return alone


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.to('cpu', copy=True).double().numpy()


def _lit_texels(scenery: Scenery, map_id: int) -> tuple[Float[np.ndarray, 'texel 2 2'], Float[np.ndarray, 'texel 3']]:
    """A map's texels, from end to end, and their albedo times the light on them."""
    walls = _array(scenery.walls[map_id])
    start = int(scenery.walls.starts[map_id])
    counts = scenery.texels[start : start + len(walls), 1].cpu().numpy()
    wall = np.repeat(np.arange(len(walls)), counts)
    number = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
    shares = (number[:, None] + [0, 1]) / counts[wall][:, None]  # of the way along the wall
    texels = walls[wall, :1] + shares[..., None] * (walls[wall, 1:] - walls[wall, :1])
    first = int(scenery.albedo.starts[map_id])
    light = _array(scenery.light[first : first + len(wall)]) / 255
    return texels, _array(scenery.albedo[map_id]) / 255 * light[:, None]


def _eyes(
    positions: Float[np.ndarray, 'agent 2'], angles: Float[np.ndarray, ' agent'], cameras: Cameras
) -> Float[np.ndarray, 'agent camera 2']:
    """The cameras' positions."""
    return positions[:, None] + _turned(np.array(cameras.mounts)[:, :2], angles[:, None])


def _ray_ends(
    positions: Float[np.ndarray, 'agent 2'], angles: Float[np.ndarray, ' agent'], cameras: Cameras, view: View
) -> Float[np.ndarray, 'agent camera ray 2']:
    """The points where the cameras' rays end."""
    distances, num_rays = _array(view.distances[0]), cameras.num_rays  # type: ignore[index]
    sideways = (num_rays - 2 * np.arange(num_rays) - 1) / num_rays * math.tan(math.radians(cameras.fov) / 2)
    directions = np.stack([np.ones(num_rays), sideways], axis=-1) / np.hypot(1, sideways)[:, None]
    bearings = angles[:, None] + np.array(cameras.mounts)[:, 2]
    lengths = distances.clip(max=cameras.max_depth)
    eyes = _eyes(positions, angles, cameras)
    return eyes[:, :, None] + lengths[..., None] * _turned(directions, bearings[..., None])


def _turned(vectors: Float[np.ndarray, '*batch 2'], angles: Float[np.ndarray, '*batch']) -> np.ndarray:
    """Vectors turned anticlockwise by angles in degrees; the two are broadcast."""
    cos, sin = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
