"""Trains the agents that come with megastep: `python -m benchmarks.pretrained pointgoal --out runs/pointgoal`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from tyro.conf import Positional

import megastep
from benchmarks.report import current_commit
from megastep import MapSet, learning, mapgen
from megastep.evaluation import Episodes, Suite, evaluate
from megastep.evaluation.registry import Task
from megastep.learning.agent import Agent
from megastep.learning.run import stored_agent
from megastep.maps.apartments import real_apartments
from megastep.world.device import default_device, num_cores

STEPS = {'pointgoal': 1.6e9, 'explorer': 5e8, 'deathmatch': 1.6e9}
"""The steps that each agent is trained for, unless told otherwise: a few minutes on one H200."""

OPTIONS: dict[str, dict[str, Any]] = {
    'pointgoal': {'effort': 0.3, 'furthest': 20.0},
    'explorer': {},
    'deathmatch': {'num_agents': 2},
}
"""The options of the tasks, where they aren't as by default."""

EASIER: dict[str, dict[str, Any]] = {'pointgoal': {'effort': 0.0, 'furthest': 10.0}}
"""The options that the first part of the steps is made with, if it is made with others: in maps of all families who
pays for walking from the beginning learns to stand still."""

FIRST = 0.4
"""The share of the steps that is this first part."""

OPPONENTS = {'deathmatch': 1}
"""The number of agents of each world that act by the task's script."""

CLUTTER: dict[str, Any] = {'furniture': (0, 6), 'chamfers': 0.1, 'curves': 0.05, 'columns': 0.5}
"""What stands about in the maps that agents are trained in, as it does in real apartments."""

ARENAS = {'arena': 2, 'house': 2, 'rooms': 1}
"""The families that duels are learnt in: where there are few walls, agents meet."""

NUM_TRAIN, NUM_TEST, UNSEEN = 1000, 100, 1
"""The number of maps that agents are trained in, that of the houses they are tested in, and the seed of these."""

PLAYS = {'unseen houses': 8, 'real apartments': 4}
"""The episodes in each map of the sets that agents are tested in."""

WIDTHS = {'pointgoal': 320, 'explorer': 256, 'deathmatch': 320}
"""The width of the layers: the weights then take less than 3 MB."""


def main(
    task: Positional[Literal['pointgoal', 'explorer', 'deathmatch']],
    *,
    out: Path,
    steps: float | None = None,
    commit: str | None = None,
    device: str | None = None,
    quick: bool = False,
) -> None:
    """Train an agent in maps of all families, test it in others, and save it with a card that says how it went.

    Args:
        task: What it learns.
        out: The folder for the run's own folder, ``run``, and the agent's, of the task's name.
        steps: How many steps it is trained for.
        commit: What the card calls the code; by default what git says.
        device: Where it runs; by default a GPU if there is one.
        quick: Learn next to nothing, to see that it works.
    """
    where = default_device(device)
    steps = 256 if quick else steps or STEPS[task]
    shape: dict[str, Any] = {'num_envs': 8, 'horizon': 8, 'num_minibatches': 2} if quick else {}
    shape['width'] = 8 if quick else WIDTHS[task]
    learn = partial(
        learning.train, task, maps=train_maps(task, 4 if quick else NUM_TRAIN), opponents=OPPONENTS.get(task, 0),
        device=where,
    )  # fmt: skip
    first = FIRST * steps if task in EASIER else 0
    if first:
        learn(out / 'first', learning.Settings(**shape), steps=first, options=EASIER[task])
    learn(
        out / 'run', learning.Settings(anneal=int(steps - first), **shape), steps=steps - first,
        options=OPTIONS[task], weights=out / 'first' if first else None,
    )  # fmt: skip
    agent = megastep.load(out / 'run', device=where)
    about = {
        'frames': agent.about['frames'] + (megastep.load(out / 'first').about['frames'] if first else 0),
        'command': shlex.join(['python', '-m', 'benchmarks.pretrained', *sys.argv[1:]]),
        'commit': commit or current_commit(),
        'tests': tested(agent, tests(agent.task, 2 if quick else NUM_TEST)),
    }
    stored_agent.save(out / task, agent.policy, agent.settings, {**agent.about, **about}, torch.float16)
    print((out / task / stored_agent.CARD).read_text())


def train_maps(task: str, count: int) -> MapSet:
    """Maps to train in: of all families alike, or of those that a duel is learnt in, with things that stand about."""
    families = ARENAS if task == 'deathmatch' else dict.fromkeys(sorted(mapgen.FAMILIES), 1)
    workers = min(16, num_cores()) if count > 50 else 1
    return mapgen.generate(mixture=families, count=count, workers=workers, geodesics=task == 'pointgoal', **CLUTTER)


def tests(task: Task, num_houses: int, *, plays: Mapping[str, int] = PLAYS) -> Suite:
    """The episodes that agents are tested in: the same for whoever asks.

    Args:
        task: The task, with its options.
        num_houses: How many unseen houses there are; of the apartments there are the first, twice as many.
        plays: The number of episodes in each map, by set.
    """
    houses = mapgen.generate('house', num_houses, seed=UNSEEN)
    apartments = real_apartments()[: 2 * num_houses]
    sets = {'unseen houses': houses, 'real apartments': apartments}
    return Suite({name: Episodes.draw(maps, task, plays[name]) for name, maps in sets.items()})


def tested(agent: Agent, suite: Suite) -> dict[str, dict[str, tuple[float, float, float]]]:
    """The means of an agent's scores by set, each with the ends of its 95 % confidence interval."""
    results = evaluate(agent, suite, ways=False)
    rows = {score: results.summary(score).rows for score in results.scores}
    return {row['set']: {score: tuple(rows[score][number]['mean']) for score in rows}
            for number, row in enumerate(next(iter(rows.values())))}  # fmt: skip


if __name__ == '__main__':
    tyro.cli(main)
