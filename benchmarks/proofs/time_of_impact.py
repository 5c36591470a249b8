"""Holds the time of impact against bisection in float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numba import njit, prange

from benchmarks.proofs import maps
from benchmarks.proofs.checking import distance
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.ragged import Ragged
from megastep.numba import buffers, impacts, obstacles
from megastep.world.scenery import Scenery

REACH = AGENT_RADIUS + 1e-4
"""How near, in metres, an agent's centre comes to a wall."""
RESOLUTION = 1e-6
"""Metres that float32 tells apart 10 m away."""
SINE = 1e-4
"""An agent that touches a wall may be taken to lead into it, or not, if it does so by less than this of its speed."""
GRAZING = 1e-5
"""Where rounding moves an impact further than this, in metres, it grazes: with under 0.4 of its speed."""
NUDGE, COORDINATES = float(impacts.NUDGE), float(impacts.ROUNDING)
NEVER = 2.0


@dataclass(frozen=True)
class Cases:
    """Moves among walls, in float32.

    Args:
        starts: Where each begins.
        moves: Where it leads, relative to there.
        rows: Which row of the walls it is among.
        walls: Rows of walls.
    """

    starts: Float[np.ndarray, 'case 2']
    moves: Float[np.ndarray, 'case 2']
    rows: Int[np.ndarray, ' case']
    walls: Ragged[np.ndarray]


@dataclass(frozen=True)
class Agreement:
    """Agreement of the kernel and the oracle: how far they are apart, at worst.

    Args:
        cases: How many moves there were.
        impacts: How many of them met something.
        grazing: In how many cases rounding decides whether there is an impact, or moves it further than `GRAZING`.
        position: Between the two positions at impact, in metres, in all other cases.
        bracket: In all cases: how far the kernel's position lies outside those at impact with a reach more and less by
            `rounding_at`, in metres.
    """

    cases: int
    impacts: int
    grazing: int
    position: float
    bracket: float

    @property
    def holds(self) -> bool:
        """True if they agree within 1e-5 m, and enough of the cases were impacts that don't graze."""
        met = self.impacts > 0.2 * self.cases and self.grazing < 0.2 * self.cases
        return met and max(self.position, self.bracket) <= 1e-5


@njit
def rounding_at(x, y):
    """The metres by which a clearance may be misjudged from a point: an end that a disc would only graze is passed, if
    by no more than a nudge and the rounding of its coordinates. docs/rules.md promises so much, and `RESOLUTION` is
    what reckoning adds.
    """
    return NUDGE + COORDINATES * (abs(x) + abs(y)) + RESOLUTION


@njit
def clearance_at(start, move, time, wall):
    """The distance of a point from a wall after a share of its move."""
    x, y = start[0] + time * move[0], start[1] + time * move[1]
    return distance(x, y, wall[0, 0], wall[0, 1], wall[1, 0], wall[1, 1])


@njit
def nearest_time(start, move, wall):
    """The time when a point that moves is nearest to a wall, by ternary search: the distance is convex in time."""
    low, high = 0.0, 1.0
    for _ in range(64):
        one, other = low + (high - low) / 3, high - (high - low) / 3
        if clearance_at(start, move, one, wall) <= clearance_at(start, move, other, wall):
            high = other
        else:
            low = one
    return (low + high) / 2


@njit
def sine_at(start, move, time, wall):
    """The share of its speed that leads a point that moves nearer to a wall."""
    length = math.hypot(move[0], move[1])
    if length == 0:
        return 0.0
    tick = 1e-9 / length
    return (clearance_at(start, move, time, wall) - clearance_at(start, move, time + tick, wall)) / 1e-9


@njit
def impact_time(start, move, wall, reach, slack, thickness):
    """The time of impact of a point with a wall's reach, by bisection; 0 if it is there already and leads nearer.

    No way leads nearer from the wall itself. On which side of it a point is can't be told from within rounding: all
    ways from within a thickness lead nearer, and none if that is negative.
    """
    clearance = clearance_at(start, move, 0.0, wall)
    if clearance <= abs(thickness):
        return 0.0 if thickness > 0 and (move[0] != 0 or move[1] != 0) else NEVER
    if clearance <= reach:
        return 0.0 if sine_at(start, move, 0.0, wall) > slack else NEVER
    low, high = 0.0, nearest_time(start, move, wall)
    if clearance_at(start, move, high, wall) > reach:
        return NEVER
    for _ in range(60):
        middle = (low + high) / 2
        if clearance_at(start, move, middle, wall) > reach:
            low = middle
        else:
            high = middle
    return high


