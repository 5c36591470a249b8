"""Batches of actions: an action space's elements as tensors, checked when they come in and cleaned as a step begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from jaxtyping import Bool, Shaped
from torch import Tensor

from megastep.env.nested import bounds, dtype_of, parts, subspaces
from megastep.world.buffers import tensor_of
from megastep.world.core import Core
from megastep.world.kernels import compile_ahead, implementation


class ActionBatch:
    """The actions of all agents of a core, nested as an action space is.

    Args:
        space: One agent's actions: `Discrete`, `MultiDiscrete`, `MultiBinary`, a `Box`, or `Dict` or `Tuple` of these.
        core: The envs.

    Raises:
        ValueError: if the space is of another kind.
    """

    def __init__(self, space: gymnasium.Space, core: Core) -> None:
        self._space, self._device, self._num_rows = space, core.device, core.num_envs * core.num_agents
        self._leaves = [_Leaf(label, leaf, core) for label, leaf in _leaf_spaces('actions', space)]

    def examples(self) -> list[Shaped[Tensor, 'row ...']]:
        """Tensors like those `tensors` returns."""
        return [leaf.example for leaf in self._leaves]

    def tensors(self, actions: Any) -> list[Shaped[Tensor, 'row ...']]:
        """The parts of a batch of actions as tensors on the core's device. Those that are already there aren't copied.

        Args:
            actions: A row for each agent, nested as the space is, in whatever `torch.as_tensor` takes.

        Raises:
            ValueError: if a part is missing or unknown, can't be made a tensor, or has another shape or type than the
                space's. Values aren't looked at: that would wait for the GPU.
        """
        if not isinstance(self._space, Dict | Tuple):
            return [self._leaves[0].checked(actions)]
        parts = list(_parts('actions', actions, self._space))
        return [leaf.checked(part) for leaf, part in zip(self._leaves, parts, strict=True)]

    def cleaned(self, tensors: Sequence[Tensor]) -> tuple[Any, Bool[Tensor, 'env agent'] | None]:
        """Actions without anything that isn't in the space, by masked writes: reals clipped, integers replaced.

        An integer that is no action becomes one below the space's least, which is -1 unless the space says otherwise;
        in a `MultiBinary`, 0. A real is clipped to the box, and NaN is 0 before that.

        Args:
            tensors: What `tensors` returned.

        Returns:
            The actions, (env, agent, ...) each, nested as the space is; and which agents' had a NaN, or None if the
            space has no reals.
        """
        cleaned = [leaf.cleaned(tensor) for leaf, tensor in zip(self._leaves, tensors, strict=True)]
        flaws = [flaw for _, flaw in cleaned if flaw is not None]
        faulty = torch.stack(flaws).any(dim=0) if len(flaws) > 1 else flaws[0] if flaws else None
        return _nested(self._space, iter([values for values, _ in cleaned])), faulty


class _Leaf:
    """The batches of one space of tensors."""

    def __init__(self, label: str, space: gymnasium.Space, core: Core) -> None:
        self._label, self._space, self._device = label, space, core.device
        self._crowd = (core.num_envs, core.num_agents)
        self._is_real = isinstance(space, Box) and np.issubdtype(space.dtype, np.floating)
        dtype = dtype_of(space) if isinstance(space, Box) else torch.int64
        shape = (core.num_envs * core.num_agents, *(space.shape or ()))
        self.example = torch.zeros(shape, dtype=dtype, device=core.device)
        low, high = (np.broadcast_to(np.asarray(bound), space.shape or ()) for bound in bounds(space))
        self._low, self._high = (torch.tensor(b.copy(), dtype=dtype, device=core.device) for b in (low, high))
        self._is_bounded = not isinstance(space, Box) or bool(np.isfinite(low).any() or np.isfinite(high).any())
        self._nothing = torch.zeros_like(self._low) if isinstance(space, MultiBinary) else self._low - 1
        compile_ahead(core.device, partial(self.cleaned, self.example))

    def checked(self, value: Any) -> Tensor:
        """A part of a batch as a tensor, if it is of the space's kind: most are what `cleaned` needs already."""
        like = self.example
        fits = type(value) is Tensor and value.dtype is like.dtype and value.shape == like.shape
        if fits and value.device == like.device and value.layout is like.layout and not value.requires_grad:
            return value
        tensor = tensor_of(self._label, value, self._device)
        if tensor.dtype == torch.bool or tensor.is_complex() or (tensor.is_floating_point() and not self._is_real):
            kind = 'real numbers' if self._is_real else 'integers'
            raise ValueError(f'{self._label} must be {kind}, got {tensor.dtype}.')
        if tensor.shape != self.example.shape:
            raise ValueError(f'{self._label} must have shape {tuple(self.example.shape)}, got {tuple(tensor.shape)}.')
        return tensor.detach()

    def cleaned(self, tensor: Tensor) -> tuple[Tensor, Bool[Tensor, 'env agent'] | None]:
        values = tensor.to(self.example.dtype).reshape(*self._crowd, *tensor.shape[1:])
        if isinstance(self._space, Discrete):
            cleaned, low = torch.empty_like(values, memory_format=torch.contiguous_format), int(self._space.start)
            highest = low + int(self._space.n) - 1
            implementation(self._device).clean(values.contiguous(), low, highest, cleaned)
            return cleaned, None
        if not isinstance(self._space, Box):
            return torch.where((values >= self._low) & (values <= self._high), values, self._nothing), None
        faulty = values.isnan().flatten(2).any(dim=-1) if self._is_real else None
        if self._is_real:
            values = values.nan_to_num(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
        return values.clamp(self._low, self._high) if self._is_bounded else values, faulty


def _leaf_spaces(label: str, space: gymnasium.Space) -> Iterator[tuple[str, gymnasium.Space]]:
    """The spaces of tensors within a space, and what messages call them."""
    if isinstance(space, Dict | Tuple):
        if not len(space.spaces):
            raise ValueError(f'{label} must have at least 1 part, got a space of none.')
        for name, part in subspaces(space).items():
            yield from _leaf_spaces(f'{label}[{name!r}]', part)
    elif isinstance(space, Discrete | MultiDiscrete | MultiBinary | Box):
        yield label, space
    else:
        kinds = 'Discrete, MultiDiscrete, MultiBinary, Box, or Dict or Tuple of these'
        raise ValueError(f'the space of {label} must be {kinds}, got {space}.')  # noqa: TRY004, as for other arguments


def _parts(label: str, batch: Any, space: gymnasium.Space) -> Iterator[Any]:
    """The parts of a batch, in the order of the spaces of tensors."""
    if not isinstance(space, Dict | Tuple):
        yield batch
        return
    given, spaces = parts(batch, space), subspaces(space)
    if given is None or set(given) != set(spaces):
        got = type(batch).__name__ if given is None else list(given)
        raise ValueError(f'{label} must have {list(spaces)}, got {got}.')
    for name, part in spaces.items():
        yield from _parts(f'{label}[{name!r}]', given[name], part)


def _nested(space: gymnasium.Space, parts: Iterator[Any]) -> Any:
    """Parts in the order of the spaces of tensors, nested as the space is."""
    if isinstance(space, Dict):
        return {name: _nested(part, parts) for name, part in space.spaces.items()}
    if isinstance(space, Tuple):
        return tuple(_nested(part, parts) for part in space.spaces)
    return next(parts)
