"""An empty rectangular room."""

from types import MappingProxyType

from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.geometry.lattice import Rect, units
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng


def build(rng: Rng, *, width: float, height: float) -> Plan:
    """The plan of a room of a width and height in metres; only the spawns, and what options add, are random."""
    return assemble([Space('room', (Rect(0, 0, units(width), units(height)),))])


FAMILY = Family(
    name='box',
    version=2,
    about='An empty rectangular room.',
    parameters=MappingProxyType(
        {
            'width': Parameter(5.0, 1.0, 50.0, 'm', 'The length of the room along x.'),
            'height': Parameter(5.0, 1.0, 50.0, 'm', 'The length of the room along y.'),
        }
    ),
    build=build,
)
