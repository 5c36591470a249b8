"""Motion: actions become velocities. Moving and colliding is left to `megastep.world.physics.advance`.

`make_motion` makes the motion that an env's ``motion=`` asks for, by name or by a function of the core.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Protocol

import gymnasium
from jaxtyping import Bool
from torch import Tensor

from megastep.env.motion.discrete import ACTIONS, MomentumMovement, SimpleMovement
from megastep.env.motion.frames import turned
from megastep.env.motion.velocity import HolonomicVelocity, Unicycle
from megastep.env.motion.wheeled import Ackermann, DifferentialDrive
from megastep.world.core import Core

__all__ = [
    'ACTIONS',
    'MOTIONS',
    'Ackermann',
    'DifferentialDrive',
    'HolonomicVelocity',
    'MomentumMovement',
    'Motion',
    'MotionMaker',
    'SimpleMovement',
    'Unicycle',
    'make_motion',
    'turned',
]


class Motion(Protocol):
    """A part that sets agents' velocities from their actions."""

    @property
    def space(self) -> gymnasium.Space:
        """One agent's actions."""

    @property
    def max_speed(self) -> float:
        """The greatest speed, in metres per second."""

    def reset(self, mask: Bool[Tensor, ' env'] | Bool[Tensor, 'env agent']) -> None:
        """Stops the agents in the mask, or all agents of the envs in it, as far as its own state goes."""

    def step(self, actions: Any) -> None:
        """Sets the agents' velocities and angular velocities for the next step."""


MotionMaker = Callable[[Core], Motion]
"""Makes a motion of a core: a class, or ``functools.partial(Unicycle, speed=1.0)``."""

MOTIONS = MappingProxyType(
    {
        'simple': SimpleMovement,
        'momentum': MomentumMovement,
        'holonomic': HolonomicVelocity,
        'differential': DifferentialDrive,
        'unicycle': Unicycle,
        'ackermann': Ackermann,
    }
)
"""Each motion by its name."""


def make_motion(motion: str | MotionMaker, core: Core) -> Motion:
    """Makes the motion of an env.

    Args:
        motion: One of `MOTIONS` by name, with its defaults, or a function that, given the core, makes one: a class, or
            ``functools.partial(Unicycle, speed=1.0)``.
        core: The envs.

    Raises:
        ValueError: if there is no motion of that name, or what is given or made is none.
    """
    if isinstance(motion, str):
        if motion not in MOTIONS:
            raise ValueError(f'motion must be one of {", ".join(map(repr, MOTIONS))}, got {motion!r}.')
        return MOTIONS[motion](core)
    if not callable(motion):
        raise ValueError(f'motion must be a name or a function of the core, got {type(motion).__name__}.')  # noqa: TRY004, as for other arguments
    made = motion(core)
    if not isinstance(getattr(made, 'space', None), gymnasium.Space) or not hasattr(made, 'step'):
        raise ValueError(f'motion must make a part with a space and a step, got {type(made).__name__}.')
    return made
