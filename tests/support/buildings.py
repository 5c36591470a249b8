"""What tests of families of buildings look at: plans, and which of their rooms are joined."""

import hashlib
import json

import networkx as nx
import numpy as np
import shapely

from megastep import mapgen

METRE = 1000
DOORSTEP = 250


def plan(name, index=0, seed=0, **parameters):
    family = mapgen.FAMILIES[name]
    return family.draw(family.rng(seed, index), family.complete(parameters))


def outlines(drawn):
    return np.array([shapely.Polygon(room.outline) for room in drawn.rooms])


def areas(drawn, kind):
    """The areas of the rooms of a kind, in square metres."""
    return np.array([shapely.Polygon(room.outline).area for room in drawn.rooms if room.kind == kind]) / METRE**2


def of_kind(drawn, *kinds):
    return [i for i, room in enumerate(drawn.rooms) if room.kind in kinds]


def room_graph(drawn):
    """Which rooms are joined by doors."""
    rooms = outlines(drawn)
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(len(rooms)))
    for door in np.array(drawn.doors).reshape(-1, 2, 2):
        graph.add_edge(*np.flatnonzero(shapely.distance(shapely.Point(door.mean(0)), rooms) < DOORSTEP).tolist())
    return graph


def door_widths(drawn):
    """In metres."""
    return np.abs(np.diff(np.array(drawn.doors).reshape(-1, 2, 2), axis=1)).max(axis=(1, 2)) / METRE


def digest(drawn):
    integers = [[list(map(list, ring)) for ring in drawn.rings]]
    integers += [[room.kind, list(map(list, room.outline))] for room in drawn.rooms]
    integers += [list(map(list, door)) for door in drawn.doors]
    return hashlib.sha256(json.dumps(integers).encode()).hexdigest()[:32]
