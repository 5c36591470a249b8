"""Throughput of the map generator."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.speed.worlds import LARGE_HOUSE
from megastep import mapgen


@dataclass(frozen=True)
class Case:
    """Maps to generate: a family, how many, its parameters, and how many processes make them."""

    family: str
    count: int
    parameters: dict[str, Any] = field(default_factory=dict)
    workers: int = 1


def cases() -> list[Case]:
    """Every family's maps by default, and those that are asked to be fast."""
    named = [
        Case('house', 500, {'rooms': (9, 11)}),
        Case('house', 300, LARGE_HOUSE),
        Case('maze', 200, {'width': (25, 25), 'height': (25, 25), 'chambers': (0, 0)}),  # 51x51, counting walls
        Case('office', 20, {'rooms': (250, 250)}),
        Case('house', 10_000, workers=2),
    ]
    known = [case for case in named if case.family in mapgen.FAMILIES]
    return [*(Case(family, 200) for family in mapgen.FAMILIES), *known]


QUICK = (Case('box', 2), Case('house', 2))


def measure(case: Case) -> dict[str, Any]:
    """Times the making of maps, certificates, lights and spawns included.

    With one process it takes that process' own time, after a map that is left out; with several the clock's, with what
    it takes to start them.
    """
    clock = time.process_time if case.workers == 1 else time.perf_counter
    mapgen.generate(case.family, 1, seed=1, **case.parameters)
    start = clock()
    maps = mapgen.generate(case.family, case.count, seed=0, workers=case.workers, **case.parameters)
    seconds = clock() - start
    return {
        'family': case.family,
        'parameters': ' '.join(f'{name}={value}' for name, value in case.parameters.items()) or 'defaults',
        'maps': case.count,
        'workers': case.workers,
        'walls': float(np.median(maps.walls.widths)),
        'seconds': seconds,
        'maps/s a core': case.count / (case.workers * seconds),
    }
