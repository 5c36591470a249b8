"""Plans as families draw them, and what tests look at in them: areas, doors, which rooms are joined, hashes."""

import hashlib
import json

import networkx as nx
import numpy as np
import shapely

from megastep import mapgen
from megastep.mapgen.finishing.certificate import DOOR_REACH
from megastep.mapgen.plan import MILLIMETRES_PER_METRE


def plan(name, index=0, seed=0, **parameters):
    """The plan of a family, without options."""
    family = mapgen.FAMILIES[name]
    return family.draw(family.rng(seed, index), family.complete(parameters))


def outlines(drawn):
    return np.array([shapely.Polygon(room.outline) for room in drawn.rooms])


def areas(drawn, kind):
    """The areas of the rooms of a kind, in square metres."""
    rooms = [shapely.Polygon(room.outline) for room in drawn.rooms if room.kind == kind]
    return shapely.area(rooms) / MILLIMETRES_PER_METRE**2


def of_kind(drawn, *kinds):
    return [i for i, room in enumerate(drawn.rooms) if room.kind in kinds]


def room_graph(drawn):
    """The graph of rooms, with an edge for each door."""
    rooms, reach = outlines(drawn), MILLIMETRES_PER_METRE * DOOR_REACH
    graph = nx.MultiGraph()
    graph.add_nodes_from(range(len(rooms)))
    for door in np.array(drawn.doors).reshape(-1, 2, 2):
        graph.add_edge(*np.flatnonzero(shapely.distance(shapely.Point(door.mean(0)), rooms) < reach).tolist())
    return graph


def door_widths(drawn):
    """In metres."""
    return np.abs(np.diff(np.array(drawn.doors).reshape(-1, 2, 2), axis=1)).max(axis=(1, 2)) / MILLIMETRES_PER_METRE


def plan_digest(drawn):
    """A hash of the millimetres of a plan."""
    return _digest([drawn.rings, drawn.rooms, drawn.doors])


def flat_plan_digest(drawn):
    """A hash of the millimetres of a plan, as one list: the golden hashes of some families are of this form."""
    return _digest([drawn.rings, *drawn.rooms, *drawn.doors])


def _digest(lists):
    return hashlib.sha256(json.dumps(lists).encode()).hexdigest()[:32]
