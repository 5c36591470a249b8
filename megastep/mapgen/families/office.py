"""An office building: corridors with offices on both sides, meeting rooms, open-plan areas and services."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from types import MappingProxyType

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import square_units, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout.assembly import assemble
from megastep.mapgen.layout.corridor_lots import LEAST_LOT_WIDTH, allot_lots, fitted, lot_capacity, sliced
from megastep.mapgen.layout.drafting import Draft, Link, columned_space, linked, nearest, transformed_drafts
from megastep.mapgen.layout.footprint import FOOTPRINT_SHAPES, Band, Footprint, draw_footprint
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

LARGEST_BUILDING = units(340)
"""The length or width of a building beyond which its rooms are narrower, in lattice units: so it stays below 500 m,
rotated as it may be."""

OPEN_PLAN_HALL_CHANCE = 50
"""The chance in a hundred of an open-plan area at each end of a corridor, across the whole wing."""

LEAST_OPEN_PLAN_AREA = square_units(40)
"""The area below which an open-plan area, with walls, becomes a meeting room, in square lattice units."""

LEAST_MEETING_AREA = square_units(15)
"""The area below which a meeting room, with walls, becomes an office, in square lattice units."""

OFFICE_SERVICES = ('stairs', 'restroom', 'kitchen', 'restroom', 'storage', 'stairs', 'restroom', 'server_room')
"""The kinds of services, in turn: one for every `ROOMS_PER_SERVICE` rooms, and `EXTRA_SERVICES` more."""

ROOMS_PER_SERVICE, EXTRA_SERVICES = 10, 2

WORKING_KINDS = frozenset({'office', 'meeting_room', 'open_plan'})
"""The kinds of rooms that may have a door to the room next to them."""

COLUMNED_KINDS = frozenset({'open_plan', 'lobby'})
"""The kinds of large rooms, with columns and wide doors."""


def build(
    rng: Rng,
    *,
    rooms: IntRange,
    shape: str,
    width: FloatRange,
    depth: FloatRange,
    corridor: FloatRange,
    wall: FloatRange,
    meeting: float,
    open_plan: float,
    connected: float,
    pitch: FloatRange,
) -> Plan:
    """The plan of an office building. `FAMILY` says what the parameters mean."""
    sizes = rng.fork('sizes')
    count, thickness = sizes.between(*rooms), sizes.between(*map(units, wall))
    passage, deep, usual = (sizes.between(*map(units, pair)) + thickness for pair in (corridor, depth, width))
    wanted = _programme(rng.fork('programme'), count, usual, round(100 * meeting), round(100 * open_plan))
    least = LEAST_LOT_WIDTH + thickness
    halls = OPEN_PLAN_HALL_CHANCE if open_plan else 0
    footprint = _footprint(rng.fork('wings'), shape, wanted, least, depth=deep, corridor=passage, halls=halls)
    drafts, neighbours = _rooms(rng.fork('rooms'), footprint, wanted, count, least)
    drafts = transformed_drafts(drafts, draw_square_symmetry(rng.fork('turn')))
    links = _links(rng.fork('links'), drafts, len(footprint.corridors), neighbours, thickness, round(100 * connected))
    doors = linked(rng.fork('doors'), drafts, links, thickness)
    apart = sizes.between(*map(units, pitch))
    spaces = [columned_space(draft, thickness, COLUMNED_KINDS, apart) for draft in drafts]
    return assemble(spaces, doors=doors, wall=thickness)


def _programme(rng: Rng, count: int, usual: int, meeting: int, open_plan: int) -> list[tuple[str, int]]:
    """The programme: the kinds of rooms that there should be, services first, and their widths along the corridor."""
    services = [OFFICE_SERVICES[i % len(OFFICE_SERVICES)] for i in range(EXTRA_SERVICES + count // ROOMS_PER_SERVICE)]
    wanted = [(kind, usual * rng.between(14, 18) // 16) for kind in services]
    while len(wanted) < count:
        if rng.chance(open_plan, 400):
            wanted.append(('open_plan', usual * rng.between(3 * 16, 6 * 16) // 16))
        elif rng.chance(meeting, 100):
            wanted.append(('meeting_room', usual * rng.between(24, 40) // 16))
        else:
            wanted.append(('office', usual * rng.pick((14, 16, 16, 16, 16, 20)) // 16))
    return wanted


def _footprint(
    rng: Rng, shape: str, wanted: Sequence[tuple[str, int]], least: int, *, depth: int, corridor: int, halls: int
) -> Footprint:
    """The footprint of a random building with land for the rooms that are wanted, but for its corridors and halls."""

    def enough(footprint: Footprint, quarters: int) -> bool:
        slots = len(wanted) - len(footprint.corridors) - len(footprint.halls)
        lengths, widths = [band.length for band in footprint.bands], [width for _, width in wanted[:slots]]
        wide = 4 * sum(lengths) >= quarters * sum(widths) or footprint.extent >= LARGEST_BUILDING
        return wide and lot_capacity(lengths, least) >= slots

    shapes, most = FOOTPRINT_SHAPES if shape == 'any' else (shape,), len(wanted) - 2
    return draw_footprint(rng, enough, shapes=shapes, depth=depth, corridor=corridor, most=most, halls=halls)


def _rooms(
    rng: Rng, footprint: Footprint, wanted: Sequence[tuple[str, int]], count: int, least: int
) -> tuple[list[Draft], list[tuple[int, int]]]:
    """The corridors, the halls and the rooms beside corridors; and the pairs of these that are neighbours."""
    drafts = [Draft('corridor', tiles) for tiles in footprint.corridors]
    drafts += [Draft('lobby' if i == 0 else 'open_plan', [hall]) for i, hall in enumerate(footprint.halls)]
    room_kinds, widths = zip(*wanted[: count - len(drafts)], strict=True)
    neighbours: list[tuple[int, int]] = []
    shares = allot_lots(widths, [band.length for band in footprint.bands], least)
    for band, share in zip(footprint.bands, shares, strict=True):
        order = _arranged(rng, share, room_kinds)
        parts = sliced(band, fitted([widths[room] for room in order], band.length, [least] * len(order)))
        first = len(drafts)
        drafts += [Draft(_kind(room_kinds[room], part), [part.tile]) for room, part in zip(order, parts, strict=True)]
        neighbours += pairwise(range(first, len(drafts)))
    return drafts, neighbours


def _arranged(rng: Rng, share: Sequence[int], room_kinds: Sequence[str]) -> list[int]:
    """Rooms in the order in which they lie along a corridor: services together, like offices together."""
    groups: dict[str, list[int]] = {}
    for room in share:
        kind = room_kinds[room]
        groups.setdefault(kind if kind in WORKING_KINDS else 'service', []).append(room)
    return [room for _, group in rng.shuffled(sorted(groups.items())) for room in group]


def _kind(kind: str, part: Band) -> str:
    """The kind of a room, by what it was to be and how large it came out."""
    if kind == 'open_plan' and part.tile.area < LEAST_OPEN_PLAN_AREA:
        kind = 'meeting_room'
    if kind == 'meeting_room' and part.tile.area < LEAST_MEETING_AREA:
        kind = 'office'
    return kind


def _links(
    rng: Rng, drafts: Sequence[Draft], corridors: int, neighbours: Sequence[tuple[int, int]], wall: int, connected: int
) -> list[Link]:
    """A door for each room to its corridor, and some between neighbours."""
    links = [Link(0, 1, open=True)] if corridors == 2 else []
    for i, draft in enumerate(drafts[corridors:], corridors):
        wide = 100 if draft.kind in COLUMNED_KINDS else 5
        links.append(Link(nearest(drafts[:corridors], draft, wall), i, wide=wide))
    for i, j in neighbours:
        if {drafts[i].kind, drafts[j].kind} <= WORKING_KINDS and rng.chance(connected, 100):
            links.append(Link(i, j))
    return links


FAMILY = Family(
    name='office',
    version=1,
    about='An office building: rooms along corridors, open-plan areas with columns, services.',
    parameters=MappingProxyType(
        {
            'rooms': Parameter((40, 80), 24, 300, '', 'The number of rooms, counting corridors.'),
            'shape': Choice('any', ('any', *FOOTPRINT_SHAPES), 'The shape of its footprint.'),
            'width': Parameter((2.6, 3.4), 2.2, 5.0, 'm', 'The width of an office along its corridor.'),
            'depth': Parameter((4.2, 5.6), 3.5, 8.0, 'm', 'The depth of rooms, from the corridor to the facade.'),
            'corridor': Parameter((1.5, 2.2), 1.2, 4.0, 'm', 'The width of corridors.'),
            'wall': Parameter((0.1, 0.2), 0.1, 0.3, 'm', 'The thickness of walls.'),
            'meeting': Parameter(0.15, 0.0, 1.0, '', 'The share of meeting rooms.'),
            'open_plan': Parameter(0.3, 0.0, 1.0, '', "The share of open-plan areas, by the offices' measure."),
            'connected': Parameter(0.1, 0.0, 1.0, '', 'The share of neighbours with a door between them.'),
            'pitch': Parameter((4.0, 7.0), 2.5, 12.0, 'm', 'The distance of the columns of large rooms.'),
        }
    ),
    build=build,
)
