"""Sensors of what agents feel: their own motion, and where things are. The twin is `megastep.triton.steps.sensors`.

PyTorch's products of complex numbers round otherwise in vector instructions than in those for what is left over, so
that they depend on how many there are. Here each vector is rounded by itself, wherever in a batch it stands.
"""

import math

import numpy as np
import torch
from numba import njit

from megastep.numba import buffers
from megastep.numba.constants import LAUNCHED, PART

DEGREE = math.pi / 180  # as a float64, as Python has it: the vector is then rounded once
ZERO, ONE, TURN = np.float32(0), np.float32(1), np.float32(360)


@njit(**PART)
def turned_by(x, y, degrees):
    """A rotated vector."""
    cos, sin = math.cos(degrees * DEGREE), math.sin(degrees * DEGREE)
    return x * cos - y * sin, x * sin + y * cos


@njit(**LAUNCHED)
def _turn(vectors, angles, sense, turned):
    for i in range(len(vectors)):
        turned[i, 0], turned[i, 1] = turned_by(vectors[i, 0], vectors[i, 1], sense * angles[i])


def turned(vectors, angles, sense):
    """Rotated vectors: see `megastep.env.motion.frames.turned`."""
    shape = torch.broadcast_shapes(vectors.shape[:-1], angles.shape)
    found = vectors.new_empty((*shape, 2))
    pairs, turns = vectors.expand_as(found).reshape(-1, 2), angles.expand(shape).reshape(-1)
    _turn(pairs.numpy(), turns.numpy(), np.float32(sense), found.view(-1, 2).numpy())
    return found


@njit(**LAUNCHED)
def _inertial(agents, felt):
    num_envs, num_agents = agents.angles.shape
    for e in range(num_envs):
        for a in range(num_agents):
            row, (x, y) = e * num_agents + a, agents.velocities[e, a]
            felt[row, 0], felt[row, 1] = turned_by(x, y, -agents.angles[e, a])
            felt[row, 2] = agents.angular_velocities[e, a] / TURN


def inertial(core, felt):
    """Reads agents' velocities: see `megastep.env.sensors.IMU`."""
    _inertial(buffers.agents(core), felt.numpy())


@njit(**LAUNCHED)
def _point(points, positions, angles, found):
    for i in range(len(found)):
        x, y = points[i, 0] - positions[i, 0], points[i, 1] - positions[i, 1]
        away = np.float32(math.sqrt(x * x + y * y))
        x, y = (x / away, y / away) if away > 0 else (ONE, ZERO)  # one that it stands on is at a bearing of 0
        cos, sin = turned_by(x, y, -angles[i])
        found[i, 0], found[i, 1], found[i, 2] = away, min(max(cos, -ONE), ONE), min(max(sin, -ONE), ONE)


def point(points, positions, angles, found):
    """Takes points' polar coordinates: see `megastep.env.goals.PointGoalSensor`."""
    points, positions = points.reshape(-1, 2).numpy(), positions.reshape(-1, 2).numpy()
    _point(points, positions, angles.reshape(-1).numpy(), found.numpy())


@njit(**LAUNCHED)
def _find_bearings(vectors, bearings):
    for i in range(len(vectors)):
        bearings[i] = np.arctan2(vectors[i, 1], vectors[i, 0])


def bearings(vectors):
    """Bearings of vectors: see `megastep.env.motion.frames.bearings`."""
    found = vectors.new_empty(vectors.shape[:-1])
    _find_bearings(vectors.reshape(-1, 2).numpy(), found.view(-1).numpy())
    return found
