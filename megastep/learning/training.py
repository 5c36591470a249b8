"""Trains an agent: update after update, with a log, evaluations and checkpoints, until it is done or told to end."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

import megastep
from megastep.evaluation import Evaluation, evaluate
from megastep.learning import tasks
from megastep.learning.checkpoints import found, last_good, restore, write_checkpoint
from megastep.learning.learner import Learner
from megastep.learning.policy import Policy
from megastep.learning.processes import Group, joined, restarts
from megastep.learning.progress import Progress
from megastep.learning.readings import Reading, broken
from megastep.learning.runs import Run, fingerprint
from megastep.learning.settings import Settings
from megastep.learning.signals import Signals
from megastep.mapset import MapSet


class Ending(NamedTuple):
    """How training ended."""

    signal: int
    """The number of the signal that ended it early, 0 if none did."""
    checkpoint: Path
    """Its last checkpoint."""
    frames: int
    """How many steps have been made, of all processes."""
    leads: bool
    """Whether this is the process that prints."""


class Examiner:
    """Evaluates a policy in an env of its own, the same episodes' starts each time, as many in every map.

    Args:
        name: The task.
        maps: The maps.
        episodes: How many episodes each map has; of a task with several agents, that many for each of them.
        greedy: Whether the policy takes the likeliest action.
        device: Where the env is.
        seed: Seeds the env and what is drawn.
    """

    def __init__(
        self, name: str, maps: MapSet, *, episodes: int, greedy: bool, device: torch.device, seed: int
    ) -> None:
        rows = len(maps) * episodes * tasks.num_agents(name)
        self._env = tasks.make(name, maps, num_envs=rows, device=device, seed=seed)
        self._greedy, self._seed = greedy, seed

    def __call__(self, policy: Policy) -> Evaluation:
        return evaluate(policy, self._env, greedy=self._greedy, seed=self._seed)


class Timer:
    """Says when it is time to do something that is done every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._last = seconds, time.monotonic()

    def due(self) -> bool:
        """Whether it is time; if so, the next time is that long after."""
        if time.monotonic() - self._last < self._seconds:
            return False
        self._last = time.monotonic()
        return True


class Trainer:
    """Updates a learner, notes how it goes, and writes checkpoints. Each process that trains has one.

    Args:
        learner: What is trained.
        env: The env it is trained in.
        run: The run's folder.
        group: The processes that train together.
        updates: After how many updates, those before this began too, it is done.
        examiner: Evaluates the policy, in the process that leads.
        progress: Notes how it goes, in the process that leads.
        eval_every: How many seconds lie between evaluations.
        checkpoint_every: How many seconds lie between checkpoints.
        keep: How many checkpoints stay.
    """

    def __init__(
        self,
        learner: Learner,
        env: megastep.env.Env,
        run: Run,
        group: Group,
        *,
        updates: int,
        examiner: Examiner | None,
        progress: Progress | None,
        eval_every: float,
        checkpoint_every: float,
        keep: int,
    ) -> None:
        self._learner, self._env, self._run, self._group = learner, env, run, group
        self._updates, self._examiner, self._progress, self._keep = updates, examiner, progress, keep
        self._save_timer, self._eval_timer = Timer(checkpoint_every), Timer(eval_every)
        self._unread: Reading | None = None

    def train(self, signals: Signals) -> int:
        """Trains until it is done or a signal comes, and saves.

        Returns:
            The number of the signal that came, 0 for none.

        Raises:
            FloatingPointError: if learning has gone wrong; it names the step and the last good checkpoint.
        """
        if self._learner.updates == 0:
            self._save()
        while self._learner.updates < self._updates:
            self._update()
            signal, save, test = self._group.agree(self._wishes(signals))
            if signal or save or test:
                self._note_unread()
            if test and not signal:
                self._examine()
            if signal or save:
                self._save()
            if signal:
                return signal
        self._note_unread()
        self._examine()
        self._save()
        return 0

    @property
    def frames(self) -> int:
        """How many steps have been made, of all processes."""
        return self._learner.frames * self._group.size

    def _update(self) -> None:
        """Makes an update, and reads the statistics of the one before while the device is at work."""
        reading = Reading(self._learner.update(), updates=self._learner.updates, frames=self.frames)
        self._note_unread()
        self._unread = reading

    def _note_unread(self) -> None:
        """Notes the last update whose statistics haven't been read, and raises if they aren't what numbers should be."""
        reading, self._unread = self._unread, None
        if reading is None:
            return
        values = reading.values() if self._progress is None else self._progress.note(reading)
        if wrong := broken(values):
            raise FloatingPointError(
                f'{", ".join(wrong)} in update {reading.updates}, after {reading.frames:,} steps; '
                f'the last good checkpoint is {found(self._run.checkpoints)[-1]}.'
            )

    def _wishes(self, signals: Signals) -> tuple[int, bool, bool]:
        """The signal that came, and whether it is time to save and to evaluate. The clock is that of one process."""
        leads = self._group.leads
        return signals.received, leads and self._save_timer.due(), leads and self._eval_timer.due()

    def _examine(self) -> None:
        """Evaluates the policy, and draws the curves."""
        if self._progress is None:
            return
        if self._examiner is not None:
            found = self._examiner(self._learner.policy)
            self._progress.note_evaluation(found, updates=self._learner.updates, frames=self.frames)
        self._progress.draw()

    def _save(self) -> None:
        write_checkpoint(self._learner, self._env, self._run.checkpoints, self._group, keep=self._keep)
        if self._progress is not None:
            self._progress.draw(soon=self._learner.updates >= self._updates)


