"""The families of maps, a module each: every one a pure function of a seed, an index and a few parameters."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from megastep.mapgen.families import (
    apartments,
    arena,
    box,
    cave,
    column,
    hotel,
    house,
    maze,
    office,
    rooms,
    track,
    voronoi,
    warehouse,
)
from megastep.mapgen.family import Family

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.name: family
        for family in (
            apartments.FAMILY,
            arena.FAMILY,
            box.FAMILY,
            cave.FAMILY,
            column.FAMILY,
            hotel.FAMILY,
            house.FAMILY,
            maze.FAMILY,
            office.FAMILY,
            rooms.FAMILY,
            track.FAMILY,
            voronoi.FAMILY,
            warehouse.FAMILY,
        )
    }
)
"""The registry of families: the kinds of map that can be generated, by name."""
