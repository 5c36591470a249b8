"""Motion by numbered actions: impulses in the world's frame. The twin is `megastep.numba.steps.motion`."""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.ahead import launch
from megastep.triton.buffers import agents, device_guard
from megastep.triton.constants import DEGREE

BLOCK = 128


class Impulses(NamedTuple):
    """Impulses of each action: to an agent's velocity, in its own frame, and to its turn rate; the last is for none."""

    forward: tl.tensor
    left: tl.tensor
    turns: tl.tensor


@triton.jit
@no_type_check
def _push(agents, numbers, impulses, remaining, none, num_rows, MOMENTUM: tl.constexpr, BLOCK: tl.constexpr):
    """Each lane pushes an agent. Without momentum what it did before is forgotten, whatever that was."""
    row = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    there = row < num_rows
    number = tl.load(numbers + row, mask=there, other=0)
    number = tl.where((number >= 0) & (number < none), number, none)
    angle = tl.load(agents.angles + row, mask=there, other=0.0) * DEGREE
    cos, sin = tl.cos(angle), tl.sin(angle)
    forward, left = tl.load(impulses.forward + number), tl.load(impulses.left + number)
    x, y, turn = forward * cos - left * sin, forward * sin + left * cos, tl.load(impulses.turns + number)
    if MOMENTUM:
        x += remaining * tl.load(agents.velocities + 2 * row, mask=there, other=0.0)
        y += remaining * tl.load(agents.velocities + 2 * row + 1, mask=there, other=0.0)
        turn += remaining * tl.load(agents.angular_velocities + row, mask=there, other=0.0)
    tl.store(agents.velocities + 2 * row, x, mask=there)
    tl.store(agents.velocities + 2 * row + 1, y, mask=there)
    tl.store(agents.angular_velocities + row, turn, mask=there)


@device_guard
def push(core, numbers, impulses, remaining):
    """Sets agents' velocities from their actions: see `megastep.env.motion.discrete`."""
    launch(
        _push, (triton.cdiv(numbers.numel(), BLOCK),),
        agents(core), numbers, impulses, remaining, len(impulses.turns) - 1, numbers.numel(),
        MOMENTUM=remaining > 0, BLOCK=BLOCK, enable_fp_fusion=False,
    )  # fmt: skip
