"""Measures an env: its whole step, and its renderer and its physics alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.cases import Case
from benchmarks.timing import captured, seconds_a_call
from megastep import physics, rendering
from megastep.core import Core
from megastep.env import Env

DRAWS = 8
"""How many steps a timed call makes, each with actions or velocities of its own, drawn beforehand."""

SPEED = 1.0
"""How fast agents go, in metres per second along x and y each, when physics is measured alone."""


def measure(case: Case, device: torch.device, *, rounds: int = 7, round_seconds: float = 0.5) -> dict[str, Any]:
    """Measures a case, in agents a second: steps of the env, frames rendered, and moves.

    Args:
        case: What is measured.
        device: Where it runs.
        rounds: How many rounds each figure is the median of.
        round_seconds: About how long a round takes.
    """
    env = case.make(device)
    steps, renders, moves = (
        env.num_envs * DRAWS / seconds_a_call(call, device, rounds=rounds, round_seconds=round_seconds)
        for call in (stepping(env), rendering_alone(env), physics_alone(env.core))
    )
    return {
        'env': case.env,
        'envs': env.core.num_envs,
        'walls': float(env.core.scenery.walls.widths.float().median()),
        'rays': env.cameras.num_rays * env.cameras.num_cameras,
        'steps/s': steps,
        'render/s': renders,
        'physics/s': moves,
    }


def stepping(env: Env) -> Callable[[], object]:
    """Steps with random actions, as a user takes them."""
    generator = torch.Generator(env.device).manual_seed(0)
    count = int(env.single_action_space.n)  # type: ignore[attr-defined]
    actions = torch.randint(count, (DRAWS, env.num_envs), device=env.device, generator=generator)
    env.reset(seed=0)
    return lambda: [env.step(step) for step in actions]


def rendering_alone(env: Env) -> Callable[[], object]:
    """Pictures of what the agents see where they stand: colours and depths, without what each ray hits."""
    return captured(lambda: [rendering.render(env.core, env.cameras) for _ in range(DRAWS)], env.device)


def physics_alone(core: Core) -> Callable[[], object]:
    """Moves with random velocities."""
    generator = torch.Generator(core.device).manual_seed(0)
    shape = (DRAWS, *core.agents.velocities.shape)
    velocities = SPEED * (2 * torch.rand(shape, device=core.device, generator=generator) - 1)

    def move() -> None:
        for drawn in velocities:
            core.agents.velocities.copy_(drawn)
            physics.advance(core)

    return captured(move, core.device)
