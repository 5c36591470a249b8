"""Certification of all families with parameters from their whole ranges: `python -m benchmarks mapgen-proof`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from tqdm import tqdm

from benchmarks.parts import Parts
from megastep import Geometry, MapSet, mapgen
from megastep.mapgen.parallel import completed, processes
from megastep.mapgen.rng import Rng
from megastep.maps.symmetry import canonical_hashes

MAPS = 100_000
"""The number of maps that are made, over all families."""

LARGE_FAMILIES, USUAL_WEIGHT = ('hotel', 'office'), 3
"""The families whose maps are large and slow; and the number of maps of each other family for one of theirs."""

MAPS_PER_TASK = 16
"""The number of maps that a process makes at a time."""

RANGE_STEPS = 1000
"""The number of steps that the range of a real parameter is drawn in."""

PARAMETER_DRAWS = 1000
"""The greatest number of draws of parameters for a map, until they are some that go together."""

MOST_EXAMPLES = 5
"""The greatest number of failures, and of refusals, that are quoted of a family."""

LARGE_HOUSE_ROOMS, MOST_DUPLICATE_SHARE = 10, 0.001
"""The least number of rooms of a large house, and the share of these that may be equal up to symmetry to another."""


class Task(NamedTuple):
    """A task of maps to make: those of a family with the numbers from ``start`` to just before ``stop``."""

    family: str
    seed: int
    start: int
    stop: int


@dataclass
class Outcome:
    """The outcome of making maps.

    Args:
        hashes: Those that were certified, as hashes that are equal for maps equal up to symmetry.
        rooms: The number of rooms of each of these.
        refused: The number of draws of parameters that didn't go together, after which others were drawn.
        refusals: The messages of the first of these.
        failures: The messages of maps that could not be made or aren't valid.
        seconds: The time that it took, in seconds.
    """

    hashes: list[int] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)
    refused: int = 0
    refusals: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def refuse(self, reason: str) -> None:
        """Counts a refusal, and notes what was said unless enough are noted."""
        self.refused += 1
        self.refusals = [*self.refusals, reason][:MOST_EXAMPLES]

    def add(self, other: Outcome) -> None:
        """Counts another's maps in."""
        self.hashes += other.hashes
        self.rooms += other.rooms
        self.refused += other.refused
        self.refusals = (self.refusals + other.refusals)[:MOST_EXAMPLES]
        self.failures += other.failures
        self.seconds += other.seconds


def prove(count: int = MAPS, *, seed: int = 0, workers: int = 2, parts: Parts | None = None) -> list[dict[str, Any]]:
    """Certification of maps of every family, as many of each but of `LARGE_FAMILIES`, in processes of their own.

    Args:
        count: The number of maps.
        seed: Another seed draws other parameters and maps.
        workers: The number of processes to use.
        parts: The file of what is finished, now and before. Of that, what isn't asked for is left out.

    Returns:
        A row a family. It holds if none of its maps failed and, of houses, hardly any are duplicates.
    """
    tasks = divided(count, seed)
    made = {Task(*task): Outcome(**outcome) for task, outcome in (parts.found if parts else [])}
    left = [task for task in tasks if task not in made]
    total, remaining = (sum(task.stop - task.start for task in each) for each in (tasks, left))
    with processes(workers) as pool, tqdm(total=total, initial=total - remaining, unit='maps') as bar:
        for task, outcome in completed(pool, attempt, left, most=4 * workers):
            made[task] = outcome
            if parts:
                parts.add((task, asdict(outcome)))
            bar.update(task.stop - task.start)
    outcomes = {family: Outcome() for family in mapgen.FAMILIES}
    for task in tasks:
        outcomes[task.family].add(made[task])
    return [row(family, outcome) for family, outcome in outcomes.items()]


def maker(commit: str) -> dict[str, Any]:
    """The identity of what makes the maps, so that nobody counts those of other code with them."""
    return {'commit': commit, 'versions': {name: family.version for name, family in mapgen.FAMILIES.items()}}


def divided(count: int, seed: int) -> list[Task]:
    """The tasks for so many maps, the families taking turns."""
    counts = parted(count)
    return [
        Task(family, seed, start, min(start + MAPS_PER_TASK, number))
        for start in range(0, max(counts.values()), MAPS_PER_TASK)
        for family, number in counts.items()
        if start < number
    ]


