"""Many floorplans: on disk, in memory, in parts."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Bool, Int, Int64, Shaped

from megastep import mapfile, splitting
from megastep.columns import Columns, totals
from megastep.geometry import Geometry
from megastep.ragged import Ragged


class MapSet:
    """Many floorplans, packed end to end. Indexing with a number gives a `Geometry`; with anything else, a map set.

    The arrays of a set read from a file stay there until they are used, and the parts of a set share its arrays.

    Args:
        geometries: The floorplans.
        recipe: How they were made, as anything JSON can hold: for generated maps their family, version, seed and
            parameters.

    Raises:
        ValueError: if there are no geometries, or JSON can't hold the recipe.
    """

    def __init__(self, geometries: Iterable[Geometry], *, recipe: Mapping[str, Any] | None = None) -> None:
        geometries = list(geometries)
        if not geometries:
            raise ValueError('a map set needs at least 1 geometry, got 0.')
        self._columns = Columns.pack(geometries)
        self._picked: Int[np.ndarray, ' map'] | None = None
        self._recipe = _jsonable(recipe)
        self._source: tuple[Path, str] | None = None

    @classmethod
    def _of(cls, columns: Columns, picked: np.ndarray | None, recipe: Any, source: tuple[Path, str] | None) -> MapSet:
        maps = cls.__new__(cls)
        maps._columns, maps._picked, maps._recipe, maps._source = columns, picked, recipe, source
        return maps

    @classmethod
    def load(cls, path: str | os.PathLike) -> MapSet:
        """Opens a file that `save` wrote. Its arrays are memory-mapped: what isn't used isn't read.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is truncated, isn't a map set, is of another schema, or contradicts itself.
        """
        path = Path(path)
        tensors, metadata = mapfile.read(path)
        if missing := {'kinds', 'recipe', 'sha256'} - metadata.keys():
            raise ValueError(f'{path} must have kinds, recipe and sha256 in its header; missing: {sorted(missing)}.')
        try:
            columns = Columns.from_tensors(tensors, json.loads(metadata['kinds']))
            return cls._of(columns, None, json.loads(metadata['recipe']), (path, metadata['sha256']))
        except ValueError as error:
            raise ValueError(f'{path} contradicts itself: {error}') from error

    @classmethod
    def from_geojson(cls, path: str | os.PathLike, *, skip_invalid: bool = False) -> MapSet:
        """Reads maps from GeoJSON: one FeatureCollection a map, one a line or one a file.

        Args:
            path: The file to read. `megastep.mapgen.geojson` says what it may hold.
            skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

        Raises:
            ValueError: if a map can't be used, naming its line, its feature and the reason; or if none can.
        """
        from megastep.mapgen import geojson  # here, because mapgen's families return map sets

        parameters = {'file': Path(path).name, 'skip_invalid': skip_invalid}
        recipe = {'family': 'geojson', 'version': 1, 'seed': None, 'parameters': parameters}
        return cls(geojson.read(path, skip_invalid=skip_invalid), recipe=recipe)

    def save(self, path: str | os.PathLike) -> None:
        """Writes the maps to a file, replacing what was there once all of it is safely on disk.

        Raises:
            ValueError: if the set is empty.
        """
        if not len(self):
            raise ValueError(f'a map set needs at least 1 map to be saved, got 0 for {path}.')
        columns = self._gathered()
        metadata = {'recipe': json.dumps(self._recipe), 'kinds': json.dumps(columns.vocabulary)}
        mapfile.write(Path(path), columns.tensors(), metadata)

    def verify(self) -> None:
        """Reads the whole of the file the maps came from, and checks its content against the hash in its header.

        Raises:
            ValueError: if the content differs, or the maps came from no file.
        """
        if self._source is None:
            raise ValueError('only maps that were loaded from a file can be verified; these were not.')
        path, expected = self._source
        if (actual := mapfile.digest(self._columns.tensors())) != expected:
            raise ValueError(f'{path} is damaged: its content hashes to {actual}, and should to {expected}.')

    @property
    def recipe(self) -> dict[str, Any] | None:
        """How the maps were made."""
        return self._recipe

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The names of the kinds of room, in the order of the codes in `kinds`."""
        return self._columns.vocabulary

    @cached_property
    def indices(self) -> Int64[np.ndarray, ' map']:
        """Which map of the recipe each map is."""
        indices = self._columns.indices
        return indices if self._picked is None else indices[self._picked]

    @cached_property
    def walls(self) -> Ragged[np.ndarray]:
        """A row of (wall, 2, 2) a map, in metres: free space to the left of each wall."""
        return self._rows(self._columns.walls)

    @cached_property
    def spawns(self) -> Ragged[np.ndarray]:
        """A row of (spawn, 2) a map, in metres."""
        return self._rows(self._columns.spawns)

    @cached_property
    def lights(self) -> Ragged[np.ndarray]:
        """A row of (light, 3) a map: x and y in metres, and intensity."""
        return self._rows(self._columns.lights)

    @cached_property
    def doors(self) -> Ragged[np.ndarray]:
        """A row of (door, 2, 2) a map, in metres."""
        return self._rows(self._columns.doors)

    @cached_property
    def kinds(self) -> Ragged[np.ndarray]:
        """A row of (room,) a map: which entry of `vocabulary` names each room."""
        return self._rows(self._columns.kinds)

    @cached_property
    def outlines(self) -> Ragged[np.ndarray]:
        """A row of (corner, 2) a room, in metres: the rooms of the first map, then those of the second, and so on."""
        if self._picked is None:
            return self._columns.outlines
        return self._columns.outlines.rows(self._columns.room_rows(self._picked))

    def _rows(self, column: Ragged[np.ndarray]) -> Ragged[np.ndarray]:
        return column if self._picked is None else column.rows(self._picked)

    def _gathered(self) -> Columns:
        return Columns(
            walls=self.walls,
            spawns=self.spawns,
            lights=self.lights,
            doors=self.doors,
            kinds=self.kinds,
            outlines=self.outlines,
            indices=self.indices,
            vocabulary=self.vocabulary,
        )

    def __len__(self) -> int:
        return len(self._columns) if self._picked is None else len(self._picked)

    def __iter__(self) -> Iterator[Geometry]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int | np.integer) -> Geometry: ...
    @overload
    def __getitem__(self, index: slice | Iterable[int] | np.ndarray) -> MapSet: ...
    def __getitem__(self, index: int | np.integer | slice | Iterable[int] | np.ndarray) -> Geometry | MapSet:
        if isinstance(index, int | np.integer):
            return self._columns.geometry(int(self._positions(np.array([index]))[0]))
        chosen = np.arange(len(self))[index] if isinstance(index, slice) else np.asarray(index)
        if chosen.dtype == bool:
            chosen = self._true(chosen)
        return MapSet._of(self._columns, self._positions(chosen), self._recipe, self._source)

    def _true(self, mask: Bool[np.ndarray, ' mask']) -> Int64[np.ndarray, ' chosen']:
        if mask.shape != (len(self),):
            raise IndexError(f'a mask must have a value for each of the {len(self)} maps, got shape {mask.shape}.')
        return np.flatnonzero(mask)

    def _positions(self, chosen: Shaped[np.ndarray, ' chosen']) -> Int64[np.ndarray, ' chosen']:
        """Where in the columns the maps with these numbers are."""
        if chosen.size and (chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer)):
            raise TypeError(f'maps are chosen by whole numbers, got {chosen.dtype} of shape {chosen.shape}.')
        chosen = chosen.astype(np.int64).reshape(-1)
        if (outside := chosen[(chosen < -len(self)) | (chosen >= len(self))]).size:
            raise IndexError(f'map must be from {-len(self)} to {len(self) - 1}, got {outside[0]}.')
        chosen = chosen % max(len(self), 1)
        return chosen if self._picked is None else self._picked[chosen]

    def filter(self, predicate: Callable[[Geometry], object]) -> MapSet:
        """The maps of which ``predicate`` is true, in order.

        Where `stats` holds what matters, ``maps[maps.stats()['rooms'] > 4]`` is faster.
        """
        return self[np.flatnonzero([bool(predicate(geometry)) for geometry in self])]

    @overload
    def split(self, parts: float, *, seed: int = 0) -> tuple[MapSet, MapSet]: ...
    @overload
    def split(self, parts: Mapping[str, int], *, seed: int = 0) -> dict[str, MapSet]: ...
    def split(self, parts: float | Mapping[str, int], *, seed: int = 0) -> tuple[MapSet, MapSet] | dict[str, MapSet]:
        """Deals the maps out at random. Maps equal but for being turned, mirrored or moved go to the same part.

        Which part a map goes to depends on the seed and on the maps that there are, not on their order, and is the
        same on every machine. Coordinates are compared on a lattice of 1 mm.

        Args:
            parts: The first part's share, between 0 and 1; or how many maps each part gets, by its name.
            seed: Another seed deals them out differently.

        Returns:
            The two parts, the first as near to its share as equal maps allow; or the parts by name, and no map in two.

        Raises:
            ValueError: if a part would be empty, or the numbers of maps asked for can't be had.
        """
        groups = splitting.groups(self.walls, seed)
        if isinstance(parts, Mapping):
            return {name: self[rows] for name, rows in splitting.deal(groups, parts).items()}
        first, second = splitting.cut(groups, parts)
        return self[first], self[second]

    def stats(self) -> dict[str, np.ndarray]:
        """What the maps are like: a number a map under each name. Areas are square metres and lengths are metres."""
        counts = {'rooms': self.kinds, **{n: getattr(self, n) for n in ('walls', 'doors', 'lights', 'spawns')}}
        walls, corners = self.walls, self.walls.vals
        (ax, ay), (bx, by) = corners[:, 0].T, corners[:, 1].T
        low = np.minimum.reduceat(corners.min(1), walls.starts)
        high = np.maximum.reduceat(corners.max(1), walls.starts)
        return {
            **{name: column.widths.astype(np.int64) for name, column in counts.items()},
            'area': totals((ax * by - ay * bx) / 2, walls),
            'wall_length': totals(np.hypot(bx - ax, by - ay), walls),
            'width': high[:, 0] - low[:, 0],
            'height': high[:, 1] - low[:, 1],
        }

    def __repr__(self) -> str:
        family = f', {self._recipe["family"]}' if self._recipe and 'family' in self._recipe else ''
        return f'MapSet({len(self)} maps{family})'

    def _repr_html_(self) -> str:
        pictures = ''.join(f'<div>{geometry._repr_svg_()}</div>' for geometry in self[: min(12, len(self))])
        means = {name: values.mean() for name, values in self.stats().items()} if len(self) else {}
        line = ', '.join(f'{name.replace("_", " ")} {mean:.1f}' for name, mean in means.items())
        return (
            f'<div><p><b>{html.escape(repr(self))}</b></p><p>On average: {line}</p>'
            f'<div style="display: flex; flex-wrap: wrap; gap: 12px">{pictures}</div></div>'
        )


def _jsonable(recipe: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The recipe as a file gives it back."""
    try:
        return json.loads(json.dumps(recipe, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f'recipe must be what JSON can hold, got {recipe!r}: {error}.') from error
