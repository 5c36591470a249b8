"""Measures how long geodesic fields take to compute, by family of maps, on a CPU or a GPU, and how large they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from benchmarks.speed.worlds import LARGE_HOUSE
from megastep import mapgen
from megastep.env.fields import tables
from megastep.env.fields.tables import RAGGEDS
from megastep.env.navigation import GeodesicField
from megastep.maps.apartments import real_apartments
from megastep.maps.mapset import MapSet

MAPS = {'house': 32}
"""How many maps of a family are timed; `OTHERS` where it isn't said."""

OTHERS = 8

TOGETHER, TRIES = 2048, 3
"""A GPU makes the fields of as many maps at once as come to so many houses' cells, and so often: the best counts."""

CELLS = 2000
"""A house's."""

LEVELS = 24
"""So many of Freedoom's levels, the smallest, are timed together; the largest is timed alone."""


def cases(*, quick: bool) -> Iterator[tuple[str, MapSet]]:
    """Maps by name: those of each family, real apartments, and the levels of Freedoom if they are there."""
    for family in ('box', 'house') if quick else mapgen.FAMILIES:
        yield family, mapgen.generate(family, 1 if quick else MAPS.get(family, OTHERS), seed=0)
    if quick:
        return
    yield 'large house', mapgen.generate('house', OTHERS, seed=0, **LARGE_HOUSE)
    yield 'real apartments', real_apartments()[: MAPS['house']]
    try:
        from vizdoom import __file__ as place
    except ImportError:
        return
    levels = MapSet.from_wad(place.replace('__init__.py', 'freedoom2.wad'))
    order = np.argsort(levels.walls.widths)
    yield f'Freedoom, {LEVELS} smallest levels', levels[order[:LEVELS]]
    yield 'Freedoom, largest level', levels[order[-1:]]


def measure(name: str, maps: MapSet, device: torch.device) -> dict[str, Any]:
    """Times the packing of fields; what is compiled is compiled before. See `in_turn` and `together`."""
    size, timing = (in_turn if device.type == 'cpu' else together)(maps, device)
    return {
        'maps': name,
        'count': len(maps),
        'walls': float(np.median(maps.walls.widths)),
        'spawns': float(np.median(maps.spawns.widths)),
        **timing,
        'kB a map': size / len(maps) / 1000,
    }


def in_turn(maps: MapSet, device: torch.device) -> tuple[int, dict[str, float]]:
    """Packs a map at a time on one core; returns the fields' bytes, and the CPU time that it takes."""
    GeodesicField.pack(mapgen.generate('column', 1), device, workers=1)
    seconds, size = [], 0
    for geometry in maps:
        start = time.process_time()
        field = GeodesicField.pack([geometry], device, workers=1)
        seconds.append(time.process_time() - start)
        size += bytes_of(field)
    return size, {'ms a map': 1000 * float(np.mean(seconds)), 'slowest, ms': 1000 * max(seconds)}


def together(maps: MapSet, device: torch.device) -> tuple[int, dict[str, float]]:
    """Packs the maps at once on a GPU, each as often as `TOGETHER` says; returns one set's bytes, and the speed.

    Maps that the GPU leaves to the CPU are packed once.
    """
    field = GeodesicField.pack(maps, device)
    fits = tables.fits(maps.walls, maps.spawns).all()
    times = max(1, round(TOGETHER * CELLS / len(field.entries.vals))) if fits else 1
    many, seconds = maps[np.tile(np.arange(len(maps)), times)], []
    for _ in range(TRIES if fits else 1):
        torch.cuda.synchronize(device)
        start = time.perf_counter()
        GeodesicField.pack(many, device)
        torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return bytes_of(field), {'maps/s': len(many) / min(seconds), 'ms a map': 1000 * min(seconds) / len(many)}


def bytes_of(field: GeodesicField) -> int:
    """The bytes of a field's ragged buffers."""
    return sum(getattr(field, ragged).vals.nbytes for ragged in RAGGEDS)
