"""The certificate of validity that every generated map is checked for before it is handed out."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx
import numpy as np
import shapely
from scipy.spatial import cKDTree
from shapely import Polygon

from megastep.mapgen.geometry.extent import LARGEST_COORDINATE
from megastep.maps.geometry import AGENT_RADIUS, DOOR_REACH, MARGIN, Geometry
from megastep.maps.segments import clearances, planar_graph, rings

LEAST_SPAWN_DISTANCE = 2 * AGENT_RADIUS
"""The least distance of spawns from one another, in metres: two agents fit."""

SPAWN_CLEARANCE = 0.25
"""The least distance of spawns from the walls, in metres."""

FLOAT_TOLERANCE = 1e-9
"""The tolerance of float arithmetic, in metres or square metres."""

CORNER_TOLERANCE = 0.004
"""The tolerance of corners on whole millimetres, in metres: rooms may overlap by so much, and doors end in a wall."""


class CertificateError(RuntimeError):
    """An error of the generator: a map isn't what it promises. A bug in megastep, and worth a report."""


def certify(geometry: Geometry, origin: str) -> None:
    """Checks everything that a generated map promises.

    Its walls are closed outlines at coordinates from zero to 500 m, none is there twice, and what they enclose is a
    polygon. An agent 5 cm wider than it is can go everywhere, through every door and into every room. Rooms don't
    overlap, a door joins exactly two, and each can be reached from any other through doors or across borders without a
    wall. Spawns and lights are clear of walls, and each room has one of either.

    Args:
        geometry: The map.
        origin: Its family, version, seed and index, for the error.

    Raises:
        CertificateError: naming the origin and the first promise that the map breaks.
    """
    for failure in failures(geometry):
        raise CertificateError(f'{origin} is not a valid map: {failure}. This is a bug in the generator.')


def failures(geometry: Geometry) -> Iterator[str]:
    """The defects of a map, in words. Each check relies on those before it, which it follows at once."""
    yield from _check_walls(geometry)
    space = free_space(geometry)
    yield from _check_space(space, geometry)
    open_space = space.buffer(-(AGENT_RADIUS + MARGIN), join_style='mitre')
    if (parts := len(shapely.get_parts(open_space))) != 1:
        yield f'the free space falls into {parts} parts for an agent with {MARGIN} m to spare'
    shapely.prepare(space)
    shapely.prepare(open_space)
    rooms = np.array([Polygon(room.outline) for room in geometry.rooms])
    yield from _check_rooms(open_space, rooms)
    yield from _check_doors(space, open_space, rooms, geometry)
    yield from _check_points(space, rooms, geometry)
    yield from _check_crowd(geometry)


def _check_walls(geometry: Geometry) -> Iterator[str]:
    walls = geometry.walls
    if not (walls.min() > 0 and np.isfinite(walls).all()):
        yield f'walls reach a coordinate of {walls.min()} m'
    if walls.max() > LARGEST_COORDINATE:
        yield f'walls reach a coordinate of {walls.max()} m, and should stay within {LARGEST_COORDINATE:g} m'
    if short := np.flatnonzero((walls[:, 0] == walls[:, 1]).all(-1)).tolist():
        yield f'walls {short} have zero length'
    points, starts, ends = planar_graph(walls)
    begin, end = (np.bincount(side, minlength=len(points)) for side in (starts, ends))
    if begin.max() > 1 and len(np.unique(walls.reshape(-1, 4), axis=0)) < len(walls):
        yield 'there are walls twice'
    if (begin != 1).any() or (end != 1).any():
        yield 'there is not one wall that begins where each wall ends'


def free_space(geometry: Geometry) -> Polygon:
    """The free space of a map: the polygon left of its walls. The ring with the least corner is the outer one."""
    outlines = rings(geometry.walls)
    corners, owners = np.concatenate(outlines), np.repeat(np.arange(len(outlines)), [len(each) for each in outlines])
    shapes = shapely.linearrings(corners, indices=owners)
    outer = owners[np.lexsort(corners.T[::-1])[0]]
    return shapely.polygons(shapes[outer], np.delete(shapes, outer))


def _check_space(space: Polygon, geometry: Geometry) -> Iterator[str]:
    if not space.is_valid:
        yield f'the free space is not a polygon: {shapely.is_valid_reason(space)}'
    if abs(space.area - geometry.area) > FLOAT_TOLERANCE * (1 + space.area):
        yield f'the free space has {space.area} m², but the walls enclose {geometry.area} m²'


