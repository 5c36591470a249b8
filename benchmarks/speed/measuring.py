"""Measures an env: its whole step, and its renderer and its physics alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.speed.cases import Case
from benchmarks.speed.kernels import DRAWS, physics_alone, rendering_alone
from benchmarks.speed.timing import seconds_a_call
from megastep.env import Env
from megastep.world.cameras import num_rays

STEPS: dict[str, dict[str, Any]] = {'steps/s': {}, 'uncopied/s': {'copy': False}, 'eager/s': {'cuda_graph': False}}
"""The ways to step that are compared, and the options that an env needs for them."""


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
        for call in (stepping(env), rendering_alone(env.core, env.cameras), physics_alone(env.core))
    )
    return {**described(case, env), 'steps/s': steps, 'render/s': renders, 'physics/s': moves}


def measure_steps(case: Case, device: torch.device, *, rounds: int = 7, round_seconds: float = 0.5) -> dict[str, Any]:
    """Measures a case's whole step: as users get it, with what it returns overwritten by the next, and without a graph.

    Args:
        case: What is measured.
        device: Where it runs.
        rounds: How many rounds each figure is the median of.
        round_seconds: About how long a round takes.
    """
    rates = {}
    for name, options in STEPS.items():
        env = case.make(device, **options)
        rates[name] = stepped(env, rounds=rounds, round_seconds=round_seconds)
    return {**described(case, env), **rates}


def described(case: Case, env: Env) -> dict[str, Any]:
    """The env's name, and the numbers of envs, of a map's walls and of a frame's rays."""
    return {
        'env': case.env,
        'envs': env.core.num_envs,
        'walls': float(env.core.scenery.walls.widths.float().median()),
        'rays': num_rays(env.cameras),
    }


def stepped(env: Env, **effort: Any) -> float:
    """Throughput: the agents that take a step a second."""
    return env.num_envs * DRAWS / seconds_a_call(stepping(env), env.device, **effort)


def stepping(env: Env) -> Callable[[], object]:
    """Steps with random actions, as a user takes them."""
    generator = torch.Generator(env.device).manual_seed(0)
    count = int(env.single_action_space.n)  # type: ignore[attr-defined]
    actions = torch.randint(count, (DRAWS, env.num_envs), device=env.device, generator=generator)
    env.reset(seed=0)

    def step() -> None:
        for drawn in actions:
            env.step(drawn)

    return step
