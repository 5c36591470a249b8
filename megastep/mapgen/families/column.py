"""A rectangular room with a square column in its middle."""

from types import MappingProxyType

from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.lattice import Rect, subtract, units
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng


def build(rng: Rng, *, width: float, height: float, column: float) -> Plan:
    """The plan of a room with a column, of sizes in metres; only the spawns, and what options add, are random."""
    room, side = Rect(0, 0, units(width), units(height)), units(column)
    left, bottom = (room.width - side) // 2, (room.height - side) // 2
    around = subtract(room, Rect(left, bottom, left + side, bottom + side))
    return assemble([Space('room', tuple(around))])


FAMILY = Family(
    name='column',
    version=2,
    about='A rectangular room with a square column in its middle.',
    parameters=MappingProxyType(
        {
            'width': Parameter(5.0, 3.0, 50.0, 'm', 'The length of the room along x.'),
            'height': Parameter(5.0, 3.0, 50.0, 'm', 'The length of the room along y.'),
            'column': Parameter(1.0, 0.1, 1.5, 'm', "The length of the column's sides."),
        }
    ),
    build=build,
)
