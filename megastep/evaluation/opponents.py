"""Opponents among agents that learn or are evaluated: they act by a script, or by policies, as in self-play.

See `megastep.evaluation.league`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor


@dataclass(frozen=True)
class Memory:
    """Memory of opponents: what they keep from step to step.

    Args:
        rows: The numbers of the rows that it is of.
        tensors: Tensors by name, with a row for each of these, written in place.
        generator: What they draw with.
    """

    rows: Int[Tensor, ' chosen']
    tensors: Mapping[str, Tensor]
    generator: torch.Generator


@dataclass(frozen=True)
class Opponents:
    """Opponents: agents that others are trained or evaluated among. Nothing is learnt from what they do, nor counted.

    Args:
        rows: Which of an env's rows they are.
        act: Picks actions for all rows, nested as their space is, given what they observe and where an episode begins
            with it. What it picks for other rows isn't used.
        memories: What they keep from step to step, if they do.
    """

    rows: Bool[Tensor, ' row']
    act: Callable[[Any, Bool[Tensor, ' row']], Any]
    memories: tuple[Memory, ...] = ()

    @classmethod
    def scripted(cls, rows: Bool[Tensor, ' row'], script: Callable[[Any], Any]) -> Opponents:
        """Opponents that act by a script, which needs no more than what they observe: see `Env.scripted_opponent`."""
        return cls(rows, lambda observations, begins: script(observations))

    def act_anew(self, observations: Any, begins: Bool[Tensor, ' row']) -> Any:
        """The actions where episodes begin, as `act` has them: what the other rows remember stays as it is.

        What it picks for these isn't to be used.
        """
        before = [value.clone() for memory in self.memories for value in memory.tensors.values()]
        actions, kept = self.act(observations, begins), iter(before)
        for memory in self.memories:
            anew = begins[memory.rows]
            for value in memory.tensors.values():
                mask = anew.view(-1, *(1,) * (value.ndim - 1))
                value.copy_(torch.where(mask, value, next(kept)))
        return actions
