"""A plan's free space, room by room, as points that lights and spawns are picked from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from megastep.mapgen.geometry.raster import Grid, cover, depths, edges, fill, near
from megastep.mapgen.plan import Plan

CLEARANCE = 250
"""Spawns keep this many millimetres from the walls."""

STEPS = (100, 250)
"""A plan is looked at in steps of so many millimetres: the second if of the first there are more than"""

POINTS = 1 << 15
"""this many points in the box around it."""

FINE_STEP = 25
"""A room that has no point clear of walls is looked at again in steps of this many millimetres."""


class Survey(NamedTuple):
    """The points of a plan that lie in its rooms and are clear of walls, at least one a room."""

    points: Int[np.ndarray, 'point 2']
    """In millimetres, sorted by room."""
    rooms: Int[np.ndarray, ' point']
    """Which room each lies in."""
    depths: Int[np.ndarray, ' point']
    """About how far each is from any point that isn't clear, or is in another room, in millimetres."""
    outlines: list[Int[np.ndarray, 'corner 2']]
    """Each room's corners."""


def survey(plan: Plan, walls: Int[np.ndarray, 'wall 2 2']) -> Survey:
    """Looks at every room, again and closer at those where there is nothing clear of walls.

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
        found.append(_look(cover(outlines[room], FINE_STEP), walls, outlines, [room]))
        if not len(found[-1][0]):
            kind = plan.rooms[room].kind
            raise ValueError(f'room {room}, a {kind}, has no place {CLEARANCE} mm clear of walls for a spawn.')
    points, rooms, depth = map(np.concatenate, zip(*found, strict=True)) if empty else found[0]
    if len(outlines) > 1:
        order = np.argsort(rooms.astype(np.int32), kind='stable')
        points, rooms, depth = points[order], rooms[order], depth[order]
    return Survey(points, rooms, depth, outlines)


def _grid(walls: Int[np.ndarray, 'wall 2 2']) -> Grid:
    grid = cover(walls[:, 0], STEPS[0])
    return grid if grid.rows * grid.columns <= POINTS else cover(walls[:, 0], STEPS[1])


def _look(
    grid: Grid, walls: Int[np.ndarray, 'wall 2 2'], outlines: list[Int[np.ndarray, 'corner 2']], rooms: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The clear points of a lattice in some rooms: where, in which room, and how far from others."""
    clear = (fill(grid, walls) > 0) & ~near(grid, walls, CLEARANCE)
    if len(outlines) == 1 and np.array_equal(outlines[0], walls[: len(outlines[0]), 0]):
        room = clear.astype(np.int64)  # the whole free space is one room
    else:
        chosen = [outlines[room] for room in rooms]
        weights = np.repeat(np.array(rooms) + 1, [len(outline) for outline in chosen])
        room = fill(grid, edges(chosen), weights) * clear
        room[room > len(outlines)] = 0  # where rooms overlap, which the certificate will say
    found = np.flatnonzero(room > 0)
    row, column = np.divmod(found, grid.columns)
    points = np.stack([grid.left + grid.step * column, grid.bottom + grid.step * row], axis=1)
    return points, room.ravel()[found] - 1, grid.step * depths(_off_borders(room)).ravel()[found]


def _off_borders(rooms: Int[np.ndarray, 'row column']) -> Bool[np.ndarray, 'row column']:
    """Which points are in a room, and not next to one of another."""
    inner = rooms > 0
    inner[:, :-1] &= (rooms[:, 1:] == 0) | (rooms[:, 1:] == rooms[:, :-1])
    inner[:-1] &= (rooms[1:] == 0) | (rooms[1:] == rooms[:-1])
    return inner
