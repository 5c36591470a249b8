"""Ends of episodes, and what a step's info says of episodes, in as few launches as can be."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

SHORT = {'r': 'return', 'l': 'length'}
"""Gymnasium's names for an episode's statistics, beside the long ones."""


def mark_ends(
    terminated: Bool[Tensor, ' env'],
    truncated: Bool[Tensor, ' env'],
    resets: Bool[Tensor, ' env'],
    *,
    nobody: Bool[Tensor, ' env'],
    lengths: Int64[Tensor, ' env'],
    limits: int | Int64[Tensor, ' env'] | None,
    out: Bool[Tensor, ' env'],
) -> tuple[Bool[Tensor, ' env'], Bool[Tensor, ' env']]:
    """Episode ends: marks the envs whose episode a step has ended, and says how.

    Args:
        terminated: The envs that the task has terminated.
        truncated: The envs that it has truncated.
        resets: The envs that have begun anew in this step instead: nothing ends there.
        nobody: The tensor of no envs. A task that returns it itself saves a launch.
        lengths: How many steps the episodes have had, 0 where they have begun anew.
        limits: After how many steps they are truncated, at least 1; None if there is no limit.
        out: Where the envs whose episode has ended are marked.

    Returns:
        The envs that were terminated, and those that were truncated.
    """
    if truncated is nobody and limits is not None:
        truncated = lengths >= limits  # none that has begun anew
    else:
        truncated = truncated if limits is None else truncated | (lengths >= limits)
        if terminated is nobody:
            return torch.zeros_like(out), torch.gt(truncated, resets, out=out)
        truncated = truncated > resets  # and not resets, in one launch
    if terminated is nobody:
        return torch.zeros_like(out), out.copy_(truncated)
    terminated = terminated > resets
    torch.logical_or(terminated, truncated, out=out)
    return terminated, truncated


def with_seconds(outputs: tuple[Any, ...], fps: float) -> tuple[Any, ...]:
    """A step's outputs with how long each episode has lasted, in seconds: Gymnasium's ``info['episode']['t']``."""
    info = outputs[-1]
    info['episode']['t'] = info['episode']['length'] / fps
    if 'final_info' in info:
        info['final_info']['episode']['t'] = info['episode']['t']
    return outputs


def name_shortly(info: dict[str, Any]) -> None:
    """Hands on an info's statistics of episodes by Gymnasium's names, too: they are the same tensors."""
    for each in (info, info.get('final_info', info)):
        statistics = each['episode']
        statistics.update({short: statistics[long] for short, long in SHORT.items()})
