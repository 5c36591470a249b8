"""Episode statistics of a vector env of tensors."""

from __future__ import annotations

import time
from typing import Any

import torch
from gymnasium.vector import AutoresetMode, VectorEnv
from jaxtyping import Bool, Shaped
from torch import Tensor

from megastep.adapters.wrappers.base import TensorWrapper
from megastep.checks import check_counts


class RecordEpisodeStatistics(TensorWrapper):
    """Episode statistics: each row's return, length and time, in ``info['episode']`` as ``'r'``, ``'l'`` and ``'t'``.

    They are of the rewards that this wrapper is handed: a megastep env has them of its own, so it is for others, for
    what wrappers have made of rewards, for the time on the clock, and for the queues. They are final where
    ``info['_episode']`` is true, and what else ``info['episode']`` has stays.

    Args:
        env: The env.
        buffer_length: How many episodes the queues hold.

    Attributes:
        return_queue: The returns of the last episodes, of all rows, the newest last: (buffer,), NaN where there
            haven't been as many.
        length_queue: Their lengths, in steps; NaN likewise.
        time_queue: How long they took on the clock, in seconds: on a GPU, to be launched.

    Raises:
        ValueError: if the buffer length isn't at least 1.
    """

    def __init__(self, env: VectorEnv, buffer_length: int = 100) -> None:
        super().__init__(env)
        check_counts(buffer_length=buffer_length)
        rows: dict[str, Any] = {'device': self.device, 'dtype': torch.float64}
        self._returns = torch.zeros(env.num_envs, device=self.device)
        self._lengths = torch.zeros(env.num_envs, dtype=torch.int64, device=self.device)
        self._begins = torch.zeros(env.num_envs, **rows)
        self._queues = {name: torch.full((buffer_length,), torch.nan, **rows) for name in 'rlt'}

    return_queue = property(lambda self: self._queues['r'])
    length_queue = property(lambda self: self._queues['l'])
    time_queue = property(lambda self: self._queues['t'])

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins new episodes, in all rows or in some."""
        observations, info = self.env.reset(seed=seed, options=options)
        self._begin(self._reset_rows(options))
        return observations, info

    def step(self, actions: Any) -> tuple[Any, Tensor, Tensor, Tensor, dict[str, Any]]:
        """Steps, and adds up the rewards."""
        observations, rewards, terminated, truncated, info = self.env.step(actions)
        if self.mode is not AutoresetMode.DISABLED:
            self._begin(self._ended)  # in the last step with SAME_STEP, in this one with NEXT_STEP
        counted = ~self._ended if self.mode is AutoresetMode.NEXT_STEP else 1
        self._returns += rewards
        self._lengths += counted
        self._ended = terminated | truncated
        found = {'r': self._returns.clone(), 'l': self._lengths.clone(), 't': time.perf_counter() - self._begins}
        for name, values in found.items():
            self._queues[name] = _appended(self._queues[name], values, self._ended)
        info = {**info, 'episode': {**info.get('episode', {}), **found}, '_episode': self._ended.clone()}
        return observations, rewards, terminated, truncated, info

    def _begin(self, mask: Bool[Tensor, ' row']) -> None:
        self._returns.masked_fill_(mask, 0)
        self._lengths.masked_fill_(mask, 0)
        self._begins.masked_fill_(mask, time.perf_counter())


def _appended(
    queue: Shaped[Tensor, ' buffer'], values: Shaped[Tensor, ' row'], which: Bool[Tensor, ' row']
) -> Shaped[Tensor, ' buffer']:
    """A queue with some rows' values at its end, without waiting to learn how many there are."""
    every = torch.cat([queue, values.to(queue.dtype)])
    taken = torch.cat([torch.ones_like(queue, dtype=torch.bool), which])
    places = (taken.sum() - taken.cumsum(0)).where(taken, len(queue)).clamp(max=len(queue))  # counted from the end
    return queue.new_zeros(len(queue) + 1).scatter(0, places, every)[:-1].flip(0)