def _check_rooms(open_space: Polygon, rooms: np.ndarray) -> Iterator[str]:
    if not len(rooms):
        yield 'there are no rooms'
    for i in np.flatnonzero(~shapely.is_valid(rooms)).tolist():
        yield f'room {i} is not a polygon: {shapely.is_valid_reason(rooms[i])}'
    pairs = shapely.STRtree(rooms).query(rooms).T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    pairs = pairs[shapely.intersects(*rooms[pairs.T])]
    common = shapely.intersection(*rooms[pairs.T])
    for k in np.flatnonzero(shapely.area(common) > FLOAT_TOLERANCE).tolist():
        if not common[k].buffer(-CORNER_TOLERANCE / 2).is_empty:
            yield f'rooms {pairs[k, 0]} and {pairs[k, 1]} overlap'
    if shut := np.flatnonzero(~shapely.intersects(open_space, rooms)).tolist():
        yield f'rooms {shut} have no place for an agent with {MARGIN} m to spare'


def _check_doors(space: Polygon, open_space: Polygon, rooms: np.ndarray, geometry: Geometry) -> Iterator[str]:
    lines = shapely.linestrings(geometry.doors)
    blocked = ~shapely.covers(space, lines)
    blocked[blocked] = shapely.length(shapely.difference(lines[blocked], space)) > CORNER_TOLERANCE
    if blocked.any():
        yield f'doors {np.flatnonzero(blocked).tolist()} are not in the free space'
    if narrow := np.flatnonzero(~shapely.intersects(open_space, lines)).tolist():
        yield f'doors {narrow} are too narrow for an agent with {MARGIN} m to spare'
    near = shapely.STRtree(rooms).query(shapely.points(geometry.doors.mean(axis=1)), 'dwithin', DOOR_REACH).T
    joined = np.bincount(near[:, 0], minlength=len(lines))
    for door in np.flatnonzero(joined != 2).tolist():
        yield f'door {door} joins {joined[door]} rooms'
    graph = nx.Graph()
    graph.add_nodes_from(range(len(rooms)))
    graph.add_edges_from(near[np.argsort(near[:, 0], kind='stable'), 1].reshape(-1, 2).tolist())
    if not nx.is_connected(graph):
        graph.add_edges_from(_open_borders(open_space, rooms))
    if not nx.is_connected(graph):
        yield f'rooms fall into {nx.number_connected_components(graph)} groups without a way between them'


def _open_borders(open_space: Polygon, rooms: np.ndarray) -> list[list[int]]:
    """The pairs of rooms between which an agent can stand on the border."""
    pairs = shapely.STRtree(rooms).query(rooms, 'dwithin', CORNER_TOLERANCE)
    pairs = pairs[:, pairs[0] < pairs[1]]
    grown = shapely.buffer(rooms, CORNER_TOLERANCE, join_style='mitre')
    borders = shapely.intersection(*grown[pairs])
    return pairs.T[shapely.intersects(open_space, borders)].tolist()


def _check_points(space: Polygon, rooms: np.ndarray, geometry: Geometry) -> Iterator[str]:
    boundary = shapely.boundary(space)
    shapely.prepare(boundary)
    for name, points, least in (('spawn', geometry.spawns, SPAWN_CLEARANCE), ('light', geometry.lights, AGENT_RADIUS)):
        places = shapely.points(points[:, :2])
        served = np.unique(shapely.STRtree(places).query(rooms, predicate='contains')[0])
        if empty := sorted(set(range(len(rooms))) - set(served.tolist())):
            yield f'rooms {empty} have no {name}'
        inside, tight = shapely.contains(space, places), shapely.dwithin(boundary, places, least - FLOAT_TOLERANCE)
        if (near := np.flatnonzero(tight | ~inside)).size:
            room = clearances(points[near[:1], :2], geometry.walls)[0] if inside[near[0]] else -np.inf
            yield f'{name} {near[0]} has {room:.3f} m of clearance, and should have {least:.3f} m'


def _check_crowd(geometry: Geometry) -> Iterator[str]:
    for i, j in sorted(cKDTree(geometry.spawns).query_pairs(LEAST_SPAWN_DISTANCE - FLOAT_TOLERANCE)):
        yield f'spawns {i} and {j} are nearer than two agents'
