"""Adapters: envs as other libraries take them. Each needs an extra of its name: ``pip install megastep[torchrl]``."""

from __future__ import annotations

from gymnasium.vector import AutoresetMode

from megastep.env import Env


def check_mode(env: Env, mode: AutoresetMode) -> None:
    """Raises unless an env has the autoreset mode that a library counts on, and returns what stays as it is.

    Raises:
        ValueError: if it is none of megastep's, has another mode, or is made with ``copy=False``: libraries keep what a
            step returns.
    """
    if not isinstance(env, Env):
        raise ValueError(f'env must be a megastep Env, got {type(env).__name__}.')  # noqa: TRY004
    if (found := env.autoreset_mode) is not mode:
        raise ValueError(f'env must have autoreset_mode=AutoresetMode.{mode.name}, got {found.name}.')
    if not env.copy:
        raise ValueError('env must have copy=True, got False: what a library keeps of a step would be overwritten.')