@njit
def first_impact_time(start, move, walls, reach, slack, thickness):
    """The first of the impacts with several walls. Walls too far away to be met are left out."""
    first = NEVER
    for wall in walls:
        if clearance_at(start, move, 0.0, wall) - math.hypot(move[0], move[1]) <= reach:
            first = min(first, impact_time(start, move, wall, reach, slack, thickness))
    return first


@njit(parallel=True)
def _oracle(starts, moves, rows, walls, first_walls, widths, found):
    """For each case the impact's time, and the earliest and the latest that rounding may make of it."""
    for i in prange(len(starts)):
        around = walls[first_walls[rows[i]] : first_walls[rows[i]] + widths[rows[i]]]
        rounding = rounding_at(starts[i, 0], starts[i, 1])
        found[0, i] = first_impact_time(starts[i], moves[i], around, REACH, 0.0, 0.0)
        found[1, i] = first_impact_time(starts[i], moves[i], around, REACH + rounding, -SINE, rounding)
        found[2, i] = first_impact_time(starts[i], moves[i], around, REACH - rounding, SINE, -rounding)


@njit(parallel=True)
def _impacts(starts, moves, rows, walls, reach, times):
    for i in prange(len(starts)):
        (px, py), (dx, dy), (a, b) = starts[i], moves[i], walls[rows[i]]
        times[i] = impacts.impact(px, py, dx, dy, a[0], a[1], b[0], b[1], reach)[0]


@njit
def _first_impact(packed, m, others, move, radius):
    """The first impact of an agent that is alone in map m."""
    (px, py), (dx, dy) = others[0], move
    scratch, discs = np.empty(packed.most_walls, np.int64), np.empty((0, 3), np.float32)
    walls, sides = packed.boxed_walls, len(packed.outline)
    around = obstacles.Obstacles(walls, packed.numbers, sides, others, radius, discs, 0)
    count = obstacles.nearby(packed, m, radius, px, py, dx, dy, scratch)
    return obstacles.first_impact(around, scratch[:count], 0, px, py, dx, dy)[0]


@njit(parallel=True)
def _first_impacts(packed, starts, moves, rows, radius, times):
    for i in prange(len(starts)):
        times[i] = _first_impact(packed, rows[i], starts[i : i + 1], moves[i], radius)


def impact_agreement(cases: Cases) -> Agreement:
    """Compares `megastep.numba.impacts.impact`, cases each among a single wall, with the oracle."""
    times = np.empty(len(cases.starts), dtype=np.float32)
    _impacts(cases.starts, cases.moves, cases.rows, cases.walls.vals, np.float32(REACH), times)
    return _agreement(cases, times)


def first_impact_agreement(cases: Cases, scenery: Scenery) -> Agreement:
    """Compares `megastep.numba.obstacles.first_impact`, in a scenery's maps, with the oracle."""
    times, radius = np.empty(len(cases.starts), dtype=np.float32), np.float32(scenery.agent_radius)
    _first_impacts(buffers.maps(scenery, seen=False), cases.starts, cases.moves, cases.rows, radius, times)
    return _agreement(cases, times)


def _agreement(cases: Cases, times: Float[np.ndarray, ' case']) -> Agreement:
    found, walls = np.empty((3, len(times))), cases.walls
    starts, moves = cases.starts.astype(float), cases.moves.astype(float)
    _oracle(starts, moves, cases.rows, walls.vals.astype(float), walls.starts, walls.widths, found)
    length = np.linalg.norm(moves, axis=-1)
    made, (exact, early, late) = np.minimum(times.astype(float), 1) * length, np.minimum(found, 1) * length
    grazing = late - early > GRAZING
    return Agreement(
        cases=len(times),
        impacts=int((found[0] <= 1).sum()),
        grazing=int(grazing.sum()),
        position=float(abs(made - exact)[~grazing].max(initial=0)),
        bracket=float(np.maximum(early - made, made - late).max(initial=0)),
    )


