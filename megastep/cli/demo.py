"""`megastep demo`: houses are generated, and explored by a trained agent beside one that acts at random."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from rich.console import Console
from tqdm import tqdm

import megastep
from megastep import mapgen, plotting
from megastep.env import Env
from megastep.env.nested import where
from megastep.envs import Explorer
from megastep.evaluation.baselines import RandomActions
from megastep.evaluation.play import Act
from megastep.learning import Agent
from megastep.plotting.film import Grid
from megastep.plotting.video import Frame
from megastep.viewer import Replay
from megastep.world.device import device_name

GALLERY = 12
"""The number of floorplans that the gallery shows."""

WARM_UP = 5
"""The number of steps before those that are timed: the first compiles the kernels."""

NAMES = ('trained', 'at random')
"""The agents that are shown, side by side."""

TRIED = 8
"""The number of houses of which that one is shown where the trained agent finds most."""

SIZE = (1280, 640)
"""The film's width and height, in pixels."""


def run(out: Path, *, seed: int = 0, num_maps: int = 64, num_envs: int = 64, num_steps: int = 300) -> None:
    """Generates houses, sends a trained agent through one, and prints where the pictures are and how fast it went.

    Args:
        out: The folder that ``houses.safetensors``, ``maps.png``, ``explorer.mp4`` and ``replay.html`` go to; made if
            it isn't there. Where there is no encoder for mp4 the film is ``explorer.gif``.
        seed: Another seed gives other houses and other actions.
        num_maps: How many houses.
        num_envs: How many envs the speed is measured with.
        num_steps: How many steps each env takes.
    """
    out.mkdir(parents=True, exist_ok=True)
    maps = mapgen.generate('house', num_maps, seed=seed, progress=True)
    maps.save(out / 'houses.safetensors')
    plotting.gallery(maps, GALLERY).savefig(out / 'maps.png')

    with Console().status('Compiling the kernels; the first time takes a while'):
        env = Explorer(maps, num_envs=num_envs, seed=seed)
        actions = random_actions(env, num_steps, seed=seed)
        warm_up(env)
    rate = steps_per_second(env, actions, seed=seed)
    agent = megastep.load('explorer', device=env.device, seed=seed)
    houses = maps[:TRIED]
    pair = agent.env(houses, 2 * len(houses), seed=seed)
    shown = most_found(pair, side_by_side(agent, pair), num_steps, seed=seed)
    bar = tqdm(frames(pair, side_by_side(agent, pair), shown, num_steps, seed=seed), 'film', num_steps, unit='frames')
    film = plotting.record(bar, out / 'explorer.mp4', fps=pair.core.fps)
    replay = Replay.record(pair, side_by_side(agent, pair), num_steps, shown, maps=houses, seed=seed, title='Explorer')
    page = replay.save(out / 'replay.html')

    made = {
        out / 'houses.safetensors': f'{num_maps} houses',
        out / 'maps.png': f'{min(GALLERY, num_maps)} of the houses',
        film: f'{num_steps} steps of a trained agent, beside one that acts at random',
        page: 'the same to play, step by step: open it in a browser',
    }
    width = max(len(str(path)) for path in made)
    print(*(f'{path!s:{width}}  {what}' for path, what in made.items()), sep='\n')
    if film.suffix == '.gif':
        print('The film is a GIF, for there is no mp4 encoder here: pip install "megastep[video]" brings one.')
    print(f'\n{rate:,.0f} steps a second: {num_envs} Explorer envs on {device_name(env.device)}.')
    print('Compiling, the first steps and drawing are left out.')


def side_by_side(agent: Agent, env: Env) -> Act:
    """A policy of both: a trained agent acts in every other env, and one at random in that beside it, in its house."""
    trained, random = agent.actor(env.num_envs, seed=agent.seed), RandomActions().for_env(env)
    even = torch.arange(env.num_envs, device=env.device) % 2 == 0

    def act(observations: object, begins: Bool[torch.Tensor, ' row']) -> object:
        return where(even, trained(observations, begins), random(observations, begins))

    return act


def played(env: Env, act: Act, num_steps: int, *, seed: int) -> Iterator[Float[torch.Tensor, ' row']]:
    """Steps an env after a reset, and yields each step's rewards."""
    observations, _ = env.reset(seed=seed)
    begins, over = torch.ones_like(env.core.over), torch.zeros_like(env.core.over)
    for _ in range(num_steps):
        observations, rewards, terminated, truncated, _ = env.step(act(observations, begins))
        begins, over = over, terminated | truncated
        yield rewards


def most_found(env: Env, act: Act, num_steps: int, *, seed: int) -> tuple[int, int]:
    """The envs of the house where the trained agent earns most: its own, and that of the one that acts at random."""
    earned = sum(played(env, act, num_steps, seed=seed), torch.zeros(env.num_envs, device=env.device))
    best = 2 * int(earned[::2].argmax())
    return best, best + 1


def random_actions(env: Explorer, num_steps: int, *, seed: int) -> Int[torch.Tensor, 'step row']:
    """Draws every step's actions beforehand."""
    generator = torch.Generator(env.device).manual_seed(seed)
    count = int(env.single_action_space.n)
    return torch.randint(count, (num_steps, env.num_envs), device=env.device, generator=generator)


def warm_up(env: Explorer) -> None:
    """Takes the steps that compile the kernels."""
    env.reset()
    for actions in random_actions(env, WARM_UP, seed=0):
        env.step(actions)
    wait(env.device)


def steps_per_second(env: Explorer, actions: Int[torch.Tensor, 'step row'], *, seed: int) -> float:
    """The speed of the envs, in agents' steps a second; drawing is no part of it."""
    env.reset(seed=seed)
    wait(env.device)
    start = time.perf_counter()
    for step in actions:
        env.step(step)
    wait(env.device)
    return actions.numel() / (time.perf_counter() - start)


def wait(device: torch.device) -> None:
    """Waits until a GPU has done what it was given."""
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def frames(env: Env, act: Act, shown: tuple[int, int], num_steps: int, *, seed: int) -> Iterator[Frame]:
    """Pictures of two envs side by side, one after each step."""
    grid = None
    for _ in played(env, act, num_steps, seed=seed):
        moment = tuple(replace(env.snapshot(i), title=name) for i, name in zip(shown, NAMES, strict=True))
        if grid is None:
            grid = Grid(moment, SIZE)
        else:
            grid.update(moment)
        yield grid.frame()
