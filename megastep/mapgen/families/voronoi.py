"""A building of rooms with any angles: convex cells, thick walls between them, and doors."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import networkx as nx

from megastep.mapgen.families.voronoi_cells import (
    OUTSIDE,
    HalfPlane,
    Side,
    border,
    cells,
    clipped,
    least_width,
    lloyd_sites,
    outline,
    section,
)
from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.polygons import along, chained, doubled_area, left_of, ring_edges, rounded, straightened
from megastep.mapgen.layout.doors import JAMB, NARROW_DOOR_RANGE, WIDE_DOOR_RANGE, connect_rooms
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import LATTICE_STEP, MILLIMETRES_PER_METRE, Plan, PlannedRoom, Point
from megastep.mapgen.rng import Rng

LEAST_CELL_WIDTH = 1200
"""The least width of a cell that is a room, in millimetres."""

DOOR_FRONT_DEPTH = 600
"""The depth of the free floor in front of doors, on both sides, in millimetres."""

DOOR_LINE_INSET = 3
"""The distance of a door's ends from its jambs, whose corners are rounded, in millimetres."""

HALF_TURN_COSINES = (1000, 966, 866, 707, 500, 259, 0, -259, -500, -707, -866, -966)
COSINES = HALF_TURN_COSINES + tuple(-cosine for cosine in HALF_TURN_COSINES)
"""The cosines of the multiples of 15 degrees, times 1000."""


class Door(NamedTuple):
    """An opening between two rooms."""

    left: tuple[Point, Point]
    """The jambs in the first room, anticlockwise around this room."""
    right: tuple[Point, Point]
    """The jambs in the second room, in the same order as the first's: clockwise around this room."""
    middle: tuple[Point, Point]
    """The centre line, from jamb to jamb in the middle of the wall."""


def build(
    rng: Rng,
    *,
    rooms: IntRange,
    area: FloatRange,
    wall: FloatRange,
    loops: IntRange,
    courtyards: IntRange,
    rounds: IntRange,
    wide: float,
) -> Plan:
    """The plan of a building. `FAMILY` says what the parameters mean.

    Rooms are convex, so whoever is clear of the walls in a room can reach every other such place in it, and the floor
    in front of its doors. A cell that is too narrow for a room, or has no wall for a door, is left solid.
    """
    sizes = rng.fork('sizes')
    count, extra, empty, evenings = (sizes.between(*pair) for pair in (rooms, loops, courtyards, rounds))
    mean, thick = (sizes.between(*(round(MILLIMETRES_PER_METRE * end) for end in pair)) for pair in (area, wall))
    corners = _footprint(rng.fork('footprint'), (count + empty) * mean * MILLIMETRES_PER_METRE)
    sites = lloyd_sites(rng.fork('sites'), corners, count + empty, evenings)
    shapes = cells(sites, outline(corners), thick)
    walls = _walls_between(sites, shapes, thick)
    _leave_out(rng.fork('courtyards'), walls, empty)

    room_kinds = _room_kinds(walls, shapes)
    pairs = connect_rooms(rng.fork('doors'), walls, room_kinds, loops=extra)
    doors = _doors(rng.fork('places'), walls, pairs, sites, thick, round(100 * wide))
    planned = [PlannedRoom(room_kinds[cell], _outline(cell, shapes[cell], doors)) for cell in sorted(walls)]
    rings = chained(_ends([room.outline for room in planned], doors.values()))
    return Plan([straightened(ring) for ring in rings], planned, [door.middle for door in doors.values()])


def _footprint(rng: Rng, area: int) -> list[Point]:
    """A random convex polygon with five to eight sides and so many square millimetres."""
    count, first, long = rng.between(5, 8), rng.below(24), rng.between(100, 160)
    sides = outline([(-300_000, -300_000), (300_000, -300_000), (300_000, 300_000), (-300_000, 300_000)])
    for i in range(count):
        angle, away = first + 24 * i // count + rng.between(-1, 1), rng.between(75, 100)
        cosine, sine = COSINES[angle % 24], COSINES[(angle - 6) % 24]
        origin = (away * cosine, away * sine)
        sides = clipped(sides, HalfPlane(origin, (-sine / 1000, cosine / 1000)), OUTSIDE)
    corners = [rounded((side.start[0] * long / 100, side.start[1])) for side in sides]
    scale = math.sqrt(2 * area / doubled_area(corners))
    return [rounded((scale * x, scale * y)) for x, y in corners]


def _walls_between(sites: Sequence[Point], shapes: Sequence[list[Side]], wall: int) -> nx.Graph:
    """The adjacency graph of cells that can be rooms, by walls with a ``stretch`` for a door: its largest component."""
    graph = nx.Graph()
    graph.add_nodes_from(
        cell for cell, sides in enumerate(shapes) if len(sides) > 2 and least_width(sides) >= LEAST_CELL_WIDTH
    )
    for i in sorted(graph):
        for j in sorted(side.neighbour for side in shapes[i]):
            if j > i and j in graph:
                stretch = _stretch(border(sites[i], sites[j], 0), (i, shapes[i]), (j, shapes[j]), wall)
                if stretch and stretch[1] - stretch[0] >= LATTICE_STEP * NARROW_DOOR_RANGE[0]:
                    graph.add_edge(i, j, stretch=stretch)
    largest = max(nx.connected_components(graph), key=lambda group: (len(group), -min(group)))
    return graph.subgraph(largest).copy()


