"""Motion by numbered actions: impulses in the world's frame. The twin is `megastep.triton.steps.motion`."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba import buffers
from megastep.numba.constants import LAUNCHED

DEGREE = np.float32(math.pi / 180)


class Impulses(NamedTuple):
    """Impulses of each action: to an agent's velocity, in its own frame, and to its turn rate; the last is for none."""

    forward: np.ndarray
    left: np.ndarray
    turns: np.ndarray


@njit(**LAUNCHED)
def _push(agents, numbers, impulses, remaining, none):
    num_envs, num_agents = agents.angles.shape
    for e in range(num_envs):
        for a in range(num_agents):
            angle, number = agents.angles[e, a] * DEGREE, numbers[e, a]
            number = number if 0 <= number < none else none
            cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
            forward, left, turn = impulses.forward[number], impulses.left[number], impulses.turns[number]
            x, y = forward * cos - left * sin, forward * sin + left * cos
            if remaining > 0:
                x += remaining * agents.velocities[e, a, 0]
                y += remaining * agents.velocities[e, a, 1]
                turn += remaining * agents.angular_velocities[e, a]
            agents.velocities[e, a, 0], agents.velocities[e, a, 1] = x, y
            agents.angular_velocities[e, a] = turn


def push(core, numbers, impulses, remaining):
    """Sets agents' velocities from their actions: see `megastep.env.motion.discrete`."""
    values = Impulses(*(each.numpy() for each in impulses))
    _push(buffers.agents(core), numbers.numpy(), values, np.float32(remaining), len(values.turns) - 1)
