"""A hotel: long corridors, many rooms of the same size with bathrooms, mirrored in pairs; stairs, a lobby."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import cycle
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import PER_METRE, Rect, clear, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.layout.corridor_lots import sliced
from megastep.mapgen.layout.drafting import Draft, Link, linked, nearest, space
from megastep.mapgen.layout.footprint import SHAPES, Band, Wings, footprint
from megastep.mapgen.layout.solids import column_grid
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

LEAST = 2 * PER_METRE
"""Rooms that aren't guests' are at least this wide along their corridor, without walls."""

ENTRY = 11 * PER_METRE // 10
"""How wide the way in beside a bathroom is at least, without walls."""

BATHS = ((3 * PER_METRE // 2, 2 * PER_METRE), (19 * PER_METRE // 10, 13 * PER_METRE // 5))
"""Bathrooms are so wide along the corridor where the room allows it, and so deep, without walls."""

PLOT = 95 * PER_METRE
"""Buildings are no longer and no wider where they can help it."""

LIGHT = tuple(shape for shape in SHAPES if shape != 'core')
"""All rooms have windows."""

HALLS = 35
"""The chance in a hundred of a hall at each end of a corridor."""

SHARED = ('restaurant', 'meeting_room', 'gym', 'lounge', 'meeting_room')
"""What large rooms are for that aren't guests', in turn, but the largest, which is the lobby; and"""

SERVICES = ('stairs', 'storage', 'stairs', 'restroom', 'storage', 'office')
"""the small ones: those less than one and a half times as wide as a guest's."""

LARGE = frozenset({'lobby', *SHARED})

WELCOME = 3
"""A lobby takes the place of so many guests' rooms, or stands in a hall. Stairs take the place of one."""

PITCH, COLUMN = 5 * PER_METRE, 2 * PER_METRE // 5
"""How far apart the columns of large rooms are at least, and how thick."""

Pair = tuple[int, int]
Range = tuple[float, float]


class Share(NamedTuple):
    """What lies along a band: how many guests' rooms, then how wide the other rooms are, then more guests' rooms."""

    before: int
    others: tuple[int, ...]
    after: int


def build(rng: Rng, *, guest_rooms: Pair, shape: str, width: Range, depth: Range, corridor: Range, wall: Range) -> Plan:
    """Makes a hotel. See `FAMILY` for what the parameters mean."""
    sizes = rng.fork('sizes')
    count, thickness = sizes.between(*guest_rooms), sizes.between(*map(units, wall))
    passage, deep, wide = (sizes.between(*map(units, pair)) + thickness for pair in (corridor, depth, width))
    least = LEAST + thickness

    def enough(wings: Wings, quarters: int = 4) -> bool:
        needed = count + 1 + WELCOME * (not wings.halls)
        return 4 * sum(_slots(band, wide, least) for band in wings.bands) >= quarters * needed

    wings = footprint(
        rng.fork('wings'),
        enough,
        partial(enough, quarters=5),
        shapes=LIGHT if shape == 'any' else (shape,),
        depth=deep,
        corridor=passage,
        most=count,
        plot=PLOT,
        halls=HALLS,
    )
    shares = _shares(rng.fork('shares'), wings, count, wide, least)
    bath = _bath(rng.fork('bath'), wide, thickness)
    drafts, links = _rooms(wings, shares, wide, bath)
    symmetry = draw_square_symmetry(rng.fork('turn'))
    drafts = [Draft(draft.kind, [symmetry(tile) for tile in draft.tiles]) for draft in drafts]
    links += _links(drafts, len(wings.corridors), thickness)
    doors = linked(rng.fork('doors'), drafts, links, thickness)
    return assemble([_furnished(draft, thickness) for draft in drafts], doors=doors, wall=thickness)


def _slots(band: Band, wide: int, least: int) -> int:
    """How many guests' rooms a band has space for, if what is left is nothing or a room of its own."""
    slots, left = divmod(band.length, wide)
    return slots - 1 if slots and 0 < left < least else slots


