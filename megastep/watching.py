"""`megastep record`: a film of an env whose agents act at random."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

import envs
from megastep.env import Env
from megastep.filming import Film
from megastep.mapset import MapSet

ROWS = 8
"""How many rows an env of any task can have: as many as a world may have agents."""


def record(
    name: str, maps: MapSet, out: Path, *, map_id: int = 0, num_steps: int = 300, seed: int = 0, workers: int = 1
) -> Path:
    """Films an env whose agents act at random.

    Args:
        name: The task, in lower case: see `tasks`.
        maps: The maps.
        out: The file: ``.mp4`` or ``.gif``.
        map_id: The map that is filmed.
        num_steps: How many steps it is filmed for; the film begins a frame before the first.
        seed: Another seed gives other spawns and actions.
        workers: How many processes draw.

    Returns:
        The file written: ``out``, with the suffix ``.gif`` where there is no encoder for mp4.

    Raises:
        ValueError: if there is no such task or map, or a number is out of range.
    """
    if num_steps < 1:
        raise ValueError(f'num_steps must be at least 1, got {num_steps}.')
    env = make(name, maps, seed=seed)
    count, generator = int(env.single_action_space.n), torch.Generator().manual_seed(seed)  # type: ignore[attr-defined]
    with Film(out, env.core.fps, workers=workers, progress=True) as film:
        env.reset(seed=seed, options={'map_ids': torch.full((env.core.num_envs,), map_id)})
        film.add(env.state(0))
        for _ in range(num_steps):
            env.step(torch.randint(count, (env.num_envs,), generator=generator).to(env.device))
            film.add(env.state(0))
    return film.path


def tasks() -> dict[str, Callable[..., Env]]:
    """The tasks there are, by their names in lower case."""
    return {name.lower(): getattr(envs, name) for name in envs.__all__}


def make(name: str, maps: MapSet, *, seed: int = 0) -> Env:
    """Makes a small env of a task.

    Raises:
        ValueError: if there is no such task.
    """
    if name not in tasks():
        raise ValueError(f'env must be one of {", ".join(tasks())}, got {name!r}.')
    return tasks()[name](maps, num_envs=ROWS, seed=seed)
