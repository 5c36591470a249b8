"""One case of record, a few calls of it, for a profiler: `ncu -k _render_by_interval python -m benchmarks.profiled`."""

from __future__ import annotations

from typing import Literal

import torch
import tyro
from tyro.conf import Positional

from benchmarks.speed import kernels
from megastep.world import physics, rendering
from megastep.world.core import Core
from megastep.world.device import default_device


def main(
    subject: Positional[Literal['render', 'physics']] = 'render',
    number: Positional[int] = 0,
    *,
    calls: int = 4,
    device: str | None = None,
) -> None:
    """Render or move without a CUDA graph, so that a profiler sees each kernel by itself.

    Args:
        subject: What is done.
        number: Which of the subject's figures of record is of it, from 0.
        calls: How often it is done: the first call builds visible sets and compiles kernels.
        device: Where; by default on the GPU if there is one.

    Raises:
        ValueError: if there is no such figure.
    """
    where = default_device(device)
    cases = [case for case in kernels.cases(subject, where, quick=False) if case.sweep == 'record']
    if not 0 <= number < len(cases):
        raise ValueError(f'number must be from 0 to {len(cases) - 1}, got {number}.')
    case = cases[number]
    core, called = case.make(where), {'render': render, 'physics': move}[subject]
    for _ in range(calls):
        called(core, case)
    if where.type == 'cuda':
        torch.cuda.synchronize()
    print(f'{calls} times: {case}')


def render(core: Core, case: kernels.Case) -> None:
    """Renders what all agents see."""
    rendering.render(core, case.cameras)


def move(core: Core, case: kernels.Case) -> None:
    """Moves all agents, with random velocities."""
    core.agents.velocities.uniform_(-kernels.SPEED, kernels.SPEED, generator=core.generator)
    physics.advance(core)


if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks.profiled')
