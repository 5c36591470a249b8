"""Episode statistics, and what a step's info says of them, in one launch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from megastep.world.core import Core
from megastep.world.kernels import implementation

RESERVED = ('episode', '_episode', 'final_obs', '_final_obs', 'final_info', '_final_info')
"""What every step's info may have, whatever the task."""


class Tally(NamedTuple):
    """Episode statistics of a step, a row for each agent.

    Args:
        terminated: Whether the task has ended its env's episode.
        truncated: Whether that was cut off.
        ended: Whether either.
        seconds: How long it has lasted, in the world's seconds.
        lengths: And in steps.
        map_ids: The map that it is in.
        rewards: What the step pays.
        returns: And what the episode has paid up to now.
    """

    terminated: Bool[Tensor, ' row']
    truncated: Bool[Tensor, ' row']
    ended: Bool[Tensor, ' row']
    seconds: Float[Tensor, ' row']
    lengths: Int64[Tensor, ' row']
    map_ids: Int64[Tensor, ' row']
    rewards: Float[Tensor, ' row']
    returns: Float[Tensor, ' row']


def tally(
    core: Core,
    outcome: tuple[Float[Tensor, 'env agent'], Bool[Tensor, ' env'], Bool[Tensor, ' env']],
    resets: Bool[Tensor, ' env'],
    limits: Int64[Tensor, ' env'],
    *,
    rewards: Float[Tensor, 'env agent'],
    returns: Float[Tensor, 'env agent'],
) -> Tally:
    """Episode statistics: counts a step's outcome in them, in place, and marks in ``core.over`` what is over.

    Args:
        core: The envs.
        outcome: The rewards, and the envs that the task has terminated and truncated.
        resets: The envs that have begun anew in this step instead: they are paid nothing, and nothing ends there.
        limits: After how many steps episodes are truncated, at least 1.
        rewards: Where the rewards that are paid are written.
        returns: The rewards that each agent has had in its episode, to which these are added.

    Raises:
        ValueError: if the outcome is no such tensors, has other shapes, or is on another device.
    """
    if not isinstance(outcome, tuple | list) or [isinstance(each, Tensor) for each in outcome] != [True] * 3:
        several = outcome if isinstance(outcome, tuple | list) else [outcome]
        kinds = ', '.join(type(each).__name__ for each in several) or 'nothing'
        raise ValueError(f'_outcome must return three tensors, rewards, terminated and truncated, got {kinds}.')
    given, ended, cut = outcome
    num_envs, num_agents = returns.shape
    if given.ndim != 2 or given.shape[0] != num_envs or given.shape[1] not in (1, num_agents):
        shape = f'{num_envs}, {num_agents}'
        raise ValueError(f'rewards must have shape (env, agent), here ({shape}), got {tuple(given.shape)}.')
    for name, each in {'terminated': ended, 'truncated': cut}.items():
        if each.shape != core.over.shape:
            raise ValueError(f'{name} must have shape (env,), here ({num_envs},), got {tuple(each.shape)}.')
    for name, each in {'rewards': given, 'terminated': ended, 'truncated': cut}.items():
        if each.device != core.device:
            raise ValueError(f'{name} must be on {core.device}, got {each.device}.')
    given = given.to(torch.float32).expand(returns.shape)
    ended, cut = (each.to(torch.bool).contiguous() for each in (ended, cut))
    flags, numbers = core.over.new_empty((3, returns.numel())), limits.new_empty((2, returns.numel()))
    terminates, truncates, ends = flags
    lengths, map_ids = numbers
    seconds, paid, earned = returns.new_empty((3, returns.numel()))
    rows = Tally(terminates, truncates, ends, seconds, lengths, map_ids, paid, earned)
    implementation(core.device).tally(core, given, ended, cut, resets, limits, rewards, returns, rows)
    return rows


def check_info(info: Any, core: Core) -> None:
    """Raises a `ValueError` unless what a task adds to an info is tensors of (env,) or (env, agent) by other names."""
    if not isinstance(info, Mapping):
        raise ValueError(f'_info must return a dictionary of tensors, got {info!r}.')  # noqa: TRY004
    crowd = (core.num_envs, core.num_agents)
    for name, values in info.items():
        if name in RESERVED:
            raise ValueError(f'_info must leave {name!r} alone, which every env says itself.')
        if not isinstance(values, Tensor) or tuple(values.shape[:2]) not in (crowd, crowd[:1]):
            got = f'shape {tuple(values.shape)}' if isinstance(values, Tensor) else repr(values)
            shapes = f'here {crowd[:1]} or {crowd}'
            raise ValueError(f'info {name!r} must be a tensor of shape (env,) or (env, agent), {shapes}, got {got}.')
        if values.device != core.device:
            raise ValueError(f'info {name!r} must be on {core.device}, got {values.device}.')


def name_shortly(info: dict[str, Any]) -> None:
    """Hands on an info's statistics of episodes by Gymnasium's names, too: they are the same tensors."""
    statistics = info['episode']
    statistics['r'], statistics['l'] = statistics['return'], statistics['length']
    if 'final_info' in info:
        name_shortly(info['final_info'])
