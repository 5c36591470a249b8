"""Log of a run, with what a person sees of it: the bar, the curves, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from tqdm import tqdm

from megastep.evaluation import Evaluation
from megastep.learning.map_scores import ALWAYS
from megastep.learning.run.episode_log import EpisodeLog
from megastep.learning.run.run_folder import Run
from megastep.learning.run.update_statistics import UpdateStatistics

REDRAWN = 30.0
"""The curves are drawn anew after so many seconds at the soonest."""

SHOWN = 2
"""The number of scores that the bar shows: of PointGoal, success and SPL."""


class RunLog:
    """Log of a run, a line an update and a line an evaluation; it also shows how the run goes.

    Args:
        run: The run's folder.
        scores: The env's scores, the most telling first: see `Env.scores`. The bar shows the first two, or the return
            if there are none.
        measures: What else the env says of an episode: see `Env.measures`.
        frames: How many steps have been made already.
        total: How many will have been made in the end.
        bar: Whether to show a bar.
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
    ) -> None:
        self._run, self._scores = run, scores
        lines = run.lines()
        self._before = max((line['seconds'] for line in lines), default=0.0)
        self._start = self._last = time.perf_counter()
        self._frames, self._total, self._drawn = frames, total, 0.0
        self._is_new = False
        self._bar = tqdm(total=total, initial=frames, unit=' steps', unit_scale=True, disable=not bar, smoothing=0.3)
        self._shown: dict[str, str] = {}
        self._board = board(run.folder, frames if lines else None)
        self._episodes = EpisodeLog(run.episodes, (*ALWAYS, *scores, *measures))

    def __enter__(self) -> RunLog:
        self._episodes.__enter__()
        self._file = open(self._run.log, 'a')
        return self

    def add_update(self, statistics: UpdateStatistics) -> dict[str, float]:
        """Logs an update, and returns its statistics."""
        values = statistics.values()
        rate = (statistics.frames - self._frames) / (statistics.finished - self._last)
        self._last = statistics.finished
        self._write(statistics.updates, statistics.frames, {**values, 'steps_per_second': rate})
        self._bar.update(statistics.frames - self._frames)
        self._frames = statistics.frames
        self._show('', values)
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
        self._show('test ', means)
        self._last = time.perf_counter()  # it is no part of how long an update takes

    def _show(self, prefix: str, values: Mapping[str, float]) -> None:
        """Has the bar show the scores that tell most."""
        names = [name for name in self._scores[:SHOWN] or ('return',) if name in values]
        self._shown |= {f'{prefix}{name}': f'{values[name]:.3g}' for name in names}
        self._bar.set_postfix(self._shown, refresh=False)

    def _write(self, updates: int, frames: int, values: Mapping[str, Any]) -> None:
        line = {'updates': updates, 'frames': frames, 'seconds': round(self.seconds, 3), **values}
        self._file.write(json.dumps(_finite(line), allow_nan=False) + '\n')
        self._file.flush()
        self._is_new = True
        for name, value in _flat(values).items():
            if self._board is not None:
                self._board.add_scalar(name, value, frames)

    @property
    def seconds(self) -> float:
        """The time that the run has taken, with what it took before it was resumed."""
        return self._before + time.perf_counter() - self._start

    def draw(self) -> None:
        """Draws the curves, unless nothing is new, or they were drawn a moment ago and there is more to come."""
        early = self._frames < self._total and time.perf_counter() - self._drawn < REDRAWN
        if early or not self._is_new:
            return
        from megastep import plotting  # here, as the other processes draw nothing

        plotting.curves(self._run.lines(), self._scores).savefig(self._run.curves)
        self._drawn, self._is_new = time.perf_counter(), False
        self._last = self._drawn

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
        self._file.close()
        self._episodes.__exit__(kind, error, trace)
        if self._board is not None:
            self._board.close()


def board(folder: Path, purged: int | None) -> Any:
    """TensorBoard's writer, or None where it isn't installed.

    Args:
        folder: Where it writes.
        purged: After how many steps what it wrote before doesn't count.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=None if purged is None else purged + 1)


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
