"""How fast maps are generated."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.worlds import LARGE_HOUSE
from megastep import mapgen


@dataclass(frozen=True)
class Case:
    """Maps to generate: a family, how many, and its parameters."""

    family: str
    count: int
    parameters: dict[str, Any] = field(default_factory=dict)


CASES = (Case('box', 200), Case('column', 200), Case('house', 300), Case('house', 300, LARGE_HOUSE))
QUICK = (Case('box', 2), Case('house', 2))


def measure(case: Case) -> dict[str, Any]:
    """Times one process, certificates included, after a map that is left out."""
    mapgen.generate(case.family, 1, seed=1, **case.parameters)
    start = time.perf_counter()
    maps = mapgen.generate(case.family, case.count, seed=0, workers=1, **case.parameters)
    seconds = time.perf_counter() - start
    return {
        'family': case.family,
        'parameters': ' '.join(f'{name}={value}' for name, value in case.parameters.items()) or 'defaults',
        'maps': case.count,
        'walls': float(np.median(maps.stats()['walls'])),
        'maps/s a core': case.count / seconds,
    }
