"""A track: a closed circuit of one width, with straights, bends and hairpins."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.families.track_circuit import Bend, circuit
from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.polygons import straightened
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import MILLIMETRES_PER_METRE, Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng

CIRCUIT_SEPARATION = 1.5
"""The least distance of stretches of a circuit that don't follow on one another, in sides of a hexagon."""

SAME_RUNG_DISTANCE = 10
"""The distance within which rungs are one, in millimetres."""


class Rung(NamedTuple):
    """A cross-section: a line across the track."""

    left: Point
    right: Point


def build(
    rng: Rng,
    *,
    size: IntRange,
    width: FloatRange,
    gap: float,
    spread: float,
    winding: float,
    sector: float,
) -> Plan:
    """The plan of a track. `FAMILY` says what the parameters mean.

    Its rooms are sectors, one after the other as one drives it anticlockwise, from the beginning of its longest
    straight. Each shares an open edge with the next, and the last with the first.
    """
    sizes = rng.fork('sizes')
    across = sizes.between(*(round(MILLIMETRES_PER_METRE * metres) for metres in width))
    apart = across + MILLIMETRES_PER_METRE * gap
    bends = circuit(
        rng.fork('circuit'),
        size=sizes.between(*size),
        side=spread * apart / CIRCUIT_SEPARATION,
        width=apart,
        winding=winding,
    )
    rungs = _rungs(bends, across)
    rings = [[rung.right for rung in rungs], [rung.left for rung in reversed(rungs)]]
    return Plan([straightened(ring) for ring in rings], _sectors(rungs, MILLIMETRES_PER_METRE * sector))


def _rungs(bends: list[Bend], width: int) -> list[Rung]:
    """The rungs where walls along the track meet; without those where an arc begins as soon as another ends."""
    rungs = [
        Rung(left, right)
        for bend in bends
        for left, right in zip(bend.points(width / 2), bend.points(-width / 2), strict=True)
    ]
    before = [rungs[-1], *rungs[:-1]]
    return [rung for last, rung in zip(before, rungs, strict=True) if _length(last, rung) >= SAME_RUNG_DISTANCE]


def _sectors(rungs: list[Rung], least: float) -> list[PlannedRoom]:
    """The sectors between some rungs: each is at least so long on one side, but for at most a third of it."""
    lengths = [_length(before, after) for before, after in zip([rungs[-1], *rungs[:-1]], rungs, strict=True)]
    first = lengths.index(max(lengths)) - 1
    rungs, lengths = rungs[first:] + rungs[:first], lengths[first:] + lengths[:first]
    least, cuts, since = min(least, sum(lengths) // 3), [0], 0
    for i in range(1, len(rungs)):
        since += lengths[i]
        if since >= least:
            cuts, since = [*cuts, i], 0
    if since + lengths[0] < least / 2:
        cuts.pop()
    return [
        _sector([*rungs, rungs[0]][start : end + 1]) for start, end in zip(cuts, [*cuts[1:], len(rungs)], strict=True)
    ]


def _length(before: Rung, after: Rung) -> int:
    """The distance from one rung to another on the longer side, in whole millimetres."""
    return max(math.isqrt((x - u) ** 2 + (y - v) ** 2) for (x, y), (u, v) in zip(before, after, strict=True))


def _sector(rungs: list[Rung]) -> PlannedRoom:
    return PlannedRoom('track', [*(rung.right for rung in rungs), *(rung.left for rung in reversed(rungs))])


FAMILY = Family(
    name='track',
    version=1,
    about='A closed circuit with straights, bends and hairpins, parted into sectors in driving order.',
    parameters=MappingProxyType(
        {
            'size': Parameter((7, 14), 1, 30, '', 'Its size: the number of hexagons it is first drawn around.'),
            'width': Parameter((1.4, 2.0), 0.75, 4.0, 'm', 'The width of the track.'),
            'gap': Parameter(0.4, 0.2, 2.0, 'm', 'The least distance of stretches side by side.'),
            'spread': Parameter(1.35, 1.1, 1.6, '', 'The spaciousness: at 1.1, stretches and bends are tight.'),
            'winding': Parameter(0.6, 0.0, 1.0, '', 'The share of winding: at 1, it has the most hairpins.'),
            'sector': Parameter(4.0, 2.0, 20.0, 'm', 'The least length of sectors.'),
        }
    ),
    build=build,
)
