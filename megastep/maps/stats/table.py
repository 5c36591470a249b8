"""Statistics of maps: a number a map under each name. What takes a compiler is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Shaped

from megastep.checks import check_counts
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.packing import MapArrays, totals
from megastep.maps.ragged import Ragged
from megastep.maps.stats import rooms
from megastep.maps.symmetry import canonical_hashes
from megastep.maps.threads import mapped

COUNTS: Mapping[str, str] = MappingProxyType(
    {
        'rooms': 'rooms',
        'walls': 'walls: the sides that can be seen',
        'doors': 'openings between rooms',
        'lights': 'lights',
        'spawns': 'spawns',
    }
)
EXTENTS: Mapping[str, str] = MappingProxyType(
    {
        'area': 'the free space, m²',
        'wall_length': 'all walls together, m',
        'width': 'from the least x of a wall to the greatest, m',
        'height': 'from the least y of a wall to the greatest, m',
    }
)
SIZES: Mapping[str, str] = MappingProxyType({**COUNTS, **EXTENTS})
ROOM_SHAPES: Mapping[str, str] = MappingProxyType(
    {
        'room_area': 'the mean room, m²',
        'aspect': "the longer side of a room's bounding box over the shorter, on average",
        'rectangularity': 'the part of its bounding box that a room fills, on average',
    }
)
OPENINGS: Mapping[str, str] = MappingProxyType({'opening_width': 'the mean opening, m'})
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
VISIBILITY: Mapping[str, str] = MappingProxyType(
    {'visible': 'the part of the free space seen from a place, on average'}
)
ROUTES: Mapping[str, str] = MappingProxyType(
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
STATISTICS: Mapping[str, str] = MappingProxyType(
    {**SIZES, **ROOM_SHAPES, **OPENINGS, **HASHES, **GRAPH, **VISIBILITY, **ROUTES}
)
"""All statistics, and what each says of a map."""


def measure(
    maps: MapArrays, names: Sequence[str] = (), *, workers: int = 1, progress: bool = False
) -> dict[str, Shaped[np.ndarray, ' map']]:
    """Measures maps. See `megastep.MapSet.stats`."""
    if unknown := [name for name in names if name not in [*STATISTICS]]:  # a list of names may be among them
        raise ValueError(f'unknown statistic {unknown[0]!r}; the statistics are {", ".join(STATISTICS)}.')
    check_counts(workers=workers)
    wanted = names or tuple(STATISTICS)
    found = {name: _counts(maps, name) for name in COUNTS if name in wanted}
    for group, measured in ((EXTENTS, extents), (ROOM_SHAPES, shapes), (OPENINGS, openings), (HASHES, hashes)):
        if not group.keys().isdisjoint(wanted):
            found |= measured(maps)
    parts = [(list(group), each) for group, each in ((GRAPH, graph), (VISIBILITY, visibility), (ROUTES, route))]
    parts = [part for part in parts if not set(wanted).isdisjoint(part[0])]
    if parts:
        found |= _by_map(maps, parts, workers, progress)
    return {name: found[name] for name in wanted}


def _counts(maps: MapArrays, name: str) -> np.ndarray:
    """One of `COUNTS`, which looks at no other array of the maps than its own."""
    rows: Ragged[np.ndarray] = maps.kinds if name == 'rooms' else getattr(maps, name)
    return rows.widths.astype(np.int64)


def extents(maps: MapArrays) -> dict[str, np.ndarray]:
    """`EXTENTS`: of the walls of all maps at once, in microseconds a map."""
    walls, corners = maps.walls, maps.walls.vals
    (ax, ay), (bx, by) = corners[:, 0].T, corners[:, 1].T
    low = np.minimum.reduceat(corners.min(1), walls.starts)
    high = np.maximum.reduceat(corners.max(1), walls.starts)
    return {
        'area': totals((ax * by - ay * bx) / 2, walls),
        'wall_length': totals(np.hypot(bx - ax, by - ay), walls),
        'width': high[:, 0] - low[:, 0],
        'height': high[:, 1] - low[:, 1],
    }


def shapes(maps: MapArrays) -> dict[str, np.ndarray]:
    """`ROOM_SHAPES`: means over a map's rooms, NaN where it has none."""
    found = rooms.shapes(maps.outlines)
    means = {'room_area': found.areas, 'aspect': found.aspects, 'rectangularity': found.rectangularities}
    return {name: _means(values, maps.kinds) for name, values in means.items()}


def openings(maps: MapArrays) -> dict[str, np.ndarray]:
    """`OPENINGS`: the mean over a map's openings, NaN where it has none."""
    return {'opening_width': _means(rooms.opening_widths(maps.doors), maps.doors)}


def hashes(maps: MapArrays) -> dict[str, np.ndarray]:
    """`HASHES`, see `megastep.maps.symmetry`."""
    return {'symmetry_hash': canonical_hashes(maps.walls)}


def graph(geometry: Geometry) -> tuple[float, ...]:
    """`GRAPH`."""
    from megastep.maps.stats import room_graph

    outlines = [room.outline for room in geometry.rooms]
    widths = np.array([len(outline) for outline in outlines], np.int32)
    packed = Ragged(np.concatenate([np.empty((0, 2)), *outlines]), widths)
    return room_graph.connections(packed, geometry.doors, geometry.walls)


def visibility(geometry: Geometry) -> tuple[float, ...]:
    """`VISIBILITY`."""
    from megastep.maps.stats import routes

    return (routes.visible_share(geometry.walls, geometry.spawns),)


def route(geometry: Geometry) -> tuple[float, ...]:
    """`ROUTES`."""
    from megastep.maps import geodesics
    from megastep.maps.stats import routes

    lengths = geodesics.distances(geometry.walls, geometry.spawns, AGENT_RADIUS)
    difficulty = routes.difficulty(lengths, geometry.spawns, geometry.walls)
    return (*routes.detours(lengths, geometry.spawns), *difficulty)


def _by_map(
    maps: MapArrays,
    parts: Sequence[tuple[Sequence[str], Callable[[Geometry], tuple[float, ...]]]],
    workers: int,
    progress: bool,
) -> dict[str, Float[np.ndarray, ' map']]:
    """Measures map by map, on several threads: compiled code lets others run."""
    names = [name for group, _ in parts for name in group]
    row = partial(_row, maps, [measured for _, measured in parts])
    rows = mapped(row, range(len(maps)), len(maps), name='stats', workers=workers, progress=progress)
    return dict(zip(names, np.array(rows).reshape(-1, len(names)).T, strict=True))


def _row(maps: MapArrays, measures: Sequence[Callable[[Geometry], tuple[float, ...]]], i: int) -> list[float]:
    geometry = maps[i]
    return [value for measured in measures for value in measured(geometry)]


def _means(values: Float[np.ndarray, ' value'], rows: Ragged[np.ndarray]) -> Float[np.ndarray, ' row']:
    """Each row's mean, NaN for an empty one."""
    owners = np.repeat(np.arange(len(rows)), rows.widths)
    with np.errstate(invalid='ignore'):
        return np.bincount(owners, values, minlength=len(rows)) / rows.widths