def parted(count: int) -> dict[str, int]:
    """The number of maps of each family among so many, rounded up."""
    parts = {family: 1 if family in LARGE_FAMILIES else USUAL_WEIGHT for family in mapgen.FAMILIES}
    return {family: -(-count * part // sum(parts.values())) for family, part in parts.items()}


def attempt(task: Task) -> tuple[Task, Outcome]:
    """Makes maps with random parameters."""
    outcome = Outcome()
    begin = time.process_time()
    made = [_attempt_one(task, index, outcome) for index in range(task.start, task.stop)]
    outcome.seconds = time.process_time() - begin
    if geometries := [geometry for geometry in made if geometry is not None]:
        outcome.hashes = canonical_hashes(MapSet(geometries).walls).tolist()
        outcome.rooms = [len(geometry.rooms) for geometry in geometries]
    return task, outcome


def _attempt_one(task: Task, index: int, outcome: Outcome) -> Geometry | None:
    """Makes a map with the first parameters drawn that go together. What is refused and what fails is noted."""
    rng = Rng(f'certification/{task.family}/{task.seed}/{index}')
    for _ in range(PARAMETER_DRAWS):
        parameters = draw(mapgen.FAMILIES[task.family].parameters, rng)
        try:
            return mapgen.make(task.family, index, seed=task.seed, **parameters)
        except ValueError as error:
            outcome.refuse(f'{error} With {parameters}.')
        except (mapgen.CertificateError, mapgen.GenerationError) as error:
            outcome.failures.append(f'{error} With {parameters}.')
            return None
    outcome.failures.append(f'{task.family}, index {index}: {PARAMETER_DRAWS} draws of parameters were refused.')
    return None


def draw(parameters: Mapping[str, mapgen.Parameter | mapgen.Choice], rng: Rng) -> dict[str, Any]:
    """A random value of each parameter, from its whole range. One in eight is the least, one in eight the most."""
    return {name: _value(parameter, rng) for name, parameter in parameters.items()}


def _value(parameter: mapgen.Parameter | mapgen.Choice, rng: Rng) -> Any:
    if isinstance(parameter, mapgen.Choice):
        return rng.pick(parameter.options)
    if isinstance(parameter.default, tuple):
        return tuple(sorted((_number(parameter, rng), _number(parameter, rng))))
    return _number(parameter, rng)


def _number(parameter: mapgen.Parameter, rng: Rng) -> float:
    least, most = parameter.least, parameter.most
    whole = isinstance(parameter.default[0] if isinstance(parameter.default, tuple) else parameter.default, int)
    end = rng.below(8)
    if end < 2:
        value = (least, most)[end]
        return int(value) if whole else float(value)
    if whole:
        return rng.between(int(least), int(most))
    return min(most, round(least + (most - least) * rng.between(0, RANGE_STEPS) / RANGE_STEPS, 6))


def row(family: str, outcome: Outcome) -> dict[str, Any]:
    """A row of the report: the outcome of a family's maps."""
    made = len(outcome.hashes)
    large = [hash_ for hash_, rooms in zip(outcome.hashes, outcome.rooms, strict=True) if rooms >= LARGE_HOUSE_ROOMS]
    duplicates = duplicated(large)
    distinct = family != 'house' or duplicates <= MOST_DUPLICATE_SHARE * len(large)
    return {
        'family': family,
        'version': mapgen.FAMILIES[family].version,
        'holds': not outcome.failures and distinct,
        'certified': made,
        'refused': outcome.refused,
        'failed': len(outcome.failures),
        'duplicates': duplicated(outcome.hashes),
        f'of {LARGE_HOUSE_ROOMS} rooms or more': len(large),
        'duplicates of these': duplicates,
        'maps/s a core': made / max(outcome.seconds, 1e-9),
        'digest': f'{sum(outcome.hashes) % 2**64:016x}',
        'refusals': outcome.refusals,
        'failures': outcome.failures[:MOST_EXAMPLES],
    }


def duplicated(hashes: Sequence[int]) -> int:
    """The number of maps that are equal to one before them."""
    return len(hashes) - len(set(hashes))
