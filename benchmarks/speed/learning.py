"""Measures learning end to end, and what its time goes into: `python -m benchmarks learning`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.speed.cases import Case
from benchmarks.speed.kernels import DRAWS
from benchmarks.speed.measuring import described, stepping
from benchmarks.speed.timing import release, seconds_a_call
from megastep.learning import Learner, Policy, Settings
from megastep.learning.settings import CPU

CASES = (('PointGoal', 1024), ('Explorer', 1024), ('Deathmatch', None))
"""Which envs, and how many generated houses they stand in; None for the maps an env has by default."""

MATRIX_UNITS = 790e12
"""What one H200 does of a large bf16 matrix product, in floating-point operations a second."""

WARM = 4
"""How many updates there are before the clock starts: the first run as they are, and then graphs are captured."""


def cases(device: torch.device, *, quick: bool) -> list[tuple[Case, Settings]]:
    """The cases that are measured on a device, or a few small ones."""
    if quick:
        return [(Case('Minimal', 4), Settings(num_envs=4, horizon=2, num_minibatches=1, width=8))]
    settings = replace(Settings() if device.type == 'cuda' else CPU, stagger=0)  # which comes but once
    return [(Case(env, settings.num_envs, num_maps), settings) for env, num_maps in CASES]


def measure(case: Case, settings: Settings, device: torch.device, **effort: Any) -> dict[str, Any]:
    """Measures learning, in agent steps a second with everything included.

    The milliseconds are those of one update, with its rollout: of the env alone, of the policy that acts in it, of
    learning from it, and of what there is beside these.

    Args:
        case: The env.
        settings: How it is learnt.
        device: Where it runs.
        effort: How many rounds and how long: see `seconds_a_call`.
    """
    release()
    options = {'cuda_graph': False, 'copy': False} if device.type == 'cuda' else {}  # the learner captures its steps
    learner = Learner(case.make(device, **options), settings)
    for _ in range(WARM):
        learner.update()
    update, rollout, learning = (
        seconds_a_call(call, device, **effort) for call in (learner.update, learner.collect, learner.learn)
    )
    env = case.make(device, copy=False)
    steps = settings.horizon * env.num_envs
    stepped = seconds_a_call(stepping(env), device, **effort) / DRAWS * settings.horizon
    operations = operations_a_step(learner.policy, settings) * steps
    return {
        **described(case, env),
        'horizon': settings.horizon,
        'epochs': settings.epochs,
        'width': settings.width,
        'steps/s': steps / update,
        'env ms': 1e3 * stepped,
        'policy ms': 1e3 * (rollout - stepped),
        'update ms': 1e3 * learning,
        'rest ms': 1e3 * (update - rollout - learning),
        'FLOP/s': operations / update,
        'of the matrix units': operations / update / MATRIX_UNITS,
    }


def operations_a_step(policy: Policy, settings: Settings) -> float:
    """The floating-point operations that matrix products take for each step: to act once, and to learn from it."""
    rows, horizon = 4, settings.horizon
    device = policy.value.weight.device
    features = torch.zeros((horizon, rows, policy.intake.features.size), device=device)
    begins = torch.zeros((horizon, rows), dtype=torch.bool, device=device)

    def judged() -> torch.Tensor:
        output = policy(features, policy.initial_hidden(rows), begins)
        return output.values.sum() + output.logits.sum()

    with torch.no_grad():
        acting = _operations(judged)
    learning = _operations(lambda: judged().backward())
    policy.zero_grad(set_to_none=False)
    return (acting + settings.epochs * learning) / (rows * horizon)


def _operations(call: Callable[[], object]) -> int:
    more = dict.fromkeys((torch.ops.aten.addmm_, torch.ops.aten._addmm_activation), _product)
    with FlopCounterMode(display=False, custom_mapping=more) as counter:
        call()
    return counter.get_total_flops()


def _product(added: Any, one: torch.Size, other: torch.Size, **options: Any) -> int:
    """The operations of a matrix product that something is added to, given the shapes."""
    return 2 * one[0] * one[1] * other[1]
