"""Fixed episodes for agents of another size: those that they have room for, with their shortest paths."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from megastep.evaluation.episode_drawing import MILLIMETRE
from megastep.evaluation.episodes import Episodes
from megastep.evaluation.suite import Suite
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.segments import clearances


def with_agent_radius(suite: Suite, radius: float) -> Suite:
    """The suite for agents of another radius, in metres: without episodes that they have no room to begin or end in.

    Spawns that are too near a wall are left out of the maps, which keep their numbers, and shortest paths are found
    anew. Sets of which no episode is left are left out.

    Raises:
        ValueError: if a map has no spawn for such agents, or no episode is left.
    """
    resized = {name: _resized(episodes, radius, name) for name, episodes in suite.items()}
    sets = {name: episodes for name, episodes in resized.items() if episodes is not None}
    if not sets:
        raise ValueError(f'agent_radius must leave an episode, but agents of {radius:g} m have room for none.')
    return Suite(sets, name=suite.name, version=suite.version)


def _resized(episodes: Episodes, radius: float, name: str) -> Episodes | None:
    """Episodes for agents of another radius; None if none is left."""
    maps, numbers = _roomy(episodes.maps, radius, name)
    firsts, ids = episodes.maps.spawns.starts[episodes.map_ids], episodes.map_ids
    goals = np.where(episodes.goals < 0, -1, numbers[firsts + np.maximum(episodes.goals, 0)])
    starts = _start_spawns(episodes)
    begins = np.where(starts < 0, 0, numbers[firsts[:, None] + np.maximum(starts, 0)])
    fits = (begins >= 0).all(axis=1) & ((goals >= 0) | (episodes.goals < 0))
    paths = np.full(len(episodes), np.nan)
    if episodes.has_goals:
        lengths = maps.path_lengths(agent_radius=radius)
        pairs = lengths.starts[ids] + begins[:, 0] * maps.spawns.widths[ids] + goals
        paths[fits] = lengths.vals[pairs[fits]].astype(np.float64).round(MILLIMETRE)
        fits &= np.isfinite(paths) | (goals < 0)
    if not fits.any():
        return None
    kept = episodes[np.flatnonzero(fits)]
    return replace(kept, maps=maps, goals=goals[fits], shortest_paths=paths[fits], agent_radius=radius)


def _roomy(maps: MapSet, radius: float, name: str) -> tuple[MapSet, Int[np.ndarray, ' spawn']]:
    """The maps without spawns that are too near a wall, and the new number of each spawn, -1 if it is left out."""
    kept = [clearances(geometry.spawns, geometry.walls) >= radius for geometry in maps]
    if empty := [number for number, rows in enumerate(kept) if not rows.any()]:
        raise ValueError(f'agents of radius {radius:g} m must have a spawn in map {empty[0]} of {name!r}, got none.')
    numbers = np.concatenate([np.where(rows, np.cumsum(rows) - 1, -1) for rows in kept])
    geometries = [_with_spawns(geometry, geometry.spawns[rows]) for geometry, rows in zip(maps, kept, strict=True)]
    return MapSet(geometries, recipe=maps.recipe, indices=maps.indices.tolist(), origins=maps.origins.tolist()), numbers


def _with_spawns(geometry: Geometry, spawns: Float[np.ndarray, 'spawn 2']) -> Geometry:
    """A map with some of its spawns."""
    g = geometry
    return Geometry.unchecked(walls=g.walls, spawns=spawns, lights=g.lights, doors=g.doors, rooms=g.rooms)


def _start_spawns(episodes: Episodes) -> Int[np.ndarray, 'episode agent']:
    """The number of the spawn that each agent begins at, -1 where the env decides."""
    found = np.full(episodes.starts.shape[:2], -1)
    for number, starts in enumerate(episodes.starts):
        spawns = episodes.maps.spawns[episodes.map_ids[number]]
        if np.isfinite(starts).all():
            found[number] = np.abs(spawns - starts[:, None]).sum(axis=-1).argmin(axis=1)
    return found
