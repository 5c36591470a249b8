"""What every generated map is checked for before it is handed out."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import shapely
from shapely import Polygon

from megastep.geometry import AGENT_RADIUS, Geometry
from megastep.segments import clearances

MARGIN = 0.05
"""An agent this much wider than it is, in metres, could still go everywhere."""

DOORSTEP = 0.25
"""Rooms nearer than this to the middle of a door, in metres, are those it joins."""

SPAWN_CLEARANCE = 0.25
"""Spawns keep this far from the walls, in metres."""

ROUNDING = 1e-9
"""What float arithmetic may lose, in metres or square metres."""


class CertificateError(RuntimeError):
    """A generated map isn't what its generator promises: a bug in megastep, and worth a report."""


def certify(geometry: Geometry, origin: str) -> None:
    """Checks everything that a generated map promises.

    Args:
        geometry: The map.
        origin: Its family, version, seed and index, for the error.

    Raises:
        CertificateError: naming the origin and the first promise that the map breaks.
    """
    for failure in _failures(geometry):
        raise CertificateError(f'{origin} is not a valid map: {failure}. This is a bug in the generator.')


def _failures(geometry: Geometry) -> Iterator[str]:
    """What is wrong with a map. Each check may rely on those before it."""
    yield from _check_walls(geometry)
    space = _free_space(geometry)
    yield from _check_space(space, geometry)
    rooms = np.array([Polygon(room.outline) for room in geometry.rooms])
    yield from _check_rooms(rooms)
    yield from _check_doors(space, rooms, geometry)
    yield from _check_points(space, rooms, geometry)


def _check_walls(geometry: Geometry) -> Iterator[str]:
    walls = geometry.walls
    if not walls.min() > 0:
        yield f'walls reach a coordinate of {walls.min()} m'
    if short := np.flatnonzero((walls[:, 0] == walls[:, 1]).all(-1)).tolist():
        yield f'walls {short} have zero length'
    if len(set(map(tuple, walls.reshape(-1, 4).tolist()))) < len(walls):
        yield 'there are walls twice'
    starts, ends = (set(map(tuple, walls[:, i].tolist())) for i in (0, 1))
    if starts != ends or len(starts) < len(walls):
        yield 'there is not one wall that begins where each wall ends'


def _free_space(geometry: Geometry) -> Polygon:
    """The polygon to the left of a map's walls. The ring that holds the least corner is taken as the outer one."""
    follower = {tuple(start): tuple(end) for start, end in geometry.walls.tolist()}
    rings: list[list[tuple[float, ...]]] = []
    while follower:
        ring = [min(follower)]
        while (corner := follower.pop(ring[-1])) != ring[0]:
            ring.append(corner)
        rings.append(ring)
    return Polygon(rings[0], rings[1:])


def _check_space(space: Polygon, geometry: Geometry) -> Iterator[str]:
    if not space.is_valid:
        yield f'the free space is not a polygon: {shapely.is_valid_reason(space)}'
    if abs(space.area - geometry.area) > ROUNDING * (1 + space.area):
        yield f'the free space has {space.area} m², but the walls enclose {geometry.area} m²'
    parts = len(shapely.get_parts(space.buffer(-(AGENT_RADIUS + MARGIN), join_style='mitre')))
    if parts != 1:
        yield f'the free space falls into {parts} parts for an agent with {MARGIN} m to spare'


def _check_rooms(rooms: np.ndarray) -> Iterator[str]:
    pairs = shapely.STRtree(rooms).query(rooms, predicate='intersects').T
    for i, j in pairs[pairs[:, 0] < pairs[:, 1]].tolist():
        if rooms[i].intersection(rooms[j]).area > ROUNDING:
            yield f'rooms {i} and {j} overlap'


def _check_doors(space: Polygon, rooms: np.ndarray, geometry: Geometry) -> Iterator[str]:
    lines = shapely.linestrings(geometry.doors)
    if blocked := np.flatnonzero(~shapely.covers(space, lines)).tolist():
        yield f'doors {blocked} are not in the free space'
    middles = shapely.points(geometry.doors.mean(axis=1))
    near = shapely.distance(middles[:, None], rooms[None, :]) < DOORSTEP
    graph = nx.Graph()
    graph.add_nodes_from(range(len(rooms)))
    for door, joined in enumerate(near):
        if joined.sum() != 2:
            yield f'door {door} joins {joined.sum()} rooms'
        graph.add_edge(*np.flatnonzero(joined).tolist())
    if not nx.is_connected(graph):
        yield f'rooms fall into {nx.number_connected_components(graph)} groups without a door between them'


def _check_points(space: Polygon, rooms: np.ndarray, geometry: Geometry) -> Iterator[str]:
    for name, points, least in (('spawn', geometry.spawns, SPAWN_CLEARANCE), ('light', geometry.lights, AGENT_RADIUS)):
        places = shapely.points(points[:, :2])
        served = np.unique(shapely.STRtree(places).query(rooms, predicate='contains')[0])
        if empty := sorted(set(range(len(rooms))) - set(served.tolist())):
            yield f'rooms {empty} have no {name}'
        free = np.where(shapely.contains(space, places), clearances(points[:, :2], geometry.walls), -np.inf)
        if (near := np.flatnonzero(free < least - ROUNDING)).size:
            yield f'{name} {near[0]} has {free[near[0]]:.3f} m of clearance, and should have {least:.3f} m'
