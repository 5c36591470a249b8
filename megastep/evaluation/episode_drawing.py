"""Drawing of fixed episodes: starts, goals, limits and seeds, from raw Philox words, map by map."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from megastep.checks import check_above_zero, check_counts, check_numbers, check_seed
from megastep.env.episode_starts import EpisodeStarts, Floor, Start, Stratum, named, stratum_of
from megastep.evaluation.registry import Task
from megastep.mapgen.rng import Rng
from megastep.maps.mapset import MapSet
from megastep.world.device import num_cores

VERSION = '1'
"""The version of how episodes are drawn, and of the layout of their file. A file of any other is refused."""

BASE_SECONDS, PATIENCE, TOP_SPEED = 10.0, 4.0, 2.0
"""The limit of an episode with a goal: so many seconds, and so many times as long as the shortest path takes at the top
speed, in metres per second."""

MOST_EPISODES = 10_000_000
"""The episodes, at most, that are drawn at once: they take about 2 GB."""

MILLIMETRE = 3
"""Lengths and limits are rounded to so many decimals, so that no machine's rounding tells in the hash."""


def draw(
    maps: MapSet,
    task: Task,
    per_map: int,
    seed: int,
    *,
    strata: Sequence[Stratum],
    time_limit: float | None,
    top_speed: float,
    agent_radius: float,
    workers: int | None,
    progress: bool,
) -> dict[str, Any]:
    """Draws the arrays of `Episodes`, by name: see `Episodes.draw`."""
    if not len(maps):
        raise ValueError('maps must hold at least 1 map, got 0.')
    check_counts(per_map=per_map)
    check_seed(seed)
    if per_map * len(maps) > MOST_EPISODES:
        most = MOST_EPISODES // len(maps)
        raise ValueError(f'per_map must be at most {most:,} in {len(maps):,} maps, got {per_map:,}.')
    if time_limit is not None:
        check_numbers(time_limit=time_limit)
    check_above_zero(top_speed=top_speed, agent_radius=agent_radius)
    _check_strata(strata)
    rngs = [Rng(f'episodes/{VERSION}/{seed}/{number}') for number in range(len(maps))]
    seeds = [word for rng in rngs for word in _words(rng.fork('seeds'), per_map)]
    drawing, count = task.episode_starts, len(maps) * per_map
    if drawing is None:
        found = _nowhere(count, task.num_agents)
    else:
        floors = _floors(maps, drawing, agent_radius, num_cores() if workers is None else workers, progress)
        found = _placed(drawing, floors, per_map, task.num_agents, rngs, strata)
    limits = BASE_SECONDS + PATIENCE * found['shortest_paths'] / top_speed
    return {
        'map_ids': np.repeat(np.arange(len(maps)), per_map),
        **found,
        'time_limits': limits.round(MILLIMETRE) if time_limit is None else np.full(count, float(time_limit)),
        'seeds': np.array(seeds, np.uint64),
    }


def warn_of_empty(lengths: np.ndarray, strata: Sequence[Stratum]) -> None:
    """Warns of strata that no path's length is in."""
    counts = np.bincount(stratum_of(lengths, strata) + 1, minlength=len(strata) + 1)[1:]
    if empty := [named(stratum) for stratum, count in zip(strata, counts, strict=True) if not count]:
        warnings.warn(f'no map has shortest paths of {", or ".join(empty)}: no episodes of these.', stacklevel=3)


def _nowhere(count: int, num_agents: int) -> dict[str, Any]:
    """Episodes whose agents the env places itself."""
    return {
        'starts': np.full((count, num_agents, 2), np.nan),
        'bearings': np.full((count, num_agents), np.nan),
        'goals': np.full(count, -1),
        'shortest_paths': np.full(count, np.nan),
    }


def _placed(
    drawing: EpisodeStarts,
    floors: Sequence[Floor],
    per_map: int,
    num_agents: int,
    rngs: Sequence[Rng],
    strata: Sequence[Stratum],
) -> dict[str, Any]:
    """Episodes whose agents begin where they are told."""
    drawn = [
        (floor, start)
        for number, (floor, rng) in enumerate(zip(floors, rngs, strict=True))
        for start in _drawn(drawing, number, floor, per_map, num_agents, rng, strata)
    ]
    return {
        'starts': np.array([floor.spawns[start.spawns] for floor, start in drawn]),
        'bearings': np.array([start.bearings for _, start in drawn]),
        'goals': np.array([start.goal for _, start in drawn]),
        'shortest_paths': np.array([_length(floor, start) for floor, start in drawn]),
    }


def _drawn(
    drawing: EpisodeStarts,
    number: int,
    floor: Floor,
    per_map: int,
    num_agents: int,
    rng: Rng,
    strata: Sequence[Stratum],
) -> list[Start]:
    try:
        return drawing.draw(floor, per_map, num_agents, rng, strata)
    except ValueError as error:
        raise ValueError(f'map {number} has no such episodes: {error}') from error


def _floors(maps: MapSet, drawing: EpisodeStarts, radius: float, workers: int, progress: bool) -> list[Floor]:
    """The maps, with what episodes depend on."""
    if not drawing.needs_paths:
        return [Floor(np.asarray(spawns), None, radius) for spawns in _rows(maps)]
    paths = maps.path_lengths(agent_radius=radius, workers=workers, progress=progress)
    return [
        Floor(spawns, paths[number].reshape(len(spawns), -1).astype(np.float64).round(MILLIMETRE), radius)
        for number, spawns in enumerate(_rows(maps))
    ]


def _rows(maps: MapSet) -> list[np.ndarray]:
    return [np.asarray(maps.spawns[number]) for number in range(len(maps))]


def _length(floor: Floor, start: Start) -> float:
    """The length of the shortest path to the goal, in metres; NaN if there is none."""
    return np.nan if start.goal < 0 or floor.lengths is None else float(floor.lengths[start.spawns[0], start.goal])


def _words(rng: Rng, count: int) -> list[int]:
    return [rng.word() for _ in range(count)]


def _check_strata(strata: Sequence[Stratum]) -> None:
    """Raises unless strata are ranges above 0, in order, that don't overlap."""
    if not all(isinstance(stratum, Sequence) and all(isinstance(b, Real) for b in stratum) for stratum in strata):
        raise ValueError(f'strata must be pairs of lengths in metres, got {strata!r}.')
    bounds = [bound for stratum in strata for bound in stratum]
    if not bounds or not bounds[0] > 0 or any(len(stratum) != 2 for stratum in strata):
        raise ValueError(f'strata must be at least 1 pair of lengths above 0 m, got {strata!r}.')
    if any(not least < most for least, most in strata) or sorted(bounds) != bounds:
        raise ValueError(f'strata must be ranges in order that do not overlap, got {strata!r}.')
