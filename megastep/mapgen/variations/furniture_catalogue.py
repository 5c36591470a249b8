"""The catalogue of furniture: the pieces that stand in rooms, by the rooms' kinds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Piece(NamedTuple):
    """A piece of furniture, as it is seen from above. Sizes are pairs, the least and the greatest, in millimetres."""

    name: str
    width: tuple[int, int]
    """Along the wall."""
    depth: tuple[int, int]
    """Away from it."""
    free: bool = False
    """True if it stands in the middle of a room rather than at a wall."""


BED = Piece('bed', (1400, 1800), (2000, 2100))
SINGLE_BED = Piece('single bed', (900, 1000), (2000, 2000))
WARDROBE = Piece('wardrobe', (1000, 2400), (600, 650))
DRAWERS = Piece('drawers', (800, 1400), (450, 500))
DESK = Piece('desk', (1200, 1800), (600, 800))
BOOKCASE = Piece('bookcase', (800, 2000), (300, 400))
SOFA = Piece('sofa', (1600, 2600), (850, 1000))
ARMCHAIR = Piece('armchair', (750, 950), (750, 900))
SIDEBOARD = Piece('sideboard', (1400, 2200), (450, 500))
LOW_TABLE = Piece('low table', (900, 1300), (600, 700), free=True)
TABLE = Piece('table', (1400, 2200), (850, 1000), free=True)
COUNTER = Piece('counter', (1800, 3600), (600, 650))
FRIDGE = Piece('fridge', (600, 900), (650, 700))
ISLAND = Piece('kitchen island', (1200, 2000), (800, 1000), free=True)
BATHTUB = Piece('bathtub', (1600, 1800), (700, 800))
SHOWER = Piece('shower', (800, 1000), (800, 900))
BASIN = Piece('basin', (500, 900), (450, 500))
TOILET = Piece('toilet', (400, 500), (600, 700))
WASHER = Piece('washing machine', (600, 1200), (600, 650))
RACK = Piece('rack', (600, 2400), (600, 1000))
SHELF = Piece('shelf', (800, 2000), (400, 500))
BENCH = Piece('bench', (1000, 1600), (400, 450))
DESKS = Piece('desks', (1600, 3200), (1400, 1600), free=True)
COUNTER_DESK = Piece('counter', (1800, 3000), (700, 800), free=True)

CATALOGUE: Mapping[str, tuple[Piece, ...]] = MappingProxyType(
    {
        'bedroom': (BED, WARDROBE, DRAWERS, DESK, ARMCHAIR),
        'child_room': (SINGLE_BED, WARDROBE, DESK, SHELF),
        'guest_room': (BED, WARDROBE, DESK, ARMCHAIR),
        'patient_room': (SINGLE_BED, WARDROBE, SINGLE_BED, ARMCHAIR),
        'living_room': (SOFA, SIDEBOARD, LOW_TABLE, ARMCHAIR, BOOKCASE, TABLE),
        'dining_room': (TABLE, SIDEBOARD, BENCH),
        'kitchen': (COUNTER, FRIDGE, ISLAND, SIDEBOARD),
        'bathroom': (BATHTUB, BASIN, TOILET, SHOWER),
        'restroom': (TOILET, BASIN),
        'washing_room': (WASHER, SHELF, COUNTER),
        'study': (DESK, BOOKCASE, BOOKCASE, ARMCHAIR),
        'office': (DESK, BOOKCASE, DESK, SHELF),
        'open_plan': (DESKS, DESKS, DESK, BOOKCASE, DESKS, SHELF, DESKS),
        'break_room': (TABLE, COUNTER, SOFA, FRIDGE),
        'server_room': (RACK, RACK, RACK, SHELF),
        'restaurant': (TABLE, TABLE, TABLE, TABLE, COUNTER, TABLE, SIDEBOARD),
        'studio': (TABLE, SHELF, SOFA, BOOKCASE, DESK),
        'gallery': (BENCH,),
        'meeting_room': (TABLE, SIDEBOARD),
        'storage': (SHELF, SHELF),
        'hall': (BENCH, SIDEBOARD),
        'lobby': (COUNTER_DESK, SOFA, BENCH, LOW_TABLE),
    }
)
"""The pieces that stand in a room of each kind, the most important first."""

PIECES_ANYWHERE = (SHELF, TABLE, BENCH, DRAWERS)
"""The pieces that stand in rooms of other kinds."""

UNFURNISHED_KINDS = frozenset(
    {'arena', 'cave', 'closet', 'corridor', 'dock', 'landing', 'maze', 'stairs', 'storage_hall', 'track'}
)
"""The kinds of rooms in which nothing stands."""


def pieces(kind: str) -> tuple[Piece, ...]:
    """The pieces that may stand in a room of a kind, the most important first."""
    return () if kind in UNFURNISHED_KINDS else CATALOGUE.get(kind, PIECES_ANYWHERE)
