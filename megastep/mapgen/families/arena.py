"""An arena: open ground with things to hide behind, symmetrical if it is to be fair."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from megastep.mapgen.families import arena_obstacles
from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import units
from megastep.mapgen.geometry.symmetry import SYMMETRIES, orbit
from megastep.mapgen.plan import FINE, MILLIMETRES, Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng

OUTLINES = ('cross', 'octagon', 'rectangle')

SIDES = np.array([(1, 0), (0, 1), (1, 1), (1, -1)])
"""Obstacles are told apart by how far they extend along these directions."""

STRETCH = np.array([1000, 1000, 1415, 1415])
"""A thousand times the lengths of these, or a little more."""

THROWS = 192
"""How many obstacles are tried."""

MOST = 128
"""No arena has more obstacles than this, but for the last one's images."""


class Ground(NamedTuple):
    """An arena without its obstacles. Its middle is the origin."""

    ring: list[Point]
    parts: Int[np.ndarray, 'part 2 side']
    """Convex parts that cover it: the least and the greatest that each reaches along `SIDES`."""
    symmetry: str


def build(
    rng: Rng,
    *,
    width: tuple[float, float],
    height: tuple[float, float],
    outline: str,
    symmetry: str,
    cover: tuple[float, float],
    size: tuple[float, float],
    passage: float,
    diagonal: float,
) -> Plan:
    """Makes an arena around the origin. See `FAMILY` for what the parameters mean.

    Obstacles are thrown in, up to `THROWS` of them. One stays, with its images under the symmetry, if it leaves a
    passage to the outline, to all others and to its images: so whatever is drawn, the ground hangs together.
    """
    sizes = rng.fork('sizes')
    across, up = (sizes.between(*map(units, side)) // 2 for side in (width, height))
    shape = sizes.pick(OUTLINES) if outline == 'any' else outline
    kind = sizes.pick(sorted(SYMMETRIES)) if symmetry == 'any' else symmetry
    ground = _ground(sizes, shape, kind, across, across if kind == 'quarter_turns' else up)
    share = sizes.between(*(round(1000 * part) for part in cover))
    throw = partial(_throw, rng.fork('obstacles'), ground, size, passage, diagonal)
    rings = _scatter(rng.fork('middle'), throw, ground, share, round(MILLIMETRES * passage))
    return Plan([ground.ring, *(ring[::-1] for ring in rings)], [PlannedRoom('arena', ground.ring)], symmetry=kind)


def _ground(rng: Rng, shape: str, symmetry: str, across: int, up: int) -> Ground:
    """Draws the outline.

    Each corner of an octagon takes a sixth to three tenths of its shorter side. A cross's arms are a third to two
    thirds as wide as the cross.
    """
    shorter = min(across, up)
    cut = rng.between(shorter // 3, 6 * shorter // 10)
    post, beam = rng.between(across // 3, 2 * across // 3), rng.between(up // 3, 2 * up // 3)
    beam = post if symmetry == 'quarter_turns' else beam
    if shape == 'cross':
        bars = [arena_obstacles.rectangle(post, up), arena_obstacles.rectangle(across, beam)]
        ring, parts = arena_obstacles.cross(across, up, post, beam), bars
    else:
        ring = arena_obstacles.octagon(across, up, cut) if shape == 'octagon' else arena_obstacles.rectangle(across, up)
        parts = [ring]
    return Ground(_millimetres(ring), _reach([_millimetres(part) for part in parts]), symmetry)


def _millimetres(corners: list[Point]) -> list[Point]:
    return [(FINE * x, FINE * y) for x, y in corners]


def _reach(rings: list[list[Point]]) -> Int[np.ndarray, 'ring 2 side']:
    """The least and the greatest that each ring reaches along `SIDES`."""
    along = [np.array(ring) @ SIDES.T for ring in rings]
    return np.array([(each.min(axis=0), each.max(axis=0)) for each in along])


def _throw(
    rng: Rng, ground: Ground, size: tuple[float, float], passage: float, diagonal: float, central: bool
) -> list[Point]:
    """Draws an obstacle and where it stands: in the middle, or anywhere; in a mirrored arena often on the axis."""
    half = rng.between(*(units(length) // 2 for length in size))
    axial = central or (ground.symmetry == 'mirror' and rng.chance(1, 4))
    kind = rng.pick(arena_obstacles.EVEN if axial else arena_obstacles.KINDS)
    ring = arena_obstacles.draw(rng, kind, half, mouth=units(1.05 * passage))
    ring = arena_obstacles.turn(rng, ring, rng.chance(round(100 * diagonal), 100))
    across, up = (max(corner[axis] for corner in ground.ring) // FINE for axis in (0, 1))
    x, y = rng.between(-across, across), rng.between(-up, up)
    x, y = 0 if axial else FINE * x, 0 if central else FINE * y
    return [(x + dx, y + dy) for dx, dy in ring]


def _scatter(
    rng: Rng, throw: Callable[[bool], list[Point]], ground: Ground, share: int, passage: int
) -> list[list[Point]]:
    """Throws obstacles in until they cover so many thousandths of the ground, or enough were thrown.

    Args:
        rng: Whether one is in the middle is drawn from these.
        throw: Draws an obstacle, in the middle or not.
        ground: Where they stand.
        share: How much to cover.
        passage: How far each is from all others and from the outline, in millimetres.
    """
    gaps = passage * STRETCH // 1000 + 1
    rings: list[list[Point]] = []
    kept = np.empty((0, 2, len(SIDES)), dtype=np.int64)
    left = share * _area(ground.ring) // 1000
    central = ground.symmetry != 'none' and rng.chance(1, 2)
    for i in range(THROWS):
        if left <= 0 or len(rings) >= MOST:
            break
        ring = throw(central and i == 0)
        (reach,) = _reach([ring])
        if _inside(reach, ground.parts, gaps) and _apart(reach, kept, gaps):
            images = orbit(ring, ground.symmetry)
            reaches = _reach(images)
            if _apart(reach, reaches[1:], gaps):
                rings += images
                kept = np.concatenate([kept, reaches])
                left -= len(images) * _area(ring)
    return rings


def _area(ring: list[Point]) -> int:
    """What an anticlockwise ring encloses, in square millimetres, by the shoelace formula."""
    return sum(ax * by - ay * bx for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True)) // 2


def _inside(reach: np.ndarray, parts: np.ndarray, gaps: np.ndarray) -> bool:
    """Whether a shape keeps clear of the sides of one of the ground's parts."""
    return bool(((parts[:, 0] + gaps <= reach[0]) & (reach[1] + gaps <= parts[:, 1])).all(axis=1).any())


def _apart(reach: np.ndarray, others: np.ndarray, gaps: np.ndarray) -> bool:
    """Whether a shape is clear of each of the others, seen along some direction."""
    return bool(((others[:, 1] + gaps <= reach[0]) | (reach[1] + gaps <= others[:, 0])).any(axis=1).all())


FAMILY = Family(
    name='arena',
    version=1,
    about='Open ground with obstacles, which may be symmetrical.',
    parameters=MappingProxyType(
        {
            'width': Parameter(
                (12.0, 24.0), 6.0, 98.0, 'm', 'How far it goes along x, and if it has quarter turns, y.'
            ),
            'height': Parameter((12.0, 24.0), 6.0, 98.0, 'm', 'How far it goes along y, unless it has quarter turns.'),
            'outline': Choice('any', ('any', *OUTLINES), 'The form of its outline.'),
            'symmetry': Choice(
                'any',
                ('any', *SYMMETRIES),
                'What leaves it as it is, spawns and lights too: nothing, a mirror, half a turn, or each quarter.',
            ),
            'cover': Parameter(
                (0.06, 0.14), 0.0, 0.3, '', 'Obstacles are added until they cover this share, while they fit.'
            ),
            'size': Parameter((0.6, 3.5), 0.3, 8.0, 'm', 'How long obstacles are.'),
            'passage': Parameter(1.2, 0.75, 2.0, 'm', 'What obstacles leave free between them, at least.'),
            'diagonal': Parameter(0.25, 0.0, 1.0, '', 'The share of obstacles turned by 45 degrees.'),
        }
    ),
    build=build,
)
