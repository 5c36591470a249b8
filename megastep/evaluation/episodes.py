"""Fixed episodes: where each begins, where it leads and how long it may take, the same for whoever plays them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from megastep.env.episode_starts import STRATA, Stratum
from megastep.evaluation import episode_drawing
from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.registry import Task
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.storage import digests, tensor_files
from megastep.maps.words import counted

ARRAYS: Mapping[str, type] = MappingProxyType(
    {
        'map_ids': np.int64, 'starts': np.float64, 'bearings': np.float32, 'goals': np.int64,
        'shortest_paths': np.float64, 'time_limits': np.float64, 'seeds': np.uint64,
    }
)  # fmt: skip
"""The arrays of `Episodes`, and their types."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """Fixed episodes of a task in some maps: whoever plays them begins at the same places, with the same randomness.

    Args:
        maps: The maps.
        task: The name of the task that they were drawn for: see `megastep.evaluation.entry_points.find`.
        map_ids: The number of the map that each episode is in.
        starts: Where its agents begin, in metres; NaN if the env is to place them itself, by the episode's seed.
        bearings: The way that they face, in degrees anticlockwise from +x; NaN likewise.
        goals: The number, in the map, of the spawn that is to be reached; -1 if there is no goal.
        shortest_paths: How long the shortest path from the start to the goal is, in metres; NaN if there is no goal.
        time_limits: When the episode is truncated, in seconds; NaN if the env ends it by its own rules alone.
        seeds: The key of each episode's own random numbers: all that is drawn in the env while it lasts.
        agent_radius: The radius of the agents that they were drawn for, in metres.

    Raises:
        ValueError: if there are no episodes, arrays don't go together, or something is out of range.
    """

    maps: MapSet
    task: str
    map_ids: Int[np.ndarray, ' episode']
    starts: Float[np.ndarray, 'episode agent 2']
    bearings: Float[np.ndarray, 'episode agent']
    goals: Int[np.ndarray, ' episode']
    shortest_paths: Float[np.ndarray, ' episode']
    time_limits: Float[np.ndarray, ' episode']
    seeds: UInt64[np.ndarray, ' episode']
    agent_radius: float = AGENT_RADIUS

    def __post_init__(self) -> None:
        for name, dtype in ARRAYS.items():
            array: np.ndarray = np.array(getattr(self, name), dtype)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        _check_shapes(self)
        _check_ranges(self)

    @classmethod
    def draw(
        cls,
        maps: MapSet | Sequence[Geometry],
        task: str | MakesEnv | Task,
        per_map: int = 16,
        seed: int = 0,
        *,
        strata: Sequence[Stratum] = STRATA,
        time_limit: float | None = None,
        top_speed: float = episode_drawing.TOP_SPEED,
        agent_radius: float = AGENT_RADIUS,
        workers: int | None = None,
        progress: bool = False,
    ) -> Episodes:
        """Draws episodes, as many in each map, as the env's class says: see `Env.episode_starts`.

        They depend on the seed and on each map and its number, and are the same on every machine. Where the task has
        goals, each stratum of path lengths that a map has gets as many as the others; a warning names those that no map
        has.

        Args:
            maps: The maps.
            task: The task: its name, what makes its env, or a `Task` with options, such as how many agents there are.
            per_map: How many episodes each map has.
            seed: Another seed gives other episodes.
            strata: The ranges of path lengths that goals are drawn in, in metres: from the first to below the second.
            time_limit: When each episode is truncated, in seconds. By default with a goal after 10 s and four times as
                long as the shortest path takes at top speed, and otherwise by the env's own rules.
            top_speed: How fast agents are at most, in metres per second.
            agent_radius: Their radius, in metres.
            workers: How many threads find shortest paths; by default one for each CPU core that this process may use.
            progress: Show a bar.

        Raises:
            ValueError: if a number is out of range, strata are empty or overlap, or a map has no such starts.
        """
        maps = maps if isinstance(maps, MapSet) else MapSet(maps)
        what = task if isinstance(task, Task) else Task.of(task)
        arrays = episode_drawing.draw(
            maps, what, per_map, seed, strata=strata, time_limit=time_limit, top_speed=top_speed,
            agent_radius=agent_radius, workers=workers, progress=progress,
        )  # fmt: skip
        found = cls(maps, what.name, **arrays, agent_radius=agent_radius)
        if found.has_goals:
            episode_drawing.warn_of_empty(found.shortest_paths, strata)
        return found

    def save(self, path: str | os.PathLike) -> None:
        """Writes the episodes to a file, replacing what was there once all of it is safely on disk.

        The maps are saved apart, by `MapSet.save`: the file has their hash.
        """
        arrays = {name: getattr(self, name) for name in ARRAYS} | {'seeds': self.seeds.view(np.int64)}
        header = {
            'episodes': episode_drawing.VERSION, 'task': self.task, 'agent_radius': repr(self.agent_radius),
            'maps': self.maps_sha256, 'episodes_sha256': self.sha256,
        }  # fmt: skip
        tensor_files.write(Path(path), arrays, header)

    @classmethod
    def load(cls, path: str | os.PathLike, maps: MapSet | str | os.PathLike) -> Episodes:
        """Reads episodes that `save` wrote.

        Args:
            path: The file.
            maps: Their maps, or the file of these.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged, holds no episodes, or those of another version or of other maps.
        """
        path, maps = Path(path), maps if isinstance(maps, MapSet) else MapSet.load(maps)
        arrays, header = tensor_files.read(path, 'set of episodes')
        if (version := header.get('episodes')) != episode_drawing.VERSION:
            raise ValueError(f'{path} must hold episodes of version {episode_drawing.VERSION}, got {version}.')
        digests.check_digest(path, arrays, header['sha256'])
        known = {'task', 'agent_radius', 'maps', 'episodes_sha256'}
        if missing := sorted((set(ARRAYS) - set(arrays)) | (known - set(header))):
            raise ValueError(f'{path} is damaged: it lacks {", ".join(missing)}.')
        _check_maps(path, header['maps'], maps)
        arrays = {name: arrays[name] for name in ARRAYS} | {'seeds': arrays['seeds'].view(np.uint64)}
        found = cls(maps, header['task'], **arrays, agent_radius=float(header['agent_radius']))
        if found.sha256 != header['episodes_sha256']:
            raise ValueError(f'{path} is damaged: its episodes hash to {found.sha256}, and should to another.')
        return found

    @cached_property
    def maps_sha256(self) -> str:
        """The SHA-256 of the maps' walls, lights and spawns, in hexadecimal."""
        return self.maps.digest('walls', 'lights', 'spawns')

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the maps, the episodes and the agents' radius, in hexadecimal."""
        arrays = digests.digest({name: getattr(self, name) for name in ARRAYS})
        parts = [episode_drawing.VERSION, self.maps_sha256, arrays, repr(float(self.agent_radius))]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def num_agents(self) -> int:
        """The number of agents that an episode has."""
        return self.starts.shape[1]

    @property
    def has_goals(self) -> bool:
        """True if there is a goal to be reached."""
        return bool((self.goals >= 0).any())

    @property
    def goal_positions(self) -> Float[np.ndarray, 'episode 2']:
        """The goals' positions, in metres; NaN where there is none."""
        places = self.maps.spawns.vals[self.maps.spawns.starts[self.map_ids] + np.maximum(self.goals, 0)]
        return np.where(self.goals[:, None] >= 0, places, np.nan)

    @property
    def detours(self) -> Float[np.ndarray, ' episode']:
        """The shortest path's length over the straight line's; NaN where there is no goal."""
        straight = np.hypot(*(self.goal_positions - self.starts[:, 0]).T)
        return np.maximum(self.shortest_paths / straight, 1)  # as paths are rounded

    def __len__(self) -> int:
        return len(self.map_ids)

    def __getitem__(self, chosen: slice | Int[np.ndarray, ' chosen'] | Bool[np.ndarray, ' episode']) -> Episodes:
        """Some of the episodes, in the same maps."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ARRAYS})

    def __repr__(self) -> str:
        many = f', {self.num_agents} agents each' if self.num_agents > 1 else ''
        return (
            f'Episodes({len(self)} of {self.task} in {counted(len(self.maps), "map")}{many}, sha256 {self.sha256[:12]})'
        )


def _check_shapes(episodes: Episodes) -> None:
    """Raises unless there are episodes, and arrays have a row for each."""
    count = len(episodes.map_ids) if episodes.map_ids.ndim == 1 else 0
    agents = episodes.starts.shape[1] if episodes.starts.ndim == 3 else 0
    if not count or not agents:
        raise ValueError(f'episodes must be at least 1, of at least 1 agent, got {episodes.starts.shape[:2]}.')
    shapes = dict.fromkeys(ARRAYS, (count,)) | {'starts': (count, agents, 2), 'bearings': (count, agents)}
    for name, shape in shapes.items():
        if (found := getattr(episodes, name).shape) != shape:
            raise ValueError(f'{name} must be of shape {shape}, got {found}.')


def _check_ranges(episodes: Episodes) -> None:
    """Raises unless maps and goals are there, limits and lengths are positive, and all or none say where they begin."""
    ids, most = episodes.map_ids, len(episodes.maps) - 1
    if (bad := ids[(ids < 0) | (ids > most)]).size:
        raise ValueError(f'map_ids must be from 0 to {most}, got {bad[0]}.')
    goals, counts = episodes.goals, episodes.maps.spawns.widths[ids]
    if (bad := np.flatnonzero((goals < -1) | (goals >= counts))).size:
        row = bad[0]
        raise ValueError(f'goals must be from -1 to {counts[row] - 1} in map {ids[row]}, got {goals[row]}.')
    for name in ('time_limits', 'shortest_paths'):
        values = getattr(episodes, name)
        if (bad := values[(values <= 0) | np.isinf(values)]).size:
            raise ValueError(f'{name} must be above 0 and finite, or NaN, got {bad[0]}.')
    for name in ('starts', 'bearings'):
        if (bad := (values := getattr(episodes, name))[np.isinf(values)]).size:
            raise ValueError(f'{name} must be finite, or NaN, got {bad[0]}.')
    unknown = [np.isnan(getattr(episodes, name)) for name in ('starts', 'bearings')]
    if any(each.any() for each in unknown) and not all(each.all() for each in unknown):
        raise ValueError('starts and bearings must be numbers in all episodes, or NaN in all, got both.')
    if not 0 < episodes.agent_radius < np.inf:
        raise ValueError(f'agent_radius must be above 0 m and finite, got {episodes.agent_radius}.')


def _check_maps(path: Path, expected: str, maps: MapSet) -> None:
    if (found := maps.digest('walls', 'lights', 'spawns')) != expected:
        raise ValueError(
            f'{path} must be of the {len(maps)} maps {found[:12]}, got episodes of other maps, {expected[:12]}.'
        )
