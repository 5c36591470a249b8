"""Checks of an env's arguments. Nothing here waits for the GPU, but for map ids and masks from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from gymnasium.vector import AutoresetMode
from jaxtyping import Bool
from torch import Tensor

from megastep.checks import check_counts, check_numbers
from megastep.world.buffers import tensor_of
from megastep.world.core import Core

RENDER_MODES = (None, 'rgb_array')
OPTIONS = ('reset_mask', 'map_ids')


def check_modes(render_mode: str | None, autoreset_mode: AutoresetMode) -> None:
    """Raises a `ValueError` unless the modes are known."""
    if render_mode not in RENDER_MODES:
        raise ValueError(f'render_mode must be one of {", ".join(map(repr, RENDER_MODES))}, got {render_mode!r}.')
    if not isinstance(autoreset_mode, AutoresetMode):
        raise ValueError(f'autoreset_mode must be a gymnasium.vector.AutoresetMode, got {autoreset_mode!r}.')  # noqa: TRY004


def check_options(options: Mapping[str, Any]) -> None:
    """Raises a `ValueError` unless the options of a reset are a dictionary of those that are known."""
    if not isinstance(options, Mapping):
        raise ValueError(f'options must be a dictionary, got {options!r}.')  # noqa: TRY004, as for other arguments
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise ValueError(f'options may have {" and ".join(OPTIONS)}, got {", ".join(map(repr, unknown))}.')


def num_steps(fps: float, **seconds: float) -> int:
    """The number of steps that a time in seconds takes, given by its name: at least 1.

    Raises:
        ValueError: if it isn't above 0 and finite.
    """
    check_numbers(**seconds)
    ((name, value),) = seconds.items()
    if not 0 < value < math.inf:
        raise ValueError(f'{name} must be above 0 s and finite, got {value}.')
    return max(math.ceil(value * fps - 1e-6), 1)


def most_steps(fps: float, time_limit: float | None, max_episode_steps: int | None) -> int | None:
    """Time limit in steps, after which episodes are truncated; None if never. Steps go before seconds.

    Raises:
        ValueError: if the limit isn't above 0 and finite, or the steps aren't an integer of at least 1.
    """
    if max_episode_steps is not None:
        check_counts(max_episode_steps=max_episode_steps)
        return int(max_episode_steps)
    return None if time_limit is None else num_steps(fps, time_limit=time_limit)


def reset_envs(mask: Any, core: Core) -> Bool[Tensor, ' env']:
    """The envs that a mask of rows names: those with at least one of their agents in it.

    Raises:
        ValueError: if the mask isn't (row,) bool.
    """
    mask, num_rows = tensor_of('reset_mask', mask), core.num_envs * core.num_agents
    if mask.dtype != torch.bool:
        raise ValueError(f'reset_mask must be bool, got {mask.dtype}.')
    if mask.shape != (num_rows,):
        raise ValueError(f'reset_mask must have shape ({num_rows},), got {tuple(mask.shape)}.')
    return mask.to(core.device).view(core.num_envs, core.num_agents).any(dim=1)


def uses_graph(core: Core, asked: bool | None) -> bool:
    """Decides if an env's steps run from a CUDA graph.

    Raises:
        ValueError: if one is asked for where there can't be one.
    """
    possible = core.device.type == 'cuda' and not core.checked
    if asked and not possible:
        why = 'a checked core waits for the GPU in every step' if core.checked else f'the core is on {core.device}'
        raise ValueError(f'cuda_graph must be False or None here, got True: {why}.')
    return possible if asked is None else asked
