"""Makes map sets, on one process or many."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from types import MappingProxyType
from typing import Any

from tqdm import tqdm

from megastep.geometry import Geometry
from megastep.mapgen import box, column, house
from megastep.mapgen.certificate import certify
from megastep.mapgen.family import Family
from megastep.mapset import MapSet

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {family.name: family for family in (box.FAMILY, column.FAMILY, house.FAMILY)}
)
"""The kinds of map that can be generated, by name."""

CHUNK = 16
"""How many maps a worker makes before it hands them over."""


def generate(
    family: str, count: int, *, seed: int = 0, workers: int = 1, progress: bool = False, **parameters: Any
) -> MapSet:
    """Generates maps. The same arguments give the same maps for ever, whatever the number of workers.

    More workers are other processes, which import the calling script: there, call this under
    ``if __name__ == '__main__':``.

    Args:
        family: The kind of map: a key of `FAMILIES`.
        count: How many maps.
        seed: Another seed gives other maps. A greater count with the same seed begins with the same maps.
        workers: How many processes to use.
        progress: Show a bar.
        parameters: The family's parameters, each as in ``FAMILIES[family].parameters``.

    Raises:
        ValueError: if there is no such family or parameter, or a value is out of its range.
        CertificateError: if a map isn't valid, which is a bug.
    """
    if family not in FAMILIES:
        raise ValueError(f'unknown family {family!r}; the families are {", ".join(sorted(FAMILIES))}.')
    count, seed, workers = _whole('count', count, 1), _whole('seed', seed, 0), _whole('workers', workers, 1)
    complete = FAMILIES[family].complete(parameters)
    maps = tqdm(_maps(family, count, seed, workers, complete), family, count, unit='maps', disable=not progress)
    recipe = {'family': family, 'version': FAMILIES[family].version, 'seed': seed, 'parameters': complete}
    return MapSet(list(maps), recipe=recipe)


def _whole(subject: str, value: Any, least: int) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise ValueError(f'{subject} must be a whole number of at least {least}, got {value!r}.')
    return number


def _maps(family: str, count: int, seed: int, workers: int, parameters: dict[str, Any]) -> Iterator[Geometry]:
    """The maps in order, made by this process or by several others."""
    build = partial(_build, family, seed, parameters)
    if workers == 1:
        yield from map(build, range(count))
        return
    # Ctrl-C is for the caller alone: a pool whose workers die of it never lets the caller end.
    deaf = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(min(workers, count), get_context('spawn'), initializer=deaf) as pool:
        yield from pool.map(build, range(count), chunksize=min(CHUNK, -(-count // workers)))


def _build(family: str, seed: int, parameters: dict[str, Any], index: int) -> Geometry:
    """Makes one map and certifies it. The parameters are complete and checked."""
    kind = FAMILIES[family]
    geometry = kind.build(kind.words(seed, index), **parameters)
    certify(geometry, f'{family} version {kind.version}, seed {seed}, index {index}')
    return geometry
