"""The arrays of map sets, packed end to end: in memory, or in a file until they are used."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool, Int, Int32, Int64, Shaped

from megastep.checks import check_paths
from megastep.maps import recipes
from megastep.maps.packing import PackedMaps
from megastep.maps.ragged import Ragged
from megastep.maps.storage import digests, json_files, tensor_files

Set = TypeVar('Set', bound='MapArrays')


class MapArrays:
    """The arrays of a `megastep.MapSet`, and the file that they are in.

    Parts of a set share its arrays: they know the rows that they have picked, and pick them where they are asked for.
    """

    _arrays: PackedMaps
    _picked: Int[np.ndarray, ' map'] | None
    _recipe: recipes.Recipe
    _source: digests.Source | None

    @classmethod
    def _of(
        cls: type[Set], packed: PackedMaps, picked: np.ndarray | None, recipe: Any, source: digests.Source | None
    ) -> Set:
        maps = cls.__new__(cls)
        maps._arrays, maps._picked, maps._recipe, maps._source = packed, picked, recipe, source
        return maps

    @classmethod
    def load(cls: type[Set], path: str | os.PathLike) -> Set:
        """Opens a file that `save` wrote. Its arrays are memory-mapped, and verified when they are first used.

        Raises:
            FileNotFoundError: if there is no such file.
            IsADirectoryError: if it is a folder.
            ValueError: if the file is truncated, isn't a map set, is of another schema, contradicts itself, or its
                header isn't what was saved. Whatever first uses the arrays raises one if these aren't.
        """
        check_paths(path=path)
        path = Path(path)
        tensors, metadata = tensor_files.read(path)
        if missing := {'kinds', 'recipe', 'sha256'} - metadata.keys():
            raise ValueError(f'{path} must have kinds, recipe and sha256 in its header; missing: {sorted(missing)}.')
        try:
            packed = PackedMaps.from_tensors(tensors, json_files.parse_json(metadata['kinds']))
            recipe = json_files.parse_json(metadata['recipe'])
            recipes.check_origins(packed.origins, recipe)
            return cls._of(packed, None, recipe, digests.Source(path, metadata['sha256']))
        except ValueError as error:
            raise ValueError(f'{path} contradicts itself: {error}') from error

    def save(self, path: str | os.PathLike) -> None:
        """Writes the maps to a file, replacing what was there once all of it is safely on disk.

        Raises:
            ValueError: if the set is empty.
        """
        check_paths(path=path)
        if not len(self):
            raise ValueError(f'a map set needs at least 1 map to be saved, got 0 for {path}.')
        packed = self._gathered()
        metadata = {'recipe': json.dumps(self._recipe), 'kinds': json.dumps(packed.vocabulary)}
        tensor_files.write(Path(path), packed.tensors(), metadata)

    def verify(self) -> None:
        """Reads the whole of the file the maps came from, and checks its content against the hash in its header.

        Whatever first uses the maps does so anyway; this does it now, and again.

        Raises:
            ValueError: if the content differs, or the maps came from no file.
        """
        if self._source is None:
            raise ValueError('only maps that were loaded from a file can be verified; these were not.')
        self._source.verify(self._arrays.tensors())

    @property
    def _packed(self) -> PackedMaps:
        """The arrays. Of a file they are verified when they are first used, so that nothing damaged ever is."""
        if self._source is not None and not self._source.verified:
            self._source.verify(self._arrays.tensors())
        return self._arrays

    def digest(self, *names: str) -> str:
        """The SHA-256 of some of the maps' arrays in hexadecimal, the same for equal maps, wherever they come from.

        Args:
            names: The arrays that count: ``'walls'``, ``'spawns'``, ``'lights'``, ``'doors'`` and the like.
        """
        arrays = {name: getattr(self, name) for name in names}
        widths = {f'{name}.widths': rows.widths for name, rows in arrays.items()}
        return digests.digest({**{name: rows.vals for name, rows in arrays.items()}, **widths})

    @property
    def recipe(self) -> dict[str, Any] | None:
        """The recipe: how the maps were made."""
        return self._recipe

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The names of the kinds of room, in the order of the codes in `kinds`."""
        return self._packed.vocabulary

    @cached_property
    def indices(self) -> Int64[np.ndarray, ' map']:
        """Each map's number in its part of the recipe."""
        indices = self._packed.indices
        return indices if self._picked is None else indices[self._picked]

    @cached_property
    def origins(self) -> Int32[np.ndarray, ' map']:
        """The number of the recipe's part that each map is of; 0 if the recipe has no parts."""
        origins = self._packed.origins
        return origins if self._picked is None else origins[self._picked]

    @property
    def families(self) -> Shaped[np.ndarray, ' map']:
        """The name of each map's family, as text: ``maps[maps.families == 'maze']`` are the mazes.

        It is ``''`` where the recipe says none.
        """
        return np.array(recipes.families(self._recipe))[self.origins]

    @cached_property
    def walls(self) -> Ragged[np.ndarray]:
        """A row of (wall, 2, 2) a map, in metres: free space to the left of each wall."""
        return self._rows(self._packed.walls)

    @cached_property
    def spawns(self) -> Ragged[np.ndarray]:
        """A row of (spawn, 2) a map, in metres."""
        return self._rows(self._packed.spawns)

    @cached_property
    def lights(self) -> Ragged[np.ndarray]:
        """A row of (light, 3) a map: x and y in metres, and intensity."""
        return self._rows(self._packed.lights)

    @cached_property
    def doors(self) -> Ragged[np.ndarray]:
        """A row of (door, 2, 2) a map, in metres."""
        return self._rows(self._packed.doors)

    @cached_property
    def kinds(self) -> Ragged[np.ndarray]:
        """A row of (room,) a map: which entry of `vocabulary` names each room."""
        return self._rows(self._packed.kinds)

    @cached_property
    def outlines(self) -> Ragged[np.ndarray]:
        """A row of (corner, 2) a room, in metres: the rooms of the first map, then those of the second, and so on."""
        if self._picked is None:
            return self._packed.outlines
        return self._packed.outlines.rows(self._packed.room_rows(self._picked))

    @cached_property
    def geodesics(self) -> Ragged[np.ndarray]:
        """A row of (spawn * spawn,) a map: its `Geometry.geodesics`, row by row, or nothing where it has none."""
        return self._rows(self._packed.geodesics)

    def _rows(self, array: Ragged[np.ndarray]) -> Ragged[np.ndarray]:
        return array if self._picked is None else array.rows(self._picked)

    def _gathered(self) -> PackedMaps:
        return PackedMaps(
            walls=self.walls,
            spawns=self.spawns,
            lights=self.lights,
            doors=self.doors,
            kinds=self.kinds,
            outlines=self.outlines,
            geodesics=self.geodesics,
            indices=self.indices,
            origins=self.origins,
            vocabulary=self.vocabulary,
        )

    def __len__(self) -> int:
        return len(self._arrays) if self._picked is None else len(self._picked)

    def _true(self, mask: Bool[np.ndarray, ' mask']) -> Int64[np.ndarray, ' chosen']:
        if mask.shape != (len(self),):
            raise IndexError(f'a mask must have a value for each of the {len(self)} maps, got shape {mask.shape}.')
        return np.flatnonzero(mask)

    def _positions(self, chosen: Shaped[np.ndarray, ' chosen']) -> Int64[np.ndarray, ' chosen']:
        """The rows of the packed arrays that hold the maps with these numbers."""
        if chosen.size and (chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer)):
            raise TypeError(f'maps are chosen by whole numbers, got {chosen.dtype} of shape {chosen.shape}.')
        chosen = chosen.astype(np.int64).reshape(-1)
        if (outside := chosen[(chosen < -len(self)) | (chosen >= len(self))]).size:
            raise IndexError(f'map must be from {-len(self)} to {len(self) - 1}, got {outside[0]}.')
        chosen = chosen % max(len(self), 1)
        return chosen if self._picked is None else self._picked[chosen]
