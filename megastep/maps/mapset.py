"""Map sets: many floorplans, on disk, in memory, in parts."""

from __future__ import annotations

import html
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, overload

import numpy as np
from jaxtyping import Float32, Shaped

from megastep.checks import check_counts, check_seed
from megastep.maps import gallery, geodesics, recipes, splitting
from megastep.maps.exchange.datasets import DatasetImporters
from megastep.maps.exchange.exporting import Exporters
from megastep.maps.exchange.importing import Importers
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.map_arrays import MapArrays
from megastep.maps.packing import PackedMaps
from megastep.maps.ragged import Ragged
from megastep.maps.stats import table
from megastep.maps.threads import mapped
from megastep.maps.words import counted

SHOWN = 12
"""The most maps that a notebook shows of a set."""


class MapSet(MapArrays, Importers, DatasetImporters, Exporters):
    """Many floorplans, packed end to end. Indexing with a number gives a `Geometry`; with anything else, a map set.

    The arrays of a set read from a file stay there until they are used, and the parts of a set share its arrays. All of
    the file is held against its hash when an array or a map of it is first asked for, once for a set and its parts:
    opening 100,000 houses, 460 MB, takes 2 ms, and their first use 0.3 s more.

    Args:
        geometries: The floorplans; one alone is a set of one.
        recipe: How they were made, as anything JSON can hold: for generated maps their family, version, seed and
            parameters. A set of several kinds has a list of such recipes under ``'parts'``.
        indices: Which map of its recipe each map is; by default the first, the second and so on.
        origins: Which of the recipe's parts each map is of; by default the first.

    Raises:
        ValueError: if there are no geometries or something else among them, JSON can't hold the recipe, there isn't an
            index and an origin for each map, or there is no such part.
    """

    def __init__(
        self,
        geometries: Geometry | Iterable[Geometry],
        *,
        recipe: Mapping[str, Any] | None = None,
        indices: Sequence[int] | None = None,
        origins: Sequence[int] | None = None,
    ) -> None:
        if not isinstance(geometries, Geometry | Iterable):
            raise ValueError(f'a map set is made of geometries, got {geometries!r}.')  # noqa: TRY004, as for other values
        geometries = [geometries] if isinstance(geometries, Geometry) else list(geometries)
        if not geometries:
            raise ValueError('a map set needs at least 1 geometry, got 0.')
        if odd := {type(geometry).__name__ for geometry in geometries if not isinstance(geometry, Geometry)}:
            names = ', '.join(sorted(odd))
            raise ValueError(f'a map set is made of geometries, got {names}; MapSet.load reads a file.')
        numbers = np.arange(len(geometries)) if indices is None else np.array(indices, np.int64)
        parts = np.zeros(len(geometries), np.int32) if origins is None else np.array(origins, np.int32)
        self._arrays = PackedMaps.pack(geometries, numbers, parts)
        self._picked = None
        self._recipe = recipes.jsonable(recipe)
        recipes.check_origins(self._arrays.origins, self._recipe)
        self._source = None

    def with_geodesics(self, *, workers: int = 1, progress: bool = False) -> MapSet:
        """The same maps with `Geometry.geodesics`: how long an agent's shortest paths between their spawns are.

        A length is from the shortest to 1.3 % more, see `megastep.maps.geodesics`. A house takes 1 ms; a map of W walls
        takes memory for the pairs of its corners that see each other, 50 bytes each. Maps that have them keep them.

        Args:
            workers: How many threads to use.
            progress: Show a bar.

        Raises:
            ValueError: if workers is below 1.
        """
        lengths = self.path_lengths(workers=workers, progress=progress)
        return MapSet._of(replace(self._gathered(), geodesics=lengths), None, self._recipe, None)

    def path_lengths(
        self, *, agent_radius: float = AGENT_RADIUS, workers: int = 1, progress: bool = False
    ) -> Ragged[np.ndarray]:
        """The shortest paths' lengths between each map's spawns, for agents of some radius: see `with_geodesics`.

        Args:
            agent_radius: Their radius, in metres. Only those of the usual one are kept with maps.
            workers: How many threads to use.
            progress: Show a bar.

        Returns:
            A row of (spawn * spawn,) a map, in metres.

        Raises:
            ValueError: if workers is below 1.
        """
        check_counts(workers=workers)
        lengths = partial(_path_lengths, agent_radius=agent_radius)
        found = mapped(lengths, self, len(self), name='geodesics', workers=workers, progress=progress)
        widths = np.array([len(row) for row in found], np.int32)
        return Ragged(np.concatenate([np.empty(0, np.float32), *found]), widths)

    def __iter__(self) -> Iterator[Geometry]:
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, index: int | np.integer) -> Geometry: ...
    @overload
    def __getitem__(self, index: slice | Iterable[int] | np.ndarray) -> MapSet: ...
    def __getitem__(self, index: int | np.integer | slice | Iterable[int] | np.ndarray) -> Geometry | MapSet:
        chosen = np.arange(len(self))[index] if isinstance(index, slice) else np.asarray(index)
        if isinstance(index, int) or (chosen.ndim == 0 and np.issubdtype(chosen.dtype, np.integer)):
            return self._packed.geometry(int(self._positions(chosen.reshape(1))[0]))
        if chosen.dtype == bool:
            chosen = self._true(chosen)
        return MapSet._of(self._arrays, self._positions(chosen), self._recipe, self._source)

    @classmethod
    def concat(cls, sets: Iterable[MapSet]) -> MapSet:
        """Puts the maps of several sets into one, one set after another; ``a + b`` does it with two.

        A map that is in several of them is there as often. `split` leaves repetitions out.

        Returns:
            A set whose recipe has the parts of all of theirs, each once; maps keep their `indices` and `families`.

        Raises:
            ValueError: if there are no sets.
        """
        sets = list(sets)
        if not sets:
            raise ValueError('sets must be at least 1 to be put together, got 0.')
        if odd := [each for each in sets if not isinstance(each, MapSet)]:
            raise ValueError(f'sets must be map sets, got {type(odd[0]).__name__}.')
        recipe, places = recipes.union([maps.recipe for maps in sets])
        packed = [
            replace(maps._gathered(), origins=np.array(place, np.int32)[maps.origins])
            for maps, place in zip(sets, places, strict=True)
        ]
        return cls._of(PackedMaps.concat(packed), None, recipe, None)

    def __add__(self, other: MapSet) -> MapSet:
        return MapSet.concat([self, other]) if isinstance(other, MapSet) else NotImplemented

    def filter(self, predicate: Callable[[Geometry], object]) -> MapSet:
        """The maps of which ``predicate`` is true, in order.

        Where `stats` holds what matters, ``maps[maps.stats()['rooms'] > 4]`` is faster.

        Raises:
            ValueError: if the predicate is no function.
        """
        if not callable(predicate):
            raise ValueError(f'predicate must be a function of a map, got {predicate!r}.')  # noqa: TRY004
        return self[np.flatnonzero([bool(predicate(geometry)) for geometry in self])]

    def sample(self, number: int, seed: int = 0) -> MapSet:
        """A random sample: so many of the maps, each at most once, in the order of this set.

        Args:
            number: How many.
            seed: Another seed draws others. The same one draws the same numbers on every machine.

        Raises:
            ValueError: if there aren't as many, or the seed is none.
        """
        return self[splitting.drawn(len(self), number, seed)]

    def without(self, others: MapSet | Geometry) -> MapSet:
        """The maps that aren't among others, turned, mirrored or moved: nothing is left of those that `split` keeps
        together.

        Args:
            others: The maps to leave out.
        """
        others = others if isinstance(others, MapSet) else MapSet(others)
        left_out = splitting.overlap(self.walls, others.walls)[:, 0]
        return self[np.setdiff1d(np.arange(len(self)), left_out)]

    def __eq__(self, other: object) -> bool:
        """True if the maps are the same, in the same order, however they were made: see `Geometry.__eq__`."""
        if not isinstance(other, MapSet):
            return NotImplemented
        if self is other or len(self) != len(other):
            return self is other
        return all(one == another for one, another in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash((MapSet, len(self)))

    @overload
    def split(self, parts: float, /, *, seed: int = 0) -> tuple[MapSet, MapSet]: ...
    @overload
    def split(self, parts: float, /, *more: float, seed: int = 0) -> tuple[MapSet, ...]: ...
    @overload
    def split(self, parts: Mapping[str, float], /, *, seed: int = 0) -> dict[str, MapSet]: ...
    def split(
        self, parts: float | Mapping[str, float], /, *more: float, seed: int = 0
    ) -> tuple[MapSet, ...] | dict[str, MapSet]:
        """Deals the maps out at random. Maps equal but for being turned, mirrored or moved go to the same part.

        A map that is there twice, as in a union of sets that overlap, is dealt out once, and a warning says how many
        were left out. Two maps are the same if their walls, doors, lights and spawns are.

        Which part a map goes to depends on the seed and on the maps that there are, not on their order, and is the
        same on every machine. Coordinates are compared on a lattice of 1 mm.

        Args:
            parts: The first part's share, between 0 and 1; or each part's share, or how many maps it gets, by its name.
            more: The other parts' shares; by default there is one, which gets the rest.
            seed: Another seed deals them out differently.

        Returns:
            The parts, each as near to its share as equal maps allow; or the parts by name. No map is in two.

        Raises:
            ValueError: if a part would be empty, shares come to more than 1, the numbers of maps asked for can't be
                had, or the seed is none.
        """
        check_seed(seed)
        maps = self._once()
        groups = splitting.groups(maps.walls, seed)
        if not isinstance(parts, Mapping):
            return tuple(maps[rows] for rows in splitting.cut(groups, (parts, *more)))
        if more:
            raise ValueError(f'a split by names takes no more shares, got {", ".join(map(str, more))}.')
        return {name: maps[rows] for name, rows in splitting.by_name(groups, parts).items()}

    def _once(self) -> MapSet:
        """The maps without repetitions, with a warning if there were any."""
        rows = splitting.firsts([self.walls, self.doors, self.lights, self.spawns])
        if len(rows) == len(self):
            return self
        twice = f'{len(self) - len(rows)} of the {len(self)} maps repeat others'
        warnings.warn(f'{twice}, and are left out of the split.', stacklevel=3)
        return self[rows]

    def stats(self, *names: str, workers: int = 1, progress: bool = False) -> dict[str, Shaped[np.ndarray, ' map']]:
        """Statistics of the maps: a number a map under each name. Areas are square metres and lengths are metres.

        Counts, sizes and hashes take microseconds a map. What agents can see and how far their ways lead takes 6 ms
        for a house, so name what is needed where maps are many: ``maps.stats('rooms', 'area')``.

        Args:
            names: Which statistics; by default all that there are, which `megastep.maps.stats.table.STATISTICS`
                explains.
            workers: How many threads to use for what is measured map by map.
            progress: Show a bar.

        Returns:
            The statistics, in the order asked for. What a map doesn't have is NaN: the mean opening where there is
            none, the graph of rooms where no openings are known, detours where no spawn can be reached from another.

        Raises:
            ValueError: if there is no such statistic, or workers is below 1.
        """
        return table.measure(self, names, workers=workers, progress=progress)

    def __repr__(self) -> str:
        there = np.unique(self.families) if len(self) else recipes.families(self._recipe)
        names = ' and '.join(sorted(filter(None, set(map(str, there)))))
        return f'MapSet({counted(len(self), "map")}{names and ", "}{names})'

    def _repr_html_(self) -> str:
        means = {name: values.mean() for name, values in self.stats(*table.SIZES).items()} if len(self) else {}
        line = ', '.join(f'{name.replace("_", " ")} {mean:.1f}' for name, mean in means.items())
        shown = [self[number] for number in range(min(SHOWN, len(self)))]
        return (
            f'<div><p><b>{html.escape(repr(self))}</b></p><p>On average: {line}</p>'
            f'{gallery.draw(shown) if shown else ""}</div>'
        )


def _path_lengths(geometry: Geometry, agent_radius: float) -> Float32[np.ndarray, ' pair']:
    """The lengths of the shortest paths between a map's spawns, row by row."""
    known = geometry.geodesics if agent_radius == AGENT_RADIUS else None
    return (geodesics.distances(geometry.walls, geometry.spawns, agent_radius) if known is None else known).reshape(-1)


def listed(maps: Any, called: str = 'maps') -> MapSet | list[Geometry]:
    """Maps that somebody hands over: a set, a list of floorplans, or one of these alone.

    Args:
        maps: What they are.
        called: What errors call them.

    Raises:
        ValueError: if they are something else.
    """
    if isinstance(maps, MapSet):
        return maps
    if isinstance(maps, str | os.PathLike) or not isinstance(maps, Geometry | Iterable):
        raise ValueError(f'{called} must be a MapSet or a list of geometries, got {type(maps).__name__}.')  # noqa: TRY004
    found = [maps] if isinstance(maps, Geometry) else list(maps)
    if odd := [each for each in found if not isinstance(each, Geometry)]:
        raise ValueError(f'{called} must be a MapSet or a list of geometries, got {type(odd[0]).__name__} in it.')
    return found
