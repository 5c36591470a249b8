"""What colour the floor of a room has in pictures, by what the room is for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLAIN = '#f2e8d6'

TINTS: Mapping[str, str] = MappingProxyType(
    {
        # sleeping
        'bedroom': '#c8d7f1',
        'child_room': '#cfe2f3',
        'guest_room': '#d0dcf2',
        'patient_room': '#d9e3ef',
        # living and eating
        'living_room': '#fbe5ab',
        'dining_room': '#fbdcb0',
        'kitchen': '#f7cdb4',
        'break_room': '#fbdcb0',
        'restaurant': '#fbdcb0',
        'lobby': '#fbe9be',
        # washing
        'bathroom': '#bfe1e4',
        'restroom': '#bfe1e4',
        'washing_room': '#c6e5d6',
        # working
        'study': '#dde5ba',
        'office': '#dde5ba',
        'open_plan': '#e9edcb',
        'meeting_room': '#cddfae',
        'studio': '#d9e2c9',
        # keeping things
        'closet': '#dfd3ec',
        'storage': '#d9d6e0',
        'server_room': '#cbc8dc',
        'storage_hall': '#eceae8',
        'dock': '#d3d9de',
        # going about
        'corridor': '#efe7d8',
        'hall': '#efe7d8',
        'landing': '#efe7d8',
        'entrance': '#f1dcc6',
        'gallery': '#f3ddd0',
        'stairs': '#dedbd4',
        # out of doors, or as large
        'balcony': '#d5e8c8',
        'arena': '#f2e3c9',
        'cave': '#e6d8c8',
        'maze': '#dfe9d3',
        'track': '#dee1e5',
        'room': PLAIN,
    }
)
"""Rooms of like use are of like colours. A room of any other kind is as `PLAIN` as one that is just a room."""


def tint(kind: str) -> str:
    """The colour of a kind of room, as HTML writes it."""
    return TINTS.get(kind, PLAIN)
