"""Queue of fixed episodes on the device: envs that begin anew take the next ones, and never wait for it."""

from __future__ import annotations

import hashlib
import math
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Int64, UInt64
from torch import Tensor

from megastep.world.random_numbers import KeyedStreams
from megastep.world.scenery import Scenery

FOREVER = 1 << 62
"""The limit, in steps, of what is never over by the clock."""


class FixedEpisodes(Protocol):
    """Fixed episodes, as far as a core has to know them: see `megastep.evaluation.Episodes`."""

    map_ids: Int[np.ndarray, ' episode']
    starts: Float[np.ndarray, 'episode agent 2']
    bearings: Float[np.ndarray, 'episode agent']
    goals: Int[np.ndarray, ' episode']
    shortest_paths: Float[np.ndarray, ' episode']
    time_limits: Float[np.ndarray, ' episode']
    seeds: UInt64[np.ndarray, ' episode']
    agent_radius: float


class EpisodeQueue:
    """Queue of episodes that envs are to play, in order: whichever env begins anew takes the next.

    Once all have been taken, envs that begin anew play the first again, under the number after the last. Everything is
    written in place, and nothing that is done in a step waits for the device.

    Args:
        episodes: The episodes.
        num_envs: How many envs there are.
        fps: How many steps a second has.
        device: Where they are.

    Attributes:
        current: The number of the episode that each env plays, ``len(queue)`` if none is left for it: (env,).
        taken: How many have been taken: ().
        steps: How many steps, its beginning included, each env's episode has had: (env,).
        walked: How far each agent has gone in it, in metres: (env, agent).
        random: The episodes' own random numbers, a stream for each.
        goals: The number of each env's goal among its map's spawns, -1 for none: (env,).
        shortest_paths: How long the shortest path to it is, in metres: (env,).
        limits: After how many steps each env's episode is truncated: (env,).
        fingerprint: A number that other episodes have another of.
        places: Whether episodes say where agents begin.
        has_goals: Whether every episode has a goal.
        has_limits: Whether an episode has a limit of its own.
    """

    def __init__(self, episodes: FixedEpisodes, num_envs: int, fps: float, device: torch.device) -> None:
        def column(values: np.ndarray, dtype: torch.dtype) -> Tensor:
            """A value for each episode, and for envs that none is left for."""
            return torch.as_tensor(np.concatenate([values, values[:1]]), device=device).to(dtype)

        self._count, limits = len(episodes.map_ids), _limits(episodes.time_limits, fps)
        self.fingerprint = _fingerprint(episodes)
        self.places = not bool(np.isnan(episodes.starts).any())
        self.has_goals, self.has_limits = bool((episodes.goals >= 0).all()), bool((limits < FOREVER).any())
        self._map_ids = column(episodes.map_ids, torch.int64)
        self._starts = column(episodes.starts, torch.float32)
        self._bearings = column(episodes.bearings, torch.float32)
        numbers = (episodes.goals, limits, np.array(episodes.seeds).view(np.int64))
        self._by_number = torch.stack([column(values, torch.int64) for values in numbers], dim=1)
        self._lengths = column(episodes.shortest_paths, torch.float32)
        self.current = torch.full((num_envs,), self._count, device=device)
        self.taken, self.steps = self.current.new_zeros(()), torch.zeros_like(self.current)
        self._values = self.current.new_zeros((3, num_envs))
        self.goals, self.limits, self._seeds = self._values
        self.shortest_paths = torch.zeros(num_envs, device=device)
        self.walked = torch.zeros((num_envs, episodes.starts.shape[1]), device=device)
        self._last = torch.zeros((*self.walked.shape, 2), device=device)
        self.random = KeyedStreams(self._seeds, self.steps)

    def __len__(self) -> int:
        """The number of episodes."""
        return self._count

    @property
    def state(self) -> dict[str, Tensor]:
        """The tensors that it keeps, with a row for each env."""
        return {
            'episode': self.current, 'episode_steps': self.steps, 'episode_values': self._values.T,
            'episode_lengths': self.shortest_paths, 'episode_walked': self.walked, 'episode_last': self._last,
        }  # fmt: skip

    @property
    def starts(self) -> tuple[Float[Tensor, 'env agent 2'], Float[Tensor, 'env agent']]:
        """Starts and bearings of each env's agents: in metres, and in degrees."""
        return self._starts[self.current], self._bearings[self.current]

    @property
    def keys(self) -> Int64[Tensor, ' env']:
        """The key of the random numbers of each env's episode."""
        return self._seeds

    def limited(self, most: int | None) -> Int64[Tensor, ' env']:
        """The limit of each env's episode, in steps; those that have none of their own have the one given."""
        if most is not None:
            limits = self._by_number[:, 1]
            limits.copy_(torch.where(limits == FOREVER, most, limits))
        return self.limits

    def restart(self) -> None:
        """Begins again with the first episode."""
        self.taken.zero_()

    def take(self, mask: Bool[Tensor, ' env'], map_ids: Int64[Tensor, ' env']) -> None:
        """Has the envs in the mask take the next episodes, in order, and writes the maps that these are in."""
        chosen = mask.cumsum(dim=0).sub_(1).add_(self.taken).clamp_(max=self._count)
        torch.where(mask, chosen, self.current, out=self.current)
        self.taken.add_(mask.sum()).clamp_(max=self._count)
        torch.where(mask, self._map_ids[self.current], map_ids, out=map_ids)
        self._values.copy_(self._by_number[self.current].T)
        self.shortest_paths.copy_(self._lengths[self.current])
        self.steps.masked_fill_(mask, 0)
        self.walked.masked_fill_(mask[:, None], 0)

    def walk(self, positions: Float[Tensor, 'env agent 2']) -> None:
        """Takes account of how far agents have just moved, to where they are."""
        self.walked.add_((positions - self._last).norm(dim=-1))

    def tick(self, positions: Float[Tensor, 'env agent 2'], mask: Bool[Tensor, ' env'] | None = None) -> None:
        """Ends a step, or the beginning of the envs in the mask, with agents where they are."""
        self.steps.add_(1 if mask is None else mask)
        self._last.copy_(positions)


