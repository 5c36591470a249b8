"""Training in a run's folder: what is asked for, and the agents, maps and logs that it needs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch

import megastep
from megastep.checks import check_paths
from megastep.env import Env
from megastep.env.navigation import GeodesicField
from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.playing.in_env import warn_of_unplayed
from megastep.evaluation.registry import Task
from megastep.learning.learner import Learner
from megastep.learning.model.policy import Policy
from megastep.learning.model.spaces import Spaces
from megastep.learning.run.checkpoints import WEIGHTS, Checkpoints, found, load_weights
from megastep.learning.run.distributed import ProcessGroup, joined, launch
from megastep.learning.run.kept_fields import field_option
from megastep.learning.run.loggers import Log, listed
from megastep.learning.run.run_config import RunConfig, fingerprint
from megastep.learning.run.run_folder import Run
from megastep.learning.run.run_log import RunLog
from megastep.learning.run.signals import Signals
from megastep.learning.run.start import Start
from megastep.learning.run.stored_agent import StoredAgent, kept_opponents
from megastep.learning.run.trainer import Evaluator, Trainer
from megastep.learning.settings import PRESETS, Settings
from megastep.maps import splitting
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet

Maps = MapSet | Sequence[Geometry] | str | Path
"""Maps, or the file of a map set."""

NOT_FOUND = (
    "{}, which is trained, can't be found again by its name: megastep train --resume and megastep watch need a class "
    'or a function of a module. In Python, hand it over: megastep.load({!r}, task=...).'
)


class Ending(NamedTuple):
    """End of training.

    Args:
        signal: The number of the signal that ended it early, 0 if none did.
        checkpoint: Its last checkpoint.
        frames: How many steps have been made, of all processes.
        leads: Whether this is the process that prints.
        run: The run's folder, which draws its curves.
    """

    signal: int
    checkpoint: Path
    frames: int
    leads: bool
    run: Run


def train(
    env: str | MakesEnv,
    out: str | Path,
    settings: Settings | None = None,
    *,
    maps: Maps | None = None,
    steps: float = 50e6,
    options: Mapping[str, Any] | None = None,
    opponents: int = 0,
    opponents_from: str | Path | Sequence[str | Path] = (),
    weights: str | Path | None = None,
    eval_maps: Maps | None = None,
    geodesic_field: GeodesicField | None = None,
    eval_every: float = 60.0,
    eval_episodes: int = 4,
    greedy: bool = False,
    checkpoint_every: float = 300.0,
    keep: int = 3,
    resume: bool | Literal['auto'] = False,
    overwrite: bool = False,
    device: str | torch.device | None = None,
    bar: bool = True,
    log: Log | Sequence[Log] | None = None,
    **changes: Any,
) -> Ending:
    """Trains an agent, alone or as one of the processes that torchrun started.

    >>> learning.train(Foraging, out='runs/a', maps='train.safetensors', gamma=0.95)  # doctest: +SKIP

    Args:
        env: The task: a class of envs, or any callable that makes one of maps, ``num_envs``, ``device``, ``seed`` and
            what every `Env` takes; or its name, ``'module:Class'`` or Gymnasium id: see `entry_points.find`.
        out: The run's folder. `megastep.load` loads the agent from there.
        settings: The hyperparameters; by default those of `PRESETS` for the device, or those that a run to go on with
            was begun with.
        maps: The maps, or their file, of all processes; each gets a part of them. By default those of the task, as
            many as there are worlds.
        steps: How many steps are made, of all processes; rounded up to whole updates.
        options: What the task's env takes that isn't to be as it is by default.
        opponents: How many agents of each world don't learn. They act by the task's script, or as trained agents do.
        opponents_from: The trained agents that these act as, one in each world in turn: folders of runs, whose last
            checkpoint it is, of checkpoints or of saved agents; each world has an opponent then, unless more are asked
            for. The run's folder gets a copy. A run that goes on doesn't look at it.
        weights: A run, or one of its checkpoints, whose policy is trained on; by default a new one is. A run that
            goes on doesn't look at it.
        eval_maps: The maps, or their file, that the policy is evaluated in; by default it isn't. None of them, turned,
            mirrored or moved, may be among those that it is trained in.
        geodesic_field: The geodesic field of the maps, and of those to be evaluated in if it has them, for envs that
            take one. By default that in the file beside the maps' own, if there is one, or each env computes its own.
        eval_every: How many seconds lie between evaluations.
        eval_episodes: How many episodes each map has in an evaluation.
        greedy: Whether the policy takes the likeliest action in evaluations.
        checkpoint_every: How many seconds lie between checkpoints.
        keep: How many checkpoints stay.
        resume: Go on from the last checkpoint. Processes that torchrun has restarted do so by themselves. With
            ``'auto'`` go on if there is one, and else begin: a command that is run again whenever it was ended.
        overwrite: Begin anew in place of a run.
        device: Where to compute; by default on a GPU if there is one.
        bar: Whether to show how it goes: by a bar in a terminal, by curves that move in a notebook.
        log: Where the run's numbers go beside its own log: ``'tensorboard'``, ``'wandb'``, ``'trackio'``, ``'mlflow'``,
            a function of numbers by name and of steps, an object with such a method ``log``, or several of these. By
            default TensorBoard, where it is installed.
        changes: Hyperparameters that aren't to be as in ``settings``, by their names there.

    Warns:
        UserWarning: if the env can't be found again by its name, so that the command can't go on with the run; or if
            there are more maps than worlds, so that nobody learns in some.

    Raises:
        ValueError: if something can't be as it is asked for; the folder is left as it was, but for its lock.
        FloatingPointError: if learning has gone wrong; it names the step and the last good checkpoint.
    """
    if resume and overwrite:
        raise ValueError('resume and overwrite must not both be asked for.')
    check_paths(out=out, **({} if weights is None else {'weights': weights}))
    logs = listed(log)
    task, run = Task.of(env, options), Run(Path(out))
    resume, overwrite = _chosen(run, resume, overwrite=overwrite)
    with torch.inference_mode(mode=False), torch.enable_grad(), joined(device) as group:
        settings = _settings(settings, changes, run, group.device, resume=resume)
        train_maps = _train_maps(task, maps, run, settings.num_envs * group.size, resume=resume)
        test_maps = None if eval_maps is None else _test_maps(eval_maps, train_maps)
        if group.leads and not task.is_found:
            warnings.warn(NOT_FOUND.format(task.name, str(run.folder)), stacklevel=2)
        config = RunConfig(
            env=task.name, options=dict(task.options), scores=(), spaces={},
            opponents=_num_opponents(opponents, opponents_from, run, resume=resume),
            opponents_from=tuple(str(Path(folder).resolve()) for folder in _listed(opponents_from)),
            maps=fingerprint(train_maps), settings=settings, processes=group.size, device=group.device.type,
            steps=steps, eval_every=eval_every, eval_episodes=eval_episodes, greedy=greedy,
            checkpoint_every=checkpoint_every, keep=keep,
            maps_file=_file(maps), eval_maps_file=_file(eval_maps), weights=_file(weights), launch=launch(),
            version=megastep.__version__,
        )  # fmt: skip
        start = Start(run, config, group, resume=resume, overwrite=overwrite)
        return _train(start, task, train_maps, test_maps, geodesic_field, bar=bar, logs=logs)


def _chosen(run: Run, resume: bool | Literal['auto'], *, overwrite: bool) -> tuple[bool, bool]:
    """The choice to go on with a run or to begin anew in its place, where that depends on what there is."""
    if resume != 'auto':
        return bool(resume), overwrite
    return run.can_go_on, run.description.is_file() and not run.can_go_on


def _settings(
    settings: Settings | None, changes: Mapping[str, Any], run: Run, device: torch.device, *, resume: bool
) -> Settings:
    """The hyperparameters: those given, those of the run that goes on, or those for the device; and some changed."""
    if not isinstance(settings, Settings | None):
        raise ValueError(f'settings must be Settings, got {settings!r}.')  # noqa: TRY004, as for other arguments
    if settings is None:
        goes_on = resume and run.description.is_file()
        settings = run.read().settings if goes_on else PRESETS['gpu' if device.type == 'cuda' else 'cpu']
    if unknown := sorted(set(changes) - {field.name for field in fields(Settings)}):
        raise ValueError(f'train takes hyperparameters by the names in Settings, got {", ".join(unknown)}.')
    return replace(settings, **changes)


def _train_maps(task: Task, maps: Maps | None, run: Run, rows: int, *, resume: bool) -> MapSet:
    """The maps to train in: those given, those of the run that goes on, or as many of the task's own as are played."""
    if maps is not None:
        return _loaded(maps)
    if resume and run.maps.is_file():
        return MapSet.load(run.maps)
    agents = task.num_agents  # what it is is checked when an env is made
    worlds = rows // agents if isinstance(agents, int) and 0 < agents < rows else 1
    return task.default_maps()[:worlds]