def single_walls(count: int, *, seed: int = 0) -> Cases:
    """Moves at walls of every length and bearing, within 10 m: aimed at anything, at ends, past them, and along."""
    rng = np.random.default_rng(seed)
    a = rng.uniform(0, 10, (count, 2))
    length = 10 ** rng.uniform(-2, 1, count)
    turn = np.where(rng.random(count) < 0.5, rng.integers(0, 4, count) * np.pi / 2, rng.uniform(0, 2 * np.pi, count))
    along = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    walls = np.stack([a, a + length[:, None] * along], axis=1).astype(np.float32)
    starts = _near(walls, rng)
    moves = _aimed(starts, walls, rng)
    return Cases(starts, moves, np.arange(count), Ragged(walls, np.ones(count, dtype=np.int32)))


def _near(walls: Float[np.ndarray, 'case 2 2'], rng: np.random.Generator) -> Float[np.ndarray, 'case 2']:
    """Points around walls and around their ends: overlapping, touching, and away."""
    count = len(walls)
    share = np.where(rng.random(count) < 0.4, rng.integers(0, 2, count), rng.random(count))
    turn = rng.uniform(0, 2 * np.pi, count)
    foot = walls[:, 0] + share[:, None] * (walls[:, 1] - walls[:, 0])
    choice = rng.integers(0, 4, count)
    overlapping, touching = REACH * rng.random(count), REACH + rng.normal(0, 1e-6, count)
    away, far = REACH + 10 ** rng.uniform(-6, 0, count), 10 * rng.random(count)
    reach = np.choose(choice, [overlapping, touching, away, far])
    v = walls[:, 1] - walls[:, 0]
    across = np.stack([-v[:, 1], v[:, 0]], axis=-1) / np.linalg.norm(v, axis=-1)[:, None]
    across = np.where((rng.random(count) < 0.5)[:, None], across, -across)
    around = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    inside = (share > 0) & (share < 1)
    return (foot + reach[:, None] * np.where(inside[:, None], across, around)).astype(np.float32)


def _aimed(starts: np.ndarray, walls: np.ndarray, rng: np.random.Generator) -> Float[np.ndarray, 'case 2']:
    """Moves of a tenth of a second at 0, 1e-7 and up to 1,000 m/s."""
    count = len(starts)
    end = walls[np.arange(count), rng.integers(0, 2, count)] - starts
    angle = np.arctan2(end[:, 1], end[:, 0])
    with np.errstate(invalid='ignore'):
        tangent = angle + rng.choice([-1, 1], count) * np.arcsin(
            REACH / np.maximum(np.linalg.norm(end, axis=-1), REACH)
        )
    v = walls[:, 1] - walls[:, 0]
    slope = np.arctan2(v[:, 1], v[:, 0]) + np.pi * rng.integers(0, 2, count)
    slant = 10 ** rng.uniform(-6, -1, count) * rng.choice([-1, 0, 1], count)
    anywhere, choice = rng.uniform(0, 2 * np.pi, count), rng.integers(0, 4, count)
    turn = np.choose(choice, [anywhere, angle, tangent + slant, slope + slant])
    speed = np.choose(rng.integers(0, 6, count), [0, 1e-7, 1000, *10 ** rng.uniform(-3, 3, (3, count))])
    return (0.1 * speed[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)).astype(np.float32)


def corners() -> list[Geometry]:
    """Rooms of convex and concave corners, of walls in one line, of T-junctions, and of curves of tiny walls."""
    halves = np.array([(1, 1), (3, 1), (5, 1), (5, 3), (5, 4), (2, 4), (1, 4), (1, 2.5)])
    junction = np.array([[(3.0, 4), (3, 2)], [(3, 2), (3, 4)]])
    walls = maps.outline(np.array([(1, 1), (5, 1), (5, 4), (3, 4), (1, 4)]))
    rooms = [maps.star(5), maps.star(9), maps.box(3, 2), maps.room(halves), maps.polygon(64), maps.partitions()]
    return [*rooms, Geometry(walls=np.concatenate([walls, junction]), spawns=np.array([(2.0, 2.0)]))]


def among(geometries: list[Geometry], count: int, *, seed: int = 0) -> tuple[Cases, Scenery]:
    """Moves at walls of some maps, as many in each, and the maps."""
    scenery, rng = Scenery.pack(geometries, device='cpu', seed=seed), np.random.default_rng(seed)
    walls = Ragged(scenery.walls.vals.numpy(), scenery.walls.widths.numpy())
    rows = np.arange(count) % len(geometries)
    aim = walls.vals[walls.starts[rows] + rng.integers(0, walls.widths[rows])]
    starts = _near(aim, rng)
    return Cases(starts, _aimed(starts, aim, rng), rows, walls), scenery
