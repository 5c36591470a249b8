"""Launches every kernel on a small scale: `compute-sanitizer --tool memcheck python -m benchmarks.every_kernel`.

Worlds are of odd sizes, and from no CUDA graph; agents act, are recorded and learn. Under a sanitizer, which looks
at each access, that takes minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._pytree import tree_map

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing
from megastep import mapgen
from megastep.env import Env
from megastep.env.navigation import GeodesicField
from megastep.learning import Learner, Settings
from megastep.viewer.tape import Tape
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.device import default_device

LEARNING = Settings(num_envs=16, horizon=4, num_minibatches=2, width=32, stagger=0)


class UncapturedLearner(Learner):
    """A learner that launches kernel by kernel on a GPU, too."""

    def _capture(self) -> None:
        """Captures nothing."""


def main(*parts: str) -> None:
    """Plays, records and learns, and says so line by line.

    Args:
        parts: What is done, ``'play'`` or ``'learn'``; by default both.
    """
    device = default_device(None)
    by_interval(device)
    if not parts or 'play' in parts:
        for env in worlds(device):
            played(env)
            say('played', env)
        look_up_paths(device)
    if not parts or 'learn' in parts:
        for env in tasks(device):
            learner = UncapturedLearner(env, LEARNING)
            learner.update()
            learner.update()
            say('learnt', env)


def by_interval(device: torch.device) -> None:
    """Has a GPU render by intervals however few rays there are; what is asked for ray by ray isn't."""
    if device.type == 'cuda':
        from megastep.triton.raycasting import launching

        launching.FEWEST_RAYS = 0


def worlds(device: torch.device) -> Iterator[Env]:
    """Worlds of each task, and of cameras of one ray a pixel, of many and of few rays."""
    houses, arenas, options = (
        mapgen.generate('house', 3, seed=0),
        mapgen.generate('arena', 2, seed=0),
        uncaptured(device),
    )
    yield Minimal(num_envs=37, **options)
    yield Explorer(houses, 37, **options)
    yield PointGoal(houses, 13, **options)
    yield Deathmatch(arenas, 20, **options)
    yield Foraging(num_envs=7, **options)
    yield Racing(num_envs=5, **options)
    for cameras in (Cameras(res=33, fov=110, subsample=3), Cameras(res=1024, fov=150, subsample=1)):
        yield Deathmatch(houses, 6, num_agents=2, cameras=cameras, **options)
    for res, subsample in ((64, 1), (256, 1), (13, 5), (600, 2)):  # the last ray by ray: they are too many
        yield Explorer(houses, 9, cameras=Cameras(res=res, subsample=subsample), **options)


def tasks(device: torch.device) -> Iterator[Env]:
    """Worlds of as many rows as are learnt from."""
    houses, options = mapgen.generate('house', 3, seed=0), {**uncaptured(device), 'copy': False}
    yield Explorer(houses, LEARNING.num_envs, **options)
    yield PointGoal(houses, LEARNING.num_envs, **options)
    yield Deathmatch(houses, LEARNING.num_envs, **options)
    yield Minimal(num_envs=LEARNING.num_envs, **options)


def uncaptured(device: torch.device) -> dict[str, Any]:
    """The options of a world whose steps aren't captured."""
    return {'device': device, 'cuda_graph': False if device.type == 'cuda' else None}


def played(env: Env, steps: int = 2) -> None:
    """Makes some steps of random actions, which are recorded, and renders once more, ray for ray."""
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    tape = Tape(env, range(min(2, env.core.num_envs)), steps + 1)
    with tape.watching():
        tape.add(info)
        for _ in range(steps):
            actions = tree_map(lambda part: torch.as_tensor(part, device=env.device), env.action_space.sample())
            tape.add(env.step(actions)[-1])
    rendering.render(env.core, env.cameras, per_ray=True)


def look_up_paths(device: torch.device) -> None:
    """Looks up how far it is from where agents may be to a goal."""
    field = GeodesicField.pack(mapgen.generate('house', 3, seed=0), device)
    map_ids = torch.arange(3, device=device)
    field.distances(torch.full((3, 1, 2), 1.0, device=device), map_ids, torch.zeros_like(map_ids)[:, None])


def say(what: str, env: Env) -> None:
    """Says what is done, once a GPU has done it."""
    if env.device.type == 'cuda':
        torch.cuda.synchronize()
    print(f'{what} {type(env).__name__}, {env.num_envs} rows', flush=True)


if __name__ == '__main__':
    main(*sys.argv[1:])
