"""Import of map sets from data sets and indoor maps, which say what is a room and what is a door."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from megastep.maps.exchange.importing import options_of, recorded
from megastep.maps.formats.gaps import SNAP
from megastep.maps.formats.reading import Inside, Paths, several
from megastep.maps.geometry import Geometry

Set = TypeVar('Set', bound='DatasetImporters')


class DatasetImporters:
    """Importers of `megastep.MapSet` for data sets by name. `importing.Importers` says what holds of all."""

    if TYPE_CHECKING:  # what a map set has

        def __init__(self, geometries: Iterable[Geometry], *, recipe: Mapping[str, Any] | None = None) -> None: ...

    @classmethod
    def from_cubicasa(
        cls: type[Set],
        path: Paths,
        *,
        inside: Inside = None,
        scale: float = 100.0,
        snap: float = SNAP,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads CubiCasa's floorplans, ``model.svg``, a map a storey: walls, the doors in them, and rooms by name.

        Args:
            path: The file, or several. `megastep.maps.formats.svg.cubicasa` says what becomes of what is in it.
            inside: A point (x, y) in the face that is meant, or several, in the file's coordinates; or by map.
            scale: How many of the picture's units are a metre: 100 where they are centimetres.
            snap: Ends no further apart than this, in metres, are joined.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a file is no such picture; if a map can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats.svg import cubicasa

        path = several(path)
        options = options_of(inside, skip_invalid, scale=scale, snap=snap)
        return cls(**recorded(cubicasa.read(path, **options), 'cubicasa', path, options))

    @classmethod
    def from_imdf(
        cls: type[Set], path: Paths, *, inside: Inside = None, snap: float = SNAP, skip_invalid: bool = False
    ) -> Set:
        """Reads IMDF, the indoor maps of Apple and OGC, a map a level: a folder, a ZIP, or one file.

        Args:
            path: The file, or several. `megastep.maps.formats.indoor` says what becomes of what is in it.
            inside: A longitude and latitude in the face that is meant, or several; or by level.
            snap: Ends no further apart than this, in metres, are joined.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its level and the reason; or if none can.
        """
        from megastep.maps.formats import indoor

        path = several(path)
        options = options_of(inside, skip_invalid, snap=snap)
        return cls(**recorded(indoor.read(path, 'imdf', **options), 'imdf', path, options))

    @classmethod
    def from_osm(
        cls: type[Set], path: Paths, *, inside: Inside = None, snap: float = SNAP, skip_invalid: bool = False
    ) -> Set:
        """Reads OpenStreetMap's indoor tags from GeoJSON, a map a level.

        Args:
            path: The file, or several. `megastep.maps.formats.indoor` says what becomes of what is in it.
            inside: A longitude and latitude in the face that is meant, or several; or by level.
            snap: Ends no further apart than this, in metres, are joined.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its level and the reason; or if none can.
        """
        from megastep.maps.formats import indoor

        path = several(path)
        options = options_of(inside, skip_invalid, snap=snap)
        return cls(**recorded(indoor.read(path, 'osm', **options), 'osm', path, options))

    @classmethod
    def from_houseexpo(
        cls: type[Set], path: Paths, *, inside: Inside = None, snap: float = SNAP, skip_invalid: bool = False
    ) -> Set:
        """Reads HouseExpo's houses, a JSON file each, with their rooms.

        Args:
            path: The file, or several.
            inside: A point (x, y) in the face that is meant, or several, in the file's coordinates; or by map.
            snap: Ends no further apart than this, in metres, are joined.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats import outlines

        path = several(path)
        options = options_of(inside, skip_invalid, snap=snap)
        return cls(**recorded(outlines.read_houseexpo(path, **options), 'houseexpo', path, options))

    @classmethod
    def from_msd(
        cls: type[Set], path: Paths, *, inside: Inside = None, snap: float = SNAP, skip_invalid: bool = False
    ) -> Set:
        """Reads Modified Swiss Dwellings, or Swiss Dwellings: a CSV file of polygons, a map a storey.

        Args:
            path: The file, or several.
            inside: A point (x, y) in the face that is meant, or several, in the file's coordinates; or by map.
            snap: Ends no further apart than this, in metres, are joined.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats import outlines

        path = several(path)
        options = options_of(inside, skip_invalid, snap=snap)
        return cls(**recorded(outlines.read_swiss(path, **options), 'msd', path, options))

    @classmethod
    def from_rplan(
        cls: type[Set],
        path: Paths,
        *,
        inside: Inside = None,
        resolution: float = 18 / 256,
        simplify: float = 0.0,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads floorplans as RPLAN has them, a picture each, with rooms and doors.

        Args:
            path: The file, or several. `megastep.maps.formats.rplan` says what the channels mean.
            inside: A place in the free space that is meant, or several, in metres from the lower left; or by map.
            resolution: The side of a pixel, in metres.
            simplify: How far walls may be moved, in metres, to have fewer corners. With 0 they follow the pixels.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats import rplan

        path = several(path)
        options = options_of(inside, skip_invalid, resolution=resolution, simplify=simplify)
        return cls(**recorded(rplan.read(path, **options), 'rplan', path, options))
