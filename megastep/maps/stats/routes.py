"""Statistics of routes through a map: the visible share of it, detour ratios, and navigation difficulty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.segments import area, clearances
from megastep.maps.stats.grid import distance_transform, make_grid, path
from megastep.maps.stats.visibility import fans, visible_areas

VIEWS, RAYS = 64, 256
"""Isovists are measured from up to so many places, spread evenly over where an agent can go, with so many rays."""

AXES = 16
"""In how many directions one looks along the way across a map."""

DISPERSION = 0.45 + AGENT_RADIUS
"""Walls nearer than this, in metres, count for `Difficulty.dispersion`: they are within three of BARN's cells of 15 cm
of where the agent's centre can be."""


class Detours(NamedTuple):
    """Detour ratios: the lengths of shortest paths between a map's spawns over those of straight lines. NaN if none."""

    mean: float
    p95: float
    """The 95th percentile over pairs of spawns."""


class Difficulty(NamedTuple):
    """Navigation difficulty of the way across a map: means over it, but for the tortuosity. NaN if there is none.

    The set of Perille, Truong, Xiao and Stone, "Benchmarking metric ground navigation" (2020), for the longest of the
    shortest ways between two spawns. They measure on a grid of obstacles grown by the robot; here lengths are metres
    from the agent's centre to the walls.
    """

    closest_obstacle: float
    """The distance of the nearest wall."""
    visibility: float
    """The distance that one sees, on average over 16 directions."""
    dispersion: float
    """The number of times a wall begins or ends to be near as one turns around once, in 16 directions."""
    characteristic_dimension: float
    """The distance from wall to wall along the narrowest of four axes."""
    tortuosity: float
    """The way's length over the straight line's."""


def visible_share(walls: Float[np.ndarray, 'wall 2 2'], spawns: Float[np.ndarray, 'spawn 2']) -> float:
    """The part of the free space that can be seen from a place that an agent can reach, on average."""
    grid = make_grid(walls, AGENT_RADIUS)
    start = grid.cell(spawns[0])
    if start < 0:
        return np.nan
    reached = np.flatnonzero(np.isfinite(distance_transform(grid.free, start)[0]))
    views = reached[np.linspace(0, len(reached) - 1, min(VIEWS, len(reached))).astype(int)]
    return float(visible_areas(grid.places(views), walls, RAYS).mean() / area(walls))


def detours(lengths: Float[np.ndarray, 'spawn spawn'], spawns: Float[np.ndarray, 'spawn 2']) -> Detours:
    """Compares shortest ways with straight lines, for all pairs of spawns of which one can be reached from the other.

    Args:
        lengths: The shortest ways', in metres, see `megastep.maps.geodesics`.
        spawns: In metres.
    """
    straight = _straight(spawns)
    possible = np.isfinite(lengths) & (straight > 0)
    ratios = (lengths[possible] / straight[possible]).clip(1)
    return Detours(float(ratios.mean()), float(np.percentile(ratios, 95))) if len(ratios) else Detours(np.nan, np.nan)


def difficulty(
    lengths: Float[np.ndarray, 'spawn spawn'],
    spawns: Float[np.ndarray, 'spawn 2'],
    walls: Float[np.ndarray, 'wall 2 2'],
) -> Difficulty:
    """Measures the longest of the shortest ways between two spawns, at places about every 15 cm."""
    possible = np.where(np.isfinite(lengths), lengths, 0)
    start, end = np.unravel_index(possible.argmax(), lengths.shape)
    grid = make_grid(walls, AGENT_RADIUS)
    cells = grid.cell(spawns[start]), grid.cell(spawns[end])
    if not possible[start, end] or min(cells) < 0:
        return Difficulty(*[np.nan] * 5)
    places = grid.places(path(distance_transform(grid.free, cells[0])[1], cells[1]))
    seen = fans(places, walls, AXES)
    near = seen < DISPERSION
    across = (seen[:, : AXES // 2] + seen[:, AXES // 2 :])[:, :: AXES // 8]
    return Difficulty(
        closest_obstacle=float(clearances(places, walls).mean()),
        visibility=float(seen.mean()),
        dispersion=float((near != np.roll(near, 1, axis=1)).sum(1).mean()),
        characteristic_dimension=float(across.min(1).mean()),
        tortuosity=float(max(lengths[start, end] / _straight(spawns)[start, end], 1)),
    )


def _straight(points: Float[np.ndarray, 'point 2']) -> Float[np.ndarray, 'point point']:
    return np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