def _shares(rng: Rng, wings: Wings, count: int, wide: int, least: int) -> list[Share]:
    """Says what lies along each band: as many guests' rooms as are wanted, and other rooms in place of the rest."""
    guests = [_slots(band, wide, least) for band in wings.bands]
    others = [
        [left] if (left := band.length - slots * wide) else [] for band, slots in zip(wings.bands, guests, strict=True)
    ]
    chunk = 1 if wings.halls else WELCOME
    while surplus := sum(guests) - count:
        chunk = min(chunk, surplus, max(guests))
        i = rng.pick([i for i, slots in enumerate(guests) if slots >= chunk])
        guests[i] -= chunk
        others[i].append(chunk * wide)
        chunk = 1 if chunk > 1 else rng.between(1, WELCOME)
    shares = []
    for slots, widths in zip(guests, others, strict=True):
        before = 2 * rng.below(slots // 2 + 1)
        shares.append(Share(before, tuple(widths), slots - before))
    return shares


def _bath(rng: Rng, wide: int, wall: int) -> Pair:
    """How long a bathroom's tile is along the corridor, and away from it."""
    (least, most), depths = BATHS
    across = rng.between(least, min(most, wide - 2 * wall - ENTRY))
    return across + wall, rng.between(*depths) + wall


def _rooms(wings: Wings, shares: Sequence[Share], wide: int, bath: Pair) -> tuple[list[Draft], list[Link]]:
    """The corridors, halls, other rooms, guests' rooms and bathrooms; and the doors between the last two."""
    guests: list[Band] = []
    others = [(max(hall.width, hall.height), hall) for hall in wings.halls]
    flips = []
    for band, share in zip(wings.bands, shares, strict=True):
        parts = sliced(band, [*[wide] * share.before, *share.others, *[wide] * share.after])
        others += [(part.length, part.tile) for part in parts[share.before : len(parts) - share.after]]
        guests += parts[: share.before] + parts[len(parts) - share.after :]
        flips += [i % 2 == 1 for count in (share.before, share.after) for i in range(count)]
    drafts = [Draft('corridor', tiles) for tiles in wings.corridors]
    drafts += [Draft(kind, [tile]) for kind, tile in _named(others, wide)]
    links = []
    for guest, flipped in zip(guests, flips, strict=True):
        links.append(Link(len(drafts) + 1, len(drafts), tile=1))
        drafts += _suite(guest, bath, flipped)
    return drafts, links


def _named(others: Sequence[tuple[int, Rect]], wide: int) -> list[tuple[str, Rect]]:
    """Says what rooms are for that aren't guests', by how long they are."""
    lobby, *rest = sorted(others, key=lambda other: (-other[0], other[1]))
    large, small = cycle(SHARED), cycle(SERVICES)
    return [('lobby', lobby[1]), *((next(large if 2 * length >= 3 * wide else small), tile) for length, tile in rest)]


def _suite(guest: Band, bath: Pair, flipped: bool) -> list[Draft]:
    """A guest's room, its second tile beside the bathroom; and the bathroom, at the low end unless flipped."""
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
            links.append(Link(corridor, i, wide=100 if draft.kind in LARGE else 0))
    return links


def _furnished(draft: Draft, wall: int) -> Space:
    """A room's clear floor, with columns if it is a large one."""
    solids = column_grid(clear(draft.tiles[0], wall), PITCH, COLUMN) if draft.kind in LARGE else []
    return space(draft, wall, solids)


FAMILY = Family(
    name='hotel',
    version=1,
    about='A hotel: many rooms of one size along corridors, each with a bathroom.',
    parameters=MappingProxyType(
        {
            'guest_rooms': Parameter((24, 60), 24, 180, '', 'How many rooms for guests.'),
            'shape': Choice('any', ('any', *LIGHT), 'How its wings lie.'),
            'width': Parameter((3.2, 3.8), 3.0, 4.5, 'm', "How wide a guest's room is along the corridor."),
            'depth': Parameter((5.8, 7.0), 5.0, 9.0, 'm', "How deep a guest's room is, bathroom and all."),
            'corridor': Parameter((1.5, 2.1), 1.2, 3.0, 'm', 'How wide corridors are.'),
            'wall': Parameter((0.1, 0.2), 0.1, 0.3, 'm', 'How thick walls are.'),
        }
    ),
    build=build,
)
