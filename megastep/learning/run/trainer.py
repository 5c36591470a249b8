"""Training loop: updates a learner until it has made enough, or is told to end; logs, evaluates, writes checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from megastep.evaluation import Evaluation, evaluate_in
from megastep.evaluation.registry import Task
from megastep.learning.learner import Learner
from megastep.learning.model.policy import Policy
from megastep.learning.run.checkpoints import Checkpoints
from megastep.learning.run.distributed import ProcessGroup
from megastep.learning.run.run_log import RunLog
from megastep.learning.run.signals import Signals
from megastep.learning.run.update_statistics import UpdateStatistics, diverged
from megastep.maps.mapset import MapSet


class Timer:
    """Timer of something that is done every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def due(self) -> bool:
        """True if it is time; if so, the next time is that long after."""
        if time.monotonic() - self._last < self._seconds:
            return False
        self._last = time.monotonic()
        return True


class Evaluator:
    """Evaluator of policies in an env of its own: the same episodes' starts each time, as many in every map.

    Args:
        task: The task.
        maps: The maps.
        episodes: How many episodes each map has; of a task with several agents, that many for each of them.
        opponents: How many agents of each world don't learn.
        policies: The policies that these act by; if there are none, the env's script.
        greedy: Whether the policy takes the likeliest action.
        device: Where the env is.
        seed: Seeds the env and what is drawn.
        options: What the env takes beside those of the task.
    """

    def __init__(
        self,
        task: Task,
        maps: MapSet,
        episodes: int,
        opponents: int,
        policies: Sequence[Policy] = (),
        *,
        greedy: bool,
        device: torch.device,
        seed: int,
        **options: Any,
    ) -> None:
        self._env = task.make(maps, len(maps) * episodes * task.num_agents, device=device, seed=seed, **options)
        self._opponents = task.opponents(self._env, opponents, policies, seed=seed)
        self._greedy, self._seed = greedy, seed

    def __call__(self, policy: Policy, is_enough: Callable[[], bool] = lambda: False) -> Evaluation | None:
        """Evaluates a policy.

        Args:
            policy: The policy.
            is_enough: Asked before each step: whether to end at once, and return nothing.
        """
        actor = policy.actor(self._env.num_envs, greedy=self._greedy, seed=self._seed)

        def act(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
            if is_enough():
                raise _EnoughError
            return actor(observations, begins)

        try:
            return evaluate_in(act, self._env, seed=self._seed, opponents=self._opponents)
        except _EnoughError:
            return None


class _EnoughError(Exception):
    """Ends an evaluation midway."""


class Trainer:
    """Trainer: updates a learner, logs how it goes, and writes checkpoints. Each process that trains has one.

    Args:
        learner: What is trained.
        checkpoints: Its checkpoints.
        group: The processes that train together.
        log: The run's log, in the process that leads.
        evaluator: Evaluates the policy, in the process that leads.
        checkpoint_every: How many seconds lie between checkpoints.
        eval_every: How many seconds lie between evaluations.
    """

    def __init__(
        self,
        learner: Learner,
        checkpoints: Checkpoints,
        group: ProcessGroup,
        *,
        log: RunLog | None = None,
        evaluator: Evaluator | None = None,
        checkpoint_every: float = math.inf,
        eval_every: float = math.inf,
    ) -> None:
        self._learner, self._checkpoints, self._group = learner, checkpoints, group
        self._log, self._evaluator = log, evaluator
        self._save_timer, self._eval_timer = Timer(checkpoint_every), Timer(eval_every)
        self._unread: UpdateStatistics | None = None

    def train(self, updates: int, signals: Signals) -> int:
        """Trains until so many updates have been made, or a signal comes, and saves.

        Returns:
            The number of the signal that came, 0 for none.

        Raises:
            FloatingPointError: if learning has gone wrong.
        """
        if self._learner.updates == 0:
            self._save()
        while self._learner.updates < updates:
            self._update()
            signal, save, test = self._group.agree(self._wishes(signals))
            if signal or save or test:
                self._log_unread()
            if test and not signal:
                self._evaluate(signals)
            if signal or save:
                self._save()
            if signal:
                return signal
        self._log_unread()
        self._save()
        self._evaluate(signals)
        return signals.received

    def _update(self) -> None:
        """Makes an update, and reads the statistics of the one before while the device is at work."""
        statistics = UpdateStatistics(self._learner.update(), updates=self._learner.updates, frames=self._frames)
        self._log_unread()
        self._unread = statistics

    @property
    def _frames(self) -> int:
        """The number of steps that have been made, of all processes."""
        return self._learner.frames * self._group.size

    def _log_unread(self) -> None:
        """Logs the update whose statistics haven't been read, if there is one, and raises if they are no numbers."""
        statistics, self._unread = self._unread, None
        if statistics is None:
            return
        values = statistics.values() if self._log is None else self._log.add_update(statistics)
        if wrong := diverged(values):
            update, frames = statistics.updates, statistics.frames
            given = ' and '.join(self._learner.not_finite())
            cause = f", for the env's {given} aren't all finite" if given else ''
            raise FloatingPointError(f'{", ".join(wrong)} in update {update}, after {frames:,} steps{cause}')

    def _wishes(self, signals: Signals) -> tuple[int, bool, bool]:
        """The signal that came, and whether it is time to save and to evaluate. The clock is that of one process."""
        leads = self._group.leads
        return signals.received, leads and self._save_timer.due(), leads and self._eval_timer.due()

    def _evaluate(self, signals: Signals) -> None:
        """Logs training's scores by map, evaluates the policy, unless a signal comes, and draws the curves."""
        by_map = self._group.gather(self._learner.scores_by_map())
        if self._log is None:
            return
        self._log.add_training(_joined(by_map), updates=self._learner.updates, frames=self._frames)
        if self._evaluator is not None:
            evaluation = self._evaluator(self._learner.policy, lambda: signals.received > 0)
            if evaluation is not None:
                self._log.add_evaluation(evaluation, updates=self._learner.updates, frames=self._frames)
        self._log.draw()

    def _save(self) -> None:
        """Writes a checkpoint, and draws the curves."""
        self._checkpoints.write()
        if self._log is not None:
            self._log.draw()


def _joined(by_map: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The scores by map of all processes, whose maps are dealt out in turn, with the numbers of the maps played."""
    count = len(by_map)
    numbers = [torch.arange(len(own['episodes']), device=own['episodes'].device) for own in by_map]
    tables = [{'map': numbers[rank] * count + rank, **own} for rank, own in enumerate(by_map)]
    joint = {name: torch.cat([table[name] for table in tables]) for name in tables[0]}
    rows = joint['map'].argsort()
    rows = rows[joint['episodes'][rows] > 0]
    return {name: values[rows] for name, values in joint.items()}
