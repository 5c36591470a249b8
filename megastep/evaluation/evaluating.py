"""Evaluation of agents in a suite of fixed episodes: all of them in one rollout, and a row of scores for each."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from megastep.checks import check_counts
from megastep.env import Env
from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.episodes import Episodes
from megastep.evaluation.league import league
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.playing.contestants import (
    Contestant,
    MakesItsEnv,
    act_for,
    contestants,
    rivals,
    warn_of_repeats,
)
from megastep.evaluation.playing.refill import Played, default_rows, longest_first, play_queue
from megastep.evaluation.registry import Task
from megastep.evaluation.results import Results
from megastep.evaluation.suite import Suite
from megastep.maps.mapset import MapSet
from megastep.maps.symmetry import canonical_hashes


def evaluate(
    agents: Any,
    suite: Suite | Mapping[str, Episodes] | Episodes | str | Path,
    *,
    task: str | MakesEnv | Task | None = None,
    variation: str = '',
    opponents: Any = None,
    greedy: bool = False,
    seed: int = 0,
    num_envs: int | None = None,
    device: str | torch.device | None = None,
    ways: bool = True,
    progress: bool = False,
    **options: Any,
) -> Results:
    """Evaluation of agents: each plays every episode of a suite once, and they all play the same.

    >>> results = evaluate({'ours': ['runs/a', 'runs/b'], 'random': RandomActions()}, suite)  # doctest: +SKIP

    All sets are played in one rollout, the longest episodes first: an env whose episode ends takes the next. All that
    is drawn in an episode is drawn from a stream of its own, also by a policy that draws its actions. So neither how
    many envs there are, nor the order, nor what else is played changes an episode; rounding may, in its last digits.

    Args:
        agents: What acts: what `megastep.load` returns, the folder of a run, a `Policy`, a function from observations
            and where episodes begin to actions, or what has ``for_env(env)``, which makes such a function; a list of
            these, which are runs of one agent, of several seeds of training; or a dictionary of any of these by name.
        suite: The episodes: a `Suite`, its folder, episodes by name, or episodes.
        task: What makes the env, for agents that don't know it; by default that of the first agent that does, options
            and all, or else what the suite's task is called.
        variation: What to call the options, if they vary the env: see `Results`.
        opponents: How many agents of each world act by the env's script; or the agents, such as a run's folder, that
            all but the first of each world act as. By default those that an agent was trained among. Their scores
            don't count.
        greedy: Whether policies take the likeliest action; otherwise they draw one.
        seed: Another seed has policies draw other actions, in the same episodes; baselines have seeds of their own.
        num_envs: How many worlds are played at once; by default as many as keep them all busy.
        device: Where they are; by default where the agent is, or the GPU if there is one.
        ways: Whether the ways that agents walk are recorded, so that they can be drawn.
        progress: Show a bar.
        options: What the env takes that is to be otherwise than the agent or the task has it, such as ``fov=90``.

    Warns:
        UserWarning: if two runs of an agent are the same.

    Raises:
        ValueError: if there are no agents, an agent is of other spaces than the env, the env's agents are others than
            the episodes', or an option isn't valid.
    """
    runs, tables = contestants(agents), list[Mapping[str, np.ndarray]]()
    warn_of_repeats(runs)
    stage = Stage(Suite.of(suite), task, opponents, num_envs, device, options, progress=progress)
    stage.known = next((run.agent for run in runs if isinstance(run.agent, MakesItsEnv)), None)
    for run in runs:
        stage.task(run.agent)  # what doesn't go together is said before any of it has been played
    names: tuple[str, ...] | None = None
    lower: list[str] = []
    found: dict[int, np.ndarray] = {}
    with tqdm(total=len(stage) * len(runs), unit=' episodes', desc='evaluation', disable=not progress) as bar:
        for number, run in enumerate(runs):
            env, others = stage.env(run.agent)
            names = _agreed(names, env, run)
            lower = [name for name in names if name in env.lower_is_better]
            act = act_for(run.agent, env, greedy=greedy, seed=seed)
            played = stage.in_order(play_queue(act, env, seed=seed, opponents=others, ways=ways, progress=bar))
            found |= {number * len(stage) + episode: way for episode, way in played.ways.items()}
            tables.append({**_about(run, stage, variation), **_measured(played, stage, env)})
    table = {name: np.concatenate([each[name] for each in tables]) for name in tables[0]}
    maps = {name: episodes.maps for name, episodes in stage.suite.items()}
    return Results(table, [*(names or ()), 'return', 'length'], stage.suite.sha256, maps, found, lower)


FIELD = 'geodesic_field'
"""The keyword by which an env takes the geodesic field of its maps."""


class Stage:
    """Envs that play a suite, one for all agents that want the same.

    Args:
        suite: The suite.
        task: What makes the env of agents that don't say; None for what the suite's task is called.
        opponents: How many agents of each world act by the env's script, or the agents that all but its first act as;
            None for those that agents were trained among.
        num_envs: How many worlds there are; None for as many as keep all busy.
        device: Where they are; None for where the agent is.
        options: What the env takes.
        progress: Show bars.

    Attributes:
        known: An agent that knows its env, in which those play that know none; None if there is none.
    """

    known: MakesItsEnv | None = None

    def __init__(
        self,
        suite: Suite,
        task: str | MakesEnv | Task | None,
        opponents: Any,
        num_envs: int | None,
        device: str | torch.device | None,
        options: Mapping[str, Any],
        *,
        progress: bool = False,
    ) -> None:
        self._progress = progress
        self.suite, self._task, self._opponents, self._device, self._options = suite, task, opponents, device, options
        episodes = suite.packed.episodes
        self._order = longest_first(episodes.time_limits)
        self._queue = episodes[self._order]
        self._rows = default_rows(episodes.time_limits) if num_envs is None else num_envs
        check_counts(num_envs=self._rows)
        self._envs: list[tuple[Any, Env]] = []

    def __len__(self) -> int:
        """The number of episodes."""
        return len(self._queue)

    def env(self, agent: Any) -> tuple[Env, Opponents | None]:
        """The env that an agent plays in, and the opponents that it has there."""
        task, device = self.task(agent), self._device_of(agent)
        known = [env for key, env in self._envs if key == (task, device)]
        env = known[0] if known else self._made(agent, task, device)
        if not known:
            self._envs.append(((task, device), env))
        if self._opponents is None and isinstance(agent, MakesItsEnv):
            return env, agent.opponents(env)
        if self._opponents is None or isinstance(self._opponents, int):
            return env, task.opponents(env, self._opponents or 0)
        return env, league(env, rivals(self._opponents, env), env.core.num_agents - 1)

    def _made(self, agent: Any, task: Task, device: Any) -> Env:
        rows = self._rows * self.suite.packed.episodes.num_agents
        given = {'device': device, 'episodes': self._queue, **self._field(task, device), **self._options}
        maker = agent if isinstance(agent, MakesItsEnv) else self.known
        if maker is not None and self._task is None and maker.task == task:
            return maker.env(self.suite.maps, rows, **given)
        return task.make(self.suite.maps, rows, **given)

    def _field(self, task: Task, device: Any) -> dict[str, Any]:
        """The geodesic field of the suite's maps, as an option, if the env takes one and hasn't been given any."""
        has = FIELD in {**task.options, **self._options} or not task.takes(FIELD)
        return {} if has else {FIELD: self.suite.geodesic_field(device, progress=self._progress)}

    def task(self, agent: Any) -> Task:
        """The task that an agent plays.

        Raises:
            ValueError: if it has other episodes than the suite's.
        """
        if self._task is not None:
            return self._task if isinstance(self._task, Task) else Task.of(self._task)
        if not isinstance(agent, MakesItsEnv):
            if self.known is not None and self.known.task.name == self.suite.task:
                return self.known.task
            return Task.of(self.suite.task, self._crowd())
        self._check_task(agent.task)
        return agent.task

    def _check_task(self, task: Task) -> None:
        """Raises unless an agent's task has episodes like the suite's, as Waypoint has PointGoal's."""
        name = self.suite.task
        if task.name != name and task.episode_starts != Task.of(name).episode_starts:
            raise ValueError(f'the suite must be of {task.name}, as the agent is, got one of {name}.')

    def _crowd(self) -> dict[str, int]:
        """The option that says how many agents a world has, if it isn't one."""
        count = self.suite.packed.episodes.num_agents
        return {'num_agents': count} if count > 1 else {}

    def _device_of(self, agent: Any) -> Any:
        policy = getattr(agent, 'policy', agent)
        if self._device is None and isinstance(policy, torch.nn.Module):
            return next(policy.parameters()).device
        return self._device

    def in_order(self, played: Played) -> Played:
        """The episodes that were played, in the order of the suite."""
        places = np.argsort(self._order)
        columns = {name: values[places] for name, values in played.columns.items()}
        starts = self._queue.starts[:, :1].astype(np.float32)
        known = np.asarray(np.isfinite(starts).all(axis=(1, 2)))
        ways = {
            int(self._order[number]): np.concatenate([starts[number], way]) if known[number] else way
            for number, way in played.ways.items()
        }
        return Played(columns, ways, played.share)


