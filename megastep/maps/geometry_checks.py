"""Checks of a floorplan: closed walls that face their free space, and spawns where an agent has room."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32
from numpy.typing import ArrayLike

from megastep.maps import freespace
from megastep.maps.segments import area, clearances, planar_graph, windings

JOIN = freespace.GRID / 2
"""Wall ends nearer than this, in metres, meet."""

LARGEST = 1e6
"""The largest coordinate, in metres: beyond it float64 can't tell neighbouring ends from ends that meet."""

MOVE = ' Add one and the same amount to all coordinates, as importers do.'
"""The remedy for a plan of which some lies below 0."""

ROUNDED = 1 - 1e-6
"""A length kept as a float32 may be this much of what it was."""


def checked_array(array: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A copy of ``array`` that can't be written to, if its rows have this shape and its coordinates are positive."""
    wanted = f'{name} must be numbers of shape ({", ".join(map(str, ("n", *shape)))})'
    try:
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f'{wanted}: {error}.') from error
    array = array.reshape(-1, *shape) if array.size == 0 else array
    if array.shape[1:] != shape:
        raise ValueError(f'{wanted}, got {array.shape}.')
    coordinates = array[:, :2] if name == 'lights' else array
    bad = ~((coordinates > 0) & (coordinates <= LARGEST))  # of a NaN, neither is true
    if bad.any():
        row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(1))[0])
        value = coordinates[bad][0]
        remedy = MOVE if np.isfinite(coordinates).all() and value <= 0 else ''
        raise ValueError(
            f'{name} must have finite coordinates above 0 m and up to {LARGEST:g} m, got {value} in row {row}.{remedy}'
        )
    if name == 'lights' and not (np.isfinite(array[:, 2]) & (array[:, 2] >= 0)).all():
        raise ValueError(f'lights must have finite intensities of at least 0, got {array[:, 2].tolist()}.')
    return frozen(array)


def frozen(array: np.ndarray) -> np.ndarray:
    """The array, which can't be written to from now on."""
    array.setflags(write=False)  # what has been checked should stay as it is
    return array


def check_lengths(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """Raises unless there are walls, and each has a length."""
    if not len(walls):
        raise ValueError('walls enclose nothing: there are 0 of them.')
    short = np.flatnonzero((walls[:, 0] == walls[:, 1]).all(-1))
    if len(short):
        raise ValueError(f'walls must be longer than 0 m, but walls {short[:10].tolist()} have zero length.')


def check_closed(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """Raises unless walls make closed outlines, along which as many begin at a point as end there."""
    points, starts, ends = planar_graph(walls)
    begin, end = (np.bincount(side, minlength=len(points)) for side in (starts, ends))
    loose = np.flatnonzero(begin != end)
    if len(loose):
        at, hint = points[loose[0]], 'Geometry.from_walls takes segments in any order and direction.'
        raise ValueError(
            f'walls have loose ends: at ({at.real:g}, {at.imag:g}) m {begin[loose[0]]} of them begin and '
            f'{end[loose[0]]} end, and as many should begin as end. {hint}'
        )
    if (enclosed := area(walls)) <= 0:
        raise ValueError(f'walls enclose nothing: the area to their left is {enclosed:g} m², and should be above 0.')


def check_facing(walls: Float[np.ndarray, 'wall 2 2']) -> None:
    """Raises unless free space lies to the left of each wall: around a point just there the walls wind once."""
    steps = walls[:, 1] - walls[:, 0]
    left = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / np.hypot(*steps.T)[:, None]
    points = walls[:, 0] + 0.382 * steps + JOIN * left  # off the middle, where maps are often symmetrical
    wrong = np.flatnonzero(windings(points, walls) != 1)
    if len(wrong):
        raise ValueError(
            f'walls must have free space to their left and not overlap, but walls {wrong[:10].tolist()} do not. '
            'Geometry.from_walls takes segments in any order and direction.'
        )


def check_spawns(spawns: Float[np.ndarray, 'spawn 2'], walls: Float[np.ndarray, 'wall 2 2'], radius: float) -> None:
    """Raises unless agents of a radius, in metres, can stand at all spawns, and there is one."""
    if not len(spawns):
        raise ValueError(f'spawns: there is no spawn with {radius:.3f} m of clearance; at least 1 is needed.')
    room = np.where(windings(spawns, walls) > 0, clearances(spawns, walls), -np.inf)
    worst = int(room.argmin())
    if room[worst] < radius:
        where = f'has {room[worst]:.3f} m of clearance' if np.isfinite(room[worst]) else 'lies outside the free space'
        raise ValueError(f'spawns need {radius:.3f} m of clearance, but spawn {worst} {where}.')


def checked_geodesics(geodesics: ArrayLike, spawns: Float[np.ndarray, 'spawn 2']) -> Float32[np.ndarray, 'spawn spawn']:
    """A copy of ``geodesics`` that can't be written to, if they may be the lengths of paths between the spawns."""
    lengths = np.array(geodesics, dtype=np.float32)
    wanted = (len(spawns), len(spawns))
    if lengths.shape != wanted:
        raise ValueError(f'geodesics must have shape {wanted}, a row and a column a spawn, got {lengths.shape}.')
    if lengths.diagonal().any():
        raise ValueError(f'geodesics must be 0 m from a spawn to itself, got {lengths.diagonal().max()} m.')
    straight = np.hypot(*(spawns[:, None] - spawns).transpose(2, 0, 1))
    for wrong, rule in (
        (lengths != lengths.T, 'symmetric'),
        (~(lengths >= straight * ROUNDED), 'no shorter than a line'),
    ):
        if wrong.any():
            i, j = np.argwhere(wrong)[0].tolist()
            raise ValueError(
                f'geodesics must be {rule}, but from spawn {i} to spawn {j} it is {lengths[i, j]} m, back '
                f'{lengths[j, i]} m, and straight {straight[i, j]:.6g} m.'
            )
    return frozen(lengths)
