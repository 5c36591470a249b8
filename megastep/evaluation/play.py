"""Acting in an env: the functions that pick actions, opponents among them, and the loop that steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool
from torch import Tensor

from megastep.env import Env
from megastep.env.nested import where
from megastep.evaluation.opponents import Opponents

ENDLESS = 36_000
"""After so many steps in which no episode has ended it is time to ask whether any ever will."""

Act = Callable[[Any, Bool[Tensor, ' row']], Any]
"""Picks all rows' actions, nested as their space is, given what they observe and where an episode has just begun."""


@runtime_checkable
class SupportsActor(Protocol):
    """Policy, as far as an evaluation has to know it: it makes who acts by it."""

    def actor(self, rows: int, *, greedy: bool = False, seed: int = 0) -> Act:
        """The actor that acts in so many rows, and remembers what it saw since each episode began.

        Args:
            rows: How many rows the env has.
            greedy: Take the likeliest action; otherwise draw one.
            seed: Seeds what is drawn.
        """


def check_ends(env: Env, steps: int, ended: int) -> None:
    """Raises a `ValueError` if no episode has ended in an hour of steps, ten a second, and nothing ever ends one.

    Args:
        env: The env.
        steps: How many have been made.
        ended: How many episodes have ended.
    """
    if steps >= ENDLESS and not ended and not env.has_limits:
        raise ValueError(
            f'episodes of {type(env).__name__} must end, but none has in {steps:,} steps, and nothing limits them: '
            'time_limit=... or max_episode_steps=... of the env does, or a time_limit of the episodes.'
        )


def among(act: Act, opponents: Opponents | None) -> Act:
    """The same, but for opponents, if there are any."""
    if opponents is None:
        return act

    def played(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
        return where(opponents.rows, opponents.act(observations, begins), act(observations, begins))

    return played


def play(act: Act, env: Env, *, seed: int = 0, options: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Resets an env, and steps it for as long as it is asked to.

    Args:
        act: Picks the actions.
        env: The env, in Gymnasium's NEXT_STEP mode.
        seed: Seeds the env.
        options: Of the reset.

    Yields:
        The info of the reset, then each step's.
    """
    observations, info = env.reset(seed=seed, options=options)
    yield info
    begins = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    over = torch.zeros_like(begins)
    while True:
        observations, _, terminated, truncated, info = env.step(act(observations, begins))
        begins, over = over, terminated | truncated
        yield info