def _fingerprint(episodes: FixedEpisodes) -> int:
    """The first 64 bits of the SHA-256 of what episodes are, as a signed number."""
    arrays = (
        episodes.map_ids,
        episodes.starts,
        episodes.bearings,
        episodes.goals,
        episodes.time_limits,
        episodes.seeds,
    )
    sha = hashlib.sha256(b''.join(np.ascontiguousarray(array).tobytes() for array in arrays))
    return int.from_bytes(sha.digest()[:8], 'little', signed=True)


def _limits(seconds: Float[np.ndarray, ' episode'], fps: float) -> Int[np.ndarray, ' episode']:
    """Limits in steps, of such in seconds; `FOREVER` where there is none."""
    steps = np.ceil(np.nan_to_num(seconds, nan=1) * fps - 1e-6).astype(np.int64)
    return np.where(np.isnan(seconds), FOREVER, np.maximum(steps, 1))


def check_episodes(episodes: FixedEpisodes, scenery: Scenery) -> None:
    """Raises a `ValueError` unless episodes are of the scenery's agents and maps."""
    if not all(hasattr(episodes, name) for name in FixedEpisodes.__annotations__):
        raise ValueError(f'episodes must be Episodes, got {type(episodes).__name__}.')
    agents, most = episodes.starts.shape[1], int(episodes.map_ids.max())
    if agents != scenery.num_agents:
        raise ValueError(f'episodes must be of {scenery.num_agents} agents, as the envs are, got {agents}.')
    if not math.isclose(episodes.agent_radius, scenery.agent_radius, rel_tol=1e-9):
        raise ValueError(
            f'episodes must be for agents of radius {scenery.agent_radius:g} m, '
            f'got some for {episodes.agent_radius:g} m.'
        )
    if most >= scenery.num_maps:
        raise ValueError(f"episodes must be in the core's {scenery.num_maps} maps, got map {most}.")
    if (maps := getattr(episodes, 'maps', None)) is None:
        return
    pairs = ((getattr(scenery.spawns, name), getattr(maps.spawns, name)) for name in ('widths', 'vals'))
    if not all(
        torch.equal(known.cpu(), torch.tensor(given, dtype=known.dtype, device='cpu')) for known, given in pairs
    ):
        raise ValueError("episodes must be in the core's maps, got some in others: they have other spawns.")
