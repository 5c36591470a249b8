"""Voronoi cells: a polygon parted among sites, each of which has what is nearest to it (Voronoi, 1908).

Cells are cut out by half-planes, one a neighbour. They are moved apart by the thickness of the walls between them by
moving the half-planes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from megastep.mapgen.geometry.polygons import Vector, along, distance, interpolated, left_of, ring_edges, unit
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

OUTSIDE = -1
"""The neighbour of a cell beyond the polygon."""

POINTS_PER_CELL = 64
"""The number of points that each cell is evened out on, about."""

SHORTEST_CELL_SIDE = 60.0
"""The length below which sides of cells are cut off, in millimetres."""


class Side(NamedTuple):
    """A side of a convex polygon: its start, and the cell behind it. It ends where the next begins."""

    start: Vector
    neighbour: int


class HalfPlane(NamedTuple):
    """A half-plane: what lies to the left of a line."""

    origin: Vector
    direction: Vector
    """The direction of the line, of length 1."""

    def depth(self, point: Vector) -> float:
        """The signed distance of a point inside, in millimetres; below zero outside."""
        (x, y), (u, v) = self.origin, self.direction
        return u * (point[1] - y) - v * (point[0] - x)


def clipped(sides: Sequence[Side], half: HalfPlane, neighbour: int) -> list[Side]:
    """The intersection of a convex polygon with a half-plane, by clipping (Sutherland and Hodgman, 1974)."""
    depths = [half.depth(side.start) for side in sides]
    kept: list[Side] = []
    for i, (side, depth) in enumerate(zip(sides, depths, strict=True)):
        after, beyond = sides[(i + 1) % len(sides)], depths[(i + 1) % len(sides)]
        if depth > 0:
            kept.append(side)
        if (depth > 0) != (beyond > 0):
            crossing = interpolated(side.start, after.start, depth / (depth - beyond))
            kept.append(Side(crossing, neighbour if depth > 0 else side.neighbour))
    return kept


def outline(corners: Sequence[Vector]) -> list[Side]:
    """The sides of a convex polygon, anticlockwise, with nothing but the outside around it."""
    return [Side((float(x), float(y)), OUTSIDE) for x, y in corners]


def lloyd_sites(rng: Rng, corners: Sequence[Point], count: int, rounds: int) -> list[Point]:
    """Lloyd relaxation: random sites in a convex polygon, each of which moves to the middle of its cell over and over.

    Lloyd, "Least squares quantization in PCM", 1982.

    Args:
        rng: The random number generator.
        corners: The polygon's, anticlockwise, in millimetres.
        count: The number of sites.
        rounds: The number of moves: after more, cells are rounder and more alike.
    """
    points = _points_inside(corners, count)
    sites = points[rng.shuffled(range(len(points)))[:count]]
    for _ in range(rounds):
        nearest = np.square(points[:, None] - sites).sum(-1).argmin(1)
        counts = np.bincount(nearest, minlength=count)
        # Sums of whole numbers are exact in floats, so their order doesn't matter.
        sums = [np.bincount(nearest, weights=axis, minlength=count).astype(np.int64) for axis in points.T]
        middles = np.stack(sums, axis=1) // np.maximum(counts, 1)[:, None]
        sites = np.where(counts[:, None] > 0, middles, sites)
    return sorted({(x, y) for x, y in sites.tolist()})


def _points_inside(corners: Sequence[Point], count: int) -> Int[np.ndarray, 'point 2']:
    """Lattice points in a convex polygon."""
    ring = np.array(corners, dtype=np.int64)
    low, high = ring.min(0), ring.max(0)
    step = max(1, math.isqrt(int((high - low).prod()) // (POINTS_PER_CELL * count)))
    x, y = np.meshgrid(*(np.arange(start + step // 2, end, step) for start, end in zip(low, high, strict=True)))
    inside: Bool[np.ndarray, 'y x'] = np.ones(x.shape, dtype=bool)
    for (u, v), (s, t) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        inside &= (s - u) * (y - v) - (t - v) * (x - u) > 0
    return np.stack([x[inside], y[inside]], axis=1)


def cells(sites: Sequence[Vector], sides: Sequence[Side], wall: float) -> list[list[Side]]:
    """The Voronoi cell of each site in a convex polygon, with walls between them; without its shortest sides.

    Args:
        sites: The sites, in millimetres.
        sides: The polygon.
        wall: The thickness of walls, in millimetres.
    """
    return [_without_short(_cell(i, sites, sides, wall)) for i in range(len(sites))]


def _cell(i: int, sites: Sequence[Vector], sides: Sequence[Side], wall: float) -> list[Side]:
    cell = list(sides)
    others = sorted((distance(sites[i], other), j) for j, other in enumerate(sites) if j != i)
    for away, j in others:
        if away > wall + 2 * max((distance(sites[i], side.start) for side in cell), default=0):
            break  # this border and those of all further sites are beyond the cell
        cell = clipped(cell, border(sites[i], sites[j], -wall / 2), j)
    return cell


def border(site: Vector, other: Vector, beyond: float) -> HalfPlane:
    """The half-plane of what is nearer to a site than to another: left of their bisector, moved by a distance."""
    ahead, length = unit(site, other)
    return HalfPlane(along(site, ahead, length / 2 + beyond), left_of(ahead))


def least_width(sides: Sequence[Side]) -> float:
    """The width of a convex polygon: the least distance of two parallel lines that it lies between."""
    halves = _half_planes(sides)
    return min(max(half.depth(side.start) for side in sides) for half in halves)


def _half_planes(sides: Sequence[Side]) -> list[HalfPlane]:
    return [HalfPlane(side.start, unit(side.start, after.start)[0]) for side, after in ring_edges(sides)]


def section(sides: Sequence[Side], half: HalfPlane, depth: float) -> tuple[float, float] | None:
    """The interval in which a line so deep in a half-plane runs through a convex polygon, measured from its origin."""
    depths = [half.depth(side.start) - depth for side in sides]
    (x, y), (u, v) = half
    found = []
    for i, side in enumerate(sides):
        after, near, far = sides[(i + 1) % len(sides)], depths[i], depths[(i + 1) % len(sides)]
        if (near > 0) != (far > 0):
            point = interpolated(side.start, after.start, near / (near - far))
            found.append((point[0] - x) * u + (point[1] - y) * v)
    return (min(found), max(found)) if found else None


def _without_short(sides: list[Side]) -> list[Side]:
    """A polygon without the ends of short sides, so that it only gets smaller."""
    kept: list[Side] = []
    for side in sides:
        if kept and distance(kept[-1].start, side.start) < SHORTEST_CELL_SIDE:
            kept[-1] = Side(kept[-1].start, side.neighbour)
        else:
            kept.append(side)
    while len(kept) > 1 and distance(kept[-1].start, kept[0].start) < SHORTEST_CELL_SIDE:
        kept.pop()
    return kept
