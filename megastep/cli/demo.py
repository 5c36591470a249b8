"""`megastep demo`: houses are generated, explored with random actions, and shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Int
from rich.console import Console
from tqdm import tqdm

from envs import Explorer
from megastep import mapgen, plotting
from megastep.recording import record
from megastep.recording.video import Frame
from megastep.world.device import device_name

GALLERY = 12
"""The number of floorplans that the gallery shows."""

WARM_UP = 5
"""The number of steps before those that are timed: the first compiles the kernels."""


def run(out: Path, *, seed: int = 0, num_maps: int = 64, num_envs: int = 64, num_steps: int = 200) -> None:
    """Generates houses, explores them with random actions, and prints where the pictures are and how fast it went.

    Args:
        out: The folder that ``houses.safetensors``, ``maps.png`` and ``explorer.mp4`` go to; made if it isn't there.
            Where there is no encoder for mp4 the film is ``explorer.gif``.
        seed: Another seed gives other houses and other actions.
        num_maps: How many houses.
        num_envs: How many envs.
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
    best = int(env.returns.sum(dim=1).argmax())
    bar = tqdm(frames(env, actions, best, seed=seed), 'film', num_steps, unit='frames')
    film = record(bar, out / 'explorer.mp4', fps=env.core.fps)

    made = {
        out / 'houses.safetensors': f'{num_maps} houses',
        out / 'maps.png': f'{min(GALLERY, num_maps)} of the houses',
        film: f'{num_steps} random steps of the agent that saw most',
    }
    width = max(len(str(path)) for path in made)
    print(*(f'{path!s:{width}}  {what}' for path, what in made.items()), sep='\n')
    if film.suffix == '.gif':
        print('The film is a GIF, for there is no mp4 encoder here: pip install "megastep[video]" brings one.')
    print(f'\n{rate:,.0f} steps a second: {num_envs} Explorer envs on {device_name(env.device)}.')
    print('Compiling, the first steps and drawing are left out.')


def random_actions(env: Explorer, num_steps: int, *, seed: int) -> Int[torch.Tensor, 'step row']:
    """Draws every step's actions beforehand."""
    generator = torch.Generator(env.device).manual_seed(seed)
    count = int(env.single_action_space.n)  # type: ignore[attr-defined]
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


def frames(env: Explorer, actions: Int[torch.Tensor, 'step row'], filmed: int, *, seed: int) -> Iterator[Frame]:
    """The same steps again, with a picture of one env after each."""
    env.reset(seed=seed)
    plot = plotting.StatePlot(env.snapshot(filmed))
    for step in actions:
        env.step(step)
        plot.update(env.snapshot(filmed))
        yield plot.frame()
