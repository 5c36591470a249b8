"""Noise of sensors and actuators: what an agent senses and does isn't quite what there is and what it wanted.

Every env takes these by keyword, with an amount: ``Explorer(depth_noise=0.1, action_lag=2)``; and noise of one's own as
``noise=[make]``, functions that make a part of the env: see `megastep.env.noise.protocol`. `Env` applies them to the
observations of their names and to actions. What is drawn is drawn on the device, from `Core.random`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from megastep.env.noise.actions import ActionLag, ActionNoise
from megastep.env.noise.observations import ObservationNoise, OdometryDrift, depth_noise, pixel_dropout, rgb_noise
from megastep.env.noise.protocol import Maker, Noise, Noisy

__all__ = [
    'NOISES',
    'ActionLag',
    'ActionNoise',
    'Noise',
    'Noises',
    'ObservationNoise',
    'OdometryDrift',
    'depth_noise',
    'pixel_dropout',
    'rgb_noise',
]

NOISES: Mapping[str, Any] = MappingProxyType(
    {
        'depth_noise': depth_noise,
        'rgb_noise': rgb_noise,
        'pixel_dropout': pixel_dropout,
        'odometry_drift': OdometryDrift,
        'action_noise': ActionNoise,
        'action_lag': ActionLag,
    }
)
"""What every env takes by keyword with an amount, in the order in which it is applied."""


HOOKS = ('act', 'observe', 'step')
"""The methods of noise, of which each has one at least."""


class Noises:
    """All noise of an env, applied one after another.

    Args:
        env: The env.
        makers: Functions that make noise for it, applied after those by name.
        amounts: How much there is of each of `NOISES`; what isn't above 0 is left out.

    Raises:
        ValueError: if an amount isn't valid, or the env has no observations that noise could be in.
    """

    def __init__(self, env: Noisy, makers: Sequence[Maker], amounts: Mapping[str, float]) -> None:
        if not isinstance(makers, Sequence) or not all(map(callable, makers)):
            raise ValueError(f'noise must be a list of functions that make noise for an env, got {makers!r}.')
        named = {name: make(env, amounts[name]) for name, make in NOISES.items() if amounts.get(name, 0) != 0}
        self._parts = {**named, **{f'noise{number}': make(env) for number, make in enumerate(makers)}}
        if none := [name for name, part in self._parts.items() if not any(hasattr(part, what) for what in HOOKS)]:
            raise ValueError(f'{none[0]} must have one of {", ".join(HOOKS)}, got {self._parts[none[0]]!r}.')

    @property
    def state(self) -> dict[str, Tensor]:
        """The state that all of it keeps, by name."""
        return {
            f'{name}.{key}': tensor
            for name, part in self._parts.items()
            for key, tensor in getattr(part, 'state', {}).items()
        }

    def begin(self, mask: Bool[Tensor, ' env']) -> None:
        """Begins anew in the envs in the mask, outside of steps."""
        for part in self._having('reset'):
            part.reset(mask)

    def step(self, resets: Bool[Tensor, ' env']) -> None:
        """Draws what a step needs, once it has reset the envs in the mask."""
        for part in self._having('step'):
            part.step(resets)

    def act(self, actions: Any) -> Any:
        """Returns the actions that are taken."""
        for part in self._having('act'):
            actions = part.act(actions)
        return actions

    def observe(self, observations: Any) -> Any:
        """Returns the observations that are made."""
        for part in self._having('observe'):
            observations = part.observe(observations)
        return observations

    def _having(self, method: str) -> list[Any]:
        return [part for part in self._parts.values() if hasattr(part, method)]
