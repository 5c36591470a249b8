"""Statements of a task about itself: the infos of its steps, its values and its overlays, of the envs of a replay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from megastep.env import Env
from megastep.env.hooks import is_batched
from megastep.viewer.rows import index, native
from megastep.world.overlays import BatchedOverlay, Marks, Overlay, check_overlay

ALL = 'all'
"""What stands in a name in the place of an env's number, if the value has a row for each env that is recorded."""


class Said:
    """Statements of a task about some envs, at each step: of all at once where its hooks do so, else one by one.

    Args:
        env: The env, which has been reset.
        envs: The numbers of the envs that it is asked about.

    Attributes:
        drawn: How many batched overlays it had when it was asked last.
    """

    def __init__(self, env: Env, envs: Sequence[int]) -> None:
        agents = range(env.core.num_agents)
        self._env, self._envs, self._all, self.drawn = env, envs, (env.core.num_envs,), 0
        self._rows, self._batched = index(envs, env.device), dict[int, BatchedOverlay]()
        self.agent_rows = index([each * len(agents) + agent for each in envs for agent in agents], env.device)
        self._hooks = [
            self._batched_values if is_batched(env, 'values') else self._values,
            self._batched_overlays if is_batched(env, 'overlays') else self._overlays,
        ]

    def __call__(self, info: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Infos, values and overlays by name, as `native` has them.

        Args:
            info: What the last step says.

        Raises:
            ValueError: if something is no number, or has no row for each env.
        """
        rows = (self._env.num_envs,)
        told = set()
        for name, value in info.items():
            if isinstance(value, Tensor) and value.shape == rows and name[0] != '_':
                told.add(name)
                yield f'info.{name}', native(value)[self.agent_rows]
        for name, value in self._hooks[0]():
            if name.split('.', 2)[2] not in told:  # a replay shows the info by that name
                yield name, value
        yield from self._hooks[1]()

    def called(self, name: str) -> str:
        """A name in the words of who wrote the env: it is parted by dots."""
        first, *rest = name.split('.')
        if first == 'drawn':
            return f'{rest[1]} of batched overlay {rest[0]}'
        if first not in ('values', 'overlays'):
            return name
        whose = '' if rest[0] == ALL else f' of env {self._envs[int(rest[0])]}'
        what = f'value {rest[1]!r}' if first == 'values' else f'{rest[3]} of overlay {rest[1]}, {rest[2]},'
        return what + whose

    def overlays(
        self, arrays: Mapping[str, np.ndarray], drawn: Int[np.ndarray, ' frame']
    ) -> dict[str, Float[np.ndarray, 'frame env ...']]:
        """Draws batched overlays from what was kept of them.

        Args:
            arrays: What was kept, (frame, env, ...), by name.
            drawn: How many there were in each frame.
        """
        found = {}
        for place, overlay in self._batched.items():
            tensors = {name: torch.from_numpy(arrays[f'drawn.{place}.{name}']) for name in overlay.tensors}
            shape = next(iter(tensors.values())).shape[:2]
            kind, parts = _drawn(overlay, {name: tensor.flatten(0, 1) for name, tensor in tensors.items()})
            for name, values in parts.items():
                array = values.unflatten(0, shape).numpy()
                there = (drawn > place).reshape(-1, *(1,) * (array.ndim - 1))
                label = f'overlays.{ALL}.{place}.{kind.__name__.lower()}.{name}'
                found[label] = np.where(there, array, np.float32(np.nan))
        return found

    def _batched_values(self) -> Iterator[tuple[str, Any]]:
        for name, value in self._env._batched_values().items():
            yield self._chosen(f'values.{ALL}.{name}', value)

    def _batched_overlays(self) -> Iterator[tuple[str, Any]]:
        overlays = self._env._batched_overlays()
        for place in range(self.drawn, len(overlays)):
            self._meet(place, overlays[place])
        self.drawn = len(overlays)
        for place, overlay in enumerate(overlays):
            if place in self._batched:
                for name, value in overlay.fields.items():
                    if isinstance(value, Tensor):
                        yield self._chosen(f'drawn.{place}.{name}', value)

    def _meet(self, place: int, overlay: BatchedOverlay) -> None:
        """Learns how a batched overlay is drawn, if a replay shows it, and raises if it can't be."""
        rows = dict(self._chosen(f'drawn.{place}.{name}', tensor) for name, tensor in overlay.tensors.items())
        device = self._env.device
        tensors = {name.rpartition('.')[2]: torch.as_tensor(row, device=device) for name, row in rows.items()}
        try:
            kind, _ = _drawn(overlay, tensors)
        except RuntimeError as error:
            raise ValueError(f'batched overlay {place} must be drawn by what torch.vmap takes: {error}') from error
        if kind is not Marks:  # a replay shows more than these
            self._batched[place] = overlay

    def _values(self) -> Iterator[tuple[str, Any]]:
        for number, env_id in enumerate(self._envs):
            for name, value in self._env._values(env_id).items():
                yield self._as_floats(f'values.{number}.{name}', value)

    def _overlays(self) -> Iterator[tuple[str, Any]]:
        for number, env_id in enumerate(self._envs):
            for place, overlay in enumerate(self._env._overlays(env_id)):
                check_overlay(overlay, place, env_id)
                for name, value in () if isinstance(overlay, Marks) else _parts(overlay).items():
                    kind = type(overlay).__name__.lower()
                    yield self._as_floats(f'overlays.{number}.{place}.{kind}.{name}', value)

    def _chosen(self, name: str, value: Any) -> tuple[str, Any]:
        """The rows of the envs that are asked about, of a tensor of all envs."""
        if not isinstance(value, Tensor) or value.shape[:1] != self._all:
            count, got = self._all[0], f'shape {tuple(value.shape)}' if isinstance(value, Tensor) else repr(value)
            raise ValueError(f'{self.called(name)} must be a tensor with a row for each of {count} envs, got {got}.')
        return name, native(value)[self._rows]

    def _as_floats(self, name: str, value: Any) -> tuple[str, Float[Any, '*shape']]:
        """A value or overlay of an env, as `native` has it."""
        try:
            return name, native(torch.as_tensor(value, dtype=torch.float32, device=self._env.device))
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f'{self.called(name)} must be numbers, got {value!r}.') from error


def _parts(overlay: Overlay) -> dict[str, Any]:
    """The arrays of an overlay, by name."""
    return {name: value for name, value in vars(overlay).items() if name != 'labels' and value is not None}


def _drawn(overlay: BatchedOverlay, rows: dict[str, Tensor]) -> tuple[type[Overlay], dict[str, Tensor]]:
    """The kind of a batched overlay, and what it is drawn with in each of many rows, by name."""
    kinds: list[type[Overlay]] = []
    device = next(iter(rows.values())).device

    def draw(fields: dict[str, Tensor]) -> dict[str, Tensor]:
        found = overlay.drawn(fields)
        kinds.append(type(found))
        parts = {} if isinstance(found, Marks) else _parts(found)
        return {name: torch.as_tensor(value, device=device).to(torch.float32) for name, value in parts.items()}

    parts = torch.vmap(draw)(rows)
    return kinds[0], parts
