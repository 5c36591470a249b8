"""Trains an agent in a run's folder: what is refused, where it starts, and what the processes have to agree on."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from megastep.env import Env
from megastep.learning.learner import Learner
from megastep.learning.registry import Task
from megastep.learning.run.checkpoints import Checkpoints, found, last_good, load_weights
from megastep.learning.run.distributed import ProcessGroup, joined, launch, restarts
from megastep.learning.run.run_folder import Run, described, origin_of
from megastep.learning.run.run_log import RunLog
from megastep.learning.run.signals import Signals
from megastep.learning.run.trainer import Evaluator, Trainer
from megastep.learning.settings import Settings
from megastep.maps.mapset import MapSet


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


def train(
    env: str | type[Env],
    out: Path,
    settings: Settings,
    *,
    maps: MapSet,
    steps: float,
    options: Mapping[str, Any] | None = None,
    opponents: int = 0,
    weights: Path | None = None,
    eval_maps: MapSet | None = None,
    eval_every: float = 60.0,
    eval_episodes: int = 4,
    greedy: bool = False,
    checkpoint_every: float = 300.0,
    keep: int = 3,
    resume: bool = False,
    overwrite: bool = False,
    device: str | torch.device | None = None,
    files: Mapping[str, str | None] | None = None,
    bar: bool = True,
) -> Ending:
    """Trains an agent, alone or as one of the processes that torchrun started.

    Args:
        env: The task: the name of its env in lower case, or a class of envs.
        out: The run's folder.
        settings: How to learn.
        maps: The maps, of all processes; each gets a part of them.
        steps: How many steps are made, of all processes; rounded up to whole updates.
        options: What the task's env takes that isn't to be as it is by default.
        opponents: How many agents of each world act by a script and don't learn.
        weights: A run, or one of its checkpoints, whose policy is trained on; by default a new one is. A run that
            goes on doesn't look at it.
        eval_maps: The maps the policy is evaluated in; by default it isn't.
        eval_every: How many seconds lie between evaluations.
        eval_episodes: How many episodes each map has in an evaluation.
        greedy: Whether the policy takes the likeliest action in evaluations.
        checkpoint_every: How many seconds lie between checkpoints.
        keep: How many checkpoints stay.
        resume: Go on from the last checkpoint. Processes that torchrun has restarted do so by themselves.
        overwrite: Begin anew in place of a run.
        device: Where to compute; by default on a GPU if there is one.
        files: Where the maps and the weights are from, for those who read how the run was begun.
        bar: Whether to show a bar.

    Raises:
        ValueError: if something can't be as it is asked for; the folder is left as it was, but for its lock.
        FloatingPointError: if learning has gone wrong; it names the step and the last good checkpoint.
    """
    course = {
        'steps': steps, 'eval_every': eval_every, 'eval_episodes': eval_episodes, 'greedy': greedy,
        'checkpoint_every': checkpoint_every, 'keep': keep,
    }  # fmt: skip
    _check(course)
    if resume and overwrite:
        raise ValueError('resume and overwrite must not both be asked for.')
    task, run = Task.of(env, options), Run(Path(out))
    with joined(device) as group:
        about = described(task, maps, settings, group, opponents=opponents, files=files or {}, course=course)
        starting = partial(_start, run, about, resume=resume, overwrite=overwrite)
        start = group.once(starting)
        origin = None if weights is None or start is not None else group.once(lambda: origin_of(Path(weights), run))
        evaluator = _evaluator(task, eval_maps, eval_episodes, opponents, settings, group, greedy=greedy)
        made = _env(task, group.shard(maps), settings, group.device)
        with closing(Learner(made, settings, task.opponents(made, opponents))) as learner:
            checkpoints = Checkpoints(run.checkpoints, learner, made, group, keep=keep)
            if origin is not None:
                load_weights(learner.policy, origin, made)
            per_update = settings.num_envs * settings.horizon * group.size
            updates = math.ceil(steps / per_update)
            with (
                _opened(run, about, starting, learner, checkpoints, group),
                _log(run, learner.updates * per_update, updates * per_update, group, bar=bar) as log,
            ):
                trainer = Trainer(
                    learner, checkpoints, group, log=log, evaluator=evaluator,
                    checkpoint_every=checkpoint_every, eval_every=eval_every,
                )  # fmt: skip
                signal = _trained(trainer, updates, run)
        return Ending(signal, found(run.checkpoints)[-1], learner.frames * group.size, group.leads)


def _trained(trainer: Trainer, updates: int, run: Run) -> int:
    """Trains, and returns the number of the signal that came; if learning goes wrong, says what is left."""
    try:
        with Signals() as signals:
            return trainer.train(updates, signals)
    except FloatingPointError as error:
        raise FloatingPointError(f'{error}; the last good checkpoint is {found(run.checkpoints)[-1]}') from error


def _evaluator(
    task: Task,
    maps: MapSet | None,
    episodes: int,
    opponents: int,
    settings: Settings,
    group: ProcessGroup,
    *,
    greedy: bool,
) -> Evaluator | None:
    """Who evaluates the policy, if there are maps for that, in the process that leads."""
    if maps is None or not group.leads:
        return None
    return Evaluator(task, maps, episodes, opponents, greedy=greedy, device=group.device, seed=settings.seed)


def _env(task: Task, maps: MapSet, settings: Settings, device: torch.device) -> Env:
    """The env to train in. On a GPU its steps are captured together with the policy's, not alone."""
    options = {'cuda_graph': False, 'copy': False} if device.type == 'cuda' else {}
    return task.make(maps, settings.num_envs, device=device, seed=settings.seed, **options)