def _test_maps(maps: Maps, train_maps: MapSet) -> MapSet:
    """The maps to evaluate in, none of which is trained in."""
    found = _loaded(maps)
    splitting.check_disjoint(train_maps.walls, found.walls, names=('maps', 'eval_maps'))
    return found


def _loaded(maps: Maps) -> MapSet:
    if isinstance(maps, (str, Path)):
        return MapSet.load(maps)
    return maps if isinstance(maps, MapSet) else MapSet(maps)


def _listed(folders: str | Path | Sequence[str | Path]) -> list[str | Path]:
    return [folders] if isinstance(folders, (str, Path)) else list(folders)


def _num_opponents(count: int, folders: str | Path | Sequence[str | Path], run: Run, *, resume: bool) -> int:
    """The number of opponents in each world: at least one where trained agents are named, or kept by a run to go on."""
    known = bool(_listed(folders)) or (resume and bool(kept_opponents(run.opponents)))
    return 1 if known and count == 0 else count


def _file(given: object) -> str | None:
    """The whole path of what is given, if that is a path."""
    return str(Path(given).resolve()) if isinstance(given, (str, Path)) else None


def _train(
    start: Start,
    task: Task,
    maps: MapSet,
    eval_maps: MapSet | None,
    field: GeodesicField | None,
    *,
    bar: bool,
    logs: Sequence[Log] | None,
) -> Ending:
    """Trains, given where it starts."""
    run, group, origin = start.run, start.group, start.origin()
    env = _env(task, group.shard(maps), start.config, group.device, field)
    warn_of_unplayed(env)
    start = replace(start, config=replace(start.config, scores=env.scores, spaces=Spaces.of(env).json()))
    config, stored = start.config, start.opponents()
    policies = [_opponent(agent, env) for agent in stored]
    evaluator = _evaluator(task, eval_maps, policies, config, group, field)
    opponents = task.opponents(env, config.opponents, policies, seed=config.settings.seed + group.rank * len(policies))
    with closing(Learner(env, config.settings, opponents)) as learner:
        checkpoints = Checkpoints(run.checkpoints, learner, group, keep=config.keep)
        if origin is not None:
            load_weights(learner.policy, origin / WEIGHTS)
        with (
            start.opened(learner, checkpoints, maps, stored),
            _log(start, learner, env.measures, bar=bar, logs=logs) as log,
        ):
            trainer = Trainer(
                learner, checkpoints, group, log=log, evaluator=evaluator,
                checkpoint_every=config.checkpoint_every, eval_every=config.eval_every,
            )  # fmt: skip
            signal = _trained(trainer, config.updates, run)
    return Ending(signal, found(run.checkpoints)[-1], learner.frames * group.size, group.leads, run)


