"""Import and export of map sets: from other programs' files, and to them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from megastep.maps.formats.reading import Collected, Paths, paths
from megastep.maps.geometry import Geometry

Set = TypeVar('Set', bound='Exchange')


class Exchange:
    """Importers and exporters of `megastep.MapSet`. Each format's module says what it understands, and its bounds.

    With ``skip_invalid=True`` maps that can't be used are left out, and a warning lists them and the reasons. The
    recipe keeps the maps' ``names``, ``notes`` on what became of each, and what was ``left_out``.
    """

    if TYPE_CHECKING:  # what a map set has

        def __init__(self, geometries: Iterable[Geometry], *, recipe: Mapping[str, Any] | None = None) -> None: ...
        def __iter__(self) -> Iterator[Geometry]: ...
        def __len__(self) -> int: ...

    @classmethod
    def from_geojson(cls: type[Set], path: str | os.PathLike, *, skip_invalid: bool = False) -> Set:
        """Reads maps from GeoJSON: one FeatureCollection a map, one a line or one a file.

        Args:
            path: The file to read. `megastep.maps.formats.geojson` says what it may hold.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its line, its feature and the reason; or if none can.
        """
        from megastep.maps.formats import geojson  # here, like every format, as few who load maps import any

        found = geojson.read(path, skip_invalid=skip_invalid)
        return cls(**_recorded(found, 'geojson', path, skip_invalid=skip_invalid))

    @classmethod
    def from_svg(cls: type[Set], path: Paths, *, scale: float = 100.0, skip_invalid: bool = False) -> Set:
        """Reads the outlines drawn in SVG pictures, a map a file: every line drawn is a wall.

        Args:
            path: The file, or several. `megastep.maps.formats.svg` says what it may hold.
            scale: How many of the picture's units are a metre: 100 where they are centimetres.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its file, its element and the reason; or if none can.
        """
        from megastep.maps.formats import svg

        found = svg.read(path, scale=scale, skip_invalid=skip_invalid)
        return cls(**_recorded(found, 'svg', path, scale=scale, skip_invalid=skip_invalid))

    @classmethod
    def from_wad(cls: type[Set], path: str | os.PathLike, *, skip_invalid: bool = False) -> Set:
        """Reads every level of a game of Doom's kin, at 32 units a metre.

        Args:
            path: The WAD file. `megastep.maps.formats.wad` says what becomes a wall.
            skip_invalid: Leave out the levels that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if the file is no WAD; if a level can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats import wad

        return cls(**_recorded(wad.read(path, skip_invalid=skip_invalid), 'wad', path, skip_invalid=skip_invalid))

    @classmethod
    def from_occupancy(
        cls: type[Set], path: Paths, *, speck: float = 0.01, simplify: float = 0.0, skip_invalid: bool = False
    ) -> Set:
        """Reads occupancy grids as ROS has them: a YAML file a map, which names a PGM or PNG beside it.

        Args:
            path: The YAML file, or several. `megastep.maps.formats.occupancy` says what they may hold.
            speck: What isn't free, covers less than this, in square metres, and is surrounded by what is free, is free.
            simplify: How far walls may be moved, in metres, to have fewer corners. With 0 they follow the cells.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its file and the reason; or if none can.
        """
        from megastep.maps.formats import occupancy

        found = occupancy.read(path, speck=speck, simplify=simplify, skip_invalid=skip_invalid)
        return cls(**_recorded(found, 'occupancy', path, speck=speck, simplify=simplify, skip_invalid=skip_invalid))

    @classmethod
    def from_centreline(cls: type[Set], path: Paths, *, scale: float = 1.0, skip_invalid: bool = False) -> Set:
        """Reads closed race tracks, a CSV file each: x, y, and the width to the right and to the left, in metres.

        Args:
            path: The file, or several. `megastep.maps.formats.centreline` says what they may hold.
            scale: What all lengths are multiplied by: a tenth makes a track for model cars of a real one.
            skip_invalid: Leave out the tracks that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a track can't be used, naming its file, its line and the reason; or if none can.
        """
        from megastep.maps.formats import centreline

        found = centreline.read(path, scale=scale, skip_invalid=skip_invalid)
        return cls(**_recorded(found, 'centreline', path, scale=scale, skip_invalid=skip_invalid))

    def to_geojson(self, path: str | os.PathLike) -> None:
        """Writes the maps as GeoJSON, a FeatureCollection a line. `from_geojson` reads back the very same maps.

        Walls, rooms, doors, lights and spawns are written, each coordinate in full; the recipe is not, nor are
        geodesics. The file is replaced once all of it is safely on disk.

        Raises:
            ValueError: if the set is empty.
        """
        from megastep.maps.formats import geojson

        geojson.write(path, self)

    def to_svg(self, folder: str | os.PathLike, *, scale: float = 100.0) -> list[Path]:
        """Writes each map's outline as a picture of its own, which `from_svg` reads back: the walls, and no more.

        Args:
            folder: Where the pictures go, as ``0000.svg`` and so on. It must be there.
            scale: How many of the picture's units are a metre.

        Returns:
            The files, in the order of the maps.

        Raises:
            ValueError: if the set is empty.
        """
        from megastep.maps.formats import svg

        return svg.write(folder, self, scale=scale)


def _recorded(found: Collected, family: str, path: Paths, **parameters: Any) -> dict[str, Any]:
    """The arguments for a `megastep.MapSet` of what a format's reader found, with where it is from in its recipe."""
    files = [each.name for each in paths(path)]
    names = files[0] if isinstance(path, str | os.PathLike) else files
    recipe = {'family': family, 'version': 1, 'seed': None, 'parameters': {'file': names, **parameters}}
    return {'geometries': found.geometries, 'recipe': {**recipe, **found.record}}
