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
from megastep.mapgen.geometry.lattice import in_millimetres, units
from megastep.mapgen.geometry.polygons import doubled_area
from megastep.mapgen.geometry.symmetry import SYMMETRIES, orbit
from megastep.mapgen.parameters import FloatRange
from megastep.mapgen.plan import LATTICE_STEP, MILLIMETRES_PER_METRE, Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng

ARENA_OUTLINES = ('cross', 'octagon', 'rectangle')
"""The forms that the outline may have."""

SEPARATING_DIRECTIONS = np.array([(1, 0), (0, 1), (1, 1), (1, -1)])
"""The directions of the separating axes that obstacles are told apart by."""

DIRECTION_LENGTHS = np.array([1000, 1000, 1415, 1415])
"""The lengths of these directions, times a thousand, or a little more."""

OBSTACLE_DRAWS = 192
"""The number of obstacles that are tried."""

MOST_OBSTACLES = 128
"""The greatest number of obstacles, but for the last one's images."""


class Ground(NamedTuple):
    """The ground of an arena: without its obstacles. Its middle is the origin."""

    ring: list[Point]
    parts: Int[np.ndarray, 'part 2 direction']
    """Convex parts that cover it: the projection of each onto `SEPARATING_DIRECTIONS`, its least and its greatest."""
    symmetry: str


