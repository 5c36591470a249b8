"""A warehouse: a hall full of racks with aisles between them, loading docks, a few offices."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, cycle, pairwise
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.geometry.symmetry import draw_square_symmetry
from megastep.mapgen.layout.assembly import assemble
from megastep.mapgen.layout.drafting import Draft, Link, clear_space, linked, transformed_drafts
from megastep.mapgen.parameters import FloatRange, IntRange
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng

WAREHOUSE_SHAPES = ('bar', 'ell', 'tee', 'cup')
"""The shapes: a block with docks along one side; behind it one more, at an end or in the middle, or two."""

APRON_DEPTHS = (units(5), units(9))
"""The range of the depth of the floor between the docks and the racks, in lattice units."""

DOCK_WIDTHS, DOCK_DEPTHS = (units(3.5), units(4.5)), (units(4), units(7))
"""The ranges of the width and the depth of docks, without walls, in lattice units."""

GATE_WIDTH = units(3)
"""The width of the opening to a dock, in lattice units."""

DOCK_DISTANCES = (units(1), units(4))
"""The range of the length of wall between two docks, in lattice units."""

OFFICE_WIDTHS, OFFICE_DEPTHS = (units(2.4), units(5)), (units(3), units(4.5))
"""The ranges of the width along the hall and the depth of offices and the like, without walls, in lattice units."""

SMALL_ROOM_KINDS = (
    'office',
    'restroom',
    'break_room',
    'storage',
    'office',
    'office',
    'restroom',
    'office',
    'meeting_room',
)
"""The kinds of offices and the like, in turn."""

PALLET_LENGTH, PALLET_DEPTH = units(1.2), units(1)
"""The sides of a pallet, in lattice units; they stand alone or in twos."""

PALLET_CLEARANCE = units(1.4)
"""The least distance of pallets from each other, and from all else, in lattice units."""

BLOCK_DISTANCE = units(5)
"""The least distance of two blocks behind the first, in lattice units."""


class Field(NamedTuple):
    """The measures of racks and aisles, in lattice units."""

    rack: int
    """The depth of racks."""
    aisle: int
    """The width of the aisles between racks side by side, and along walls."""
    cross: int
    """The width of the aisles between racks end to end."""
    wall: int

    def across(self, rows: int) -> int:
        """The depth of rows of racks side by side, with the aisles around them and a wall."""
        return rows * self.rack + (rows + 1) * self.aisle + 2 * self.wall

    def along(self, sections: int, length: int) -> int:
        """The length of racks end to end, likewise."""
        return sections * length + (sections + 1) * self.cross + 2 * self.wall


def build(
    rng: Rng,
    *,
    rows: IntRange,
    sections: IntRange,
    shape: str,
    length: FloatRange,
    rack: FloatRange,
    aisle: FloatRange,
    cross: FloatRange,
    docks: IntRange,
    offices: IntRange,
    wall: FloatRange,
    missing: float,
    pallets: float,
) -> Plan:
    """The plan of a warehouse. `FAMILY` says what the parameters mean."""
    sizes = rng.fork('sizes')
    field = Field(*(sizes.between(*map(units, pair)) for pair in (rack, aisle, cross, wall)))
    shape = sizes.pick(WAREHOUSE_SHAPES) if shape == 'any' else shape
    count, parts, bay = sizes.between(*rows), sizes.between(*sections), sizes.between(*map(units, length))
    gates = _docks(rng.fork('docks'), sizes.between(*docks), field.wall)
    rooms = _offices(rng.fork('offices'), sizes.between(*offices), field.wall)

    width = max(field.along(parts, bay), _end(gates), _narrowest(shape, field))
    apron = max(sizes.between(*APRON_DEPTHS), rooms[-1].top - field.across(count))
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
    """The least width of the first block, for those behind it to be narrower."""
    least = field.across(1)
    return {'bar': 0, 'cup': 2 * least + BLOCK_DISTANCE}.get(shape, 3 * least // 2)


def _docks(rng: Rng, count: int, wall: int) -> list[Rect]:
    """Random docks below y = 0, from x = 0 on, as far apart one from the next."""
    width, depth = (rng.between(*sizes) + wall for sizes in (DOCK_WIDTHS, DOCK_DEPTHS))
    pitch = width + rng.between(*DOCK_DISTANCES)
    return [Rect(i * pitch, -depth, i * pitch + width, 0) for i in range(count)]


def _offices(rng: Rng, count: int, wall: int) -> list[Rect]:
    """Random offices to the right of x = 0, from y = 0 on."""
    depth = rng.between(*OFFICE_DEPTHS) + wall
    ends = list(accumulate((rng.between(*OFFICE_WIDTHS) + wall for _ in range(count)), initial=0))
    return [Rect(0, low, depth, high) for low, high in pairwise(ends)]


def _blocks(rng: Rng, shape: str, main: Rect, field: Field, length: int) -> list[Rect]:
    """Random blocks behind the first."""
    least, top = field.across(1), main.top
    if shape == 'bar':
        return []
    depth = field.along(rng.between(1, 2), length)
    if shape == 'cup':
        left, right = (rng.between(least, (main.width - BLOCK_DISTANCE) // 2) for _ in range(2))
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
    return [rack.transposed for rack in _racks(block.transposed, field, rows, sections)]


def _kept(rng: Rng, racks: Sequence[Rect], missing: int) -> list[Rect]:
    return [rack for rack in racks if not rng.chance(missing, 100)]


def _pallets(rng: Rng, apron: Rect, field: Field, share: int) -> list[Rect]:
    """Random pallets on the floor between docks and racks: in a share in a hundred of the places of a grid."""
    edge = field.wall + PALLET_CLEARANCE
    lows = range(apron.bottom + edge + PALLET_CLEARANCE, apron.top - PALLET_DEPTH + 1, PALLET_DEPTH + PALLET_CLEARANCE)
    starts = range(apron.left + edge, apron.right - edge - 2 * PALLET_LENGTH + 1, 2 * PALLET_LENGTH + PALLET_CLEARANCE)
    pallets = []
    for low in lows:
        for start in starts:
            if rng.chance(share, 100):
                width, shift = (
                    (2 * PALLET_LENGTH, 0) if rng.chance(1, 2) else (PALLET_LENGTH, rng.below(PALLET_LENGTH + 1))
                )
                pallets.append(Rect(start + shift, low, start + shift + width, low + PALLET_DEPTH))
    return pallets


def _drafts(rng: Rng, hall: Sequence[Rect], gates: Sequence[Rect], rooms: Sequence[Rect]) -> list[Draft]:
    """The rooms: the hall, then the docks somewhere along its front and the offices somewhere along a side."""
    along, up = rng.below(hall[0].right - _end(gates) + 1), rng.below(hall[0].top - rooms[-1].top + 1)
    drafts = [Draft('storage_hall', hall)]
    drafts += [Draft('dock', [Rect(gate.left + along, gate.bottom, gate.right + along, gate.top)]) for gate in gates]
    for kind, room in zip(cycle(SMALL_ROOM_KINDS), rooms, strict=False):
        side = hall[0].right
        drafts.append(Draft(kind, [Rect(side, room.bottom + up, side + room.right, room.top + up)]))
    return drafts


def _finished(rng: Rng, drafts: Sequence[Draft], solids: Sequence[Rect], wall: int) -> Plan:
    """The plan of the building, under a random symmetry, with a door or an opening from each room to the hall."""
    symmetry = draw_square_symmetry(rng.fork('turn'))
    drafts = transformed_drafts(drafts, symmetry)
    links = [Link(0, i, opening=GATE_WIDTH if draft.kind == 'dock' else 0) for i, draft in enumerate(drafts[1:], 1)]
    spaces = [
        clear_space(drafts[0], wall, [symmetry(solid) for solid in solids]),
        *(clear_space(room, wall) for room in drafts[1:]),
    ]
    return assemble(spaces, doors=linked(rng.fork('doors'), drafts, links, wall), wall=wall)


FAMILY = Family(
    name='warehouse',
    version=1,
    about='A warehouse: racks with aisles between them, loading docks, a few offices.',
    parameters=MappingProxyType(
        {
            'rows': Parameter((3, 8), 1, 20, '', 'The number of rows of racks side by side.'),
            'sections': Parameter((1, 3), 1, 5, '', 'The number of racks end to end in each.'),
            'shape': Choice(
                'any',
                ('any', *WAREHOUSE_SHAPES),
                'The shape: no, one or two other blocks behind the first block of racks.',
            ),
            'length': Parameter((6.0, 14.0), 2.5, 30.0, 'm', 'The length of a rack.'),
            'rack': Parameter((1.1, 2.6), 0.5, 3.0, 'm', 'The depth of a rack.'),
            'aisle': Parameter((1.8, 3.2), 1.6, 3.5, 'm', 'The width of the aisles between rows.'),
            'cross': Parameter((2.0, 3.5), 1.6, 5.0, 'm', 'The width of the aisles at the ends of racks.'),
            'docks': Parameter((2, 5), 0, 12, '', 'The number of loading docks.'),
            'offices': Parameter((2, 5), 1, 10, '', 'The number of offices and other small rooms.'),
            'wall': Parameter((0.15, 0.3), 0.1, 0.3, 'm', 'The thickness of walls.'),
            'missing': Parameter(0.1, 0.0, 1.0, '', 'The share of racks that are left out.'),
            'pallets': Parameter(0.35, 0.0, 1.0, '', 'The share of places for pallets on the floor that are taken.'),
        }
    ),
    build=build,
)
