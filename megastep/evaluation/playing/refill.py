"""Rollout over a queue of episodes: an env whose episode ends takes the next, until all have been played."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from megastep.env import Env
from megastep.evaluation.opponents import Opponents
from megastep.evaluation.play import Act, among, check_ends
from megastep.evaluation.playing.recorder import scores
from megastep.world.episode_queue import EpisodeQueue

GLANCE = 15
"""After so many steps it is asked again whether all have ended: asking waits for the device."""

STRIDE = 5
"""The ways that agents walk are recorded every so many steps."""


OWN_DRAWS = (
    '{} draws from core.generator, which all envs share, so its episodes depend on what else is played: '
    'draw from core.random instead.'
)


@dataclass(frozen=True)
class Played:
    """Outcome of playing a queue of episodes.

    Args:
        columns: By name, a value for each episode: its scores; ``'metres_walked'``; where it ended, as ``'end_x'`` and
            ``'end_y'``, in metres. Of several agents that are evaluated they are means, and the end is the first's.
        ways: The places that each episode's first agent was at, every so many steps, in metres.
        share: The share of all rows' steps that were in an episode.
    """

    columns: dict[str, Float[np.ndarray, ' episode']]
    ways: dict[int, Float[np.ndarray, 'step 2']]
    share: float


@torch.no_grad()
def play_queue(
    act: Act,
    env: Env,
    *,
    seed: int = 0,
    opponents: Opponents | None = None,
    ways: bool = True,
    progress: tqdm | None = None,
) -> Played:
    """Plays the fixed episodes that an env was made with, all of them, each once.

    Args:
        act: Picks the actions.
        env: The env, in Gymnasium's NEXT_STEP mode. It is reset with the seed.
        seed: Seeds the env: what isn't drawn from the episodes' streams.
        opponents: Who the agents play among; their rows are left out of what is returned.
        ways: Whether the ways that agents walk are recorded.
        progress: A bar to move on.

    Raises:
        ValueError: if the env's info lacks one of its scores, or its episodes never end.

    Warns:
        UserWarning: if the env draws from its core's generator, so that episodes depend on what else is played.
    """
    queue = env.core.episodes
    assert queue is not None, 'the env was made with episodes'
    act, records, walk = among(act, opponents), _Records(env, queue, opponents), _Ways(env, queue)
    observations = env.reset(seed=seed)[0]
    drawn = env.core.generator.get_state()
    begins = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    over, steps = torch.zeros_like(begins), 0
    while not records.are_complete(progress):
        check_ends(env, steps, records.done)
        for _ in range(GLANCE):
            if ways and steps % STRIDE == 0:
                walk.add()
            observations, _, terminated, truncated, info = env.step(act(observations, begins))
            records.add(info)
            begins, over = over, terminated | truncated
            steps += 1
    if not torch.equal(drawn, env.core.generator.get_state()):
        warnings.warn(OWN_DRAWS.format(type(env).__name__), stacklevel=2)
    columns = records.columns()
    share = columns['length'].sum() / (env.core.num_envs * steps)
    return Played(columns, walk.ways(columns) if ways else {}, float(share))


class _Records:
    """Records of episodes, made as they end without waiting for the device: a row for each, and one for none."""

    def __init__(self, env: Env, queue: EpisodeQueue, opponents: Opponents | None) -> None:
        self._core, self._queue, self._names = env.core, queue, env.scores
        shape = (env.core.num_envs, env.core.num_agents)
        ours = torch.ones(shape, device=env.device) if opponents is None else (~opponents.rows).view(shape).float()
        self._weights = ours / ours.sum(dim=1, keepdim=True)
        self._ended = torch.zeros(len(queue) + 1, dtype=torch.bool, device=env.device)
        self._labels: list[str] = []
        self._values: Tensor | None = None
        self._shown, self.done = 0, 0

    def add(self, info: dict[str, Any]) -> None:
        """Records the episodes that a step ended."""
        queue, shape = self._queue, self._weights.shape
        found = {**scores(info, self._names), 'metres_walked': queue.walked.flatten()}
        means = torch.stack([values.view(shape).float() for values in found.values()])
        rows = torch.cat([(means * self._weights).sum(dim=-1).T, self._core.agents.positions[:, 0]], dim=1)
        if self._values is None:
            self._labels = [*found, 'end_x', 'end_y']
            self._values = rows.new_zeros((len(queue) + 1, rows.shape[1]))
        ended = info['_episode'].view(shape)[:, 0]
        places = torch.where(ended, queue.current, len(queue))
        self._values.index_copy_(0, places, rows)
        self._ended.index_fill_(0, places, True)

    def are_complete(self, progress: tqdm | None) -> bool:
        """True if all episodes have ended. Waits for the device."""
        self.done = int(self._ended[:-1].sum())
        if progress is not None and self.done > self._shown:
            progress.update(self.done - self._shown)
            self._shown = self.done
        return self.done == len(self._queue)

    def columns(self) -> dict[str, Float[np.ndarray, ' episode']]:
        """The values by name."""
        assert self._values is not None, 'there is at least 1 episode'
        table = self._values[:-1].double().cpu().numpy()
        return dict(zip(self._labels, table.T, strict=True))


class _Ways:
    """The ways that first agents walk, recorded every few steps."""

    def __init__(self, env: Env, queue: EpisodeQueue) -> None:
        self._core, self._queue = env.core, queue
        self._places: list[Tensor] = []
        self._numbers: list[Tensor] = []

    def add(self) -> None:
        """Records where the agents are."""
        self._places.append(self._core.agents.positions[:, 0].clone())
        self._numbers.append(self._queue.current.clone())

    def ways(self, columns: dict[str, np.ndarray]) -> dict[int, Float[np.ndarray, 'step 2']]:
        """The way of each episode, in order of time."""
        if not self._places:
            return {}
        places = torch.stack(self._places).transpose(0, 1).flatten(0, 1).cpu().numpy()
        numbers = torch.stack(self._numbers).T.flatten().cpu().numpy()
        order = np.argsort(numbers, kind='stable')  # an episode is played by one env, whose steps are in order
        numbers, places = numbers[order], places[order]
        bounds = np.searchsorted(numbers, np.arange(len(self._queue) + 1))
        ends = np.stack([columns['end_x'], columns['end_y']], axis=-1).astype(np.float32)
        return {e: np.concatenate([places[bounds[e] : bounds[e + 1]], ends[e : e + 1]]) for e in range(len(ends))}


def longest_first(limits: Float[np.ndarray, ' episode']) -> Int[np.ndarray, ' episode']:
    """The order in which to play episodes: those that may take longest first, so that few are left over at the end."""
    return np.argsort(-np.nan_to_num(limits, nan=0.0), kind='stable')


def default_rows(limits: Float[np.ndarray, ' episode']) -> int:
    """The number of envs to play episodes in: as many as leave each as much to do as two of the longest episodes.

    With fewer it takes longer; with more, more idle in the end. It is a multiple of 16, so that every env's numbers
    come from vector instructions, and none from those for what is left over, which round otherwise.
    """
    seconds = np.nan_to_num(limits, nan=1.0)
    return max(round(seconds.sum() / seconds.max() / 2 / 16), 1) * 16
