"""Random numbers that agents draw in fixed episodes: the same, whoever else plays and however many envs there are."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Int, Int64
from torch import Tensor

from megastep.env import Env
from megastep.evaluation.play import Act
from megastep.world.episode_queue import EpisodeQueue
from megastep.world.random_numbers import KeyedStreams, mixed


class AgentStreams(KeyedStreams):
    """Random numbers that agents draw in fixed episodes: a stream for each agent of each episode and seed.

    Args:
        queue: The episodes.
        num_agents: How many agents each has.
        seed: Another seed gives other numbers.
        rows: The numbers of the rows that draw; by default all.
    """

    def __init__(
        self, queue: EpisodeQueue, num_agents: int, seed: int, rows: Int[Tensor, ' chosen'] | None = None
    ) -> None:
        self._queue, self._num_agents, self._chosen = queue, num_agents, rows
        numbers = torch.arange(1, num_agents + 1, device=queue.current.device)
        self._salts = mixed(numbers + (seed << 8))
        super().__init__(queue.current, queue.steps)

    def _rows(self) -> tuple[Int64[Tensor, ' row'], Int64[Tensor, ' row']]:
        """The key and the step of each row that draws."""
        keys = mixed(self._queue.keys[:, None] ^ self._salts).flatten()
        steps = self._queue.steps.repeat_interleave(self._num_agents)
        return (keys, steps) if self._chosen is None else (keys[self._chosen], steps[self._chosen])


def drawn_by_episode(actor: Any, env: Env, seed: int, rows: Int[Tensor, ' chosen'] | None = None) -> Act:
    """The actor, drawing from a stream of each episode's own where fixed ones are played, if it draws at all.

    Args:
        actor: The actor.
        env: The env that it acts in.
        seed: Another seed draws other actions.
        rows: The numbers of the rows that it acts in; by default all.
    """
    if env.core.episodes is None or not hasattr(actor, 'generator'):
        return actor
    actor.generator = streams = AgentStreams(env.core.episodes, env.core.num_agents, seed, rows)

    def acted(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
        streams.phase('act')  # draws in each step are counted from the first
        return actor(observations, begins)

    return acted
