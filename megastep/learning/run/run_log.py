"""Log of a run, with what a person sees of it: its progress, the curves, and loggers that are told of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from megastep.evaluation import Evaluation
from megastep.evaluation.playing.recorder import STARTS
from megastep.learning.map_scores import ALWAYS
from megastep.learning.run.episode_log import EpisodeLog
from megastep.learning.run.loggers import Log, close, opened
from megastep.learning.run.progress import NoProgress, Progress, progress
from megastep.learning.run.run_folder import Run
from megastep.learning.run.update_statistics import UpdateStatistics

REDRAWN = 30.0
"""The curves are drawn anew after so many seconds at the soonest."""


class RunLog:
    """Log of a run, a line an update and a line an evaluation; it also shows how the run goes.

    Args:
        run: The run's folder.
        scores: The env's scores, the most telling first: see `Env.scores`.
        measures: What else the env says of an episode: see `Env.measures`.
        frames: How many steps have been made already.
        total: How many will have been made in the end.
        bar: Whether to show how it goes: by a bar in a terminal, by curves in a notebook.
        logs: What its numbers are handed to: see `loggers.opened`.
        config: How the run is configured, for loggers that note it.
    """

    def __init__(
        self,
        run: Run,
        scores: Sequence[str] = (),
        measures: Sequence[str] = (),
        *,
        frames: int,
        total: int,
        bar: bool,
        logs: Sequence[Log] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        self._run = run
        lines = run.lines()
        self._before = max((line['seconds'] for line in lines), default=0.0)
        self._start = self._last = time.perf_counter()
        self._frames, self._total, self._drawn = frames, total, 0.0
        self._is_new = False
        self._progress: Progress = progress(scores, lines, frames=frames, total=total) if bar else NoProgress()
        self._loggers = opened(logs, run.folder, config or {}, frames if lines else None)
        self._episodes = EpisodeLog(run.episodes, (*ALWAYS, *scores, *STARTS, *measures))

    def __enter__(self) -> RunLog:
        self._episodes.__enter__()
        self._file = open(self._run.log, 'a')
        return self

    def add_update(self, statistics: UpdateStatistics) -> dict[str, float]:
        """Logs an update, and returns its statistics."""
        values = statistics.values()
        rate = (statistics.frames - self._frames) / (statistics.finished - self._last)
        self._last = statistics.finished
        self._frames, line = statistics.frames, {**values, 'steps_per_second': rate}
        self._write(statistics.updates, statistics.frames, line)
        self._progress.add_update(statistics.frames, line)
        return values

    def add_training(self, by_map: Mapping[str, ArrayLike], *, updates: int, frames: int) -> None:
        """Logs the scores that training has in each map, as `EpisodeLog.append` takes them."""
        self._episodes.append('training', by_map, updates=updates, frames=frames)

    def add_evaluation(self, evaluation: Evaluation, *, updates: int, frames: int) -> None:
        """Logs what came of an evaluation."""
        known = {'map': evaluation.map_ids, **evaluation.scores, **evaluation.measures}
        columns = {name: values.flatten().numpy() for name, values in known.items()}
        columns['episodes'] = np.ones(len(columns['map']))
        self._episodes.append('evaluation', columns, updates=updates, frames=frames)
        means = evaluation.means()
        self._write(updates, frames, {'evaluation': means, 'spread': evaluation.spreads()})
        self._progress.add_evaluation(frames, means)
        self._last = time.perf_counter()  # it is no part of how long an update takes

    def _write(self, updates: int, frames: int, values: Mapping[str, Any]) -> None:
        line = {'updates': updates, 'frames': frames, 'seconds': round(self.seconds, 3), **values}
        self._file.write(json.dumps(_finite(line), allow_nan=False) + '\n')
        self._file.flush()
        self._is_new = True
        for logger in self._loggers:
            logger.log(_flat(values), frames)

    @property
    def seconds(self) -> float:
        """The time that the run has taken, with what it took before it was resumed."""
        return self._before + time.perf_counter() - self._start

    def draw(self) -> None:
        """Draws the curves, unless nothing is new, or they were drawn a moment ago and there is more to come."""
        early = self._frames < self._total and time.perf_counter() - self._drawn < REDRAWN
        if early or not self._is_new:
            return
        self._run.curves().savefig(self._run.curves_file)
        self._drawn, self._is_new = time.perf_counter(), False
        self._last = self._drawn

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._episodes.__exit__(kind, error, trace)
        self._progress.close()
        close(self._loggers)


def _flat(values: Mapping[str, Any], place: str = '') -> dict[str, float]:
    """The numbers in nested dictionaries, by the names that lead there: ``'evaluation/return'``."""
    found: dict[str, float] = {}
    for name, value in values.items():
        found |= _flat(value, f'{place}{name}/') if isinstance(value, Mapping) else {f'{place}{name}': value}
    return found


def _finite(value: Any) -> Any:
    """The same with None for numbers that JSON doesn't have."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
