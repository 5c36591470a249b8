"""Conformance tests of determinism: rollouts can be repeated, from a seed and from a state, and their ends are real."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool
from torch import Tensor
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_leaves

from megastep.env import nested
from megastep.testing.steps import Step, expect, last_observations, mode_of, repeat, sampler, step_on


def check_repeats(env: Any, rollout: list[Step], seed: int) -> None:
    """Checks that the same seed gives the same rollout, whatever actions are to be ignored."""
    again = repeat(env, rollout, seed)
    differences = map(_difference, rollout, again)
    number, name = next(((i, name) for i, name in enumerate(differences) if name is not None), (None, ''))
    expect(
        number is None,
        f'the same seed must give the same rollout, but step {number} differs in {name}: is it drawn from a generator '
        "that reset's seed doesn't set, as it does env.core.random, or left from before the reset?",
    )
    if mode_of(env) is AutoresetMode.NEXT_STEP:
        others = sampler(env, seed + 1)
        again = repeat(env, rollout, seed, lambda _, actions, ended: nested.where(ended, others(), actions))
        fine = all(equal(step[1:], other[1:]) for step, other in zip(rollout, again, strict=True))
        expect(fine, "with NEXT_STEP, the actions of the step after an episode's last must be ignored, but are not.")


def check_last_observations(env: Any, rollout: list[Step], seed: int) -> None:
    """Checks that what an episode ends in follows from its last action, if what a step returns does elsewhere."""
    if _share_that_follows(env, rollout, seed) < 0.5:
        return
    changed = [which for variant in (1, 2) for which in _changed_by_last_actions(env, rollout, seed, variant)]
    expect(
        len(changed) < 4 or any(changed),
        "the observation that an episode ends in must be of its own last step, but doesn't depend on that step's "
        "actions, as other steps' do: it may be the next episode's first.",
    )


def _share_that_follows(env: Any, rollout: list[Step], seed: int) -> float:
    """The share of rows in which another first action gives another observation."""
    first, shares = rollout[0], []
    for variant in (1, 2, 3):
        others = sampler(env, seed + variant)
        (changed,) = repeat(env, rollout[:1], seed, lambda *_, others=others: others())
        differ = ~equal_rows(first.actions, changed.actions) & ~first.ended & ~changed.ended
        shares.append((~equal_rows(first.observations, changed.observations))[differ])
    return float(torch.cat(shares).float().mean())


def _changed_by_last_actions(env: Any, rollout: list[Step], seed: int, variant: int) -> list[bool]:
    """Tells for each episode whether another last action gave another last observation."""
    others, changed = sampler(env, seed + variant), []
    again = repeat(
        env, rollout, seed, lambda number, actions, _: nested.where(rollout[number].ended, others(), actions)
    )
    alike = torch.ones_like(rollout[0].ended)  # the rows in which nothing but a last action has been another so far
    for step, other in zip(rollout, again, strict=True):
        alike &= step.ended == other.ended
        which = alike & step.ended & ~equal_rows(step.actions, other.actions)
        if which.any():
            changed += (~equal_rows(last_observations(env, step), last_observations(env, other)))[which].tolist()
        alike &= equal_rows(step.observations, other.observations) | step.ended
    return changed


def check_state(env: Any, rollout: list[Step], seed: int) -> None:
    """Checks that what came after a state was taken comes again once it is written back."""
    middle = len(rollout) // 2
    repeat(env, rollout[:middle], seed)
    state = env.get_state()
    for step in rollout[middle:]:
        step_on(env, step.actions)
    env.set_state(state)
    for number, step in enumerate(rollout[middle:]):
        name = _difference(step, step_on(env, step.actions))
        expect(
            name is None,
            f'env.set_state(env.get_state()) must repeat what came after it, but step {number} differs in {name}: '
            'does the state hold everything?',
        )


def _difference(step: Step, other: Step) -> str | None:
    """The name of the first output that isn't the same in two steps; None if all are."""
    ours, theirs = (tree_flatten_with_path(each)[0] for each in (step, other))
    differing = (path for (path, one), (_, another) in zip(ours, theirs, strict=True) if not equal(one, another))
    return next((keystr(path).lstrip('.') for path in differing), None)


def equal(one: Any, other: Any) -> bool:
    """Equality of everything in two nested things, NaNs and all."""
    pairs = zip(tree_leaves(one), tree_leaves(other), strict=True)
    return all(
        torch.equal(a.nan_to_num(), b.nan_to_num()) if isinstance(a, Tensor) else bool(np.all(a == b)) for a, b in pairs
    )


def equal_rows(one: Any, other: Any) -> Bool[Tensor, ' row']:
    """In which rows two batches are the same."""
    pairs = zip(tree_leaves(one), tree_leaves(other), strict=True)
    return torch.stack([(a == b).flatten(1).all(dim=1) if a.ndim > 1 else a == b for a, b in pairs]).all(dim=0)