def _start(run: Run, about: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Path | None:
    """The checkpoint that a run goes on from, or None if it begins.

    Processes that torchrun has restarted go on with what it began when it was launched, and with nothing older.

    Raises:
        ValueError: if the run can neither begin nor go on as it is asked to.
    """
    ours = restarts() > 0 and run.is_of(launch())
    if resume or (ours and found(run.checkpoints)):
        run.check_same(about)
        return last_good(run.checkpoints)
    run.check_new(overwrite=overwrite or ours)
    return None


@contextmanager
def _opened(
    run: Run,
    about: Mapping[str, Any],
    starting: Callable[[], Path | None],
    learner: Learner,
    checkpoints: Checkpoints,
    group: ProcessGroup,
) -> Iterator[None]:
    """Begins a run, or goes on from a checkpoint, and meanwhile keeps all but these processes from its folder.

    Where it starts is asked once more, now that nobody else can have trained there. A checkpoint that doesn't fit
    leaves the run as it was.
    """
    with ExitStack() as stack:
        group.once(lambda: stack.enter_context(run.held()))
        start = group.once(starting)
        if start is None:
            group.once(lambda: run.begin(about))
        else:
            checkpoints.restore(start)
            group.once(lambda: run.go_on(about, learner.updates))
        yield


def _log(run: Run, frames: int, total: int, group: ProcessGroup, *, bar: bool) -> AbstractContextManager[RunLog | None]:
    return RunLog(run, frames=frames, total=total, bar=bar) if group.leads else nullcontext()


def _check(course: Mapping[str, Any]) -> None:
    if not 1 <= course['steps'] < math.inf:
        raise ValueError(f'steps must be at least 1 and finite, got {course["steps"]}.')
    for name in ('eval_every', 'checkpoint_every'):
        if not course[name] >= 0:
            raise ValueError(f'{name} must be at least 0 seconds, got {course[name]}.')
    for name in ('eval_episodes', 'keep'):
        if not isinstance(course[name], int) or course[name] < 1:
            raise ValueError(f'{name} must be an integer of at least 1, got {course[name]!r}.')
