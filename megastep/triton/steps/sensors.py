"""Sensors of what agents feel: their own motion, and where things are. The twin is `megastep.numba.steps.sensors`."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.buffers import agents, device_guard
from megastep.triton.constants import DEGREE

BLOCK = 128


@triton.jit
@no_type_check
def turned_by(x, y, degrees):
    """Rotated vectors."""
    cos, sin = tl.cos(degrees * DEGREE), tl.sin(degrees * DEGREE)
    return x * cos - y * sin, x * sin + y * cos


@triton.jit
@no_type_check
def _turn(vectors, angles, sense, turned, count, BLOCK: tl.constexpr):
    """Each lane turns a vector."""
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = i < count
    x, y = tl.load(vectors + 2 * i, mask=there, other=0.0), tl.load(vectors + 2 * i + 1, mask=there, other=0.0)
    x, y = turned_by(x, y, sense * tl.load(angles + i, mask=there, other=0.0))
    tl.store(turned + 2 * i, x, mask=there)
    tl.store(turned + 2 * i + 1, y, mask=there)


@device_guard
def turned(vectors, angles, sense):
    """Rotated vectors: see `megastep.env.motion.frames.turned`."""
    shape = torch.broadcast_shapes(vectors.shape[:-1], angles.shape)
    found = torch.empty((*shape, 2), dtype=vectors.dtype, device=vectors.device)
    vectors, angles = vectors.expand_as(found).contiguous(), angles.expand(shape).contiguous()
    _turn[(triton.cdiv(angles.numel(), BLOCK),)](
        vectors, angles, float(sense), found, angles.numel(), BLOCK=BLOCK, enable_fp_fusion=False
    )
    return found


@triton.jit
@no_type_check
def _inertial(agents, felt, num_rows, BLOCK: tl.constexpr):
    """Each lane reads an agent's velocities in its own frame."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    x, y = (
        tl.load(agents.velocities + 2 * row, mask=there, other=0.0),
        tl.load(agents.velocities + 2 * row + 1, mask=there, other=0.0),
    )
    x, y = turned_by(x, y, -tl.load(agents.angles + row, mask=there, other=0.0))
    tl.store(felt + 3 * row, x, mask=there)
    tl.store(felt + 3 * row + 1, y, mask=there)
    rate = tl.load(agents.angular_velocities + row, mask=there, other=0.0)
    tl.store(felt + 3 * row + 2, tl.div_rn(rate, 360.0), mask=there)


@device_guard
def inertial(core, felt):
    """Reads agents' velocities: see `megastep.env.sensors.IMU`."""
    grid = (triton.cdiv(len(felt), BLOCK),)
    launch(_inertial, grid, agents(core), felt, len(felt), BLOCK=BLOCK, enable_fp_fusion=False)


@triton.jit
@no_type_check
def _point(points, positions, angles, found, num_rows, BLOCK: tl.constexpr):
    """Each lane takes one point's polar coordinates. One that an agent stands on is at a bearing of 0."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    x, y = (
        tl.load(points + 2 * row, mask=there, other=0.0) - tl.load(positions + 2 * row, mask=there, other=0.0),
        tl.load(points + 2 * row + 1, mask=there, other=0.0) - tl.load(positions + 2 * row + 1, mask=there, other=0.0),
    )
    away = tl.sqrt_rn(x * x + y * y)
    length = tl.where(away > 0, away, 1.0)
    x, y = tl.where(away > 0, tl.div_rn(x, length), 1.0), tl.where(away > 0, tl.div_rn(y, length), 0.0)
    cos, sin = turned_by(x, y, -tl.load(angles + row, mask=there, other=0.0))
    tl.store(found + 3 * row, away, mask=there)
    tl.store(found + 3 * row + 1, tl.minimum(tl.maximum(cos, -1.0), 1.0), mask=there)
    tl.store(found + 3 * row + 2, tl.minimum(tl.maximum(sin, -1.0), 1.0), mask=there)


@device_guard
def point(points, positions, angles, found):
    """Takes points' polar coordinates: see `megastep.env.goals.PointGoalSensor`."""
    _point[(triton.cdiv(len(found), BLOCK),)](
        points, positions, angles, found, len(found), BLOCK=BLOCK, enable_fp_fusion=False
    )


def bearings(vectors):
    """Bearings of vectors: see `megastep.env.motion.frames.bearings`. PyTorch's own kernel finds each by itself."""
    return torch.atan2(vectors[..., 1], vectors[..., 0])
