"""Trains agents and says what they have learnt: `python -m benchmarks.learnt pointgoal --out runs/pointgoal`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from jaxtyping import Bool
from rich.console import Console
from torch import Tensor
from tyro.conf import Positional

from benchmarks.report import Report, current_commit
from envs import Deathmatch
from envs.gunner import Gunner
from megastep import MapSet, machine, mapgen
from megastep.commands import parse_option
from megastep.env import Env
from megastep.evaluation import evaluate
from megastep.evaluation.rollouts import Act, Actor
from megastep.learning import Policy, Settings, checkpoints, tasks, training
from megastep.learning.tasks import Task

STEPS = {'pointgoal': 1.5e9, 'explorer': 4e8, 'deathmatch': 6e8}
"""How long each task is trained, unless told otherwise: a few minutes on one H200."""

NUM_TRAIN, NUM_TEST, UNSEEN = 1000, 200, 1
"""How many maps agents learn in, in how many others they are tested, and the seed of these."""

LARGE: dict[str, Any] = {'rooms': (17, 32)}
"""The houses to explore: in smaller ones random actions see more than half of all there is."""

PLAYS = {'pointgoal': 16, 'explorer': 4, 'deathmatch': 2}
"""How many episodes are played in each map that agents are tested in."""


def main(
    task: Positional[Literal['pointgoal', 'explorer', 'deathmatch']],
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

    Args:
        task: What is learnt.
        out: The folder the runs' folders go to.
        seeds: The seeds.
        steps: How many steps each is trained for.
        options: What the task takes that isn't to be as it is by default, as name=value.
        settings: How to learn, where it isn't to be as it is by default, as name=value.
        report: The JSON file to write; by default a name of task, device and date in benchmarks/results.
        commit: What the report calls the code; by default what git says.
        device: Where it runs; by default a GPU if there is one.
        quick: Learn next to nothing, to see that it works.
    """
    where = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
    steps = 256 if quick else steps or STEPS[task]
    shape: dict[str, Any] = {'num_envs': 8, 'horizon': 8, 'minibatches': 2, 'width': 8} if quick else {}
    train_maps, test_maps = maps(task, 4 if quick else NUM_TRAIN, 0), maps(task, 4 if quick else NUM_TEST, UNSEEN)
    rows: list[dict[str, Any]] = []
    written = Report(f'learnt-{task}', machine.device_name(where), rows, commit or current_commit())
    path = report or written.default_path
    what = Task(task, dict(map(parse_option, options)))
    changed = shape | dict(map(parse_option, settings))
    plays = 1 if quick else PLAYS[task]
    for seed in seeds:
        how = Settings(**{'seed': seed, 'anneal': int(steps), **changed})
        begin = time.time()
        training.train(
            task, out / f'{task}-{seed}', how, maps=train_maps, steps=steps, options=what.options,
            checkpoint_every=15, keep=100, device=where,
        )  # fmt: skip
        about = {'task': task, 'seed': seed, 'minutes': (time.time() - begin) / 60}
        found = tested(what, out / f'{task}-{seed}', test_maps, how, where, plays=plays)
        rows.extend({**about, **row} for row in found)
        written.save(path)
        Console().print(*written.tables())
    print(f'Written to {path}.')


def maps(task: str, count: int, seed: int) -> MapSet:
    """Maps to learn a task in, or others to test it in."""
    workers = min(16, machine.num_cores()) if count > 50 else 1
    if task == 'deathmatch':
        return mapgen.generate(**{**tasks.DEFAULT_MAPS[task], 'count': count}, seed=seed, workers=workers)
    rooms = LARGE if task == 'explorer' else {}
    return mapgen.generate('house', count, seed=seed, workers=workers, geodesics=task == 'pointgoal', **rooms)


def tested(
    task: Task, folder: Path, test_maps: MapSet, settings: Settings, device: torch.device, *, plays: int
) -> list[dict[str, Any]]:
    """How the agents of a run's checkpoints did: a row each, the last of which is that of the trained agent."""
    env = task.make(test_maps, len(test_maps) * plays * task.num_agents, device=device, seed=1)
    policy = Policy(env.single_observation_space, env.single_action_space, settings.width).to(device)
    paths = checkpoints.found(folder / 'checkpoints')
    rows = []
    for path in paths if task.name == 'deathmatch' else paths[-1:]:
        checkpoints.load_weights(policy, path, env)
        made = int(path.name) * settings.horizon * settings.num_envs
        rows.append({'steps': made, **TESTS[task.name](policy, env)})
    return rows


def at_random(env: Env) -> Act:
    """Picks actions at random."""
    generator = torch.Generator(env.device).manual_seed(0)
    count = int(env.single_action_space.n)  # type: ignore[attr-defined]

    def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
        return torch.randint(count, (env.num_envs,), generator=generator, device=env.device)

    return act


def points(policy: Policy, env: Env) -> dict[str, Any]:
    """How often the goal is reached, and by how direct a path."""
    drawn, likeliest = (evaluate(policy, env, greedy=greedy).means() for greedy in (False, True))
    return {
        **{name: drawn[name] for name in ('success', 'spl', 'soft_spl', 'length')},
        'greedy success': likeliest['success'],
        'greedy spl': likeliest['spl'],
        'holds': max((drawn, likeliest), key=lambda scores: scores['spl'])['success'] >= 0.9
        and max(drawn['spl'], likeliest['spl']) >= 0.75,
    }


def exploring(policy: Policy, env: Env) -> dict[str, Any]:
    """How much is seen, compared with what random actions see."""
    learnt, random = evaluate(policy, env).means(), evaluate(at_random(env), env).means()
    ratio = learnt['return'] / random['return']
    return {
        'return': learnt['return'],
        'coverage': learnt['coverage'],
        'random return': random['return'],
        'random coverage': random['coverage'],
        'ratio': ratio,
        'holds': ratio >= 3,
    }


def fighting(policy: Policy, env: Env) -> dict[str, Any]:
    """How often the agents kill, two of them and two scripted opponents in each arena, or two who act at random."""
    against_gunners = _match(Actor(policy, env.num_envs), _scripted(env), env)
    against_random = _match(Actor(policy, env.num_envs), at_random(env), env)
    kills, deaths = against_gunners
    return {
        'kills': kills,
        "gunners' kills": deaths,
        'ratio': kills / deaths,
        'ratio to random': against_random[0] / against_random[1],
        'holds': kills >= 2 * deaths,
    }


def _scripted(env: Env) -> Act:
    assert isinstance(env, Deathmatch)
    gunner = Gunner(env)
    return lambda observations, begins: gunner(observations)


def _match(one: Act, other: Act, env: Env) -> tuple[float, float]:
    """How many kills each makes of an episode, of agents by turns the one's and the other's."""
    is_one = torch.arange(env.num_envs, device=env.device) % 2 == 0

    def act(observations: Any, begins: Bool[Tensor, ' row']) -> Tensor:
        return torch.where(is_one, one(observations, begins), other(observations, begins))

    kills = evaluate(act, env).scores['kills']
    return float(kills[is_one.cpu()].mean()), float(kills[~is_one.cpu()].mean())


TESTS: dict[str, Callable[[Policy, Env], dict[str, Any]]] = {
    'pointgoal': points,
    'explorer': exploring,
    'deathmatch': fighting,
}

if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks.learnt')
