"""The sets of the standard suite, by name: see `megastep.evaluation.Suite.standard`."""

from __future__ import annotations

from typing import Any

from megastep.evaluation.episodes import Episodes
from megastep.evaluation.registry import Task

VERSION = '1'
"""The version of the standard suite. Another has other maps or episodes."""

UNSEEN = 1_000_003
"""Seeds the maps that agents haven't been trained in."""


def standard_sets(task: str | Task, *, per_map: int = 16, **options: Any) -> dict[str, Episodes]:
    """Draws the episodes of the standard suite of a task, by the names of the sets.

    Args:
        task: The task.
        per_map: How many episodes each map has.
        options: What `Episodes.draw` takes.
    """
    what = task if isinstance(task, Task) else Task.of(task)
    return {'unseen': Episodes.draw(what.default_maps(seed=UNSEEN), what, per_map, **options)}
