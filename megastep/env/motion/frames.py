"""Vectors in an agent's own frame, egocentric, and in the world's, and the chord that stands for an arc in a step."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from megastep.world.core import Core
from megastep.world.kernels import implementation


def turned(
    vectors: Float[Tensor, '*batch 2'], angles: Float[Tensor, '*batch'], *, sense: int = 1
) -> Float[Tensor, '*batch 2']:
    """Rotated vectors. Each is rounded by itself, so that it doesn't matter how many there are.

    Args:
        vectors: The vectors.
        angles: By how much they are rotated, in degrees.
        sense: 1 for anticlockwise, -1 for clockwise: into the frame of who faces along the angles. That takes a launch
            less than to negate the angles.
    """
    return implementation(vectors.device).turned(vectors, angles, sense)


def bearings(vectors: Float[Tensor, '*batch 2']) -> Float[Tensor, '*batch']:
    """Bearings of vectors, in radians anticlockwise from +x. Each is rounded by itself."""
    return implementation(vectors.device).bearings(vectors)


def set_velocities(
    core: Core, velocities: Float[Tensor, 'env agent 2'], turn_rates: Float[Tensor, 'env agent']
) -> None:
    """Sets agents' velocities for the next step.

    Args:
        core: The envs.
        velocities: Mean velocities over the step in the frames that agents have at its beginning: forward and leftward,
            in metres per second.
        turn_rates: In degrees per second, anticlockwise.
    """
    core.agents.velocities.copy_(turned(velocities, core.agents.angles))
    core.agents.angular_velocities.copy_(turn_rates)


def drive_arcs(core: Core, velocities: Float[Tensor, 'env agent 2'], turn_rates: Float[Tensor, 'env agent']) -> None:
    """Sets agents' velocities so that a step leads to the end of an arc, along its chord.

    A velocity v that is constant in the frame of an agent which turns by an angle a in a step leads along an arc. From
    its beginning to its end it is v * sin(a / 2) / (a / 2) times the step, in the direction of v turned by a / 2.

    Args:
        core: The envs.
        velocities: Forward and leftward, in metres per second.
        turn_rates: In degrees per second, anticlockwise.
    """
    halves = turn_rates * (0.5 / core.fps)  # degrees
    chords = velocities * torch.sinc(halves / 180)[..., None]
    core.agents.velocities.copy_(turned(chords, core.agents.angles + halves))
    core.agents.angular_velocities.copy_(turn_rates)
