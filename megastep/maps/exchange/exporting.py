"""Export of map sets to other programs' files, and the places of files in maps that were made of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from megastep.maps import recipes
from megastep.maps.frame import Frame
from megastep.maps.geometry import Geometry


class Exporters:
    """Exporters of `megastep.MapSet`, and the frames that its maps have in the files they are from."""

    if TYPE_CHECKING:  # what a map set has

        @property
        def recipe(self) -> dict[str, Any] | None: ...
        @cached_property
        def indices(self) -> np.ndarray: ...
        @cached_property
        def origins(self) -> np.ndarray: ...
        def __iter__(self) -> Iterator[Geometry]: ...
        def __len__(self) -> int: ...

    def frame(self, index: int = 0) -> Frame:
        """The coordinate frame of an imported map: how the file's coordinates became the map's.

        Args:
            index: The map's number in the set.

        Raises:
            ValueError: if the map wasn't imported from a file.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f'map must be from {-len(self)} to {len(self) - 1}, got {index}.')
        part = recipes.parts(self.recipe)[int(self.origins[index])]
        notes = part.get('notes') if isinstance(part, dict) else None
        row = int(self.indices[index])
        if not isinstance(notes, list) or not 0 <= row < len(notes):
            raise ValueError(f'only maps that were imported from a file have its coordinates; map {index} was not.')
        return Frame.of(notes[row])

    def to_file_coordinates(self, points: ArrayLike, *, index: int = 0) -> Float[np.ndarray, '*place 2']:
        """Places in an imported map in the coordinates of the file that it was made of.

        Args:
            points: The places, in the map's metres: (..., 2).
            index: The map's number in the set.

        Raises:
            ValueError: if the map wasn't imported from a file.
        """
        return self.frame(index).to_file(np.asarray(points, np.float64))

    def from_file_coordinates(self, points: ArrayLike, *, index: int = 0) -> Float[np.ndarray, '*place 2']:
        """Places in a file in the coordinates of the map that was made of it, in metres.

        Args:
            points: The places, in the file's own coordinates: (..., 2).
            index: The map's number in the set.

        Raises:
            ValueError: if the map wasn't imported from a file.
        """
        return self.frame(index).to_map(np.asarray(points, np.float64))

    def to_geojson(self, path: str | os.PathLike) -> None:
        """Writes the maps as GeoJSON, a FeatureCollection a line. `from_geojson` reads back the very same maps.

        Walls, rooms, doors, lights and spawns are written, each coordinate in full; the recipe is not, nor are
        geodesics. The file is replaced once all of it is safely on disk.

        Raises:
            ValueError: if the set is empty.
        """
        from megastep.maps.formats.writing import geojson

        geojson.write(path, self)

    def to_svg(self, folder: str | os.PathLike, *, scale: float = 100.0) -> list[Path]:
        """Writes each map's outline as a picture of its own, which `from_svg` reads back: the walls, and no more.

        Numbered pictures that a larger set left in the folder are removed.

        Args:
            folder: Where the pictures go, as ``0000.svg`` and so on. It must be there.
            scale: How many of the picture's units are a metre.

        Returns:
            The files, in the order of the maps.

        Raises:
            ValueError: if the set is empty.
        """
        from megastep.maps.formats.writing import svg

        return svg.write(folder, self, scale=scale)

    def to_occupancy(self, folder: str | os.PathLike, *, resolution: float = 0.05) -> list[Path]:
        """Writes each map as an occupancy grid that ROS's map_server and Nav2 read: a YAML file and a PGM.

        `from_occupancy` reads them back as the same free space, within half a cell; of a wall with free space on both
        sides, the cells that it runs through are occupied. Numbered files that a larger set left there are removed.

        Args:
            folder: Where they go, as ``0000.yaml`` and ``0000.pgm`` and so on. It must be there.
            resolution: The side of a cell, in metres. Coordinates in the grid are those of the map.

        Returns:
            The YAML files, in the order of the maps.

        Raises:
            ValueError: if the set is empty, or a map has more than 16,777,216 cells.
        """
        from megastep.maps.formats.writing import ros

        return ros.write(folder, self, resolution=resolution)

    def to_png(self, folder: str | os.PathLike, *, resolution: float = 0.05) -> list[Path]:
        """Writes each map as a picture, a pixel a cell: free is bright, walls are black, and what is neither is grey.

        Args:
            folder: Where they go, as ``0000.png`` and so on. It must be there.
            resolution: The side of a cell, in metres.

        Returns:
            The files, in the order of the maps.

        Raises:
            ValueError: if the set is empty, or a map has more than 16,777,216 cells.
        """
        from megastep.maps.formats.writing import ros

        return ros.write_pictures(folder, self, resolution=resolution)

    def to_dxf(self, folder: str | os.PathLike) -> list[Path]:
        """Writes each map as DXF, in metres: walls, doors and rooms on the layers WALLS, DOORS and ROOMS-KIND.

        It needs ezdxf: ``pip install 'megastep[dxf]'``. ``from_dxf(path, layers='walls')`` reads the walls back, and
        ``layers={'walls': 'walls', 'doors': 'doors', 'rooms': 'rooms-*'}`` doors and rooms with them.

        Args:
            folder: Where they go, as ``0000.dxf`` and so on. It must be there.

        Returns:
            The files, in the order of the maps.

        Raises:
            ValueError: if the set is empty.
        """
        from megastep.maps.formats.writing import dxf

        return dxf.write(folder, self)

    def to_gazebo(self, folder: str | os.PathLike, *, height: float = 2.5) -> list[Path]:
        """Writes each map as a Gazebo world, in SDF: its walls on a ground plane, at the map's own coordinates.

        Args:
            folder: Where they go, as ``0000.sdf`` and so on. It must be there.
            height: The walls' height, in metres.

        Returns:
            The files, in the order of the maps.

        Raises:
            ValueError: if the set is empty, or the height isn't above 0 m.
        """
        from megastep.maps.formats.writing import gazebo

        return gazebo.write(folder, self, height=height)
