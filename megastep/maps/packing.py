"""Packed maps: many floorplans' arrays, end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int, Int32, Int64

from megastep.maps.geometry import Geometry, Room
from megastep.maps.ragged import Ragged

VALUE_SHAPES: dict[str, tuple[int, ...]] = {
    'walls': (2, 2),
    'spawns': (2,),
    'lights': (3,),
    'doors': (2, 2),
    'outlines': (2,),
    'kinds': (),
    'geodesics': (),
}
"""The ragged arrays, and the shape of one value of each."""

VALUE_TYPES: dict[str, type] = {'kinds': np.int32, 'geodesics': np.float32}
"""The type of their values where that isn't float64."""

OPTIONAL = {'geodesics'}
"""Arrays that a file goes without where they hold nothing."""


class MapArrays(Protocol):
    """Packed arrays of maps, as `megastep.MapSet` has them. One of a picked subset is copied when it is asked for."""

    @property
    def walls(self) -> Ragged[np.ndarray]: ...
    @property
    def spawns(self) -> Ragged[np.ndarray]: ...
    @property
    def lights(self) -> Ragged[np.ndarray]: ...
    @property
    def doors(self) -> Ragged[np.ndarray]: ...
    @property
    def kinds(self) -> Ragged[np.ndarray]: ...
    @property
    def outlines(self) -> Ragged[np.ndarray]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Geometry: ...


@dataclass(frozen=True, eq=False)
class PackedMaps:
    """Packed arrays of many maps, one map after another.

    Args:
        walls: A row of (wall, 2, 2) a map, in metres, as are the next three.
        spawns: A row of (spawn, 2) a map.
        lights: A row of (light, 3) a map.
        doors: A row of (door, 2, 2) a map.
        kinds: A row of (room,) a map: which entry of ``vocabulary`` names each room.
        outlines: A row of (corner, 2) a room: the rooms of the first map, then those of the second, and so on.
        geodesics: A row of (spawn * spawn,) a map, in metres: its matrix, row by row, or nothing.
        indices: Which map of its recipe each map is.
        origins: Which part of the recipe each map is of.
        vocabulary: The names of the kinds of room.

    Raises:
        ValueError: if the arrays disagree on the number of maps, rooms, spawns or kinds, or a map has no wall or no
            spawn.
    """

    walls: Ragged[np.ndarray]
    spawns: Ragged[np.ndarray]
    lights: Ragged[np.ndarray]
    doors: Ragged[np.ndarray]
    kinds: Ragged[np.ndarray]
    outlines: Ragged[np.ndarray]
    geodesics: Ragged[np.ndarray]
    indices: Int64[np.ndarray, ' map']
    origins: Int32[np.ndarray, ' map']
    vocabulary: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ('walls', 'spawns', 'lights', 'doors', 'kinds', 'geodesics'):
            if (rows := len(getattr(self, name))) != len(self):
                raise ValueError(f'{name} has {rows} maps, but there are {len(self)} indices.')
        for name in ('walls', 'spawns'):
            widths = getattr(self, name).widths
            if len(self) and widths.min() < 1:
                raise ValueError(f'{name} must be at least 1 a map, got 0 in map {widths.argmin()}.')
        if len(self.origins) != len(self):
            raise ValueError(f'origins has {len(self.origins)} maps, but there are {len(self)} indices.')
        self._check_geodesics()
        if len(self.outlines) != len(self.kinds.vals):
            raise ValueError(f'outlines has {len(self.outlines)} rooms, but kinds has {len(self.kinds.vals)}.')
        wrong = self.kinds.vals[(self.kinds.vals < 0) | (self.kinds.vals >= len(self.vocabulary))]
        if len(wrong):
            raise ValueError(f'kinds must be from 0 to {len(self.vocabulary) - 1}, got {wrong[0]}.')

    def _check_geodesics(self) -> None:
        squares = self.spawns.widths.astype(np.int64) ** 2
        wrong = np.flatnonzero((self.geodesics.widths != 0) & (self.geodesics.widths != squares))
        if len(wrong):
            raise ValueError(
                f'geodesics must be none or {squares[wrong[0]]} of map {wrong[0]}, one for each two of its spawns, '
                f'got {self.geodesics.widths[wrong[0]]}.'
            )

    def __len__(self) -> int:
        return len(self.indices)

    @classmethod
    def pack(cls, geometries: Sequence[Geometry], indices: np.ndarray, origins: np.ndarray) -> PackedMaps:
        """Packs geometries end to end."""
        rooms = [room for geometry in geometries for room in geometry.rooms]
        vocabulary = tuple(sorted({room.kind for room in rooms}))
        codes = {kind: code for code, kind in enumerate(vocabulary)}
        kinds = [np.array([codes[room.kind] for room in geometry.rooms], np.int32) for geometry in geometries]
        return cls(
            walls=_concatenate([geometry.walls for geometry in geometries], 'walls'),
            spawns=_concatenate([geometry.spawns for geometry in geometries], 'spawns'),
            lights=_concatenate([geometry.lights for geometry in geometries], 'lights'),
            doors=_concatenate([geometry.doors for geometry in geometries], 'doors'),
            kinds=_concatenate(kinds, 'kinds'),
            outlines=_concatenate([room.outline for room in rooms], 'outlines'),
            geodesics=_concatenate([_flat(geometry.geodesics) for geometry in geometries], 'geodesics'),
            indices=indices,
            origins=origins,
            vocabulary=vocabulary,
        )

    @classmethod
    def concat(cls, sets: Sequence[PackedMaps]) -> PackedMaps:
        """Copies the maps of several sets into one, one set after another."""
        vocabulary = tuple(sorted({kind for packed in sets for kind in packed.vocabulary}))
        codes = [np.array([vocabulary.index(kind) for kind in packed.vocabulary], np.int32) for packed in sets]
        joined = {name: _joined([getattr(packed, name) for packed in sets]) for name in VALUE_SHAPES}
        kinds = [code[packed.kinds.vals] for code, packed in zip(codes, sets, strict=True)]
        return cls(
            **{**joined, 'kinds': Ragged(np.concatenate(kinds), joined['kinds'].widths)},
            indices=np.concatenate([packed.indices for packed in sets]),
            origins=np.concatenate([packed.origins for packed in sets]),
            vocabulary=vocabulary,
        )

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, np.ndarray], vocabulary: Sequence[str]) -> PackedMaps:
        """Undoes `tensors`.

        Raises:
            ValueError: if an array is missing, of the wrong type or shape, or disagrees with another.
        """
        if not isinstance(vocabulary, list | tuple) or not all(isinstance(kind, str) for kind in vocabulary):
            raise ValueError(f'the vocabulary must be a list of texts, got {vocabulary!r}.')
        indices = _tensor(tensors, 'indices', np.dtype(np.int64), ())
        without = OPTIONAL - tensors.keys()
        arrays = {
            name: nothing(name, len(indices)) if name in without else _ragged(tensors, name) for name in VALUE_SHAPES
        }
        origins = _tensor(tensors, 'origins', np.dtype(np.int32), ())
        return cls(**arrays, indices=indices, origins=origins, vocabulary=tuple(vocabulary))

    def tensors(self) -> dict[str, np.ndarray]:
        """The arrays as flat ones by name: ``walls``, ``walls.widths`` and so on."""
        arrays = {name: getattr(self, name) for name in VALUE_SHAPES}
        arrays = {name: rows for name, rows in arrays.items() if name not in OPTIONAL or len(rows.vals)}
        widths = {f'{name}.widths': rows.widths for name, rows in arrays.items()}
        numbers = {'indices': self.indices, 'origins': self.origins}
        return {**{name: rows.vals for name, rows in arrays.items()}, **widths, **numbers}

    def geometry(self, i: int) -> Geometry:
        """Unpacks the map in row ``i``."""
        first = int(self.kinds.starts[i])
        rooms = [Room(self.outlines[first + j], self.vocabulary[code]) for j, code in enumerate(self.kinds[i])]
        geodesics, spawns = self.geodesics[i], self.spawns[i]
        return Geometry.unchecked(
            walls=self.walls[i],
            spawns=spawns,
            lights=self.lights[i],
            doors=self.doors[i],
            rooms=rooms,
            geodesics=geodesics.reshape(len(spawns), len(spawns)) if len(geodesics) else None,
        )

    def room_rows(self, picked: Int[np.ndarray, ' picked']) -> Int[np.ndarray, ' room']:
        """The rows of ``outlines`` that hold the rooms of the maps picked."""
        return Ragged(np.arange(len(self.outlines)), self.kinds.widths).rows(picked).vals