def build(
    rng: Rng,
    *,
    width: FloatRange,
    height: FloatRange,
    outline: str,
    symmetry: str,
    cover: FloatRange,
    size: FloatRange,
    passage: float,
    diagonal: float,
) -> Plan:
    """The plan of an arena around the origin. `FAMILY` says what the parameters mean.

    Obstacles are thrown in, up to `OBSTACLE_DRAWS` of them. One stays, with its images under the symmetry, if it leaves
    a passage to the outline, to all others and to its images: so whatever is drawn, the ground hangs together.
    """
    sizes = rng.fork('sizes')
    across, up = (sizes.between(*map(units, side)) // 2 for side in (width, height))
    shape = sizes.pick(ARENA_OUTLINES) if outline == 'any' else outline
    chosen = sizes.pick(sorted(SYMMETRIES)) if symmetry == 'any' else symmetry
    ground = _ground(sizes, shape, chosen, across, across if chosen == 'quarter_turns' else up)
    share = sizes.between(*(round(1000 * part) for part in cover))
    throw = partial(_throw, rng.fork('obstacles'), ground, size, passage, diagonal)
    rings = _scatter(rng.fork('middle'), throw, ground, share, round(MILLIMETRES_PER_METRE * passage))
    return Plan([ground.ring, *(ring[::-1] for ring in rings)], [PlannedRoom('arena', ground.ring)], symmetry=chosen)


def _ground(rng: Rng, shape: str, symmetry: str, across: int, up: int) -> Ground:
    """A random ground.

    Each corner of an octagon takes a sixth to three tenths of its shorter side. A cross's arms are a third to two
    thirds as wide as the cross.
    """
    shorter = min(across, up)
    cut = rng.between(shorter // 3, 6 * shorter // 10)
    upright, level = rng.between(across // 3, 2 * across // 3), rng.between(up // 3, 2 * up // 3)
    level = upright if symmetry == 'quarter_turns' else level
    if shape == 'cross':
        bars = [arena_obstacles.rectangle(upright, up), arena_obstacles.rectangle(across, level)]
        ring, parts = arena_obstacles.cross(across, up, upright, level), bars
    else:
        ring = arena_obstacles.octagon(across, up, cut) if shape == 'octagon' else arena_obstacles.rectangle(across, up)
        parts = [ring]
    return Ground(in_millimetres(ring), _projections([in_millimetres(part) for part in parts]), symmetry)


def _projections(rings: list[list[Point]]) -> Int[np.ndarray, 'ring 2 direction']:
    """The projection of each ring onto `SEPARATING_DIRECTIONS`: its least and its greatest."""
    along = [np.array(ring) @ SEPARATING_DIRECTIONS.T for ring in rings]
    return np.array([(each.min(axis=0), each.max(axis=0)) for each in along])


def _throw(rng: Rng, ground: Ground, size: FloatRange, passage: float, diagonal: float, central: bool) -> list[Point]:
    """A random obstacle where it stands: in the middle, or anywhere; in a mirrored arena often on the axis."""
    half = rng.between(*(units(length) // 2 for length in size))
    axial = central or (ground.symmetry == 'mirror' and rng.chance(1, 4))
    kind = rng.pick(arena_obstacles.SYMMETRICAL_KINDS if axial else arena_obstacles.OBSTACLE_KINDS)
    ring = arena_obstacles.draw(rng, kind, half, mouth=units(1.05 * passage))
    ring = arena_obstacles.rotated(rng, ring, rng.chance(round(100 * diagonal), 100))
    across, up = (max(corner[axis] for corner in ground.ring) // LATTICE_STEP for axis in (0, 1))
    x, y = rng.between(-across, across), rng.between(-up, up)
    x, y = 0 if axial else LATTICE_STEP * x, 0 if central else LATTICE_STEP * y
    return [(x + dx, y + dy) for dx, dy in ring]


def _scatter(
    rng: Rng, throw: Callable[[bool], list[Point]], ground: Ground, share: int, passage: int
) -> list[list[Point]]:
    """Dart throwing: random obstacles until they cover so many thousandths of the ground, or enough were tried.

    Args:
        rng: The random number generator, drawn from once, for an obstacle in the middle.
        throw: A function that draws an obstacle, in the middle or not.
        ground: The ground that they stand on.
        share: The part of it to cover, in thousandths.
        passage: The least distance of each from all others and from the outline, in millimetres.
    """
    clearance = passage * DIRECTION_LENGTHS // 1000 + 1
    rings: list[list[Point]] = []
    kept = np.empty((0, 2, len(SEPARATING_DIRECTIONS)), dtype=np.int64)
    left = share * (doubled_area(ground.ring) // 2) // 1000
    central = ground.symmetry != 'none' and rng.chance(1, 2)
    for i in range(OBSTACLE_DRAWS):
        if left <= 0 or len(rings) >= MOST_OBSTACLES:
            break
        ring = throw(central and i == 0)
        (projection,) = _projections([ring])
        if _inside(projection, ground.parts, clearance) and _apart(projection, kept, clearance):
            images = orbit(ring, ground.symmetry)
            projections = _projections(images)
            if _apart(projection, projections[1:], clearance):
                rings += images
                kept = np.concatenate([kept, projections])
                left -= len(images) * (doubled_area(ring) // 2)
    return rings


def _inside(projection: np.ndarray, parts: np.ndarray, clearance: np.ndarray) -> bool:
    """True if a shape keeps clear of the sides of one of the ground's parts."""
    return bool(
        ((parts[:, 0] + clearance <= projection[0]) & (projection[1] + clearance <= parts[:, 1])).all(axis=1).any()
    )


def _apart(projection: np.ndarray, others: np.ndarray, clearance: np.ndarray) -> bool:
    """Separating axis test: true if a shape is clear of each of the others along some direction."""
    return bool(
        ((others[:, 1] + clearance <= projection[0]) | (projection[1] + clearance <= others[:, 0])).any(axis=1).all()
    )


FAMILY = Family(
    name='arena',
    version=1,
    about='Open ground with obstacles, which may be symmetrical.',
    parameters=MappingProxyType(
        {
            'width': Parameter(
                (12.0, 24.0), 6.0, 98.0, 'm', 'Its length along x, and if it has quarter turns, along y.'
            ),
            'height': Parameter((12.0, 24.0), 6.0, 98.0, 'm', 'Its length along y, unless it has quarter turns.'),
            'outline': Choice('any', ('any', *ARENA_OUTLINES), 'The form of its outline.'),
            'symmetry': Choice(
                'any',
                ('any', *SYMMETRIES),
                'Its symmetry, of spawns and lights too: none, by a mirror, by half a turn, or by each quarter.',
            ),
            'cover': Parameter(
                (0.06, 0.14), 0.0, 0.3, '', 'The share that obstacles are added until they cover, while they fit.'
            ),
            'size': Parameter((0.6, 3.5), 0.3, 8.0, 'm', 'The length of obstacles.'),
            'passage': Parameter(1.2, 0.75, 2.0, 'm', 'The least width that obstacles leave free between them.'),
            'diagonal': Parameter(0.25, 0.0, 1.0, '', 'The share of obstacles turned by 45 degrees.'),
        }
    ),
    build=build,
)