def train(
    name: str,
    out: Path,
    settings: Settings,
    *,
    maps: MapSet,
    steps: float,
    eval_maps: MapSet | None = None,
    eval_every: float = 60.0,
    eval_episodes: int = 4,
    greedy: bool = False,
    checkpoint_every: float = 300.0,
    keep: int = 3,
    resume: bool = False,
    overwrite: bool = False,
    device: str | torch.device | None = None,
    files: dict[str, str | None] | None = None,
    bar: bool = True,
) -> Ending:
    """Trains an agent, alone or as one of the processes that torchrun started.

    Args:
        name: The task, in lower case.
        out: The run's folder.
        settings: How to learn.
        maps: The maps, of all processes; each gets a part of them.
        steps: How many steps are made, of all processes; rounded up to whole updates.
        eval_maps: The maps the policy is evaluated in; by default it isn't.
        eval_every: How many seconds lie between evaluations.
        eval_episodes: How many episodes each map has in an evaluation.
        greedy: Whether the policy takes the likeliest action in evaluations.
        checkpoint_every: How many seconds lie between checkpoints.
        keep: How many checkpoints stay.
        resume: Go on from the last checkpoint. Processes that torchrun has restarted do so by themselves.
        overwrite: Begin anew in place of a run.
        device: Where to compute; by default on a GPU if there is one.
        files: Where the maps are from, for those who read how the run was begun.
        bar: Whether to show a bar.

    Raises:
        ValueError: if something can't be as it is asked for; the folder is left as it was.
        FloatingPointError: if learning has gone wrong; it names the step and the last good checkpoint.
    """
    _check(steps, eval_every=eval_every, checkpoint_every=checkpoint_every, eval_episodes=eval_episodes, keep=keep)
    tasks.task(name)
    run = Run(Path(out))
    with ExitStack() as stack:
        signals = stack.enter_context(Signals())
        group = stack.enter_context(joined(device))
        shard = group.shard(maps)
        about = {
            'env': name, 'maps': fingerprint(maps), 'settings': asdict(settings), 'processes': group.size,
            'device': group.device.type, 'files': files or {}, 'version': megastep.__version__,
        }  # fmt: skip
        start = group.once(lambda: _start(run, about, resume=resume, overwrite=overwrite))
        graph = {'cuda_graph': False, 'copy': False} if group.device.type == 'cuda' else {}
        env = tasks.make(name, shard, num_envs=settings.num_envs, device=group.device, seed=settings.seed, **graph)
        learner = Learner(env, settings)
        examiner = None
        if group.leads and eval_maps is not None:
            examiner = Examiner(name, eval_maps, episodes=eval_episodes, greedy=greedy, device=group.device,
                                seed=settings.seed + 1)  # fmt: skip
        if start is None:
            group.once(lambda: run.begin(about))
        else:
            restore(learner, env, start, group)
            group.once(lambda: run.cut_log(learner.updates))
        frames = settings.num_envs * settings.horizon * group.size
        updates = math.ceil(steps / frames)
        progress = None
        if group.leads:
            done = learner.frames * group.size
            progress = stack.enter_context(Progress(run, frames=done, total=updates * frames, bar=bar))
        trainer = Trainer(
            learner, env, run, group, updates=updates, examiner=examiner, progress=progress, eval_every=eval_every,
            checkpoint_every=checkpoint_every, keep=keep,
        )  # fmt: skip
        signal = trainer.train(signals)
        return Ending(signal, found(run.checkpoints)[-1], trainer.frames, group.leads)


def _check(steps: float, *, eval_every: float, checkpoint_every: float, eval_episodes: int, keep: int) -> None:
    if not 1 <= steps < math.inf:
        raise ValueError(f'steps must be at least 1 and finite, got {steps}.')
    for name, seconds in {'eval_every': eval_every, 'checkpoint_every': checkpoint_every}.items():
        if not seconds >= 0:
            raise ValueError(f'{name} must be at least 0 seconds, got {seconds}.')
    for name, count in {'eval_episodes': eval_episodes, 'keep': keep}.items():
        if not isinstance(count, int) or count < 1:
            raise ValueError(f'{name} must be an integer of at least 1, got {count!r}.')


def _start(run: Run, about: dict[str, Any], *, resume: bool, overwrite: bool) -> Path | None:
    """The checkpoint that a run goes on from, or None if it begins.

    Raises:
        ValueError: if the run can neither begin nor go on as it is asked to.
    """
    restarted = restarts() > 0 and bool(found(run.checkpoints))
    if resume or restarted:
        run.check_same(about)
        return last_good(run.checkpoints)
    run.check_new(overwrite=overwrite or restarts() > 0)
    return None
