"""Opponents that act by a script among agents that learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Bool, Int
from torch import Tensor


class Opponents(NamedTuple):
    """Who acts by a script, and how. Nothing is learnt from what they do, nor counted of how they fare."""

    rows: Bool[Tensor, ' row']
    """Which of an env's rows they are."""
    act: Callable[[Any], Int[Tensor, ' row']]
    """Picks actions for all rows, given what they observe. What it picks for other rows isn't used."""
