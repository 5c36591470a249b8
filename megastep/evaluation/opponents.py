"""Scripted opponents among agents that learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Bool
from torch import Tensor


class Opponents(NamedTuple):
    """Agents that act by a script. Nothing is learnt from what they do, and their episodes don't count.

    Args:
        rows: Which of an env's rows they are.
        act: Picks actions for all rows, nested as their space is, given what they observe. What it picks for other rows
            isn't used.
    """

    rows: Bool[Tensor, ' row']
    act: Callable[[Any], Any]
