"""Films and replays of an env whose agents act at random, or have learnt to: see `megastep.cli.watch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from megastep.env import Env
from megastep.evaluation.baselines import RandomActions
from megastep.evaluation.play import Act, among, play
from megastep.evaluation.registry import Task
from megastep.learning.agent import load
from megastep.learning.run.run_folder import Run
from megastep.learning.settings import LARGEST_SEED
from megastep.maps.mapset import MapSet
from megastep.plotting.film import Film
from megastep.viewer.replay import Replay, check_path

UNSEEN = 1_000_003
"""Seeds the maps that are generated for agents to be watched in."""


SIZE = (960, 540)
"""A film's width and height, in pixels."""


def film_random(
    name: str,
    maps: MapSet,
    out: Path,
    *,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    workers: int = 1,
    envs: int = 1,
    size: tuple[int, int] = SIZE,
    fps: float | None = None,
) -> Path:
    """Films an env whose agents act at random.

    Args:
        name: The task's: see `megastep.evaluation.entry_points.find`.
        maps: The maps.
        out: The file: ``.mp4`` or ``.gif``.
        map_id: The map that is filmed.
        steps: How many steps it is filmed for; the film begins a frame before the first.
        seed: Another seed gives other spawns and actions.
        workers: How many processes draw.
        envs: How many envs are shown in a grid, each in the map after that of the one before.
        size: The film's width and height, in pixels.
        fps: How many frames a second it plays; by default as many as there are steps in a second.

    Returns:
        The file written: ``out``, with the suffix ``.gif`` where there is no encoder for mp4.

    Raises:
        ValueError: if there is no such task or map, or a number is out of range.
    """
    _check(steps, seed, envs)
    act, env = at_random(name, maps, seed, envs)
    return film(act, env, out, map_id=map_id, steps=steps, seed=seed, workers=workers, size=size, fps=fps)


def replay_random(name: str, maps: MapSet, out: Path, *, map_id: int = 0, steps: int = 300, seed: int = 0) -> Path:
    """Writes a replay of an env whose agents act at random: see `film_random`, of which it has all but the workers."""
    _check(steps, seed)
    check_path(out)
    act, env = at_random(name, maps, seed)
    return _replay(act, env, maps, out, map_id=map_id, steps=steps, seed=seed, title=name)


def at_random(name: str, maps: MapSet, seed: int, envs: int = 1) -> tuple[Act, Env]:
    """A policy that acts at random in envs of a task, and these."""
    task = Task.of(name)
    env = task.make(maps, task.num_agents * envs, seed=seed)
    return RandomActions(seed).for_env(env), env


def film_run(
    folder: Path,
    out: Path,
    maps: MapSet | None = None,
    *,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    greedy: bool = False,
    workers: int = 1,
    device: str | torch.device | None = None,
    envs: int = 1,
    size: tuple[int, int] = SIZE,
    fps: float | None = None,
) -> Path:
    """Films the agent of a run's last checkpoint, among the opponents that it learnt with.

    Args:
        folder: The folder of the run, or of another agent that `load` takes.
        out: The file: ``.mp4`` or ``.gif``.
        maps: The maps; by default those of the run's evaluations, or maps that are generated if it has none.
        map_id: The map that is filmed.
        steps: How many steps it is filmed for; the film begins a frame before the first.
        seed: Another seed gives another beginning.
        greedy: Take the likeliest action instead of drawing one.
        workers: How many processes draw.
        device: Where to compute; by default on the GPU if there is one.
        envs: How many envs are shown in a grid, each in the map after that of the one before.
        size: The film's width and height, in pixels.
        fps: How many frames a second it plays; by default as many as there are steps in a second.

    Returns:
        The file written: ``out``, with the suffix ``.gif`` where there is no encoder for mp4.

    Raises:
        ValueError: if there is no run, checkpoint or map, or a number is out of range.
    """
    _check(steps, seed, envs)
    act, env, _ = trained(folder, maps, seed, greedy, device, envs)
    return film(act, env, out, map_id=map_id, steps=steps, seed=seed, workers=workers, size=size, fps=fps)


def replay_run(
    folder: Path,
    out: Path,
    maps: MapSet | None = None,
    *,
    map_id: int = 0,
    steps: int = 300,
    seed: int = 0,
    greedy: bool = False,
    device: str | torch.device | None = None,
) -> Path:
    """Writes a replay of the agent of a run's last checkpoint: see `film_run`, of which it has all but the workers."""
    _check(steps, seed)
    check_path(out)
    act, env, maps = trained(folder, maps, seed, greedy, device)
    return _replay(act, env, maps, out, map_id=map_id, steps=steps, seed=seed, title=folder.resolve().name)


def trained(
    folder: Path, maps: MapSet | None, seed: int, greedy: bool, device: str | torch.device | None, envs: int = 1
) -> tuple[Act, Env, MapSet]:
    """A run's agent among its opponents, its envs, and the maps that they stand in."""
    agent = load(folder, device=device, greedy=greedy, seed=seed)
    if maps is None:
        run = Run(folder)
        maps = unseen(agent.task, run.read().eval_maps_file if run.description.is_file() else None)
    env = agent.env(maps, agent.task.num_agents * envs, seed=seed)
    return among(agent, agent.opponents(env)), env, maps


def _replay(act: Act, env: Env, maps: MapSet, out: Path, *, map_id: int, steps: int, seed: int, title: str) -> Path:
    """Writes a replay of the first env of several, all in one map."""
    options = _in_map(env, map_id)
    replay = Replay.record(env, act, steps, maps=maps, seed=seed, options=options, title=title, progress=True)
    return replay.save(out)


def film(
    act: Act,
    env: Env,
    out: Path,
    *,
    map_id: int,
    steps: int,
    seed: int,
    workers: int,
    size: tuple[int, int] = SIZE,
    fps: float | None = None,
) -> Path:
    """Films all envs in a grid, each in the map after that of the one before."""
    options = _in_map(env, map_id)
    with Film(out, env.core.fps if fps is None else fps, workers=workers, size=size, progress=True) as film:
        moments = play(act, env, seed=seed, options=options)
        for _ in range(steps + 1):
            next(moments)
            film.add(*map(env.snapshot, range(env.core.num_envs)))
    return film.path


def _in_map(env: Env, map_id: int) -> dict[str, Any]:
    """The options of a reset that puts the first env in a map, and the others in those that follow."""
    count = env.core.scenery.num_maps
    if not 0 <= map_id < count:
        raise ValueError(f'map_id must be from 0 to {count - 1}, got {map_id}.')
    return {'map_ids': (torch.arange(env.core.num_envs, device='cpu') + map_id) % count}


def unseen(task: Task, eval_maps_file: str | None) -> MapSet:
    """Maps that an agent hasn't been trained in: those that it was evaluated in, if they have a file."""
    return task.default_maps(seed=UNSEEN) if eval_maps_file is None else MapSet.load(eval_maps_file)


def _check(steps: int, seed: int, envs: int = 1) -> None:
    for name, value in {'steps': steps, 'envs': envs}.items():
        if value < 1:
            raise ValueError(f'{name} must be at least 1, got {value}.')
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f'seed must be from 0 to {LARGEST_SEED}, got {seed}.')