def _concatenate(rows: Sequence[np.ndarray], name: str) -> Ragged[np.ndarray]:
    return Ragged(np.concatenate([nothing(name, 0).vals, *rows]), np.array([len(row) for row in rows], np.int32))


def nothing(name: str, rows: int) -> Ragged[np.ndarray]:
    """A ragged array of which every row is empty."""
    return Ragged(np.empty((0, *VALUE_SHAPES[name]), VALUE_TYPES.get(name, np.float64)), np.zeros(rows, np.int32))


def _flat(geodesics: np.ndarray | None) -> np.ndarray:
    return nothing('geodesics', 0).vals if geodesics is None else geodesics.reshape(-1)


def _joined(arrays: Sequence[Ragged[np.ndarray]]) -> Ragged[np.ndarray]:
    vals, widths = ([getattr(rows, name) for rows in arrays] for name in ('vals', 'widths'))
    return Ragged(np.concatenate(vals), np.concatenate(widths))


def _ragged(tensors: Mapping[str, np.ndarray], name: str) -> Ragged[np.ndarray]:
    vals = _tensor(tensors, name, np.dtype(VALUE_TYPES.get(name, np.float64)), VALUE_SHAPES[name])
    widths = _tensor(tensors, f'{name}.widths', np.dtype(np.int32), ())
    try:
        return Ragged(vals, widths)
    except ValueError as error:
        raise ValueError(f"{name}'s {error}") from error


def _tensor(tensors: Mapping[str, np.ndarray], name: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    if name not in tensors:
        raise ValueError(f'{name} is missing; there are {", ".join(sorted(tensors))}.')
    tensor = tensors[name]
    if tensor.dtype != dtype or tensor.shape[1:] != shape or not tensor.ndim:
        wanted = ', '.join(map(str, ('n', *shape)))
        raise ValueError(f'{name} must be {dtype} of shape ({wanted}), got {tensor.dtype} of {tensor.shape}.')
    return tensor


def totals(values: Float[np.ndarray, ' val'], rows: Ragged[np.ndarray]) -> Float[np.ndarray, ' row']:
    """Sums ``values``, one for each of the rows' values, row by row; no row is empty."""
    return np.add.reduceat(values, rows.starts)
