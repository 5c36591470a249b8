"""Generation of map sets, on one process or many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from tqdm.auto import tqdm

from megastep.checks import check_paths
from megastep.mapgen.families import FAMILIES
from megastep.mapgen.family import Family
from megastep.mapgen.finishing.certificate import certify
from megastep.mapgen.finishing.finish import finish
from megastep.mapgen.mixture import apportion, checked_shares
from megastep.mapgen.parallel import completed, processes
from megastep.mapgen.shards import Shards
from megastep.maps import recipes
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.storage import atomic

MAPS_PER_CHUNK = 16
"""The number of maps made in one go: by a worker, and for a shard."""

MOST_CHUNKS_UNDER_WAY = 1024
"""The number of chunks asked of an executor at once, so that a large cluster has enough to do."""


class GenerationError(RuntimeError):
    """An error of the generator: a map could not be made. A bug in megastep, and worth a report."""


class Chunk(NamedTuple):
    """A chunk of maps to make: the number of the first, and the part of the recipe that each is of."""

    start: int
    origins: tuple[int, ...]

    @property
    def stop(self) -> int:
        """The number after the last map's."""
        return self.start + len(self.origins)


def generate(
    family: str | None = None,
    count: int | None = None,
    *,
    mixture: Mapping[str, float] | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    workers: int = 1,
    executor: Executor | None = None,
    out: str | PathLike | None = None,
    resume: bool = False,
    overwrite: bool = False,
    geodesics: bool = False,
    progress: bool = False,
    **shared: Any,
) -> MapSet:
    """Procedural generation of a map set. The same arguments give the same maps for ever, whoever makes them.

    >>> generate('house', 1000, seed=0, workers=2, rooms=(8, 12))
    >>> generate(mixture={'house': 0.5, 'maze': 0.5}, count=1000, parameters={'house': {'rooms': (8, 12)}})

    More workers are other processes, which import the calling script: there, call this under
    ``if __name__ == '__main__':``.

    Args:
        family: The family of the maps: a key of `FAMILIES`. Give this or a mixture.
        count: The number of maps.
        mixture: The shares of the families, compared with each other. The first maps, however many, have these shares
            too, rounded up or down; `MapSet.families` says which map is of which family.
        parameters: Parameters of some of the families, by family and name.
        seed: Another seed gives other maps. A greater count with the same seed begins with the same maps.
        workers: The number of processes to use.
        executor: What to use instead of processes of this machine: anything of `concurrent.futures`' form, such as a
            dask client's ``get_executor()``.
        out: The file to save the maps in. Until it is there, what is finished is kept in a folder beside it, of the
            same name and ``.shards``.
        resume: Go on with a run to ``out`` that was killed, instead of refusing to if there is one. A set that is
            finished is returned, if it is the one asked for.
        overwrite: Put the set in the place of what is in ``out``, instead of refusing to.
        geodesics: Give each map the lengths of the shortest paths between its spawns: `Geometry.geodesics`.
        progress: Show a bar.
        shared: Parameters of the family, or of every family of the mixture, each as in
            ``FAMILIES[family].parameters``.

    Raises:
        ValueError: if there is no such family or parameter, a value is out of its range, values don't go together, or
            what is in the folder of an unfinished run isn't what is asked for.
        FileNotFoundError: if ``out`` is in no folder.
        CertificateError: if a map isn't valid, which is a bug.
        GenerationError: if a map can't be made, which is a bug.
    """
    count, workers = _whole('count', count, 1), _whole('workers', workers, 1)
    shares = _shares(family, mixture)
    more = {'geodesics': True} if geodesics else {}
    recipe = _recipe(shares, _whole('seed', seed, 0), parameters or {}, shared, more)
    if executor is not None and workers > 1:
        raise ValueError(f'workers are processes of this machine, and an executor has its own: got {workers} and both.')
    if executor is not None and not hasattr(executor, 'submit'):
        raise ValueError(f"executor must be of concurrent.futures' form, with a submit, got {executor!r}.")
    if (finished := _finished(out, recipe, count, resume, overwrite)) is not None:
        return finished
    shards = _shards(out, recipe, resume)
    chunks = _chunks(apportion(list(shares.values()), count))
    made = {chunk: maps for chunk in chunks if shards and (maps := shards.load(chunk.start, chunk.stop))}
    done, left = sum(map(len, made.values())), [chunk for chunk in chunks if chunk not in made]
    with tqdm(None, family or 'mixture', count, initial=done, unit='maps', disable=not progress) as bar:
        for chunk, maps in _called(partial(_make_chunk, recipe), left, workers, executor):
            made[chunk] = maps
            if shards:
                shards.save(maps, chunk.start, chunk.stop)
            bar.update(len(maps))
    every = MapSet.concat([made[chunk] for chunk in chunks])
    return shards.replace(every) if shards else every


def make(family: str, index: int, *, seed: int = 0, **parameters: Any) -> Geometry:
    """Procedural generation of one map: the one that `generate` has at an index.

    Args:
        family: The family of the map: a key of `FAMILIES`.
        index: The map's number: an entry of `MapSet.indices`.
        seed: The seed.
        parameters: The family's parameters.

    Raises:
        As `generate`.
    """
    chosen = _family(family)
    return _make(chosen, _whole('seed', seed, 0), _whole('index', index, 0), chosen.complete(parameters))


