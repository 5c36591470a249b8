"""Variations: agents are evaluated in envs that differ a little from those that they have learnt in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from megastep.evaluation.entry_points import MakesEnv
from megastep.evaluation.episodes import Episodes
from megastep.evaluation.evaluating import evaluate
from megastep.evaluation.registry import Task
from megastep.evaluation.resizing import with_agent_radius
from megastep.evaluation.results import Results
from megastep.evaluation.suite import Suite

VARIATIONS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        'fov=90': {'fov': 90.0},
        'fps=5': {'fps': 5.0},
        'depth_noise=0.1': {'depth_noise': 0.1},
        'action_lag=2': {'action_lag': 2},
        'light=0.5': {'light': 0.5},
        'agent_radius=0.12': {'agent_radius': 0.12},
        'other colours': {'colours': 1_000_003},
    }
)
"""The standard variations, by name: keywords that every env takes."""


def evaluate_variations(
    agents: Any,
    suite: Suite | Mapping[str, Episodes] | Episodes | str | Path,
    variations: Mapping[str, Mapping[str, Any]] = VARIATIONS,
    *,
    task: str | MakesEnv | Task | None = None,
    **options: Any,
) -> Results:
    """Evaluation of agents in a suite as it is, and in variations of the env: `Results.variations` compares them.

    All play the same episodes, whose limits are in seconds, so that a variation of the steps' length makes none harder.
    Where agents are larger, episodes that begin or end too near a wall for them are left out, and shortest paths are
    found anew.

    >>> evaluate_variations('runs/a', suite, {'fov=60': {'fov': 60}}).variations('success')  # doctest: +SKIP

    Args:
        agents: What acts: see `evaluate`.
        suite: The episodes: see `evaluate`.
        variations: Options of the env, by what to call the variation.
        task: What makes the env, for agents that don't know it: see `evaluate`.
        options: What `evaluate` takes, for all of them.

    Raises:
        ValueError: if a variation has no name or changes what agents observe or do; or as `evaluate` does.
    """
    suite = Suite.of(suite)
    for name, varied in variations.items():
        check_variation(name, varied, suite, task)
    found = [evaluate(agents, suite, task=task, **options)]
    for name, varied in variations.items():
        radius = varied.get('agent_radius')
        episodes = suite if radius is None else with_agent_radius(suite, radius)
        found.append(evaluate(agents, episodes, task=task, variation=name, **{**options, **varied}))
    return joined(found)


def check_variation(
    name: str, options: Mapping[str, Any], suite: Suite, task: str | MakesEnv | Task | None = None
) -> None:
    """Checks that a variation leaves agents what they observe and do, as another resolution doesn't.

    Raises:
        ValueError: if it has no name, or doesn't; or if the env takes no such option.
    """
    if not name:
        raise ValueError(f'a variation must have a name, got {name!r} for {dict(options)}.')
    what = task if isinstance(task, Task) else Task.of(suite.task if task is None else task)
    try:
        plain, varied = (what.trial(suite.maps[:1], **given) for given in ({}, options))
    except (TypeError, ValueError) as error:
        raise ValueError(f'variation {name!r} must be of what {what.name} takes: {error}') from error
    for space in ('single_observation_space', 'single_action_space'):
        usual, other = getattr(plain, space), getattr(varied, space)
        if usual != other:
            raise ValueError(f'variation {name!r} must leave the {space} as it is, {usual}, got {other}.')


def joined(results: Sequence[Results]) -> Results:
    """Results of several evaluations of the same agents in one, those of the first first.

    Raises:
        ValueError: if there are none, their scores differ, or the same episode is there twice.
    """
    if not results:
        raise ValueError('results must be at least 1 to be joined, got 0.')
    first = results[0]
    for other in results[1:]:
        if other.scores != first.scores:
            raise ValueError(f'results must have the scores {", ".join(first.scores)}, got {", ".join(other.scores)}.')
    starts = np.cumsum([0, *(len(each) for each in results)])
    table = {name: np.concatenate([each.table[name] for each in results]) for name in first.table}
    placed = zip(results, starts[:-1].tolist(), strict=True)
    ways = {start + row: way for each, start in placed for row, way in each.ways.items()}
    return Results(table, first.scores, first.suite_sha256, first.maps, ways, first.lower_is_better)
