"""An office building: corridors with offices on both sides, meeting rooms, open-plan areas and services."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from types import MappingProxyType

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import PER_METRE, Rect, clear, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.corridor_lots import allot, capacity, fitted, sliced
from megastep.mapgen.layout.drafting import Draft, Link, linked, nearest, space
from megastep.mapgen.layout.footprint import SHAPES, Band, Wings, footprint
from megastep.mapgen.layout.solids import column_grid
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

LEAST = 2 * PER_METRE
"""Rooms are at least this wide along their corridor, without walls."""

PLOT = 95 * PER_METRE
"""Buildings are no longer and no wider where they can help it."""

FURTHEST = 340 * PER_METRE
"""Where they would get longer or wider than this, rooms are narrower: so they stay below 500 m, turned as they may be.
"""

HALLS = 50
"""The chance in a hundred of an open-plan area at each end of a corridor, across the whole wing."""

OPEN_PLAN = 40 * PER_METRE**2
"""What was to be an open-plan area and came out smaller than this, with walls, is a meeting room."""

MEETING = 15 * PER_METRE**2
"""Likewise, what was to be a meeting room is an office."""

SERVICES = ('stairs', 'restroom', 'kitchen', 'restroom', 'storage', 'stairs', 'restroom', 'server_room')
"""Services, in turn: one for every `SERVED` rooms, and `FIRST` more."""

SERVED, FIRST = 10, 2

WORKING = frozenset({'office', 'meeting_room', 'open_plan'})
"""What may have a door to the room next to it."""

Pair = tuple[int, int]
Range = tuple[float, float]


def build(
    rng: Rng,
    *,
    rooms: Pair,
    shape: str,
    width: Range,
    depth: Range,
    corridor: Range,
    wall: Range,
    meeting: float,
    open_plan: float,
    connected: float,
    pitch: Range,
) -> Plan:
    """Makes an office building. See `FAMILY` for what the parameters mean."""
    sizes = rng.fork('sizes')
    count, thickness = sizes.between(*rooms), sizes.between(*map(units, wall))
    passage, deep, usual = (sizes.between(*map(units, pair)) + thickness for pair in (corridor, depth, width))
    wanted = _programme(rng.fork('programme'), count, usual, round(100 * meeting), round(100 * open_plan))
    least = LEAST + thickness

    def enough(wings: Wings, quarters: int = 4) -> bool:
        slots = count - len(wings.corridors) - len(wings.halls)
        lengths, widths = [band.length for band in wings.bands], [width for _, width in wanted[:slots]]
        wide = 4 * sum(lengths) >= quarters * sum(widths) or wings.extent >= FURTHEST
        return wide and capacity(lengths, least) >= slots

    wings = footprint(
        rng.fork('wings'),
        enough,
        partial(enough, quarters=5),
        shapes=SHAPES if shape == 'any' else (shape,),
        depth=deep,
        corridor=passage,
        most=count - 2,
        plot=PLOT,
        halls=HALLS if open_plan else 0,
    )
    drafts, neighbours = _rooms(rng.fork('rooms'), wings, wanted, count, least)
    symmetry = draw_square_symmetry(rng.fork('turn'))
    drafts = [Draft(draft.kind, [symmetry(tile) for tile in draft.tiles]) for draft in drafts]
    links = _links(rng.fork('links'), drafts, len(wings.corridors), neighbours, thickness, round(100 * connected))
    doors = linked(rng.fork('doors'), drafts, links, thickness)
    apart = sizes.between(*map(units, pitch))
    return assemble([_furnished(draft, thickness, apart) for draft in drafts], doors=doors, wall=thickness)


def _programme(rng: Rng, count: int, usual: int, meeting: int, open_plan: int) -> list[tuple[str, int]]:
    """What rooms there should be, services first, and how wide each is along its corridor."""
    services = [SERVICES[i % len(SERVICES)] for i in range(FIRST + count // SERVED)]
    wanted = [(kind, usual * rng.between(14, 18) // 16) for kind in services]
    while len(wanted) < count:
        if rng.chance(open_plan, 400):
            wanted.append(('open_plan', usual * rng.between(3 * 16, 6 * 16) // 16))
        elif rng.chance(meeting, 100):
            wanted.append(('meeting_room', usual * rng.between(24, 40) // 16))
        else:
            wanted.append(('office', usual * rng.pick((14, 16, 16, 16, 16, 20)) // 16))
    return wanted


def _rooms(
    rng: Rng, wings: Wings, wanted: Sequence[tuple[str, int]], count: int, least: int
) -> tuple[list[Draft], list[Pair]]:
    """The corridors, the halls and the rooms beside corridors; and which of these are neighbours."""
    drafts = [Draft('corridor', tiles) for tiles in wings.corridors]
    drafts += [Draft('lobby' if i == 0 else 'open_plan', [hall]) for i, hall in enumerate(wings.halls)]
    kinds, widths = zip(*wanted[: count - len(drafts)], strict=True)
    neighbours: list[Pair] = []
    shares = allot(widths, [band.length for band in wings.bands], least)
    for band, share in zip(wings.bands, shares, strict=True):
        order = _arranged(rng, share, kinds)
        parts = sliced(band, fitted([widths[room] for room in order], band.length, [least] * len(order)))
        first = len(drafts)
        drafts += [Draft(_kind(kinds[room], part), [part.tile]) for room, part in zip(order, parts, strict=True)]
        neighbours += pairwise(range(first, len(drafts)))
    return drafts, neighbours


def _arranged(rng: Rng, share: Sequence[int], kinds: Sequence[str]) -> list[int]:
    """Rooms in the order in which they lie along a corridor: services together, like offices together."""
    groups: dict[str, list[int]] = {}
    for room in share:
        groups.setdefault(kinds[room] if kinds[room] in WORKING else 'service', []).append(room)
    return [room for _, group in rng.shuffled(sorted(groups.items())) for room in group]


def _kind(kind: str, part: Band) -> str:
    """What a room is for, by what it was to be and how large it came out."""
    if kind == 'open_plan' and part.tile.area < OPEN_PLAN:
        kind = 'meeting_room'
    if kind == 'meeting_room' and part.tile.area < MEETING:
        kind = 'office'
    return kind


def _links(
    rng: Rng, drafts: Sequence[Draft], corridors: int, neighbours: Sequence[Pair], wall: int, connected: int
) -> list[Link]:
    """A door for each room to its corridor, and some between neighbours."""
    links = [Link(0, 1, open=True)] if corridors == 2 else []
    for i, draft in enumerate(drafts[corridors:], corridors):
        large = draft.kind in ('open_plan', 'lobby')
        links.append(Link(nearest(drafts[:corridors], draft, wall), i, wide=100 if large else 5))
    for i, j in neighbours:
        if {drafts[i].kind, drafts[j].kind} <= WORKING and rng.chance(connected, 100):
            links.append(Link(i, j))
    return links


def _furnished(draft: Draft, wall: int, pitch: int) -> Space:
    """A room's clear floor, with columns if it is a large one."""
    solids: list[Rect] = []
    if draft.kind in ('open_plan', 'lobby'):
        solids = column_grid(clear(draft.tiles[0], wall), pitch, 2 * PER_METRE // 5)
    return space(draft, wall, solids)


FAMILY = Family(
    name='office',
    version=1,
    about='An office building: rooms along corridors, open-plan areas with columns, services.',
    parameters=MappingProxyType(
        {
            'rooms': Parameter((40, 80), 24, 300, '', 'How many rooms, counting corridors.'),
            'shape': Choice('any', ('any', *SHAPES), 'How its wings lie.'),
            'width': Parameter((2.6, 3.4), 2.2, 5.0, 'm', 'How wide an office is along its corridor.'),
            'depth': Parameter((4.2, 5.6), 3.5, 8.0, 'm', 'How deep rooms are, from the corridor to the facade.'),
            'corridor': Parameter((1.5, 2.2), 1.2, 4.0, 'm', 'How wide corridors are.'),
            'wall': Parameter((0.1, 0.2), 0.1, 0.3, 'm', 'How thick walls are.'),
            'meeting': Parameter(0.15, 0.0, 1.0, '', 'The share of meeting rooms.'),
            'open_plan': Parameter(0.3, 0.0, 1.0, '', "The share of open-plan areas, by the offices' measure."),
            'connected': Parameter(0.1, 0.0, 1.0, '', 'The share of neighbours with a door between them.'),
            'pitch': Parameter((4.0, 7.0), 2.5, 12.0, 'm', 'How far apart the columns of large rooms are.'),
        }
    ),
    build=build,
)
