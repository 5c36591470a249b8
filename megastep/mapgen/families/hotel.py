"""A hotel: long corridors, many rooms of the same size with bathrooms, mirrored in pairs; stairs, a lobby."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout.assembly import assemble
from megastep.mapgen.layout.corridor_lots import LEAST_LOT_WIDTH, sliced
from megastep.mapgen.layout.drafting import Draft, Link, columned_space, linked, nearest, transformed_drafts
from megastep.mapgen.layout.footprint import FOOTPRINT_SHAPES, Band, Footprint, draw_footprint
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

LEAST_ENTRY_WIDTH = units(1.1)
"""The least width of the way in beside a bathroom, without walls, in lattice units."""

BATHROOM_WIDTHS, BATHROOM_DEPTHS = (units(1.5), units(2)), (units(1.9), units(2.6))
"""The ranges of the width of bathrooms along the corridor, where the room allows it, and of their depth; without walls,
in lattice units."""

WINDOWED_SHAPES = tuple(shape for shape in FOOTPRINT_SHAPES if shape != 'core')
"""The shapes of footprints in which all rooms have windows."""

HALL_CHANCE = 35
"""The chance in a hundred of a hall at each end of a corridor."""

SHARED_KINDS = ('restaurant', 'meeting_room', 'gym', 'lounge', 'meeting_room')
"""The kinds of large rooms that aren't guests', in turn, but for the largest, which is the lobby."""

HOTEL_SERVICES = ('stairs', 'storage', 'stairs', 'restroom', 'storage', 'office')
"""The kinds of small ones: those less than one and a half times as wide as a guest's."""

LARGE_KINDS = frozenset({'lobby', *SHARED_KINDS})
"""The kinds of rooms with columns and wide doors."""

LOBBY_SLOTS = 3
"""The number of guests' rooms that a lobby takes the place of, unless it stands in a hall. Stairs take that of one."""

COLUMN_PITCH = units(5)
"""The least distance of the columns of large rooms, from middle to middle, in lattice units."""


class Share(NamedTuple):
    """The rooms along a band: a number of guests' rooms, the widths of the other rooms, and more guests' rooms."""

    before: int
    others: tuple[int, ...]
    after: int


def build(
    rng: Rng,
    *,
    guest_rooms: IntRange,
    shape: str,
    width: FloatRange,
    depth: FloatRange,
    corridor: FloatRange,
    wall: FloatRange,
) -> Plan:
    """The plan of a hotel. `FAMILY` says what the parameters mean."""
    sizes = rng.fork('sizes')
    count, thickness = sizes.between(*guest_rooms), sizes.between(*map(units, wall))
    passage, deep, wide = (sizes.between(*map(units, pair)) + thickness for pair in (corridor, depth, width))
    least = LEAST_LOT_WIDTH + thickness
    footprint = _footprint(rng.fork('wings'), shape, count, wide, least, depth=deep, corridor=passage)
    shares = _shares(rng.fork('shares'), footprint, count, wide, least)
    bath = _bath(rng.fork('bath'), wide, thickness)
    drafts, links = _rooms(footprint, shares, wide, bath)
    drafts = transformed_drafts(drafts, draw_square_symmetry(rng.fork('turn')))
    links += _links(drafts, len(footprint.corridors), thickness)
    doors = linked(rng.fork('doors'), drafts, links, thickness)
    spaces = [columned_space(draft, thickness, LARGE_KINDS, COLUMN_PITCH) for draft in drafts]
    return assemble(spaces, doors=doors, wall=thickness)


def _footprint(rng: Rng, shape: str, count: int, wide: int, least: int, *, depth: int, corridor: int) -> Footprint:
    """The footprint of a random building with land for so many guests' rooms."""

    def enough(footprint: Footprint, quarters: int) -> bool:
        needed = count + 1 + LOBBY_SLOTS * (not footprint.halls)
        return 4 * sum(_slots(band, wide, least) for band in footprint.bands) >= quarters * needed

    shapes = WINDOWED_SHAPES if shape == 'any' else (shape,)
    return draw_footprint(rng, enough, shapes=shapes, depth=depth, corridor=corridor, most=count, halls=HALL_CHANCE)


def _slots(band: Band, wide: int, least: int) -> int:
    """The number of guests' rooms that a band has space for, if what is left is nothing or a room of its own."""
    slots, left = divmod(band.length, wide)
    return slots - 1 if slots and 0 < left < least else slots


