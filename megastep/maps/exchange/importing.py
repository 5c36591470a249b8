"""Import of map sets from other programs' files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from megastep.maps.formats.gaps import SNAP
from megastep.maps.formats.reading import Collected, Inside, Paths, paths, several
from megastep.maps.formats.roles import Picked, plain
from megastep.maps.geometry import Geometry

UNSAID = {'inside': None, 'snap': SNAP, 'degrees': False, 'layers': None, 'ids': None, 'classes': None, 'levels': None}
"""Options that a recipe leaves out where they are these."""

Set = TypeVar('Set', bound='Importers')


class Importers:
    """Importers of `megastep.MapSet`. Each format's module says what it understands, and its bounds.

    ``inside`` says which of the faces that a file's walls enclose is the free space: a point (x, y) in it, or several,
    in the file's own coordinates, or such points by the maps' names. Without it the file's starting places decide, and
    else the largest face is taken, with a warning that names others of a tenth of its size or more.

    With ``skip_invalid=True`` maps that can't be used are left out, and a warning lists them and the reasons. The
    recipe keeps the maps' ``names``, ``notes`` on what became of each, and what was ``left_out``.
    """

    if TYPE_CHECKING:  # what a map set has

        def __init__(self, geometries: Iterable[Geometry], *, recipe: Mapping[str, Any] | None = None) -> None: ...

    @classmethod
    def from_geojson(
        cls: type[Set],
        path: str | os.PathLike,
        *,
        inside: Inside = None,
        scale: float = 1.0,
        degrees: bool = False,
        snap: float = SNAP,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads maps from GeoJSON: one FeatureCollection a map, one a line or one a file.

        Args:
            path: The file to read. `megastep.maps.formats.geojson` says what it may hold.
            inside: A point (x, y) in the face that is meant, or several, in the file's coordinates; or by map.
            scale: How many of the file's units are a metre: 1000 where they are millimetres.
            degrees: Coordinates are degrees of longitude and latitude, put on the plane that touches the earth there.
            snap: Ends no further apart than this, in metres, are joined.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its line, its feature and the reason; or if none can.
        """
        from megastep.maps.formats import geojson  # here, like every format, as few who load maps import any

        options = options_of(inside, skip_invalid, scale=scale, degrees=degrees, snap=snap)
        return cls(**recorded(geojson.read(path, **options), 'geojson', path, options))

    @classmethod
    def from_svg(
        cls: type[Set],
        path: Paths,
        *,
        inside: Inside = None,
        scale: float = 100.0,
        snap: float = SNAP,
        layers: Picked = None,
        ids: Picked = None,
        classes: Picked = None,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads the outlines drawn in SVG pictures, a map a file: every line that can be seen is a wall.

        Args:
            path: The file, or several. `megastep.maps.formats.svg.reading` says what it may hold.
            inside: A point (x, y) in the face that is meant, or several, in the file's coordinates; or by map.
            scale: How many of the picture's units are a metre: 100 where they are centimetres.
            snap: Ends no further apart than this, in metres, are joined.
            layers: Names of the layers and groups whose content is wall, or a mapping to names from what they hold:
                ``'walls'``, ``'doors'``, ``'openings'``, ``'rooms'``, ``'spawns'`` or ``'ignored'``. Names may be
                patterns, and case doesn't matter. Where walls are picked, nothing else is wall.
            ids: Ids of elements, likewise.
            classes: Classes of elements, likewise.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its file, its element and the reason; or if none can.
        """
        from megastep.maps.formats.svg import reading as svg

        picks = {'layers': plain(layers), 'ids': plain(ids), 'classes': plain(classes)}
        path = several(path)
        options = options_of(inside, skip_invalid, scale=scale, snap=snap, **picks)
        return cls(**recorded(svg.read(path, **options), 'svg', path, options))

    @classmethod
    def from_dxf(
        cls: type[Set],
        path: Paths,
        *,
        inside: Inside = None,
        scale: float | None = None,
        snap: float = SNAP,
        layers: Picked = None,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads floorplans from DXF, as CAD programs exchange them, a map a file: letters are no walls.

        It needs ezdxf: ``pip install 'megastep[dxf]'``.

        Args:
            path: The file, or several. `megastep.maps.formats.dxf` says what is read of it.
            inside: A point (x, y) in the face that is meant, or several, in the file's coordinates; or by map.
            scale: How many of the file's units are a metre; by default as the file says.
            snap: Ends no further apart than this, in metres, are joined.
            layers: Names of the layers that are wall, or a mapping to names from what they hold, as in `from_svg`.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats import dxf

        path = several(path)
        options = options_of(inside, skip_invalid, scale=scale, snap=snap, layers=plain(layers))
        return cls(**recorded(dxf.read(path, **options), 'dxf', path, options))

    @classmethod
    def from_wad(
        cls: type[Set],
        path: str | os.PathLike,
        *,
        levels: str | Sequence[str] | None = None,
        inside: Inside = None,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads the levels of a game of Doom's kin, at 32 units a metre.

        Args:
            path: The WAD file. `megastep.maps.formats.wad` says what becomes a wall.
            levels: The names of the levels that are read, in the file's order, such as ``['MAP01']``; by default all.
            inside: A point in the face that is meant, in the level's units, by the level: ``{'MAP01': (x, y)}``.
            skip_invalid: Leave out the levels that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if the file is no WAD or lacks a level; if one can't be used, naming it and the reason; or if
                none can.
        """
        from megastep.maps.formats import wad

        options = options_of(inside, skip_invalid, levels=plain(levels))
        return cls(**recorded(wad.read(path, **options), 'wad', path, options))

    @classmethod
    def from_occupancy(
        cls: type[Set],
        path: Paths,
        *,
        inside: Inside = None,
        speck: float = 0.01,
        simplify: float = 0.0,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads occupancy grids as ROS has them: a YAML file a map, which names a PGM or PNG beside it.

        Args:
            path: The YAML file, or several. `megastep.maps.formats.occupancy` says what they may hold.
            inside: A place in the free space that is meant, or several, in the grid's own frame, in metres; or by map.
            speck: What isn't free, covers less than this, in square metres, and is surrounded by what is free, is free.
            simplify: How far walls may be moved, in metres, to have fewer corners. With 0 they follow the cells.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its file and the reason; or if none can.
        """
        from megastep.maps.formats import occupancy

        path = several(path)
        options = options_of(inside, skip_invalid, speck=speck, simplify=simplify)
        return cls(**recorded(occupancy.read(path, **options), 'occupancy', path, options))

    @classmethod
    def from_grid(
        cls: type[Set],
        grids: Any,
        *,
        resolution: float,
        origin: Iterable[float] = (0.0, 0.0, 0.0),
        inside: Inside = None,
        speck: float = 0.0,
        simplify: float = 0.0,
        skip_invalid: bool = False,
    ) -> Set:
        """Reads grids of cells, a map each: arrays, pictures, and mazes written as text.

        Args:
            grids: An array (true is wall; or 0 is free, 100 wall and -1 unknown; or probabilities of being wall), a
                picture of Pillow's, a text of several lines, or a path to a picture, .npy or .txt; or several of such.
                `megastep.maps.formats.plain_grid` and `text_grid` say what they may hold. The first row is at the top.
            resolution: The side of a cell, in metres.
            origin: The lower left corner's x and y, in metres, and how far the grid is turned, in radians.
            inside: A place in the free space that is meant, or several, in metres; or by map, ``'grid 0'`` or a name.
            speck: What isn't free, covers less than this, in square metres, and is surrounded by what is free, is free.
            simplify: How far walls may be moved, in metres, to have fewer corners. With 0 they follow the cells.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming it and the reason; or if none can.
        """
        from megastep.maps.formats import plain_grid

        numbers = {'resolution': resolution, 'origin': list(origin), 'speck': speck, 'simplify': simplify}
        options = options_of(inside, skip_invalid, **numbers)
        found = plain_grid.read(grids, **options)
        return cls(**recorded(found, 'grid', found.record['names'], options))

    @classmethod
    def from_centreline(
        cls: type[Set], path: Paths, *, inside: Inside = None, scale: float = 1.0, skip_invalid: bool = False
    ) -> Set:
        """Reads closed race tracks, a CSV file each: x, y, and the width to the right and to the left, in metres.

        Args:
            path: The file, or several. `megastep.maps.formats.centreline` says what they may hold.
            inside: A point on the track, or several, in the file's coordinates; or by map. Else the centre line is.
            scale: What all lengths are multiplied by: a tenth makes a track for model cars of a real one.
            skip_invalid: Leave out the tracks that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a track can't be used, naming its file, its line and the reason; or if none can.
        """
        from megastep.maps.formats import centreline

        path = several(path)
        options = options_of(inside, skip_invalid, scale=scale)
        return cls(**recorded(centreline.read(path, **options), 'centreline', path, options))


def options_of(inside: Inside, skip_invalid: bool, **others: Any) -> dict[str, Any]:
    """A reader's options, as JSON can hold them."""
    points = {name: np.asarray(one).tolist() for name, one in inside.items()} if isinstance(inside, Mapping) else inside
    plain = points if points is None or isinstance(points, dict) else np.asarray(points).tolist()
    return {'inside': plain, **others, 'skip_invalid': skip_invalid}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, for the recipe: those that say no more than what is so anyhow are left out."""
    return {name: value for name, value in options.items() if name not in UNSAID or value != UNSAID[name]}


def recorded(found: Collected, family: str, path: Paths, options: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for a `megastep.MapSet` of what a format's reader found, with where it is from in its recipe."""
    files = [each.name for each in paths(path)]
    names = files[0] if isinstance(path, str | os.PathLike) else files
    recipe = {'family': family, 'version': 2, 'seed': None, 'parameters': {'file': names, **_given(options)}}
    return {'geometries': found.geometries, 'recipe': {**recipe, **found.record}}
