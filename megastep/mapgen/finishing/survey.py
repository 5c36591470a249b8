"""A survey of a plan's free space on a grid, room by room: points that lights and spawns are picked from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from megastep.mapgen.finishing.certificate import SPAWN_CLEARANCE
from megastep.mapgen.geometry.raster import Grid, cover, distance_transform, edges, fill, near
from megastep.mapgen.plan import MILLIMETRES_PER_METRE, Plan

SPAWN_CLEARANCE_MILLIMETRES = round(MILLIMETRES_PER_METRE * SPAWN_CLEARANCE)
"""The least distance of spawns from the walls, in millimetres."""

GRID_STEPS = (100, 250)
"""The steps of the grid that a plan is looked at on, in millimetres: the first, unless it has too many points."""

MOST_FINE_POINTS = 1 << 15
"""The greatest number of points of a grid of the first step."""

FINEST_STEP = 25
"""The step of the grid that a room is looked at again on if it has no point clear of walls, in millimetres."""


class Survey(NamedTuple):
    """The survey of a plan: the grid points that lie in its rooms and are clear of walls, at least one a room."""

    points: Int[np.ndarray, 'point 2']
    """In millimetres, sorted by room."""
    rooms: Int[np.ndarray, ' point']
    """The room that each lies in."""
    depths: Int[np.ndarray, ' point']
    """The distance of each from the nearest point that isn't clear, or is in another room, about, in millimetres."""
    outlines: list[Int[np.ndarray, 'corner 2']]
    """The corners of each room."""


def survey(plan: Plan, walls: Int[np.ndarray, 'wall 2 2']) -> Survey:
    """The survey of every room, again and closer where there is nothing clear of walls.

    Args:
        plan: Free space and rooms.
        walls: Its rings' edges.

    Raises:
        ValueError: if a room has no place for a spawn.
    """
    outlines = [np.array(room.outline) for room in plan.rooms]
    found = [_look(_grid(walls), walls, outlines, range(len(outlines)))]
    empty = np.flatnonzero(np.bincount(found[0][1], minlength=len(outlines)) == 0).tolist()
    for room in empty:
        found.append(_look(cover(outlines[room], FINEST_STEP), walls, outlines, [room]))
        if not len(found[-1][0]):
            kind = plan.rooms[room].kind
            raise ValueError(
                f'room {room}, a {kind}, has no place {SPAWN_CLEARANCE_MILLIMETRES} mm clear of walls for a spawn.'
            )
    points, rooms, depth = map(np.concatenate, zip(*found, strict=True)) if empty else found[0]
    if len(outlines) > 1:
        order = np.argsort(rooms.astype(np.int32), kind='stable')
        points, rooms, depth = points[order], rooms[order], depth[order]
    return Survey(points, rooms, depth, outlines)


def _grid(walls: Int[np.ndarray, 'wall 2 2']) -> Grid:
    grid = cover(walls[:, 0], GRID_STEPS[0])
    return grid if grid.height * grid.width <= MOST_FINE_POINTS else cover(walls[:, 0], GRID_STEPS[1])


def _look(
    grid: Grid, walls: Int[np.ndarray, 'wall 2 2'], outlines: list[Int[np.ndarray, 'corner 2']], rooms: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The clear points of a grid in some rooms: their places, rooms, and distances from others."""
    clear = (fill(grid, walls) > 0) & ~near(grid, walls, SPAWN_CLEARANCE_MILLIMETRES)
    if len(outlines) == 1 and np.array_equal(outlines[0], walls[: len(outlines[0]), 0]):
        room = clear.astype(np.int64)  # the whole free space is one room
    else:
        chosen = [outlines[room] for room in rooms]
        weights = np.repeat(np.array(rooms) + 1, [len(outline) for outline in chosen])
        room = fill(grid, edges(chosen), weights) * clear
        room[room > len(outlines)] = 0  # where rooms overlap, which the certificate will say
    found = np.flatnonzero(room > 0)
    y_index, x_index = np.divmod(found, grid.width)
    points = np.stack([grid.x[x_index], grid.y[y_index]], axis=1)
    return points, room.ravel()[found] - 1, grid.step * distance_transform(_off_borders(room)).ravel()[found]


def _off_borders(rooms: Int[np.ndarray, 'y x']) -> Bool[np.ndarray, 'y x']:
    """True for points that are in a room, and not next to one of another."""
    inner = rooms > 0
    inner[:, :-1] &= (rooms[:, 1:] == 0) | (rooms[:, 1:] == rooms[:, :-1])
    inner[:-1] &= (rooms[1:] == 0) | (rooms[1:] == rooms[:-1])
    return inner