def _shares(rng: Rng, footprint: Footprint, count: int, wide: int, least: int) -> list[Share]:
    """The rooms along each band: as many guests' rooms as are wanted, and other rooms in place of the rest."""
    guests = [_slots(band, wide, least) for band in footprint.bands]
    others = [
        [left] if (left := band.length - slots * wide) else []
        for band, slots in zip(footprint.bands, guests, strict=True)
    ]
    chunk = 1 if footprint.halls else LOBBY_SLOTS
    while surplus := sum(guests) - count:
        chunk = min(chunk, surplus, max(guests))
        i = rng.pick([i for i, slots in enumerate(guests) if slots >= chunk])
        guests[i] -= chunk
        others[i].append(chunk * wide)
        chunk = 1 if chunk > 1 else rng.between(1, LOBBY_SLOTS)
    shares = []
    for slots, widths in zip(guests, others, strict=True):
        before = 2 * rng.below(slots // 2 + 1)
        shares.append(Share(before, tuple(widths), slots - before))
    return shares


def _bath(rng: Rng, wide: int, wall: int) -> IntRange:
    """The width of a bathroom's tile along the corridor, and its depth away from it."""
    least, most = BATHROOM_WIDTHS
    across = rng.between(least, min(most, wide - 2 * wall - LEAST_ENTRY_WIDTH))
    return across + wall, rng.between(*BATHROOM_DEPTHS) + wall


def _rooms(footprint: Footprint, shares: Sequence[Share], wide: int, bath: IntRange) -> tuple[list[Draft], list[Link]]:
    """The corridors, halls, other rooms, guests' rooms and bathrooms; and the doors between the last two."""
    guests: list[Band] = []
    others = [(max(hall.width, hall.height), hall) for hall in footprint.halls]
    flips = []
    for band, share in zip(footprint.bands, shares, strict=True):
        parts = sliced(band, [*[wide] * share.before, *share.others, *[wide] * share.after])
        others += [(part.length, part.tile) for part in parts[share.before : len(parts) - share.after]]
        guests += parts[: share.before] + parts[len(parts) - share.after :]
        flips += [i % 2 == 1 for count in (share.before, share.after) for i in range(count)]
    drafts = [Draft('corridor', tiles) for tiles in footprint.corridors]
    drafts += [Draft(kind, [tile]) for kind, tile in _named(others, wide)]
    links = []
    for guest, flipped in zip(guests, flips, strict=True):
        links.append(Link(len(drafts) + 1, len(drafts), tile=1))
        drafts += _suite(guest, bath, flipped)
    return drafts, links


def _named(others: Sequence[tuple[int, Rect]], wide: int) -> list[tuple[str, Rect]]:
    """The kinds of the rooms that aren't guests', by their lengths."""
    lobby, *rest = sorted(others, key=lambda other: (-other[0], other[1]))
    large, small = cycle(SHARED_KINDS), cycle(HOTEL_SERVICES)
    return [('lobby', lobby[1]), *((next(large if 2 * length >= 3 * wide else small), tile) for length, tile in rest)]


def _suite(guest: Band, bath: IntRange, flipped: bool) -> list[Draft]:
    """The drafts of a guest's room, its second tile beside the bathroom; and of that, at the low end unless flipped."""
    across, deep = bath
    wide = guest.length
    wet, entry = (Rect(0, 0, across, deep), Rect(across, 0, wide, deep))
    if flipped:
        wet, entry = Rect(wide - across, 0, wide, deep), Rect(0, 0, wide - across, deep)
    rest = Rect(0, deep, wide, guest.depth)
    return [Draft('guest_room', [guest.part(rest), guest.part(entry)]), Draft('bathroom', [guest.part(wet)])]


def _links(drafts: Sequence[Draft], corridors: int, wall: int) -> list[Link]:
    """The doors to the corridors."""
    links = [Link(0, 1, open=True)] if corridors == 2 else []
    for i, draft in enumerate(drafts[corridors:], corridors):
        if draft.kind == 'guest_room':
            corridor = nearest(drafts[:corridors], Draft('entry', draft.tiles[1:]), wall)
            links.append(Link(corridor, i, tile=1))
        elif draft.kind != 'bathroom':
            corridor = nearest(drafts[:corridors], draft, wall)
            links.append(Link(corridor, i, wide=100 if draft.kind in LARGE_KINDS else 0))
    return links


FAMILY = Family(
    name='hotel',
    version=1,
    about='A hotel: many rooms of one size along corridors, each with a bathroom.',
    parameters=MappingProxyType(
        {
            'guest_rooms': Parameter((24, 60), 24, 180, '', 'The number of rooms for guests.'),
            'shape': Choice('any', ('any', *WINDOWED_SHAPES), 'The shape of its footprint.'),
            'width': Parameter((3.2, 3.8), 3.0, 4.5, 'm', "The width of a guest's room along the corridor."),
            'depth': Parameter((5.8, 7.0), 5.0, 9.0, 'm', "The depth of a guest's room, bathroom and all."),
            'corridor': Parameter((1.5, 2.1), 1.2, 3.0, 'm', 'The width of corridors.'),
            'wall': Parameter((0.1, 0.2), 0.1, 0.3, 'm', 'The thickness of walls.'),
        }
    ),
    build=build,
)
