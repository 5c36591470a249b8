"""The obstacles of an arena: boxes, crosses, corners, bays, pillars and short walls."""

from __future__ import annotations

from megastep.mapgen.geometry.lattice import LatticePoint, in_millimetres, units
from megastep.mapgen.geometry.symmetry import SYMMETRIES, transformed
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

SYMMETRICAL_KINDS = ('cross', 'pillar', 'square')
"""The kinds that a quarter turn about their middle, or a mirror through it, leaves as they are."""

OBSTACLE_KINDS = ('bay', 'box', 'box', 'corner', 'cross', 'pillar', 'wall')
"""The kinds that are drawn, each entry as likely as the others."""

LEAST_HALF_THICKNESS = units(0.05)
"""Half of the least thickness of walls and arms, in lattice units."""


def draw(rng: Rng, kind: str, half: int, mouth: int) -> list[Point]:
    """A random obstacle about the origin.

    Args:
        rng: The random number generator.
        kind: One of `OBSTACLE_KINDS` or `SYMMETRICAL_KINDS`.
        half: Half of its length, in lattice units: at least 3.
        mouth: The least width of the opening of a bay, in lattice units. A bay too small for that becomes a corner.

    Returns:
        Its corners, anticlockwise, in millimetres.
    """
    thick = rng.between(
        LEAST_HALF_THICKNESS, max(LEAST_HALF_THICKNESS, half // 4)
    )  # half a cross's arms, and all of other walls
    deep = rng.between(-(-half // 2), half)  # half the other side's length
    if kind == 'cross':
        corners = cross(half, half, thick, thick)
    elif kind == 'pillar':
        corners = octagon(half, half, -(-58 * half // 100))
    elif kind == 'bay' and 2 * (half - 2 * thick) >= mouth:
        corners = _bay(half, deep, 2 * thick)
    elif kind in ('bay', 'corner'):
        corners = _corner(half, deep, 2 * thick)
    else:
        corners = rectangle(half, {'square': half, 'box': deep, 'wall': thick}[kind])
    return in_millimetres(corners)


def rectangle(across: int, up: int) -> list[LatticePoint]:
    """A rectangle from -across to across, and from -up to up."""
    return [(-across, -up), (across, -up), (across, up), (-across, up)]


def octagon(across: int, up: int, cut: int) -> list[LatticePoint]:
    """A rectangle whose corners are cut off, so far from each along both sides."""
    right = [(across - cut, -up), (across, cut - up), (across, up - cut), (across - cut, up)]
    return right + [(-x, -y) for x, y in right]


def cross(across: int, up: int, upright: int, level: int) -> list[LatticePoint]:
    """A cross of a bar from -upright to upright, as high as the whole, and one from -level to level, as wide."""
    right = [(upright, -up), (upright, -level), (across, -level), (across, level), (upright, level), (upright, up)]
    return right + [(-x, -y) for x, y in right]


def _corner(across: int, up: int, thick: int) -> list[LatticePoint]:
    left, bottom = -across, -up
    inner = (left + thick, bottom + thick)
    return [(left, bottom), (across, bottom), (across, inner[1]), inner, (inner[0], up), (left, up)]


def _bay(across: int, up: int, thick: int) -> list[LatticePoint]:
    inner, bottom = across - thick, -up
    right = [(across, bottom), (across, up), (inner, up), (inner, bottom + thick)]
    return right + [(-x, y) for x, y in reversed(right)]


def rotated(rng: Rng, ring: list[Point], diagonal: bool) -> list[Point]:
    """An obstacle rotated by a random multiple of 90 degrees and maybe by 45 more, mirrored or not.

    Half of a right angle leaves the corners on whole millimetres: it makes the obstacle 1 % smaller.
    """
    ring = transformed(ring, rng.pick(SYMMETRIES['mirror']))
    ring = transformed(ring, rng.pick(SYMMETRIES['quarter_turns']))
    return half_right(ring) if diagonal else ring


def half_right(ring: list[Point]) -> list[Point]:
    """A ring rotated by 45 degrees, 1 % smaller."""
    return [(7 * (x - y) // 10, 7 * (x + y) // 10) for x, y in ring]
