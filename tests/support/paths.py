"""An oracle for shortest paths: a dumb visibility graph of what shapely leaves of the free space; and fields, asked."""

from dataclasses import replace

import numpy as np
import shapely
import torch
from scipy.sparse.csgraph import dijkstra

from megastep.env.fields.tables import RAGGEDS, TENSORS
from megastep.maps import geodesics
from megastep.maps.geometry import AGENT_RADIUS
from megastep.world.buffers import on_device


def eroded(walls, point, radius, quad_segs):
    """Where a disc's centre can be, in the face that holds a point; arcs become chords."""
    lines = shapely.union_all(shapely.linestrings(walls))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    face = next(face for face in faces if shapely.contains_xy(face, *point))
    return shapely.orient_polygons(face.difference(lines.buffer(radius, quad_segs=quad_segs)))


def jutting(ring):
    """The corners of an oriented ring at which the free space, to its left, is more than half a turn."""
    corners = shapely.get_coordinates(ring)[:-1]
    before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    return corners[before[:, 0] * after[:, 1] < before[:, 1] * after[:, 0]]


def distances(walls, points, radius, quad_segs=5):
    """How long the shortest paths of a disc between points are: (point, point), infinite where there is none.

    The chords of an arc cut in five to a quarter turn are 0.4 % shorter than it.
    """
    space = eroded(walls, points[0], radius, quad_segs)
    rings = [ring for part in shapely.get_parts(space) for ring in (part.exterior, *part.interiors)]
    nodes = np.concatenate([points, *(jutting(ring) for ring in rings)])
    i, j = np.triu_indices(len(nodes), 1)
    area = space.buffer(1e-7)
    shapely.prepare(area)
    clear = shapely.covers(area, shapely.linestrings(np.stack([nodes[i], nodes[j]], axis=1)))
    graph = np.zeros((len(nodes), len(nodes)))
    graph[i[clear], j[clear]] = np.linalg.norm(nodes[i[clear]] - nodes[j[clear]], axis=1)
    return dijkstra(graph, directed=False, indices=range(len(points)))[:, : len(points)]


def moved(field, device):
    """The same field on another device. One that is computed there may name other nodes."""
    buffers = {name: getattr(field, name).to(device) for name in TENSORS}
    return replace(field, **buffers, **{name: on_device(getattr(field, name), device) for name in RAGGEDS})


def to_all(field, number, places):
    """The distances from places in a map to all its spawns: (place, spawn)."""
    spawns = int(field.spawns.widths[number])
    positions = torch.as_tensor(places).float()[:, None].expand(-1, spawns, -1)
    ids = torch.full((len(places),), number)
    goals = torch.arange(spawns).expand(len(places), -1)
    device = field.corners.device
    return field.distances(positions.to(device), ids.to(device), goals.to(device)).cpu().numpy()


def expected(geometry, places):
    """The same by the search for paths between spawns."""
    points = np.concatenate([geometry.spawns, places])
    split = len(geometry.spawns)
    return geodesics.distances(geometry.walls, points, AGENT_RADIUS)[split:, :split]
