"""Steering by keys: what a person wants an agent to do, as an action of its space."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete

from megastep.env import Env
from megastep.env.motion import ACTIONS, Ackermann, DifferentialDrive, HolonomicVelocity, Unicycle


class Wish(NamedTuple):
    """Wish of a person who steers an agent: each part from -1 to 1."""

    forward: int = 0
    left: int = 0
    turn: int = 0
    """Anticlockwise."""
    shoot: bool = False


KEYS = {
    'forward': Wish(forward=1), 'backward': Wish(forward=-1), 'left': Wish(left=1), 'right': Wish(left=-1),
    'turn left': Wish(turn=1), 'turn right': Wish(turn=-1), 'shoot': Wish(shoot=True),
}  # fmt: skip
"""What is wanted while a key is held, by what the key does."""


def wish_of(held: list[str]) -> Wish:
    """The wish of who holds these keys.

    Raises:
        ValueError: if a key does something unknown.
    """
    if unknown := [key for key in held if key not in KEYS]:
        raise ValueError(f'keys must be of {", ".join(KEYS)}, got {unknown[0]!r}.')
    forward, left, turn = (int(np.clip(sum(KEYS[key][i] for key in set(held)), -1, 1)) for i in range(3))
    return Wish(forward, left, turn, 'shoot' in held)


def steered(env: Env, wish: Wish, turn: int = 0) -> Any:
    """One agent's action that does what is wanted as far as it can.

    Args:
        env: The env; its ``motion`` says what its actions mean.
        wish: What is wanted.
        turn: Counts steps: where only one thing can be done at a time, what is wanted takes turns.

    Raises:
        ValueError: if nobody knows what the env's actions mean.
    """
    space, motion = env.single_action_space, getattr(env, 'motion', None)
    if isinstance(space, Dict) and set(space.spaces) == {'motion', 'trigger'}:
        return {'motion': _moved(space['motion'], motion, wish, turn), 'trigger': np.int64(wish.shoot)}
    if isinstance(space, Discrete) and space.n == 2 * len(ACTIONS) and space.start == 0:
        return _numbered(wish, turn) + len(ACTIONS) * wish.shoot
    return _moved(space, motion, wish, turn)


def _moved(space: Any, motion: Any, wish: Wish, turn: int) -> Any:
    if isinstance(space, Discrete) and space.n == len(ACTIONS) and space.start == 0:
        return _numbered(wish, turn)
    if isinstance(space, Box):
        low, high = space.low, space.high
        if isinstance(motion, HolonomicVelocity):
            return high * np.array([wish.forward, wish.left, wish.turn], np.float32)
        if isinstance(motion, Unicycle):
            return np.where((steps := np.array([wish.forward, wish.turn])) < 0, -low * steps, high * steps)
        if isinstance(motion, DifferentialDrive):
            wheels = np.array([wish.forward - 0.5 * wish.turn, wish.forward + 0.5 * wish.turn])
            return (high * wheels.clip(-1, 1)).astype(np.float32)
        if isinstance(motion, Ackermann):
            return np.where((steps := np.array([wish.forward, wish.turn])) < 0, -low * steps, high * steps)
    raise ValueError(f'keys steer the motions of megastep.env.motion, got an env whose actions are {space}.')


def _numbered(wish: Wish, turn: int) -> int:
    """One of the seven actions; if several things are wanted, each in turn."""
    wanted = [
        *(['turn left'] if wish.turn > 0 else ['turn right'] if wish.turn < 0 else []),
        *(['forward'] if wish.forward > 0 else ['backward'] if wish.forward < 0 else []),
        *(['left'] if wish.left > 0 else ['right'] if wish.left < 0 else []),
    ]
    return ACTIONS.index(wanted[turn % len(wanted)]) if wanted else 0
