"""Vectors in an agent's own frame and in the world's, and the chord that stands for an arc in a step."""

from __future__ import annotations

import math

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from megastep.world.core import Core

DEGREE = math.radians(1) * 1j
"""A degree, as an exponent of e that turns by it."""


def turned(
    vectors: Float[Tensor, '*batch 2'], angles: Float[Tensor, '*batch'], *, sense: int = 1
) -> Float[Tensor, '*batch 2']:
    """Rotated vectors: as complex numbers they are multiplied.

    Args:
        vectors: The vectors.
        angles: By how much they are rotated, in degrees.
        sense: 1 for anticlockwise, -1 for clockwise: into the frame of who faces along the angles. That takes a launch
            less than to negate the angles.
    """
    return torch.view_as_real(torch.view_as_complex(vectors) * torch.exp(angles * (sense * DEGREE)))


def set_velocities(
    core: Core, velocities: Complex[Tensor, 'env agent'], turn_rates: Float[Tensor, 'env agent']
) -> None:
    """Sets agents' velocities for the next step.

    Args:
        core: The envs.
        velocities: Mean velocities over the step in the frames that agents have at its beginning: forward as the real
            part and leftward as the imaginary one, in metres per second.
        turn_rates: In degrees per second, anticlockwise.
    """
    agents = core.agents
    agents.velocities.copy_(torch.view_as_real(velocities * torch.exp(agents.angles * DEGREE)))
    agents.angular_velocities.copy_(turn_rates)


def drive_arcs(core: Core, velocities: Complex[Tensor, 'env agent'], turn_rates: Float[Tensor, 'env agent']) -> None:
    """Sets agents' velocities so that a step leads to the end of an arc, along its chord.

    A velocity v that is constant in the frame of an agent which turns by an angle a in a step leads along an arc. From
    its beginning to its end it is v * sin(a / 2) / (a / 2) times the step, in the direction of v turned by a / 2.

    Args:
        core: The envs.
        velocities: Forward as the real part and leftward as the imaginary one, in metres per second.
        turn_rates: In degrees per second, anticlockwise.
    """
    halves = turn_rates * (0.5 / core.fps)  # degrees
    set_velocities(core, velocities * torch.sinc(halves / 180) * torch.exp(halves * DEGREE), turn_rates)
