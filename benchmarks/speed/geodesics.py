"""Measures how long geodesic fields take to compute, by family of maps, and how large they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from megastep import mapgen
from megastep.env.navigation import RAGGEDS, GeodesicField
from megastep.maps.apartments import real_apartments
from megastep.maps.mapset import MapSet

MAPS = {'house': 32}
"""How many maps of a family are timed; `OTHERS` where it isn't said."""

OTHERS = 8

LEVELS = 24
"""So many of Freedoom's levels, the smallest, are timed together; the largest is timed alone."""


def cases(*, quick: bool) -> Iterator[tuple[str, MapSet]]:
    """Maps by name: those of each family, real apartments, and the levels of Freedoom if they are there."""
    for family in ('box', 'house') if quick else mapgen.FAMILIES:
        yield family, mapgen.generate(family, 1 if quick else MAPS.get(family, OTHERS), seed=0)
    if quick:
        return
    yield 'real apartments', real_apartments()[: MAPS['house']]
    try:
        from vizdoom import __file__ as place
    except ImportError:
        return
    levels = MapSet.from_wad(place.replace('__init__.py', 'freedoom2.wad'))
    order = np.argsort(levels.walls.widths)
    yield f'Freedoom, {LEVELS} smallest levels', levels[order[:LEVELS]]
    yield 'Freedoom, largest level', levels[order[-1:]]


def measure(name: str, maps: MapSet) -> dict[str, Any]:
    """Times the packing of fields on one core, a map at a time; what is compiled is compiled before."""
    GeodesicField.pack(mapgen.generate('column', 1), 'cpu', workers=1)
    seconds, size = [], 0
    for geometry in maps:
        start = time.process_time()
        field = GeodesicField.pack([geometry], 'cpu', workers=1)
        seconds.append(time.process_time() - start)
        size += sum(getattr(field, ragged).vals.nbytes for ragged in RAGGEDS)
    return {
        'maps': name,
        'count': len(maps),
        'walls': float(np.median(maps.walls.widths)),
        'spawns': float(np.median(maps.spawns.widths)),
        'ms a map': 1000 * float(np.mean(seconds)),
        'slowest, ms': 1000 * max(seconds),
        'kB a map': size / len(maps) / 1000,
    }
