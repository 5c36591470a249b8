"""Trains agents and says what they have learnt: `python -m benchmarks.learnt pointgoal --out runs/pointgoal`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro
from rich.console import Console
from tyro.conf import Positional

from benchmarks.report import Report, current_commit
from envs import Racing
from envs.pursuit import Pursuit
from megastep import MapSet, learning, mapgen
from megastep.cli.train import parse_options
from megastep.env import Env
from megastep.evaluation import evaluate_in
from megastep.evaluation.baselines import RandomActions
from megastep.evaluation.play import among
from megastep.evaluation.registry import Task
from megastep.learning import Policy, Settings
from megastep.learning.run import checkpoints
from megastep.learning.run.run_folder import Run
from megastep.world.device import default_device, device_name, num_cores

STEPS = {'pointgoal': 1e9, 'explorer': 6e8, 'deathmatch': 1e9, 'racing': 2.5e8, 'foraging': 1e8}
"""The steps that each task is trained for, unless told otherwise: a few minutes on one H200."""

NUM_TRAIN, NUM_TEST, UNSEEN = 1000, 200, 1
"""The number of maps agents learn in, that of the others they are tested in, and the seed of these."""

LARGE: dict[str, Any] = {'rooms': (17, 32)}
"""The houses to explore: in smaller ones random actions see more than half of all there is."""

PLAYS = {'pointgoal': 16, 'explorer': 4, 'deathmatch': 2, 'racing': 8, 'foraging': 8}
"""The number of episodes that are played in each map that agents are tested in."""

OPTIONS: dict[str, dict[str, Any]] = {'pointgoal': {'effort': 0.3}, 'deathmatch': {'num_agents': 2}}
"""The options of tasks, where they aren't as by default. Agents whose steps cost nothing learn to go along four
directions without ever turning: that makes it easy to tell where one is, and paths a fifth longer. Agents that learn in
duels get better in these than those that learn among four."""

SETTINGS: dict[str, dict[str, Any]] = {'racing': {'ent_coef': 0.003}}
"""How tasks are learnt, where it isn't as by default."""

OPPONENTS = {'deathmatch': 1}
"""The number of agents of each world that act by the script that the others are tested against."""

NUM_CHECKPOINTS = 4
"""At most so many checkpoints of a run are tested."""

NUM_POINTS = 60
"""The report has so many points of a run's curves, each a mean."""


def main(
    task: Positional[Literal['pointgoal', 'explorer', 'deathmatch', 'racing', 'foraging']],
    *,
    out: Path,
    seeds: tuple[int, ...] = (0, 1, 2),
    steps: float | None = None,
    options: tuple[str, ...] = (),
    settings: tuple[str, ...] = (),
    report: Path | None = None,
    commit: str | None = None,
    device: str | None = None,
    quick: bool = False,
) -> None:
    """Train agents of several seeds, and test each in maps that none has seen.

    The learning rate falls to a tenth until the end, unless the settings say otherwise of ``anneal``.

    Args:
        task: What is learnt.
        out: The folder the runs' folders go to.
        seeds: The seeds.
        steps: How many steps each is trained for.
        options: What the task takes that isn't to be as it is by default, as name=value.
        settings: How to learn, where it isn't to be as it is by default, as name=value.
        report: The JSON file to write; by default a name of task, device and date in benchmarks/results. What it has of
            other seeds stays, if commit, device and all that is asked for are the same.
        commit: What the report calls the code; by default what git says.
        device: Where it runs; by default a GPU if there is one.
        quick: Learn next to nothing, to see that it works.
    """
    where = default_device(device)
    steps = 256 if quick else steps or STEPS[task]
    shape: dict[str, Any] = {'num_envs': 8, 'horizon': 8, 'num_minibatches': 2, 'width': 8} if quick else {}
    train_maps, test_maps = maps(task, 4 if quick else NUM_TRAIN, 0), maps(task, 4 if quick else NUM_TEST, UNSEEN)
    rows: list[dict[str, Any]] = []
    written = Report(f'learnt-{task}', device_name(where), rows, commit or current_commit())
    path = report or written.default_path
    what = Task.of(task, {**OPTIONS.get(task, {}), **parse_options(options)})
    changed = SETTINGS.get(task, {}) | shape | parse_options(settings)
    asked = {'task': task, 'options': dict(what.options), 'settings': changed, 'of steps': steps}
    rows.extend(row for row in kept(path, written, asked) if row['seed'] not in seeds)
    plays = len(test_maps) * (1 if quick else PLAYS[task])
    tests = [each.make(test_maps, plays * each.num_agents, device=where, seed=1) for each in tested_in(what)]
    for seed in seeds:
        how, begin = Settings(**{'seed': seed, 'anneal': int(steps), **changed}), time.time()
        run = trained(what, out / f'{task}-{seed}', how, train_maps, steps, where)
        about = {**asked, 'seed': seed, 'minutes': (time.time() - begin) / 60}
        rows.extend({**about, **row} for row in tested(task, run, how, tests))
        rows[-1]['curve'] = curve(run)
        written.save(path)
        Console().print(*written.tables())
    print(f'Written to {path}.')