def _whole(subject: str, value: Any, least: int) -> int:
    try:
        number = value.__index__()
    except AttributeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise ValueError(f'{subject} must be a whole number of at least {least}, got {value!r}.')
    return number


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise ValueError(f'unknown family {name!r}; the families are {", ".join(sorted(FAMILIES))}.')
    return FAMILIES[name]


def _shares(family: str | None, mixture: Mapping[str, float] | None) -> dict[str, float]:
    """The shares of the families asked for, compared with each other, in the order of their names."""
    if (family is None) == (mixture is None):
        raise ValueError(f'either a family or a mixture must be given, got family={family!r} and mixture={mixture!r}.')
    return {str(family): 1.0} if mixture is None else checked_shares(mixture)


def _recipe(
    shares: Mapping[str, float],
    seed: int,
    parameters: Mapping[str, Mapping[str, Any]],
    shared: Mapping[str, Any],
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """The recipe of the maps, with all that isn't given filled in, and with what more is asked of each part."""
    families = [_family(name) for name in shares]
    if unknown := sorted(set(parameters) - set(shares)):
        raise ValueError(f'parameters are given for {unknown[0]!r}, but the families are {", ".join(shares)}.')
    parts = [
        {
            'family': family.name,
            'version': family.version,
            'seed': seed,
            'parameters': family.complete({**shared, **parameters.get(family.name, {})}),
            **more,
        }
        for family in families
    ]
    recipe = parts[0] if len(parts) == 1 else {'mixture': dict(shares), 'parts': parts}
    return recipes.jsonable(recipe) or {}


def _finished(
    out: str | PathLike | None, recipe: Mapping[str, Any], count: int, resume: bool, overwrite: bool
) -> MapSet | None:
    """The set that is there already, if it is to be gone on with: there is nothing left to do.

    Raises:
        ValueError: if something is there that is neither to be overwritten nor the set asked for.
    """
    if out is not None:
        check_paths(out=out)
    if out is None or overwrite or not Path(out).is_file():
        return None
    if not resume:
        raise ValueError(f'{out} is there already: say overwrite to have another in its place, or resume to check it.')
    found = MapSet.load(out)
    if differences := recipes.differences(found.recipe, recipes.jsonable(recipe)):
        raise ValueError(f'{out} holds other maps than those asked for: they differ in {", ".join(differences)}.')
    if len(found) != count:
        raise ValueError(f'{out} holds {len(found)} such maps, and {count} are asked for: say overwrite.')
    return found


def _shards(out: str | PathLike | None, recipe: Mapping[str, Any], resume: bool) -> Shards | None:
    """The shards that finished chunks are kept in, if any."""
    if out is None:
        if resume:
            raise ValueError('resume goes on with a run to a file: say to which with out.')
        return None
    atomic.check_folder(Path(out))
    shards = Shards(Path(out), recipe)
    shards.check(resume=resume)
    return shards


def _chunks(origins: list[int]) -> list[Chunk]:
    return [
        Chunk(start, tuple(origins[start : start + MAPS_PER_CHUNK])) for start in range(0, len(origins), MAPS_PER_CHUNK)
    ]


def _called(
    function: Callable[[Chunk], tuple[Chunk, MapSet]], chunks: list[Chunk], workers: int, executor: Executor | None
) -> Iterator[tuple[Chunk, MapSet]]:
    """A map of the function over the chunks, in any order: here, in processes of this machine, or elsewhere."""
    workers = min(workers, len(chunks))
    if executor is not None:
        yield from completed(executor, function, chunks, most=MOST_CHUNKS_UNDER_WAY)
    elif workers > 1:
        with processes(workers) as pool:
            yield from completed(pool, function, chunks, most=2 * workers)
    else:
        yield from map(function, chunks)


def _make_chunk(recipe: dict[str, Any], chunk: Chunk) -> tuple[Chunk, MapSet]:
    """Makes the maps of a chunk. This is what workers do."""
    parts = [part or {} for part in recipes.parts(recipe)]
    families = [FAMILIES[part['family']] for part in parts]
    complete = [family.complete(part['parameters']) for family, part in zip(families, parts, strict=True)]
    indices = range(chunk.start, chunk.stop)
    geometries = [
        _make(families[origin], parts[origin]['seed'], index, complete[origin])
        for index, origin in zip(indices, chunk.origins, strict=True)
    ]
    maps = MapSet(geometries, recipe=recipe, indices=indices, origins=chunk.origins)
    return chunk, maps.with_geodesics() if parts[0].get('geodesics') else maps


def _make(family: Family, seed: int, index: int, parameters: dict[str, Any]) -> Geometry:
    """Makes one map and certifies it. The parameters are complete and checked."""
    name = f'{family.name} version {family.version}, seed {seed}, index {index}'
    rng = family.rng(seed, index)
    try:
        plan = family.draw(rng, parameters)
        geometry = finish(family.vary(plan, rng, parameters), rng)
    except Exception as error:
        if isinstance(error, ValueError) and str(error).startswith(f'{family.name}: '):
            raise  # the family refuses parameters that don't go together
        reason = f'{type(error).__name__}: {error}'
        raise GenerationError(f'{name} could not be made: {reason}. This is a bug in the generator.') from error
    certify(geometry, name)
    return geometry
