"""Certifies maps of all families with parameters from their whole ranges: `python -m benchmarks mapgen-proof`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64, UInt64
from tqdm import tqdm

from megastep import Geometry, MapSet, mapgen
from megastep.mapgen.parallel import completed, processes
from megastep.mapgen.words import Words
from megastep.symmetry import canonical_hashes

COUNT = 100_000
"""How many maps are made, over all families."""

HEAVY, PART = ('hotel', 'office'), 3
"""Families whose maps are large and take ten times as long: of them there are a third as many as of each other."""

CHUNK = 16
"""How many of them a process makes at a time."""

STEPS = 1000
"""How many steps the range of a real parameter is drawn in."""

DRAWS = 1000
"""How many times parameters are drawn for a map, until they are some that go together."""

EXAMPLES = 5
"""How many failures and how many refusals of a family are quoted."""

LARGE, MOST_DUPLICATES = 10, 0.001
"""Of houses with so many rooms at least, the part that may be equal up to symmetry to another."""


class Task(NamedTuple):
    """Maps to make: those of a family with the numbers from ``start`` to just before ``stop``."""

    family: str
    seed: int
    start: int
    stop: int


@dataclass
class Outcome:
    """What came of maps.

    Args:
        hashes: Those that were certified, as hashes that are equal for maps equal up to symmetry.
        rooms: How many rooms each of these has.
        refusals: What was said of parameters that don't go together, for which others were drawn.
        failures: What was said of maps that could not be made or aren't valid.
        seconds: How long it took.
    """

    hashes: UInt64[np.ndarray, ' map'] = field(default_factory=lambda: np.empty(0, np.uint64))
    rooms: Int64[np.ndarray, ' map'] = field(default_factory=lambda: np.empty(0, np.int64))
    refusals: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: Outcome) -> None:
        """Counts another's maps in."""
        self.hashes = np.concatenate([self.hashes, other.hashes])
        self.rooms = np.concatenate([self.rooms, other.rooms])
        self.refusals += other.refusals
        self.failures += other.failures
        self.seconds += other.seconds


def prove(count: int = COUNT, *, seed: int = 0, workers: int = 2) -> list[dict[str, Any]]:
    """Makes maps of every family, as many of each but of those that are `HEAVY`, in processes of their own.

    Args:
        count: How many maps.
        seed: Another seed draws other parameters and maps.
        workers: How many processes to use.

    Returns:
        A row a family. It holds if none of its maps failed and, of houses, hardly any are duplicates.
    """
    counts = parted(count)
    tasks = [
        Task(family, seed, start, min(start + CHUNK, number))
        for start in range(0, max(counts.values()), CHUNK)
        for family, number in counts.items()
        if start < number
    ]
    outcomes = {family: Outcome() for family in mapgen.FAMILIES}
    with processes(workers) as pool, tqdm(total=sum(counts.values()), unit='maps') as bar:
        for task, outcome in completed(pool, attempt, tasks, most=4 * workers):
            outcomes[task.family].add(outcome)
            bar.update(task.stop - task.start)
    return [row(family, outcome) for family, outcome in outcomes.items()]


def parted(count: int) -> dict[str, int]:
    """How many maps of each family there are among so many, rounded up."""
    parts = {family: 1 if family in HEAVY else PART for family in mapgen.FAMILIES}
    return {family: -(-count * part // sum(parts.values())) for family, part in parts.items()}


def attempt(task: Task) -> tuple[Task, Outcome]:
    """Makes maps with random parameters."""
    outcome = Outcome()
    begin = time.process_time()
    made = [_attempt_one(task, index, outcome) for index in range(task.start, task.stop)]
    outcome.seconds = time.process_time() - begin
    if geometries := [geometry for geometry in made if geometry is not None]:
        outcome.hashes = canonical_hashes(MapSet(geometries).walls)
        outcome.rooms = np.array([len(geometry.rooms) for geometry in geometries])
    return task, outcome


def _attempt_one(task: Task, index: int, outcome: Outcome) -> Geometry | None:
    """Makes a map with the first parameters drawn that go together. What is refused and what fails is noted."""
    words = Words(f'certification/{task.family}/{task.seed}/{index}')
    for _ in range(DRAWS):
        parameters = draw(mapgen.FAMILIES[task.family].parameters, words)
        try:
            return mapgen.make(task.family, index, seed=task.seed, **parameters)
        except ValueError as error:
            outcome.refusals.append(f'{error} With {parameters}.')
        except (mapgen.CertificateError, mapgen.GenerationError) as error:
            outcome.failures.append(f'{error} With {parameters}.')
            return None
    outcome.failures.append(f'{task.family}, index {index}: {DRAWS} draws of parameters were refused.')
    return None


def draw(parameters: Mapping[str, mapgen.Parameter | mapgen.Choice], words: Words) -> dict[str, Any]:
    """A random value of each parameter, from its whole range. One in eight is the least, one in eight the most."""
    return {name: _value(parameter, words) for name, parameter in parameters.items()}


def _value(parameter: mapgen.Parameter | mapgen.Choice, words: Words) -> Any:
    if isinstance(parameter, mapgen.Choice):
        return words.pick(parameter.options)
    if isinstance(parameter.default, tuple):
        return tuple(sorted((_number(parameter, words), _number(parameter, words))))
    return _number(parameter, words)


def _number(parameter: mapgen.Parameter, words: Words) -> float:
    least, most = parameter.least, parameter.most
    whole = isinstance(parameter.default[0] if isinstance(parameter.default, tuple) else parameter.default, int)
    end = words.below(8)
    if end < 2:
        value = (least, most)[end]
        return int(value) if whole else float(value)
    if whole:
        return words.between(int(least), int(most))
    return min(most, round(least + (most - least) * words.between(0, STEPS) / STEPS, 6))


def row(family: str, outcome: Outcome) -> dict[str, Any]:
    """What came of a family's maps, as a report has it."""
    made, large = len(outcome.hashes), outcome.hashes[outcome.rooms >= LARGE]
    duplicates = duplicated(large)
    distinct = family != 'house' or duplicates <= MOST_DUPLICATES * len(large)
    return {
        'family': family,
        'version': mapgen.FAMILIES[family].version,
        'holds': not outcome.failures and distinct,
        'certified': made,
        'refused': len(outcome.refusals),
        'failed': len(outcome.failures),
        'duplicates': duplicated(outcome.hashes),
        f'of {LARGE} rooms or more': len(large),
        'duplicates of these': duplicates,
        'maps/s a core': made / max(outcome.seconds, 1e-9),
        'digest': f'{int(outcome.hashes.sum(dtype=np.uint64)):016x}',
        'refusals': outcome.refusals[:EXAMPLES],
        'failures': outcome.failures[:EXAMPLES],
    }


def duplicated(hashes: UInt64[np.ndarray, ' map']) -> int:
    """How many maps are equal to one before them."""
    return len(hashes) - len(np.unique(hashes))