def _trained(trainer: Trainer, updates: int, run: Run) -> int:
    """Trains, and returns the number of the signal that came; if learning goes wrong, says what is left."""
    try:
        with Signals() as signals:
            return trainer.train(updates, signals)
    except FloatingPointError as error:
        raise FloatingPointError(f'{error}; the last good checkpoint is {found(run.checkpoints)[-1]}') from error


def _opponent(agent: StoredAgent, env: Env) -> Policy:
    """The policy of a trained agent to learn among.

    Raises:
        ValueError: if it is damaged, or observes or does something else than the env's agents.
    """
    policy = agent.policy(env.device).requires_grad_(False)
    for name in ('observation', 'action'):
        known, found = getattr(policy.spaces, name), getattr(Spaces.of(env), name)
        if known != found:
            raise ValueError(f"the {name} space of {agent.folder} must be the env's, {found}, got {known}.")
    return policy


def _evaluator(
    task: Task,
    maps: MapSet | None,
    policies: Sequence[Policy],
    config: RunConfig,
    group: ProcessGroup,
    field: GeodesicField | None,
) -> Evaluator | None:
    """The evaluator of the policy, if there are maps for that, in the process that leads."""
    if maps is None or not group.leads:
        return None
    known = field if field is not None and field.covers(maps) else None
    option = field_option(task, maps, config.eval_maps_file, group.device, known)
    return Evaluator(
        task, maps, config.eval_episodes, config.opponents, policies, greedy=config.greedy, device=group.device,
        seed=config.settings.seed, **option,
    )  # fmt: skip


def _env(task: Task, maps: MapSet, config: RunConfig, device: torch.device, field: GeodesicField | None) -> Env:
    """The env to train in. On a GPU its steps are captured together with the policy's, not alone."""
    settings, options = config.settings, field_option(task, maps, config.maps_file, device, field)
    options |= {'cuda_graph': False, 'copy': False} if device.type == 'cuda' else {}
    return task.make(maps, settings.num_envs, device=device, seed=settings.seed, **options)


def _log(
    start: Start, learner: Learner, measures: Sequence[str], *, bar: bool, logs: Sequence[Log] | None
) -> AbstractContextManager[RunLog | None]:
    """The run's log, in the process that leads."""
    if not start.group.leads:
        return nullcontext()
    config = start.config
    frames, total = (updates * config.steps_per_update for updates in (learner.updates, config.updates))
    known = {'env': config.env, **asdict(config.settings)}
    return RunLog(start.run, config.scores, measures, frames=frames, total=total, bar=bar, logs=logs, config=known)
