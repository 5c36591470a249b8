"""Steering: actions that drive agents towards points, for each of the motions that envs have."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from megastep.checks import check_above_zero
from megastep.env import Env
from megastep.env.motion import (
    ACTIONS,
    Ackermann,
    DifferentialDrive,
    HolonomicVelocity,
    MomentumMovement,
    SimpleMovement,
    Unicycle,
    turned,
)
from megastep.env.parts import part_of

Steering = Callable[[Float[Tensor, 'env agent 2']], Tensor]
"""Picks all rows' actions, given where agents are to go: points, in metres, in the agents' own frames, x forward."""

FORWARD, BACKWARD, LEFT, RIGHT, TURN_LEFT, TURN_RIGHT = (
    ACTIONS.index(name) for name in ('forward', 'backward', 'left', 'right', 'turn left', 'turn right')
)

AHEAD = 20.0
"""Within so many degrees of straight ahead, an agent that only drives forward drives at full speed."""

TINY = 1e-6


def make_steering(env: Env) -> Steering:
    """Makes the steering of an env's agents, by how they move.

    Raises:
        ValueError: if their motion is none of those that are known here, or isn't all that their actions are for.
    """
    motion = part_of(env, tuple(STEERINGS))
    if motion is None:
        known = ', '.join(kind.__name__ for kind in STEERINGS)
        raise ValueError(f'agents must move by one of {known} to be steered, got {type(env).__name__} without any.')
    if motion.space != env.single_action_space:
        raise ValueError(f'actions must be those of the motion, {motion.space}, got {env.single_action_space}.')
    steering = next(make for kind, make in STEERINGS.items() if isinstance(motion, kind))
    return steering(env, motion)


def bearings(points: Float[Tensor, 'env agent 2']) -> Float[Tensor, 'env agent']:
    """The directions of points in agents' frames, in degrees to the left of straight ahead."""
    return torch.atan2(points[..., 1], points[..., 0]).rad2deg()


def steer_simple(env: Env, motion: SimpleMovement) -> Steering:
    """Steering by seven actions: goes along the nearest of four directions, or turns where none is near enough."""
    tap = motion.turn_speed / env.core.fps
    ways = torch.tensor([FORWARD, LEFT, BACKWARD, RIGHT], device=env.device)

    def steer(points: Float[Tensor, 'env agent 2']) -> Tensor:
        return _numbered(bearings(points), bearings(points), ways, tap).flatten()

    return steer


def steer_momentum(env: Env, motion: MomentumMovement) -> Steering:
    """Steering by seven pushes: pushes against what its velocity lacks, once it faces so that pushes can."""
    core, decay = env.core, motion.decay
    check_above_zero(decay=decay)
    coast = 1 / (core.fps * math.expm1(decay / core.fps))  # seconds: what is left of a turn
    tap = motion.angular_acceleration / decay / core.fps
    ways = torch.tensor([FORWARD, LEFT, BACKWARD, RIGHT], device=env.device)

    def steer(points: Float[Tensor, 'env agent 2']) -> Tensor:
        agents = core.agents
        moving = in_frame(agents.velocities, agents.angles)
        distances = points.norm(dim=-1, keepdim=True).clamp(min=TINY)
        wanted = points / distances * (decay * distances + 0.1).clamp(max=motion.max_speed)
        heading = coast * agents.angular_velocities
        return _numbered(bearings(points) - heading, bearings(wanted - moving) - heading, ways, tap).flatten()

    return steer


def steer_holonomic(env: Env, motion: HolonomicVelocity) -> Steering:
    """Steering by velocities in any direction."""

    def steer(points: Float[Tensor, 'env agent 2']) -> Tensor:
        distances = points.norm(dim=-1, keepdim=True).clamp(min=TINY)
        velocities = points / distances * (distances * env.core.fps).clamp(max=motion.max_speed)
        return torch.nn.functional.pad(velocities, (0, 1)).flatten(0, 1)

    return steer


