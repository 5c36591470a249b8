"""Rollouts of a vector env of tensors, with everything that it returns checked for what it is."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool
from torch import Tensor
from torch.utils._pytree import tree_leaves

from megastep.env import nested
from megastep.env.nested import copied

ENOUGH = 6
"""A rollout goes on until so many episodes have ended."""

LEAST = 8
"""A rollout has at least so many steps."""


class Step(NamedTuple):
    """Transition: a step's actions and outputs, copied; and, if envs were reset after it by mask, what they saw."""

    actions: Any
    observations: Any
    rewards: Tensor
    terminated: Tensor
    truncated: Tensor
    info: dict[str, Any]
    reset: Any = None

    @property
    def ended(self) -> Bool[Tensor, ' row']:
        """The rows whose episode ended."""
        return self.terminated | self.truncated


def expect(holds: bool, sentence: str) -> None:
    """Raises an `AssertionError` with the sentence unless it holds."""
    if not holds:
        raise AssertionError(sentence)


def mode_of(env: Any) -> AutoresetMode:
    """The autoreset mode that the env says it has."""
    return env.metadata['autoreset_mode']


def sampler(env: Any, seed: int) -> Callable[[], Any]:
    """Draws actions, a batch a call; the env's own space is left alone."""
    space = copy.deepcopy(env.action_space)
    space.seed(seed)
    return lambda: nested.to_tensors(space.sample(), env.device)


def roll_out(env: Any, steps: int, seed: int) -> list[Step]:
    """Resets the env and steps until enough episodes have ended, and checks everything returned for what it is."""
    reset(env, seed=seed)
    sample, rollout, ends = sampler(env, seed), list[Step](), 0
    while len(rollout) < steps and (ends < ENOUGH or len(rollout) < LEAST):
        rollout.append(step_on(env, sample()))
        ends += int(rollout[-1].ended.sum())
    expect(ends > 0, f'episodes must end within {steps} steps to be checked, got none that did: see steps.')
    return rollout


def repeat(env: Any, rollout: list[Step], seed: int, change: Callable[..., Any] | None = None) -> list[Step]:
    """The same rollout once more, or one of other actions.

    These come from ``change``, of a step's number, its actions, and the rows that ended in the step before.
    """
    reset(env, seed=seed)
    again, ended = list[Step](), torch.zeros(env.num_envs, dtype=torch.bool, device=env.device)
    for number, step in enumerate(rollout):
        again.append(step_on(env, change(number, step.actions, ended) if change else step.actions))
        ended = again[-1].ended
    return again


def reset(env: Any, **arguments: Any) -> Any:
    """Resets the env, checks what it returns, and returns that."""
    returned = env.reset(**arguments)
    expect(isinstance(returned, tuple) and len(returned) == 2, 'env.reset() must return observations and an info.')
    observations, info = returned
    check_batch("reset's observations", observations, env, env.num_envs)
    _check_info(env, info, "reset's info")
    return copied(observations)


def step_on(env: Any, actions: Any) -> Step:
    """Steps, and, where nothing else begins new episodes, resets the envs that have ended."""
    returned = env.step(actions)
    expect(isinstance(returned, tuple) and len(returned) == 5, 'env.step() must return five things.')
    step = Step(actions, *copied(returned))
    check_batch("step's observations", step.observations, env, env.num_envs)
    _check_rows('rewards', step.rewards, env, (torch.float32, torch.float64))
    _check_rows('terminated', step.terminated, env, (torch.bool,))
    _check_rows('truncated', step.truncated, env, (torch.bool,))
    expect(bool(step.rewards.isfinite().all()), f'rewards must be finite, got {step.rewards.tolist()}.')
    _check_info(env, step.info, "step's info")
    if mode_of(env) is AutoresetMode.DISABLED and step.ended.any():
        return step._replace(reset=reset(env, options={'reset_mask': step.ended.cpu().numpy()}))
    return step


def check_batch(label: str, batch: Any, env: Any, num_rows: int) -> None:
    """Checks that a batch has so many rows, each of which is in the env's space for one."""
    sentence = nested.mismatch(label, batch, env.single_observation_space, num_rows, env.device)
    expect(sentence is None, sentence or '')


def _check_rows(label: str, values: Any, env: Any, dtypes: tuple[torch.dtype, ...]) -> None:
    expect(isinstance(values, Tensor), f'{label} must be a torch tensor, got {type(values).__name__}.')
    fine = values.dtype in dtypes and values.shape == (env.num_envs,) and values.device == env.device
    expect(
        fine,
        f'{label} must be {" or ".join(map(str, dtypes))} of shape {(env.num_envs,)} on {env.device}, '
        f'got {values.dtype} of shape {tuple(values.shape)} on {values.device}.',
    )


def _check_info(env: Any, info: Any, label: str) -> None:
    """Checks that masks are masks, and that every tensor has a row for each row."""
    expect(isinstance(info, Mapping), f'{label} must be a dictionary, got {type(info).__name__}.')
    for name, value in info.items():
        if name.startswith('_'):
            expect(name[1:] in info, f'{label} must have {name[1:]!r}, as it has its mask {name!r}, but has not.')
            _check_rows(f'{label}[{name!r}]', value, env, (torch.bool,))
        for leaf in tree_leaves(value):
            fine = not isinstance(leaf, Tensor) or (leaf.shape[:1] == (env.num_envs,) and leaf.device == env.device)
            expect(
                fine,
                f'{label}[{name!r}] must have {env.num_envs} rows on {env.device}, '
                + (f'got {tuple(leaf.shape)} on {leaf.device}.' if isinstance(leaf, Tensor) else ''),
            )


def last_observations(env: Any, step: Step) -> Any:
    """The observations that a step's episodes ended in. Those of other rows mean nothing."""
    if mode_of(env) is not AutoresetMode.SAME_STEP:
        return step.observations
    for name in ('final_obs', 'final_info'):
        expect(name in step.info, f'with SAME_STEP, info must have {name!r} when an episode ends, but has not.')
        mask = step.info.get(f'_{name}')
        same = isinstance(mask, Tensor) and torch.equal(mask, step.ended)
        expect(same, f"with SAME_STEP, info['_{name}'] must be where episodes ended, {step.ended}, got {mask}.")
    final = step.info['final_obs']
    check_batch("info['final_obs']", nested.rows(final, step.ended), env, int(step.ended.sum()))
    return final
