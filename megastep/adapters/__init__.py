"""Adapters: envs as other libraries take them. Each needs an extra of its name: ``pip install megastep[torchrl]``."""

from __future__ import annotations

from gymnasium.vector import AutoresetMode

from megastep.env import Env


def check_mode(env: Env, mode: AutoresetMode) -> None:
    """Raises unless an env has the autoreset mode that a library counts on.

    Raises:
        ValueError: if it has another.
    """
    if (found := env.metadata['autoreset_mode']) is not mode:
        raise ValueError(f'env must have autoreset_mode=AutoresetMode.{mode.name}, got {found.name}.')
