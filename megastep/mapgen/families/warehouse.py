"""A warehouse: a hall full of racks with aisles between them, loading docks, a few offices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, cycle, pairwise
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import PER_METRE, Rect, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout.assembly import assemble
from megastep.mapgen.layout.drafting import Draft, Link, linked, space
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

SHAPES = ('bar', 'ell', 'tee', 'cup')
"""A block with docks along one side; behind it one more, at an end or in the middle, or two."""

APRON = (5 * PER_METRE, 9 * PER_METRE)
"""How deep the floor between the docks and the racks is."""

DOCK = ((7 * PER_METRE // 2, 9 * PER_METRE // 2), (4 * PER_METRE, 7 * PER_METRE))
"""How wide and how deep docks are, without walls."""

GATE = 3 * PER_METRE
"""How wide the opening to a dock is."""

APART = (PER_METRE, 4 * PER_METRE)
"""How much wall there is between two docks."""

OFFICE = ((12 * PER_METRE // 5, 5 * PER_METRE), (3 * PER_METRE, 9 * PER_METRE // 2))
"""How wide offices and the like are along the hall, and how deep, without walls."""

KINDS = ('office', 'restroom', 'break_room', 'storage', 'office', 'office', 'restroom', 'office', 'meeting_room')
"""What they are for, in turn."""

PALLET = (6 * PER_METRE // 5, PER_METRE)
"""How long and wide a pallet is; they stand alone or in twos."""

AROUND = 7 * PER_METRE // 5
"""How far pallets are apart, and from all else."""

COURT = 5 * PER_METRE
"""How far two blocks behind the first are apart."""

Pair = tuple[int, int]
Range = tuple[float, float]


class Field(NamedTuple):
    """How racks stand, in lattice units."""

    rack: int
    """How deep racks are."""
    aisle: int
    """How far they are apart side by side, and from walls."""
    cross: int
    """How far they are apart end to end."""
    wall: int

    def across(self, rows: int) -> int:
        """What rows of racks take side by side, with the aisles around them and a wall."""
        return rows * self.rack + (rows + 1) * self.aisle + 2 * self.wall

    def along(self, sections: int, length: int) -> int:
        """What racks of a length take end to end, likewise."""
        return sections * length + (sections + 1) * self.cross + 2 * self.wall


def build(
    rng: Rng,
    *,
    rows: Pair,
    sections: Pair,
    shape: str,
    length: Range,
    rack: Range,
    aisle: Range,
    cross: Range,
    docks: Pair,
    offices: Pair,
    wall: Range,
    missing: float,
    pallets: float,
) -> Plan:
    """Makes a warehouse. See `FAMILY` for what the parameters mean."""
    sizes = rng.fork('sizes')
    field = Field(*(sizes.between(*map(units, pair)) for pair in (rack, aisle, cross, wall)))
    shape = sizes.pick(SHAPES) if shape == 'any' else shape
    count, parts, bay = sizes.between(*rows), sizes.between(*sections), sizes.between(*map(units, length))
    gates = _docks(rng.fork('docks'), sizes.between(*docks), field.wall)
    rooms = _offices(rng.fork('offices'), sizes.between(*offices), field.wall)

    width = max(field.along(parts, bay), _end(gates), _narrowest(shape, field))
    apron = max(sizes.between(*APRON), rooms[-1].top - field.across(count))
    main = Rect(0, 0, width, apron + field.across(count))
    blocks = _blocks(rng.fork('blocks'), shape, main, field, bay)
    solids = _racks(main._replace(bottom=apron), field, count, parts)
    solids += [rack for block in blocks for rack in _racks_behind(block, field, bay)]
    solids = _kept(rng.fork('missing'), solids, round(100 * missing))
    solids += _pallets(rng.fork('pallets'), main._replace(top=apron), field, round(100 * pallets))
    drafts = _drafts(rng.fork('places'), [main, *blocks], gates, rooms)
    return _finished(rng, drafts, solids, field.wall)


def _end(gates: Sequence[Rect]) -> int:
    return gates[-1].right if gates else 0


def _narrowest(shape: str, field: Field) -> int:
    """How wide the first block is at least, for those behind it to be narrower."""
    least = field.across(1)
    return {'bar': 0, 'cup': 2 * least + COURT}.get(shape, 3 * least // 2)


def _docks(rng: Rng, count: int, wall: int) -> list[Rect]:
    """Draws docks below y = 0, from x = 0 on, as far apart one from the next."""
    width, depth = (rng.between(*size) + wall for size in DOCK)
    pitch = width + rng.between(*APART)
    return [Rect(i * pitch, -depth, i * pitch + width, 0) for i in range(count)]


def _offices(rng: Rng, count: int, wall: int) -> list[Rect]:
    """Draws offices to the right of x = 0, from y = 0 on."""
    depth = rng.between(*OFFICE[1]) + wall
    ends = list(accumulate((rng.between(*OFFICE[0]) + wall for _ in range(count)), initial=0))
    return [Rect(0, low, depth, high) for low, high in pairwise(ends)]


def _blocks(rng: Rng, shape: str, main: Rect, field: Field, length: int) -> list[Rect]:
    """Draws the blocks behind the first."""
    least, top = field.across(1), main.top
    if shape == 'bar':
        return []
    depth = field.along(rng.between(1, 2), length)
    if shape == 'cup':
        left, right = (rng.between(least, (main.width - COURT) // 2) for _ in range(2))
        return [Rect(0, top, left, top + depth), Rect(main.right - right, top, main.right, top + depth)]
    width = rng.between(least, 2 * main.width // 3)
    spare = main.width - width
    start = rng.between(spare // 3, 2 * spare // 3) if shape == 'tee' else 0
    return [Rect(start, top, start + width, top + depth)]


def _racks(block: Rect, field: Field, rows: int, sections: int) -> list[Rect]:
    """Racks along x, in rows that fill a block evenly."""
    length = (block.width - 2 * field.wall - (sections + 1) * field.cross) // sections
    aisle = (block.height - 2 * field.wall - rows * field.rack) // (rows + 1)
    starts = [block.left + field.wall + field.cross + i * (length + field.cross) for i in range(sections)]
    lows = [block.bottom + field.wall + aisle + k * (field.rack + aisle) for k in range(rows)]
    return [Rect(x, y, x + length, y + field.rack) for y in lows for x in starts]


def _racks_behind(block: Rect, field: Field, length: int) -> list[Rect]:
    """Racks along y, as many as fit a block that is as deep as one or two racks of a length need."""
    sections = 2 if block.height >= field.along(2, length) else 1
    rows = (block.width - 2 * field.wall - field.aisle) // (field.rack + field.aisle)
    racks = _racks(_swapped(block), field, rows, sections)
    return [_swapped(rack) for rack in racks]


def _swapped(rect: Rect) -> Rect:
    return Rect(rect.bottom, rect.left, rect.top, rect.right)


def _kept(rng: Rng, racks: Sequence[Rect], missing: int) -> list[Rect]:
    return [rack for rack in racks if not rng.chance(missing, 100)]


def _pallets(rng: Rng, apron: Rect, field: Field, share: int) -> list[Rect]:
    """Pallets on the floor between docks and racks, on a grid of places, of which a share in a hundred are taken."""
    (long, deep), edge = PALLET, field.wall + AROUND
    lows = range(apron.bottom + edge + AROUND, apron.top - deep + 1, deep + AROUND)
    starts = range(apron.left + edge, apron.right - edge - 2 * long + 1, 2 * long + AROUND)
    pallets = []
    for low in lows:
        for start in starts:
            if rng.chance(share, 100):
                width, shift = (2 * long, 0) if rng.chance(1, 2) else (long, rng.below(long + 1))
                pallets.append(Rect(start + shift, low, start + shift + width, low + deep))
    return pallets


def _drafts(rng: Rng, hall: Sequence[Rect], gates: Sequence[Rect], rooms: Sequence[Rect]) -> list[Draft]:
    """The rooms: the hall, then the docks somewhere along its front and the offices somewhere along a side."""
    along, up = rng.below(hall[0].right - _end(gates) + 1), rng.below(hall[0].top - rooms[-1].top + 1)
    drafts = [Draft('storage_hall', hall)]
    drafts += [Draft('dock', [Rect(gate.left + along, gate.bottom, gate.right + along, gate.top)]) for gate in gates]
    for kind, room in zip(cycle(KINDS), rooms, strict=False):
        side = hall[0].right
        drafts.append(Draft(kind, [Rect(side, room.bottom + up, side + room.right, room.top + up)]))
    return drafts


def _finished(rng: Rng, drafts: Sequence[Draft], solids: Sequence[Rect], wall: int) -> Plan:
    """Turns the building, and opens each room to the hall."""
    symmetry = draw_square_symmetry(rng.fork('turn'))
    drafts = [Draft(draft.kind, [symmetry(tile) for tile in draft.tiles]) for draft in drafts]
    links = [Link(0, i, gap=GATE if draft.kind == 'dock' else 0) for i, draft in enumerate(drafts[1:], 1)]
    spaces = [
        space(drafts[0], wall, [symmetry(solid) for solid in solids]),
        *(space(room, wall) for room in drafts[1:]),
    ]
    return assemble(spaces, doors=linked(rng.fork('doors'), drafts, links, wall), wall=wall)


FAMILY = Family(
    name='warehouse',
    version=1,
    about='A warehouse: racks with aisles between them, loading docks, a few offices.',
    parameters=MappingProxyType(
        {
            'rows': Parameter((3, 8), 1, 20, '', 'How many rows of racks stand side by side.'),
            'sections': Parameter((1, 3), 1, 5, '', 'How many racks stand end to end in each.'),
            'shape': Choice('any', ('any', *SHAPES), 'What is behind the first block of racks: no, one or two others.'),
            'length': Parameter((6.0, 14.0), 2.5, 30.0, 'm', 'How long a rack is.'),
            'rack': Parameter((1.1, 2.6), 0.5, 3.0, 'm', 'How deep a rack is.'),
            'aisle': Parameter((1.8, 3.2), 1.6, 3.5, 'm', 'How wide the aisles between rows are.'),
            'cross': Parameter((2.0, 3.5), 1.6, 5.0, 'm', 'How wide the aisles at the ends of racks are.'),
            'docks': Parameter((2, 5), 0, 12, '', 'How many loading docks there are.'),
            'offices': Parameter((2, 5), 1, 10, '', 'How many offices and other small rooms there are.'),
            'wall': Parameter((0.15, 0.3), 0.1, 0.3, 'm', 'How thick walls are.'),
            'missing': Parameter(0.1, 0.0, 1.0, '', 'The share of racks that are left out.'),
            'pallets': Parameter(0.35, 0.0, 1.0, '', 'The share of places for pallets on the floor that are taken.'),
        }
    ),
    build=build,
)
