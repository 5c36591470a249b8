"""`python -m benchmarks.rewarded` counts how often games of Deathmatch pay those who act at random, and one who knows.

What a learner begins with is what random actions are paid; what it could come to is what a scripted player is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import tyro

from benchmarks.__main__ import filled, show
from benchmarks.report import Report, current_commit
from envs import Deathmatch
from megastep import Cameras, MapSet, mapgen
from megastep.env.aiming import in_sight
from megastep.world import rendering
from megastep.world.device import default_device, device_name

AGENTS = 4
"""Of a world."""

CLASSIC: dict[str, Any] = {
    'cameras': Cameras(res=128, fov=60),
    'aim': 0,
    'max_range': 100,
    'health': 20,
    'cooldown': 0,
    'candidates': 4,
    'spread': 180,
    'reward': 'classic',
}
"""The first megastep's game."""

GAMES: dict[str, tuple[Mapping[str, Any] | None, Mapping[str, Any]]] = {
    'classic, in houses of 16 to 20 rooms': ({'rooms': (16, 20)}, CLASSIC),
    'classic, in houses': ({}, CLASSIC),
    'with aim=5': ({}, {**CLASSIC, 'aim': 5}),
    'and candidates=8, spread=45': ({}, {**CLASSIC, 'aim': 5, 'candidates': 8, 'spread': 45}),
    'the defaults, but in houses': ({}, {}),
    'the defaults': (None, {}),
}
"""Games by name: the parameters of their houses, if they are in houses, and what Deathmatch is told."""


def main(*, device: str | None = None, out: Path | None = None, commit: str | None = None, quick: bool = False) -> None:
    """Count rewards.

    Args:
        device: Where it is played; by default the GPU if there is one.
        out: The JSON file to write; by default a name of device and date in benchmarks/results.
        commit: What the report calls the code that was measured; by default what git says.
        quick: Play next to nothing, to see that it works.
    """
    where = default_device(device)
    report = Report('rewarded', device_name(where), [], commit or current_commit())
    path = out or report.default_path
    show(filled(report, measure(where, quick=quick), path))
    print(f'Written to {path}.')


def measure(device: torch.device, *, quick: bool) -> Iterator[dict[str, Any]]:
    """A row for each game: all act at random, and then one of each world is a `Gunner`. Per 1,000 of its steps."""
    agents, steps = (2 * AGENTS, 4) if quick else (256, 600)
    for game, (houses, options) in list(GAMES.items())[-1 if quick else 0 :]:
        maps = None if houses is None else mapgen.generate('house', 8, seed=0, **houses)
        row: dict[str, Any] = {'game': game, 'agents': agents, 'steps': steps}
        for who in ('random', 'Gunner'):
            counts = played(maps, options, device, agents, steps, scripted=who == 'Gunner')
            in_view = counts.pop('in view')
            row |= {'in view': row.get('in view', in_view), **{f'{who}: {what}': counts[what] for what in counts}}
        yield row


def played(
    maps: MapSet | None, options: Mapping[str, Any], device: torch.device, agents: int, steps: int, *, scripted: bool
) -> dict[str, float]:
    """Plays a game. Returns what came to all agents, or to each world's first, which is scripted then.

    Returns:
        The share of their steps that have another in view; and how many of 1,000 pay, cost, and kill.
    """
    options = {**options, 'time_limit': steps}  # seconds, so none ends
    env = Deathmatch(maps, num_envs=agents, device=device, num_agents=AGENTS, **options)
    gunner, own = env.scripted_opponent(), slice(0, None, AGENTS if scripted else 1)
    env.action_space.seed(0)
    (observations, info), totals = env.reset(seed=0), torch.zeros(3, device=env.device)
    for _ in range(steps):
        actions = torch.as_tensor(env.action_space.sample(), device=env.device)
        if scripted:
            actions[own] = gunner(observations)[own]
        observations, rewards, *_, info = env.step(actions)
        view = rendering.render(env.core, env.cameras, per_ray=True)
        happened = in_sight(env.core, view).flatten(), rewards > 0, rewards < 0
        totals += torch.stack([each[own].float().mean() for each in happened])
    in_view, pays, costs = (totals / steps).tolist()
    kills = info['kills'].flatten()[own].float().mean().item() / steps
    return {'in view': in_view, 'pays': 1e3 * pays, 'costs': 1e3 * costs, 'kills': 1e3 * kills}


if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks.rewarded')