def _agreed(names: tuple[str, ...] | None, env: Env, run: Contestant) -> tuple[str, ...]:
    """The names of scores, if all envs have the same."""
    if names is not None and names != tuple(env.scores):
        raise ValueError(f'all agents must have the scores {", ".join(names)}, but {run.name} has {env.scores}.')
    return tuple(env.scores)


def _about(run: Contestant, stage: Stage, variation: str) -> dict[str, np.ndarray]:
    """The columns that say which episodes a run played."""
    suite, packed = stage.suite, stage.suite.packed
    first = np.cumsum([0, *(len(episodes.maps) for episodes in suite.values())])[packed.sets]
    repeated = {'agent': run.name, 'run': run.run, 'variation': variation}
    return {
        **{name: np.full(len(stage), value) for name, value in repeated.items()},
        'set': np.array(list(suite))[packed.sets],
        'map': packed.episodes.map_ids - first,
        'episode': packed.numbers,
        'trained_on': _trained_on(run, suite)[packed.episodes.map_ids],
    }


def _measured(played: Played, stage: Stage, env: Env) -> dict[str, np.ndarray]:
    """The columns that say what came of episodes, and what they are like."""
    episodes, suite = stage.suite.packed.episodes, stage.suite
    stats = [each.maps.stats('rooms', 'walls') for each in suite.values()]
    sizes = {name: np.concatenate([each[name] for each in stats])[episodes.map_ids] for name in ('rooms', 'walls')}
    goals, starts = episodes.goal_positions, episodes.starts[:, 0]
    scores = {name: values for name, values in played.columns.items() if not name.startswith('end_')}
    return {
        **scores, **sizes,
        'seconds': scores['length'] / env.core.fps,
        'shortest_path': episodes.shortest_paths, 'detour': episodes.detours,
        'start_x': starts[:, 0], 'start_y': starts[:, 1], 'goal_x': goals[:, 0], 'goal_y': goals[:, 1],
    }  # fmt: skip


def _trained_on(run: Contestant, suite: Suite) -> np.ndarray:
    """A mask of the suite's maps that a run has learnt in, turned or mirrored; none if that isn't known.

    It warns of sets that it knows in part: these are neither training maps nor maps that it has never seen.
    """
    try:
        known: MapSet | None = run.agent.maps
    except (AttributeError, ValueError):
        known = None
    if not isinstance(known, MapSet):
        return np.zeros(len(suite.maps), bool)
    found = np.isin(canonical_hashes(suite.maps.walls), canonical_hashes(known.walls))
    parts = np.split(found, np.cumsum([len(episodes.maps) for episodes in suite.values()])[:-1])
    for name, part in zip(suite, parts, strict=True):
        if 0 < part.sum() < len(part):
            message = f'{run.name} was trained in {part.sum()} of the {len(part)} maps of {name!r}: see trained_on.'
            warnings.warn(message, stacklevel=3)
    return found
