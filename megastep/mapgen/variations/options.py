"""The options of every family beside its own parameters: ways to vary a plan that is already a good one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from megastep.mapgen.geometry.rotation import HUNDREDTHS_PER_DEGREE, rotate
from megastep.mapgen.geometry.symmetry import is_symmetrical
from megastep.mapgen.parameters import Choice, Parameter
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.columns import put_columns
from megastep.mapgen.variations.corners import cut_corners
from megastep.mapgen.variations.furniture import furnish
from megastep.mapgen.variations.placement import Placement

OPTIONS: Mapping[str, Parameter | Choice] = MappingProxyType(
    {
        'chamfers': Parameter(0.0, 0.0, 1.0, '', 'The share of corners cut off, of those where nothing is in the way.'),
        'curves': Parameter(0.0, 0.0, 1.0, '', 'The share of the other such corners that are rounded.'),
        'columns': Parameter(0.0, 0.0, 10.0, 'per 100 m²', 'The number of columns that stand free in large rooms.'),
        'furniture': Parameter((0, 0), 0, 12, '', 'The number of pieces of furniture in each room, where they fit.'),
        'rotation': Parameter(
            (0.0, 0.0), -180.0, 180.0, 'degrees', 'The angle by which the whole map is turned, anticlockwise.'
        ),
    }
)
"""The options by name, as a family's parameters. By their defaults they change nothing."""


def apply_options(plan: Plan, rng: Rng, chosen: Mapping[str, Any]) -> Plan:
    """The plan with options applied to it, each only where an agent can still go everywhere.

    What they leave without its symmetry no longer says that it has one. Half turns and quarter turns outlast a
    rotation, to the millimetre.

    Args:
        plan: Free space and rooms.
        rng: The generator that each option's own is forked from.
        chosen: The options' values, by name. Those left out change nothing.
    """
    values = {name: chosen.get(name, option.default) for name, option in OPTIONS.items()}
    if values['chamfers'] or values['curves']:
        plan = cut_corners(plan, rng.fork('corners'), chamfers=values['chamfers'], curves=values['curves'])
    if values['columns'] or values['furniture'][1]:
        placement = Placement(plan)
        if values['columns']:
            put_columns(placement, plan.rooms, rng.fork('columns'), density=values['columns'])
        furnish(placement, plan.rooms, rng.fork('furniture'), count=values['furniture'])
        plan = placement.plan()
    low, high = (round(HUNDREDTHS_PER_DEGREE * degrees) for degrees in values['rotation'])
    if low or high:
        plan = rotate(plan, rng.fork('rotation').between(low, high))
    kept = plan.symmetry == 'none' or is_symmetrical(plan.rings, plan.symmetry)
    return plan if kept else plan._replace(symmetry='none')
