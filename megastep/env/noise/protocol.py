"""The noise protocol: what noise is made for, and what it may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gymnasium
from jaxtyping import Bool
from torch import Tensor

from megastep.world.core import Core


class Noisy(Protocol):
    """An env, as far as noise needs to know it."""

    core: Core
    single_action_space: gymnasium.Space
    single_observation_space: gymnasium.Space
    observation_name: str | None


class Noise(Protocol):
    """Noise of an env, a part of it: it has as much of this, of ``act`` and of ``observe`` as it needs.

    ``act(actions)`` returns the actions that are taken, each (env, agent, ...), and ``observe(observations)`` the
    observations that are made, (row, ...). To observe twice must be the same as once.
    """

    @property
    def state(self) -> Mapping[str, Tensor]:
        """The state that it keeps, by name: tensors with a row for each env, written in place."""

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins anew in the envs in the mask, by masked writes, outside of steps."""

    def step(self, resets: Bool[Tensor, ' env']) -> None:
        """Draws what a step's observations need, once a step, and begins anew in the envs in the mask."""


Maker = Callable[[Any], Any]
"""Makes noise for an env: a function of it, such as ``functools.partial(depth_noise, amount=0.1)``."""