def _stretch(
    middle: HalfPlane, one: tuple[int, list[Side]], other: tuple[int, list[Side]], wall: int
) -> tuple[float, float] | None:
    """The interval along a wall where there is space for a door."""
    (i, shape), (j, beyond) = one, other
    found = [
        _side_along(middle, shape, j),
        _side_along(middle, beyond, i),
        section(shape, middle, wall / 2 + DOOR_FRONT_DEPTH),
        section(beyond, middle, -wall / 2 - DOOR_FRONT_DEPTH),
    ]
    ranges = [ends for ends in found if ends]
    if len(ranges) < len(found):
        return None
    return max(low for low, _ in ranges) + LATTICE_STEP * JAMB, min(high for _, high in ranges) - LATTICE_STEP * JAMB


def _side_along(middle: HalfPlane, sides: list[Side], neighbour: int) -> tuple[float, float] | None:
    """The interval along the middle of a wall that a cell's side covers."""
    (x, y), (u, v) = middle
    for side, after in ring_edges(sides):
        if side.neighbour == neighbour:
            ends = [(point[0] - x) * u + (point[1] - y) * v for point in (side.start, after.start)]
            return min(ends), max(ends)
    return None


def _leave_out(rng: Rng, walls: nx.Graph, count: int) -> None:
    """Removes so many random cells, one in the middle of the others if there is any, and no articulation point."""
    for _ in range(min(count, len(walls) - 1)):
        joints = set(nx.articulation_points(walls))
        cells = [cell for cell in sorted(walls) if cell not in joints]
        most = max(walls.degree[cell] for cell in cells)
        walls.remove_node(rng.pick([cell for cell in cells if walls.degree[cell] >= most - 1]))


def _room_kinds(walls: nx.Graph, shapes: Sequence[list[Side]]) -> list[str]:
    """The kinds of cells: the room with the most neighbours is the hall, the others are called after their size."""
    areas = [doubled_area([rounded(side.start) for side in sides]) for sides in shapes]
    mean = sum(areas[room] for room in walls) // len(walls)
    room_kinds = ['gallery' if 8 * area > 9 * mean else 'study' if 8 * area < 7 * mean else 'studio' for area in areas]
    room_kinds[max(sorted(walls), key=lambda room: walls.degree[room])] = 'hall'
    return room_kinds


def _doors(
    rng: Rng, walls: nx.Graph, pairs: Iterable[tuple[int, int]], sites: Sequence[Point], wall: int, wide: int
) -> dict[tuple[int, int], Door]:
    """A door between each pair of rooms."""
    return {
        (i, j): _door(rng, border(sites[i], sites[j], 0), walls.edges[i, j]['stretch'], wall, wide) for i, j in pairs
    }


def _door(rng: Rng, middle: HalfPlane, stretch: tuple[float, float], wall: int, wide: int) -> Door:
    """A random opening in a stretch of wall: narrow or wide, and often at one of the stretch's ends."""
    room = math.floor(stretch[1] - stretch[0])
    narrow, broad = (
        (LATTICE_STEP * least, LATTICE_STEP * most) for least, most in (NARROW_DOOR_RANGE, WIDE_DOOR_RANGE)
    )
    opens_wide = rng.chance(wide, 100) and room >= broad[0]
    opening = min(rng.between(*(broad if opens_wide else narrow)), room)
    shift = rng.pick((0, room - opening, rng.below(room - opening + 1), (room - opening) // 2))
    low, high = stretch[0] + shift, stretch[0] + shift + opening
    inwards = left_of(middle.direction)

    def place(at: float, depth: float) -> Point:
        return rounded(along(along(middle.origin, middle.direction, at), inwards, depth))

    return Door(
        left=(place(low, wall / 2), place(high, wall / 2)),
        right=(place(low, -wall / 2), place(high, -wall / 2)),
        middle=(place(low + DOOR_LINE_INSET, 0), place(high - DOOR_LINE_INSET, 0)),
    )


def _outline(cell: int, sides: list[Side], doors: Mapping[tuple[int, int], Door]) -> list[Point]:
    """A room's corners and its doors' jambs, anticlockwise."""
    corners: list[Point] = []
    for start, neighbour in sides:
        corners.append(rounded(start))
        if (cell, neighbour) in doors:
            corners += doors[cell, neighbour].left
        elif (neighbour, cell) in doors:
            corners += reversed(doors[neighbour, cell].right)
    return corners


def _ends(outlines: Iterable[Sequence[Point]], doors: Iterable[Door]) -> dict[Point, Point]:
    """The end of each wall by its start: the rooms' outlines, but for doors, and the doors' jambs."""
    ends = {start: end for corners in outlines for start, end in ring_edges(corners)}
    for (low, high), (low_beyond, high_beyond), _ in doors:
        ends[low], ends[high_beyond] = low_beyond, high
    return ends


FAMILY = Family(
    name='voronoi',
    version=1,
    about='A building of convex rooms at any angle, with courtyards.',
    parameters=MappingProxyType(
        {
            'rooms': Parameter((7, 14), 1, 40, '', 'The number of rooms.'),
            'area': Parameter((9.0, 15.0), 6.0, 40.0, 'm²', 'The mean area of rooms, with their walls.'),
            'wall': Parameter((0.12, 0.3), 0.1, 0.4, 'm', 'The thickness of walls.'),
            'loops': Parameter((1, 4), 0, 12, '', 'The number of doors more than it takes to reach every room.'),
            'courtyards': Parameter((0, 2), 0, 6, '', 'The number of courtyards and recesses.'),
            'rounds': Parameter(
                (2, 8), 2, 30, '', 'The rounds of Lloyd relaxation of rooms: more makes them more alike.'
            ),
            'wide': Parameter(0.4, 0.0, 1.0, '', 'The share of wide doors, where they fit.'),
        }
    ),
    build=build,
)
