"""A column a statistic, a number a map. What takes a compiler is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped
from tqdm import tqdm

from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.packing import totals
from megastep.maps.ragged import Ragged
from megastep.maps.symmetry import canonical_hashes

if TYPE_CHECKING:
    from megastep.maps.mapset import MapSet

SIZES: Mapping[str, str] = MappingProxyType(
    {
        'rooms': 'rooms',
        'walls': 'walls: the sides that can be seen',
        'doors': 'openings between rooms',
        'lights': 'lights',
        'spawns': 'spawns',
        'area': 'the free space, m²',
        'wall_length': 'all walls together, m',
        'width': 'from the least x of a wall to the greatest, m',
        'height': 'from the least y of a wall to the greatest, m',
    }
)
SHAPES: Mapping[str, str] = MappingProxyType(
    {
        'room_area': 'the mean room, m²',
        'aspect': "the longer side of a room's bounding box over the shorter, on average",
        'rectangularity': 'the part of its bounding box that a room fills, on average',
        'opening_width': 'the mean opening, m',
    }
)
HASHES: Mapping[str, str] = MappingProxyType(
    {'symmetry_hash': 'a number that maps share if they are equal up to turns, mirroring and moves'}
)
GRAPH: Mapping[str, str] = MappingProxyType(
    {
        'diameter': 'openings between the two rooms that are furthest apart',
        'loops': 'openings more than it takes to reach every room',
        'mean_degree': 'how many others a room opens onto, on average',
        'connected': 'the part of the rooms in the largest group that hangs together',
    }
)
SIGHT: Mapping[str, str] = MappingProxyType({'visible': 'the part of the free space seen from a place, on average'})
WAYS: Mapping[str, str] = MappingProxyType(
    {
        'detour_mean': "the shortest way's length over the straight line's, mean over pairs of spawns",
        'detour_p95': '95th percentile of the same',
        'closest_obstacle': 'the nearest wall along the way across, on average, m',
        'visibility': 'how far one sees along the way across, m',
        'dispersion': 'how often near walls begin or end around one, on the way across',
        'characteristic_dimension': 'the narrowest of four axes along the way across, m',
        'tortuosity': "the length of the way across over the straight line's",
    }
)
STATISTICS: Mapping[str, str] = MappingProxyType({**SIZES, **SHAPES, **HASHES, **GRAPH, **SIGHT, **WAYS})
"""Everything that is measured, and what it says of a map."""


def measure(
    maps: MapSet, names: Sequence[str] = (), *, workers: int = 1, progress: bool = False
) -> dict[str, Shaped[np.ndarray, ' map']]:
    """Measures maps. See `megastep.MapSet.stats`."""
    if unknown := sorted(set(names) - set(STATISTICS)):
        raise ValueError(f'unknown statistic {unknown[0]!r}; the statistics are {", ".join(STATISTICS)}.')
    if not isinstance(workers, int) or workers < 1:
        raise ValueError(f'workers must be a whole number of at least 1, got {workers!r}.')
    wanted = names or tuple(STATISTICS)
    found: dict[str, np.ndarray] = {}
    for columns, sized in ((SIZES, sizes), (SHAPES, shapes), (HASHES, hashes)):
        if not columns.keys().isdisjoint(wanted):
            found |= sized(maps)
    parts = [(list(columns), measured) for columns, measured in ((GRAPH, graph), (SIGHT, sight), (WAYS, ways))]
    parts = [part for part in parts if not set(wanted).isdisjoint(part[0])]
    if parts:
        found |= _by_map(maps, parts, workers, progress)
    return {name: found[name] for name in wanted}


def sizes(maps: MapSet) -> dict[str, np.ndarray]:
    """`SIZES`: the arrays of all maps at once, in microseconds a map."""
    counts = {'rooms': maps.kinds, **{name: getattr(maps, name) for name in ('walls', 'doors', 'lights', 'spawns')}}
    walls, corners = maps.walls, maps.walls.vals
    (ax, ay), (bx, by) = corners[:, 0].T, corners[:, 1].T
    low = np.minimum.reduceat(corners.min(1), walls.starts)
    high = np.maximum.reduceat(corners.max(1), walls.starts)
    return {
        **{name: column.widths.astype(np.int64) for name, column in counts.items()},
        'area': totals((ax * by - ay * bx) / 2, walls),
        'wall_length': totals(np.hypot(bx - ax, by - ay), walls),
        'width': high[:, 0] - low[:, 0],
        'height': high[:, 1] - low[:, 1],
    }


def shapes(maps: MapSet) -> dict[str, np.ndarray]:
    """`SHAPES`: means over a map's rooms and over its openings, NaN where it has none."""
    from megastep.maps.stats import rooms as layout

    rooms = layout.shapes(maps.outlines)
    means = {'room_area': rooms.areas, 'aspect': rooms.aspects, 'rectangularity': rooms.rectangularities}
    widths = _means(layout.opening_widths(maps.doors), maps.doors)
    return {**{name: _means(values, maps.kinds) for name, values in means.items()}, 'opening_width': widths}


def hashes(maps: MapSet) -> dict[str, np.ndarray]:
    """`HASHES`, see `megastep.maps.symmetry`."""
    return {'symmetry_hash': canonical_hashes(maps.walls)}


def graph(geometry: Geometry) -> tuple[float, ...]:
    """`GRAPH`."""
    from megastep.maps.stats import rooms as layout

    outlines = [room.outline for room in geometry.rooms]
    widths = np.array([len(outline) for outline in outlines], np.int32)
    return layout.connections(Ragged(np.concatenate([np.empty((0, 2)), *outlines]), widths), geometry)


def sight(geometry: Geometry) -> tuple[float, ...]:
    """`SIGHT`."""
    from megastep.maps.stats import routes

    return (routes.visible_share(geometry.walls, geometry.spawns),)


def ways(geometry: Geometry) -> tuple[float, ...]:
    """`WAYS`."""
    from megastep.maps import geodesics
    from megastep.maps.stats import routes

    lengths = geodesics.distances(geometry.walls, geometry.spawns, AGENT_RADIUS)
    difficulty = routes.difficulty(lengths, geometry.spawns, geometry.walls)
    return (*routes.detours(lengths, geometry.spawns), *difficulty)


def _by_map(
    maps: MapSet,
    parts: Sequence[tuple[Sequence[str], Callable[[Geometry], tuple[float, ...]]]],
    workers: int,
    progress: bool,
) -> dict[str, Float[np.ndarray, ' map']]:
    """What is measured map by map, on several threads: compiled code lets others run."""
    names = [name for columns, _ in parts for name in columns]
    with ThreadPoolExecutor(workers) as pool:
        rows = pool.map(partial(_row, maps, [measured for _, measured in parts]), range(len(maps)))
        table = np.array(list(tqdm(rows, 'stats', len(maps), unit='maps', disable=not progress)))
    return dict(zip(names, table.reshape(-1, len(names)).T, strict=True))


def _row(maps: MapSet, measures: Sequence[Callable[[Geometry], tuple[float, ...]]], i: int) -> list[float]:
    geometry = maps[i]
    return [value for measured in measures for value in measured(geometry)]


def _means(values: Float[np.ndarray, ' value'], rows: Ragged[np.ndarray]) -> Float[np.ndarray, ' row']:
    """Each row's mean, NaN for an empty one."""
    owners = np.repeat(np.arange(len(rows)), rows.widths)
    with np.errstate(invalid='ignore'):
        return np.bincount(owners, values, minlength=len(rows)) / rows.widths
