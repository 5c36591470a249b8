"""What every family takes beside its own parameters: ways to vary a plan that is already a good one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from megastep.mapgen.geometry.rotation import HUNDREDTHS, rotate
from megastep.mapgen.geometry.symmetry import is_symmetrical
from megastep.mapgen.parameters import Choice, Parameter
from megastep.mapgen.plan import Plan
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.columns import put_columns
from megastep.mapgen.variations.corners import cut_corners
from megastep.mapgen.variations.furniture import furnish
from megastep.mapgen.variations.placement import Floor

OPTIONS: Mapping[str, Parameter | Choice] = MappingProxyType(
    {
        'chamfers': Parameter(0.0, 0.0, 1.0, '', 'The share of corners cut off, of those where nothing is in the way.'),
        'curves': Parameter(0.0, 0.0, 1.0, '', 'The share of the other such corners that are rounded.'),
        'columns': Parameter(0.0, 0.0, 10.0, 'per 100 m²', 'How many columns stand free in large rooms.'),
        'furniture': Parameter((0, 0), 0, 12, '', 'How many pieces of furniture are put in each room, where they fit.'),
        'rotation': Parameter((0.0, 0.0), -180.0, 180.0, 'degrees', 'How far the whole map is turned, anticlockwise.'),
    }
)
"""By name, as a family's parameters. By their defaults they change nothing."""


def apply(plan: Plan, rng: Rng, chosen: Mapping[str, Any]) -> Plan:
    """Applies options to a plan. Each is applied only where an agent can still go everywhere.

    What they leave without its symmetry no longer says that it has one. Half turns and quarter turns outlast a
    rotation, to the millimetre.

    Args:
        plan: Free space and rooms.
        rng: What each option's words are forked from.
        chosen: The options' values, by name. Those left out change nothing.
    """
    values = {name: chosen.get(name, option.default) for name, option in OPTIONS.items()}
    if values['chamfers'] or values['curves']:
        words_of_corners = rng.fork('corners')
        plan = cut_corners(plan, words_of_corners, chamfers=values['chamfers'], curves=values['curves'])
    if values['columns'] or values['furniture'][1]:
        floor = Floor(plan)
        if values['columns']:
            put_columns(floor, plan.rooms, rng.fork('columns'), density=values['columns'])
        furnish(floor, plan.rooms, rng.fork('furniture'), count=values['furniture'])
        plan = floor.plan()
    low, high = (round(HUNDREDTHS * degrees) for degrees in values['rotation'])
    if low or high:
        plan = rotate(plan, rng.fork('rotation').between(low, high))
    kept = plan.symmetry == 'none' or is_symmetrical(plan.rings, plan.symmetry)
    return plan if kept else plan._replace(symmetry='none')
