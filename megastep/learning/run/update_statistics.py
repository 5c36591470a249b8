"""Statistics of an update on their way from the device, which never waits for them to be read."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

import torch
from torch import Tensor

from megastep.learning.map_scores import KNOWN, RECENT

MEANS = (
    'policy_loss', 'value_loss', 'auxiliary_loss', 'entropy', 'approx_kl', 'clip_fraction', 'explained_variance',
    'grad_norm',
)  # fmt: skip
"""The statistics of a learner that are means; all others are sums over the episodes that ended, or over maps."""

WATCHED = ('policy_loss', 'value_loss', 'grad_norm')
"""Those that aren't finite once learning has gone wrong."""


class UpdateStatistics:
    """Statistics of an update, whose copying from the device begins here. Read them when another update is under way.

    Args:
        statistics: Numbers on the device, by name, as `Learner.update` returns them; they may be overwritten later.
        updates: How many updates had been made by then.
        frames: How many steps, of all processes.

    Attributes:
        finished: When the update was finished, in `time.perf_counter`'s seconds; on a GPU known once it has been read.
    """

    def __init__(self, statistics: Mapping[str, Tensor], *, updates: int, frames: int) -> None:
        self.updates, self.frames = updates, frames
        self._names = list(statistics)
        packed = torch.stack([value.detach().double() for value in statistics.values()])
        self._numbers = packed
        self._copied: torch.cuda.Event | None = None
        self.finished = time.perf_counter()
        if packed.is_cuda:
            self._numbers = torch.empty_like(packed, device='cpu', pin_memory=True)
            self._numbers.copy_(packed, non_blocking=True)
            self._copied = torch.cuda.Event()
            self._copied.record()

    def values(self) -> dict[str, float]:
        """The statistics as numbers. Waits until they have been copied.

        Returns:
            The number of episodes that ended; the mean over all maps of the scores of the last episodes in each, where
            these are known: see `MapScores`; and the means over the update.
        """
        if self._copied is not None:
            self._copied.synchronize()
            self.finished = time.perf_counter()
        numbers = dict(zip(self._names, self._numbers.tolist(), strict=True))
        maps = {name.removeprefix(KNOWN): count for name, count in numbers.items() if name.startswith(KNOWN)}
        scores = {name: numbers[f'{RECENT}{name}'] / count for name, count in maps.items() if count}
        means = {name: numbers[name] for name in MEANS if name in numbers}
        return {'episodes': numbers['episodes'], **scores, **means}


def diverged(values: Mapping[str, float]) -> list[str]:
    """Those of an update's statistics that aren't finite and should be, with their values."""
    return [f'{name} is {values[name]}' for name in WATCHED if not math.isfinite(values[name])]
