"""Lost state: tensors that an env keeps from step to step, but that `get_state` doesn't copy."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType, MethodType, ModuleType
from typing import Any

import gymnasium
import torch
from torch import Tensor

from megastep.env import Env
from megastep.env.cuda_graph import CudaGraph
from megastep.testing.steps import Step, expect, reset, step_on

NO_OWNERS = (type, ModuleType, FunctionType, MethodType, gymnasium.Space, CudaGraph)
"""Objects that aren't looked into: nothing that a task keeps is there, and a CUDA graph writes its outputs in place."""


def check_state_is_whole(env: Env, rollout: list[Step], seed: int) -> None:
    """Raises if a tensor outlasts steps, changes in them, has a row for each env, and isn't in the env's state.

    Tensors that a step assigns afresh are another every time; so steps are run without a CUDA graph, in which they
    would be the same.
    """
    kept = {_storage(tensor) for part in env.state_tensors().values() for tensor in part.values()}
    with _eager(env):
        reset(env, seed=seed)
        step_on(env, rollout[0].actions)
        first = {label: tensor for label, tensor in tensors_of(env) if _has_rows(tensor, env)}
        before, changed = {label: tensor.clone() for label, tensor in first.items()}, set[str]()
        for step in rollout[1:]:
            step_on(env, step.actions)
            changed |= {label for label, tensor in first.items() if not _same(tensor, before[label])}
        last = {label: _storage(tensor) for label, tensor in tensors_of(env)}  # of `first`, none has been freed
    lost = [label for label in first if label in changed and last.get(label) == _storage(first[label])]
    lost = [label for label in lost if last[label] not in kept]
    expect(
        not lost,
        f'env.get_state() must hold every tensor that is kept from step to step, but lacks {", ".join(lost)}: '
        'a part names what it keeps in its state, and a task what it keeps itself as kept=.',
    )


def tensors_of(env: Env) -> Iterator[tuple[str, Tensor]]:
    """The tensors among an env's attributes and the attributes of these, however deep, and the shortest way there."""
    looked_at, ahead = set[int](), deque[tuple[str, Any]]([('env', env)])
    while ahead:
        label, owner = ahead.popleft()
        if id(owner) in looked_at:
            continue
        looked_at.add(id(owner))
        if isinstance(owner, Tensor):
            yield label, owner
        else:
            ahead.extend(_attributes(label, owner))


def _attributes(label: str, owner: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(owner, Mapping):
        yield from ((f'{label}[{key!r}]', value) for key, value in owner.items())
    elif isinstance(owner, tuple) and hasattr(owner, '_fields'):
        yield from ((f'{label}.{name}', getattr(owner, name)) for name in owner._fields)
    elif isinstance(owner, tuple | list):
        yield from ((f'{label}[{number}]', value) for number, value in enumerate(owner))
    elif hasattr(owner, '__dict__') and not isinstance(owner, NO_OWNERS):
        yield from ((f'{label}.{name}', value) for name, value in vars(owner).items())


@contextmanager
def _eager(env: Env) -> Iterator[None]:
    """Steps run as they are, and not from a CUDA graph."""
    run, env._run_step = env._run_step, env._eagerly
    try:
        yield
    finally:
        env._run_step = run


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _has_rows(tensor: Tensor, env: Env) -> bool:
    return not {env.num_envs, env.core.num_envs}.isdisjoint(tensor.shape)


def _same(one: Tensor, other: Tensor) -> bool:
    """Equality of two tensors' values, NaNs and all."""
    return torch.equal(one.nan_to_num(), other.nan_to_num())