def trained(task: Task, folder: Path, settings: Settings, maps: MapSet, steps: float, device: torch.device) -> Run:
    """Trains an agent, with a checkpoint every quarter of a minute.

    Raises:
        SystemExit: if a signal has ended it early.
    """
    ending = learning.train(
        task.env, folder, settings, maps=maps, steps=steps, options=task.options,
        opponents=OPPONENTS.get(task.name, 0), checkpoint_every=15, keep=1000, device=device,
    )  # fmt: skip
    if ending.signal:
        raise SystemExit(128 + ending.signal)
    return Run(folder)


def kept(path: Path, written: Report, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a report that there is already, of the same commit and device, where the same was asked for."""
    if not path.exists():
        return []
    before: dict[str, Any] = json.loads(path.read_text())
    same = (before['commit'], before['device']) == (written.commit, written.device)
    return [row for row in before['rows'] if same and asked.items() <= row.items()]


def maps(task: str, count: int, seed: int) -> MapSet:
    """Maps to learn a task in, or others to test it in."""
    workers = min(16, num_cores()) if count > 50 else 1
    if task == 'deathmatch':
        return mapgen.generate('arena', count, seed=seed, workers=workers, width=(8, 12), height=(8, 12))
    if task == 'racing':
        return mapgen.generate('track', count, seed=seed, workers=workers)
    rooms = LARGE if task == 'explorer' else {}
    return mapgen.generate('house', count, seed=seed, workers=workers, geodesics=task == 'pointgoal', **rooms)


def tested_in(task: Task) -> list[Task]:
    """The tasks that agents are tested in: their own, and Deathmatch among four."""
    return [task, Task(task.env, {**task.options, 'num_agents': 4})] if task.name == 'deathmatch' else [task]


def tested(task: str, run: Run, settings: Settings, tests: list[Env]) -> Iterator[dict[str, Any]]:
    """Tests of the agents of a run's checkpoints: a row each, the last of which is that of the trained agent."""
    policy = Policy.of(tests[0], settings.width, action_bins=settings.action_bins)
    paths = checkpoints.found(run.checkpoints)
    chosen = np.unique(np.linspace(0, len(paths) - 1, NUM_CHECKPOINTS).round().astype(int))
    for path in (paths[number] for number in chosen):
        checkpoints.load_weights(policy, path / checkpoints.WEIGHTS)
        made = int(path.name) * settings.horizon * settings.num_envs
        yield {'steps': made, **TESTS[task](policy, *tests)}


def curve(run: Run) -> list[dict[str, float | None]]:
    """The learning curve that a run's log has, as means of neighbouring updates."""
    lines = run.lines()
    found = []
    for group in np.array_split(np.arange(len(lines)), min(NUM_POINTS, len(lines))):
        values = [lines[number] for number in group]
        names = set().union(*values) - {'updates', 'frames', 'episodes'}
        means = {
            name: _mean([value[name] for value in values if value.get(name) is not None]) for name in sorted(names)
        }
        found.append({'steps': values[-1]['frames'], **means})
    return found


def _mean(values: list[float]) -> float | None:
    return float(f'{np.mean(values):.4g}') if values else None


def points(policy: Policy, env: Env) -> dict[str, Any]:
    """Scores in PointGoal: how often the goal is reached, and by how direct a path."""
    drawn, likeliest = (evaluate_in(policy, env, greedy=greedy).means() for greedy in (False, True))
    return {
        **{name: drawn[name] for name in ('success', 'spl', 'soft_spl', 'length')},
        'greedy success': likeliest['success'],
        'greedy spl': likeliest['spl'],
        'holds': max((drawn, likeliest), key=lambda scores: scores['spl'])['success'] >= 0.9
        and max(drawn['spl'], likeliest['spl']) >= 0.75,
    }


def exploring(policy: Policy, env: Env) -> dict[str, Any]:
    """Scores in Explorer: how much is seen, compared with what random actions see."""
    learnt, random = evaluate_in(policy, env).means(), evaluate_in(RandomActions().for_env(env), env).means()
    ratio = learnt['return'] / random['return']
    return {
        'return': learnt['return'],
        'coverage': learnt['coverage'],
        'random return': random['return'],
        'random coverage': random['coverage'],
        'ratio': ratio,
        'holds': ratio >= 3,
    }


def racing(policy: Policy, env: Env) -> dict[str, Any]:
    """Scores in Racing: laps a minute, compared with those of the driver that follows the centre line."""
    assert isinstance(env, Racing)
    driver = Pursuit(env)
    learnt, scripted = evaluate_in(policy, env).means(), evaluate_in(lambda seen, begins: driver(seen), env).means()
    return {
        'laps a minute': learnt['laps_per_minute'],
        'collisions': learnt['collisions'],
        "driver's laps a minute": scripted['laps_per_minute'],
        'ratio': learnt['laps_per_minute'] / scripted['laps_per_minute'],
        'holds': learnt['laps_per_minute'] > scripted['laps_per_minute'],
    }


def foraging(policy: Policy, env: Env) -> dict[str, Any]:
    """Scores in Foraging: how many items are found, compared with random actions."""
    learnt, random = evaluate_in(policy, env).means(), evaluate_in(RandomActions().for_env(env), env).means()
    ratio = learnt['items'] / random['items']
    return {'items': learnt['items'], 'random items': random['items'], 'ratio': ratio, 'holds': ratio >= 3}


def fighting(policy: Policy, duel: Env, four: Env) -> dict[str, Any]:
    """Scores in Deathmatch: kills of one against a scripted opponent, and of two with two such, each for itself."""
    kills, deaths = _match(policy, duel)
    ours, theirs = _match(policy, four)
    return {
        'kills': kills,
        'deaths': deaths,
        'ratio': _ratio(kills, deaths),
        'kills among four': ours,
        'scripted kills among four': theirs,
        'ratio among four': _ratio(ours, theirs),
        'holds': kills >= 2 * deaths,
    }


def _ratio(ours: float, theirs: float) -> float | None:
    """The ratio of one to the other; None if the other is 0, for JSON has no infinity."""
    return ours / theirs if theirs else None


def _match(policy: Policy, env: Env) -> tuple[float, float]:
    """The mean kills of an agent and of a scripted opponent in an episode, half of each world being such."""
    num_agents = env.core.num_agents
    opponents = Task.of('deathmatch', {'num_agents': num_agents}).opponents(env, num_agents // 2)
    assert opponents is not None
    kills = evaluate_in(among(policy.actor(env.num_envs), opponents), env).scores['kills']
    theirs = opponents.rows.cpu()
    return float(kills[~theirs].mean()), float(kills[theirs].mean())


TESTS: dict[str, Callable[..., dict[str, Any]]] = {
    'pointgoal': points,
    'explorer': exploring,
    'deathmatch': fighting,
    'racing': racing,
    'foraging': foraging,
}

if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks.learnt')
