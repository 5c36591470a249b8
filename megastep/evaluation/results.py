"""Results of an evaluation: a row an episode, and what is made of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from megastep.checks import check_counts
from megastep.evaluation import episode_table, report, results_file
from megastep.evaluation.analysis import comparisons, gaps, summaries
from megastep.evaluation.analysis.cells import check_score
from megastep.evaluation.analysis.tables import Table, pandas
from megastep.evaluation.analysis.worst import Way, Worst, worst
from megastep.evaluation.episode_table import Columns, distinct
from megastep.maps.mapset import MapSet
from megastep.maps.storage import temporaries
from megastep.maps.words import counted


@dataclass(frozen=True, eq=False)
class Results:
    """Results of an evaluation: a tidy table with a row an episode.

    The table's columns are the agent, the run (its number among those of the agent, each of another seed of training),
    the set of episodes, the map and the episode by their numbers in the set, the variation of the env ('' for none),
    whether the run has learnt in that map (``trained_on``), the scores, and what is known of the episode beside them:
    see `megastep.evaluation.episode_table`. Of scores more is better, but of those that are said to be otherwise.

    Args:
        table: The columns by name: sequences or arrays of one length. What isn't given is filled in.
        scores: The columns that are scores, the most important first: those that the env has of its own, then
            ``'return'`` and ``'length'`` in steps.
        suite_sha256: The hash of the suite that was played, in hexadecimal; '' if there was none.
        maps: The maps of each set, so that episodes can be drawn. Sets that have none here aren't.
        ways: The ways walked in some episodes, by the number of the row, so that they can be drawn.
        lower_is_better: The scores of which less is better: see `Env.lower_is_better`.

    Raises:
        ValueError: if a column is missing, unknown, of a wrong shape, type or range; there are no episodes, or two rows
            are the same one; a map isn't among those of its set; a way is of no row or isn't (step, 2); or of a score
            that there isn't less is better.
    """

    table: Columns
    scores: Sequence[str]
    suite_sha256: str = ''
    maps: Mapping[str, MapSet] = field(default_factory=dict)
    ways: Mapping[int, Way] = field(default_factory=dict)
    lower_is_better: Sequence[str] = ()

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731, the class is frozen
        put('table', episode_table.episode_table(self.table, self.scores))
        put('scores', tuple(self.scores))
        if not isinstance(self.maps, Mapping) or not all(isinstance(each, MapSet) for each in self.maps.values()):
            raise ValueError(f'maps must be map sets by the names of sets, got {self.maps!r}.')
        put('maps', MappingProxyType(dict(self.maps)))
        put('ways', MappingProxyType({int(row): np.asarray(way, np.float32) for row, way in self.ways.items()}))
        _check_maps(self.table, self.maps)
        _check_ways(self.ways, len(self))
        put('lower_is_better', tuple(self.lower_is_better))
        if unknown := [name for name in self.lower_is_better if name not in self.scores]:
            raise ValueError(f'lower_is_better must be of scores, {", ".join(self.scores)}, got {unknown[0]!r}.')

    def __reduce__(self) -> tuple[Any, ...]:
        """Their values for pickle, in dictionaries: views of these can't be pickled."""
        values = (getattr(self, each.name) for each in fields(self))
        return type(self), tuple(dict(value) if isinstance(value, Mapping) else value for value in values)

    def __len__(self) -> int:
        """The number of episodes."""
        return len(self.table['agent'])

    @property
    def agents(self) -> list[str]:
        """The agents, in the order of the table."""
        return distinct(self.table['agent'])

    @property
    def sets(self) -> list[str]:
        """The sets of episodes, in the order of the table."""
        return distinct(self.table['set'])

    @property
    def known_scores(self) -> list[str]:
        """The scores that some episode has, the most important first."""
        return [score for score in self.scores if np.isfinite(self.table[score]).any()]

    def select(self, **values: object) -> Results:
        """The episodes that have the given values in columns, or one of several: ``results.select(set='houses')``.

        Raises:
            ValueError: if there is no such column, or no episode with the value.
        """
        rows = np.flatnonzero(episode_table.where(self.table, **values))
        ways = {place: self.ways[row] for place, row in enumerate(rows.tolist()) if row in self.ways}
        return replace(self, table=episode_table.picked(self.table, rows), ways=ways)

    def summary(self, score: str, by: str | Sequence[str] = 'set') -> Table:
        """Summary statistics of a score: mean, median, IQM, optimality gap and CVaR, each with a 95 % interval.

        A row is an agent and a set, or whatever else the episodes are grouped by. Scores are means by run and map
        first, so that all maps count alike. Episodes in variations of the env are left out, unless they are grouped by
        those. Of a score of which less is better the worst maps are those where it is highest, and no gap is given.

        Args:
            score: Which.
            by: A column, or several, beside the agent.

        Raises:
            ValueError: if there is no such score or column.
        """
        check_score(self.table, self.scores, score)
        return summaries.summary(self.table, score, by, lower_is_better=score in self.lower_is_better)

    def gap(self, first: str, second: str, score: str) -> Table:
        """The generalisation gap: by how much a score is better in maps that were learnt in.

        Where an agent's runs have learnt in different maps of the first set (``trained_on`` says so), it is by
        cross-evaluation: own runs' scores less the other runs', in the same maps. Otherwise it is the first set's mean
        less the second's, of which a part is how hard the maps happen to be. The table says which it is. Where less is
        better, it is below 0.

        Args:
            first: The set of maps that runs have learnt in: ``'train'``.
            second: A set of maps that no run has: ``'test'``.
            score: Which.

        Raises:
            ValueError: if there is no such set or score, or a run has learnt in maps of the second set.
        """
        check_score(self.table, self.scores, score)
        return gaps.gap(self.table, first, second, score, lower_is_better=score in self.lower_is_better)

    def compare(self, other: Results, score: str, by: str | Sequence[str] = 'set') -> Table:
        """Comparison with another agent: paired differences on the same episodes, and the probability of improvement.

        Args:
            other: The results of another agent, on the same suite.
            score: Which.
            by: A column, or several, that say the same of an episode for both: a row for each of their values.

        Raises:
            ValueError: if either holds several agents, the suites differ, no episode is in both, or there is no such
                score or column.
        """
        if not isinstance(other, Results):
            raise ValueError(f'other must be Results, got {type(other).__name__}.')  # noqa: TRY004, as for other values
        for results in (self, other):
            check_score(results.table, results.scores, score)
            if len(results.agents) > 1:
                raise ValueError(f'one agent is compared with one: select(agent=...), got {", ".join(results.agents)}.')
        if self.suite_sha256 and other.suite_sha256 and self.suite_sha256 != other.suite_sha256:
            hashes = f'{self.suite_sha256[:12]} and {other.suite_sha256[:12]}'
            raise ValueError(f'results must be of the same suite to be compared, got suites {hashes}.')
        lower = score in self.lower_is_better
        return comparisons.compare(self.table, other.table, score, by, lower_is_better=lower)

    def curve(self, score: str, against: str = 'shortest_path', bins: int | Sequence[float] = 8) -> Table:
        """A score's mean against a variable of the episode or map, with intervals, for each agent.

        Args:
            score: Which.
            against: A column: ``'shortest_path'``, ``'rooms'``, ``'detour'``, ``'walls'``.
            bins: Into how many bins of about as many episodes the variable is divided, or the bins' bounds.

        Raises:
            ValueError: if there is no such score or column, it is text, no episode has it, or bins are none.
        """
        check_score(self.table, self.scores, score)
        return summaries.curve(self.table, score, against, bins)

    def matrix(self, score: str, down: str = 'set') -> Table:
        """A matrix of a score's means: a row a set, a column an agent. Of sets by what is tested in, and agents by what
        they were trained in, it says what each has learnt.

        Args:
            score: Which.
            down: The column whose values are the matrix's rows.

        Raises:
            ValueError: if there is no such score or column.
        """
        check_score(self.table, self.scores, score)
        return summaries.matrix(self.table, score, down)

    def variations(self, score: str) -> Table:
        """A score's mean in each variation of the env, and how much that is more than without, on the same episodes.

        Raises:
            ValueError: if there is no such score.
        """
        check_score(self.table, self.scores, score)
        return summaries.variations(self.table, score)

    def save(self, path: str | os.PathLike) -> Path:
        """Writes the table, its scores, of which less is better, the suite's hash and the ways to a file; not the maps.

        Args:
            path: ``.parquet``, which needs the extra ``evaluation``, or ``.npz``. Without a suffix it gets one:
                Parquet's if that can be written.

        Returns:
            The file's path.

        Raises:
            ValueError: if the path has another suffix.
            ImportError: if Parquet is asked for and pyarrow isn't installed.
            FileNotFoundError: if the file's folder isn't there.
        """
        lower = list(self.lower_is_better)
        content = results_file.Content(dict(self.table), list(self.scores), self.suite_sha256, dict(self.ways), lower)
        return results_file.write(path, content)

    @classmethod
    def load(cls, path: str | os.PathLike, maps: Mapping[str, MapSet] | None = None) -> Results:
        """Reads a file that `save` has written.

        Args:
            path: The file.
            maps: The maps of each set, so that episodes can be drawn.

        Raises:
            FileNotFoundError: if there is no such file.
            ImportError: if it is Parquet and pyarrow isn't installed.
            ValueError: if it is no file of results, it is damaged, or the maps aren't enough.
        """
        found = results_file.read(path)
        try:
            return cls(found.table, found.scores, found.suite_sha256, maps or {}, found.ways, found.lower_is_better)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error

    def worst(self, count: int = 6, score: str | None = None) -> Worst:
        """The worst episodes, one a map: in a notebook they draw themselves, the way walked beside the shortest path.

        An episode is the worse the lower its mean score among an agent's runs, or the higher if less is better, and of
        equals the one whose shortest path is shorter. Where some ways are known, only those are among them.

        Args:
            count: How many, at the most.
            score: By which score; by default the first that some episode has.

        Raises:
            ValueError: if count is below 1, or there is no such score.
        """
        check_counts(count=count)
        score = (self.known_scores or self.scores)[0] if score is None else score
        check_score(self.table, self.scores, score)
        return worst(self.table, score, count, self.maps, self.ways, lower_is_better=score in self.lower_is_better)

    def report(
        self, folder: str | os.PathLike, scores: Sequence[str] | None = None, *, title: str | None = None
    ) -> Path:
        """Writes a report: a page to be read and printed, the same tables for papers and programs, and the results.

        The folder gets ``index.html``, which needs no other file and no network, ``tables.md``, ``tables.tex``, a
        ``.csv`` for each table, and what `save` writes, without the ways. The results come first and the page last. Of
        two writers the later wins.

        Args:
            folder: Where to; it is made if it isn't there.
            scores: Those that it is about, the most important first; by default the first two that some episode has.
            title: The page's heading; by default the agents' names.

        Returns:
            The page's path.

        Raises:
            ValueError: if there is no such score, or none at all, the folder is none, or the title is no text.
            OSError: naming what can't be written.
        """
        chosen = (self.known_scores or self.scores)[:2] if scores is None else tuple(scores)
        if not chosen or isinstance(scores, str):
            raise ValueError(f'scores must be a list of at least 1 score, got {scores!r}.')
        if not isinstance(title, str | None):
            raise ValueError(f'title must be a string, got {title!r}.')  # noqa: TRY004
        for score in chosen:
            check_score(self.table, self.scores, score)
        known: dict[str, Any] = {'suite_sha256': self.suite_sha256, 'maps': self.maps, 'ways': self.ways}
        report.check_folder(folder)
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with temporaries.alone(place):
            kept = replace(self, ways={}).save(place / 'results')  # first: whatever else fails, they aren't lost
            for suffix in {*results_file.FORMATS} - {kept.suffix}:
                kept.with_suffix(suffix).unlink(missing_ok=True)
            return report.write(folder, self.table, chosen, title=title, lower_is_better=self.lower_is_better, **known)

    def frame(self) -> Any:
        """The table of episodes as a data frame of pandas. Needs the extra ``evaluation``.

        Raises:
            ImportError: if pandas isn't installed.
        """
        return pandas().DataFrame(dict(self.table))

    def __repr__(self) -> str:
        runs = len({*zip(self.table['agent'].tolist(), self.table['run'].tolist(), strict=True)})
        return (
            f'Results({counted(len(self), "episode")}: {", ".join(self.agents)} ({counted(runs, "run")}) '
            f'in {", ".join(self.sets)}; scores {", ".join(self.scores)})'
        )

    def _repr_html_(self) -> str:
        return summaries.overview(self.table, self.known_scores[:3])._repr_html_()


def _check_maps(table: Columns, maps: Mapping[str, MapSet]) -> None:
    for name, known in maps.items():
        numbers = table['map'][table['set'] == name]
        if len(numbers) and numbers.max() >= len(known):
            raise ValueError(f'maps of set {name!r} must be below {len(known)}, its number, got {numbers.max()}.')


def _check_ways(ways: Mapping[int, Way], length: int) -> None:
    for row, way in ways.items():
        if not 0 <= row < length:
            raise ValueError(f'ways must be of rows from 0 to {length - 1}, got {row}.')
        if way.ndim != 2 or way.shape[1] != 2 or not np.isfinite(way).all():
            raise ValueError(f'the way of row {row} must be finite places of shape (step, 2), got {way.shape}.')