def steer_unicycle(env: Env, motion: Unicycle) -> Steering:
    """Steering by a speed and a turn rate: turns towards the point, and drives once it is ahead."""
    turn_speed = float(motion.space.high[1])

    def steer(points: Float[Tensor, 'env agent 2']) -> Tensor:
        speeds, turn_rates = _driven(points, env.core.fps, motion.max_speed, turn_speed)
        return torch.stack([speeds, turn_rates], dim=-1).flatten(0, 1)

    return steer


def steer_differential(env: Env, motion: DifferentialDrive) -> Steering:
    """Steering by the speeds of two wheels, which are those of a unicycle that turns no faster than they can."""
    turn_speed = min(math.degrees(motion.max_speed / motion.wheel_base), 180.0)

    def steer(points: Float[Tensor, 'env agent 2']) -> Tensor:
        speeds, turn_rates = _driven(points, env.core.fps, motion.max_speed, turn_speed)
        apart = turn_rates.deg2rad() * motion.wheel_base / 2
        speeds = torch.minimum(speeds, motion.max_speed - apart.abs())
        return torch.stack([speeds - apart, speeds + apart], dim=-1).flatten(0, 1)

    return steer


def steer_ackermann(env: Env, motion: Ackermann) -> Steering:
    """Steering of a car: along the arc that leads to the point (pure pursuit), backward where it lies behind."""
    (slowest, _), (fastest, most) = motion.space.low.tolist(), motion.space.high.tolist()

    def steer(points: Float[Tensor, 'env agent 2']) -> Tensor:
        curvatures = 2 * points[..., 1] / points.square().sum(dim=-1).clamp(min=TINY)
        angles = torch.atan(motion.wheelbase * curvatures).rad2deg()
        behind = bearings(points).abs() > 90
        sharp = angles.abs() > most
        speeds = torch.where(behind, slowest, torch.where(sharp, fastest / 3, fastest))
        turned = torch.where(behind, torch.sign(points[..., 1]) * -most, angles)
        return torch.stack([speeds, turned.clamp(-most, most)], dim=-1).flatten(0, 1)

    return steer


STEERINGS: Mapping[type, Callable[[Env, Any], Steering]] = MappingProxyType(
    {
        SimpleMovement: steer_simple,
        MomentumMovement: steer_momentum,
        HolonomicVelocity: steer_holonomic,
        Unicycle: steer_unicycle,
        DifferentialDrive: steer_differential,
        Ackermann: steer_ackermann,
    }
)
"""The steering for each of the motions."""


def in_frame(offsets: Float[Tensor, 'env agent 2'], angles: Float[Tensor, 'env agent']) -> Float[Tensor, 'env agent 2']:
    """Offsets in the world's frame, as agents that face by angles in degrees see them."""
    return turned(offsets, -angles)


def _numbered(
    facing: Float[Tensor, 'env agent'], wanted: Float[Tensor, 'env agent'], ways: Tensor, tap: float
) -> Tensor:
    """Turns until a quarter of a turn from where one faces is where to go; then goes where it is wanted.

    Args:
        facing: Where to go, in degrees to the left.
        wanted: Where to push, likewise.
        ways: The actions for forward, left, backward and right.
        tap: How far an action turns, in degrees.
    """
    off = facing - 90 * (facing / 90).round()
    quarter = (wanted / 90).round().long() % 4
    turns = torch.where(off > 0, TURN_LEFT, TURN_RIGHT)
    return torch.where(off.abs() > tap / 2, turns, ways[quarter])


def _driven(
    points: Float[Tensor, 'env agent 2'], fps: float, speed: float, turn_speed: float
) -> tuple[Float[Tensor, 'env agent'], Float[Tensor, 'env agent']]:
    """Speeds and turn rates that lead to points: no further than to them, and slowly while they aren't ahead."""
    angles = bearings(points)
    turn_rates = (angles * fps).clamp(-turn_speed, turn_speed)
    ahead = ((2 * AHEAD - angles.abs()) / AHEAD).clamp(0, 1)
    reach = (points.norm(dim=-1) * fps).clamp(max=speed)
    return reach * ahead, turn_rates
