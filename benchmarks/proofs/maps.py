"""Worlds that are hard on physics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from megastep import mapgen
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.ragged import Ragged


def outline(corners: Float[np.ndarray, 'corner 2']) -> Float[np.ndarray, 'corner 2 2']:
    """Walls along a polygon's corners, the free space inside it if they go anticlockwise."""
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def room(corners: Float[np.ndarray, 'corner 2']) -> Geometry:
    """A polygon with its spawns around the middle of its corners."""
    corners = np.asarray(corners, dtype=float)
    return Geometry(walls=outline(corners), spawns=np.tile(corners.mean(0), (8, 1)))


def box(width: float, height: float, left: float = 1.0, bottom: float = 1.0) -> Geometry:
    """A rectangular room."""
    return room(np.array([left, bottom]) + np.array([(0, 0), (width, 0), (width, height), (0, height)]))


def polygon(sides: int, radius: float = 2.5, centre: float = 4.0) -> Geometry:
    """A room of equal sides."""
    turns = 0.1 + 2 * np.pi / sides * np.arange(sides)
    return room(centre + radius * np.stack([np.cos(turns), np.sin(turns)], axis=-1))


def star(points: int, inner: float = 0.5, outer: float = 3.0, centre: float = 4.0) -> Geometry:
    """A room of sharp wedges, at whose inner ends are corners to go round."""
    turns = 0.1 + np.pi / points * np.arange(2 * points)
    reach = np.where(np.arange(2 * points) % 2, inner, outer)
    return room(centre + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=-1))


def partitions(gap: float = 0.1, count: int = 8) -> Geometry:
    """A room with thin walls ``gap`` apart across it: agents pass their ends, and can't enter between them."""
    walls = outline(np.array([(1.0, 1), (7, 1), (7, 5), (1, 5)]))
    xs = 3 + gap * np.arange(count)
    thin = np.stack([np.stack([xs, np.full(count, 2.0)], -1), np.stack([xs, np.full(count, 4.0)], -1)], axis=1)
    spawns = np.tile([(2.0, 3.0), (6.0, 3.0)], (4, 1))
    return Geometry(walls=np.concatenate([walls, thin, thin[:, ::-1]]), spawns=spawns)


def moved(geometry: Geometry, shift: float) -> Geometry:
    """The same floorplan further along x and y, without its lights, doors and rooms."""
    return Geometry(walls=geometry.walls + shift, spawns=geometry.spawns + shift)


def cells(rows: int = 5, size: float = 1.5, *, seed: int = 0) -> tuple[Geometry, list[Float[np.ndarray, 'wall 2 2']]]:
    """A slanting grid of closed rooms with walls of no thickness between them.

    Returns:
        The floorplan, with a spawn a room; and each room's own walls.
    """
    grid = 1.5 + size * np.stack(np.meshgrid(np.arange(rows + 1), np.arange(rows + 1), indexing='ij'), axis=-1)
    grid = grid + np.random.default_rng(seed).uniform(-0.25, 0.25, grid.shape) * size
    rooms = [
        outline(np.array([grid[i, j], grid[i + 1, j], grid[i + 1, j + 1], grid[i, j + 1]]))
        for i in range(rows)
        for j in range(rows)
    ]
    spawns = np.array([walls[:, 0].mean(0) for walls in rooms])
    return Geometry(walls=np.concatenate(rooms), spawns=spawns), rooms


def hard() -> list[Geometry]:
    """Corners of every angle, curves of short and of tiny walls, thin partitions, and a house at 100 m."""
    house = mapgen.generate('house', 1, seed=9)[0]
    return [
        *(box(size, size) for size in (0.3, 1.0, 5.0)),
        *(polygon(sides) for sides in (3, 5, 64, 512)),
        *(star(points) for points in (5, 9)),
        partitions(),
        partitions(2 * AGENT_RADIUS + 3e-4),
        moved(house, 100 - house.walls.max()),
    ]


def families(count: int, *, seed: int = 0) -> list[Geometry]:
    """Some maps of each generated family."""
    return [geometry for name in sorted(mapgen.FAMILIES) for geometry in mapgen.generate(name, count, seed=seed)]


def dark(geometry: Geometry) -> Geometry:
    """The same map without lights, which take seconds to bake and which the physics doesn't see."""
    return replace(geometry, lights=np.empty((0, 3)))


def sealed(count: int) -> tuple[list[Geometry], Ragged[np.ndarray], list[Int[np.ndarray, ' spawn']]]:
    """Some grids of closed rooms, all their rooms' walls, and for each map the row of the room at each spawn."""
    made = [cells(seed=seed) for seed in range(count)]
    rooms = [walls for _, of_map in made for walls in of_map]
    widths = np.array([len(walls) for walls in rooms], dtype=np.int32)
    rows = np.split(np.arange(len(rooms)), np.cumsum([len(of_map) for _, of_map in made])[:-1])
    return [geometry for geometry, _ in made], Ragged(np.concatenate(rooms), widths), rows
