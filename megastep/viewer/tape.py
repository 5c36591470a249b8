"""Trajectory buffer of some envs: what a replay keeps of each moment, written on the device and copied off it once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor

from megastep.env import Env
from megastep.viewer.pixels import Pixels, pixel_shapes
from megastep.viewer.rows import Rows, index, native, write
from megastep.viewer.said import Said

MOST_BYTES = 2**28
"""The size, at most, of what is kept."""


class Tape:
    """Trajectory buffer: keeps some envs' poses, pixels, rewards and whatever else they say, frame by frame.

    Nothing waits for the device before `arrays`, and a frame costs only what is kept of it, however many envs there
    are, beside what the task does to say something of all of them: see `Pixels` and `Said`.

    Args:
        env: The env, which has been reset.
        envs: The numbers of the envs that are kept.
        frames: How many frames there will be.
    """

    def __init__(self, env: Env, envs: Sequence[int], frames: int) -> None:
        self._env, self._frames, self._count = env, frames, 0
        self._said = Said(env, envs)
        self._pixels = Pixels(env, envs, frames)
        episode = env.state_tensors()['episode']  # all of them are written in place
        self._tensors = {**self._pixels.poses, **episode}
        self._rows = Rows(self._tensors, index(envs, env.device))
        self._buffers: dict[str, Tensor] = {}
        self._targets: dict[str, Any] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._drawn = np.zeros(frames, int)

    def watching(self) -> AbstractContextManager[None]:
        """Takes the pixels from what the env renders meanwhile, where it can: frames then cost less. See `Pixels`."""
        return self._pixels.watching()

    def add(self, info: Mapping[str, Any], terminated: Shaped[Tensor, ' row'] | None = None) -> None:
        """Keeps the moment that the env is in.

        Args:
            info: What the step that led to it says; empty after a reset.
            terminated: In which rows it ended the episode.

        Raises:
            ValueError: if so many frames don't fit, or what the env says of itself is no number, or has another shape
                than before.
        """
        said = dict(self._said(info))
        if not self._buffers:
            self._allocate(said)
        for name, value in said.items():
            if (known := self._shapes.get(name)) is None:
                kind = torch.as_tensor(value).dtype if name.startswith('drawn.') else torch.float32
                self._add_buffer(name, tuple(value.shape), kind)
            elif known != value.shape:
                raise ValueError(
                    f'{self._said.called(name)} must have one shape all the time, got {tuple(value.shape)} after '
                    f'{known} at step {self._count}; where there is nothing, NaN may stand.'
                )
        if terminated is not None:
            said['terminated'] = native(terminated)[self._said.agent_rows]
        write(self._targets, self._count, self._rows() | said)
        self._pixels.add()
        self._drawn[self._count] = self._said.drawn
        self._count += 1
        if self._pixels.is_full:
            self.develop()

    def restart(self) -> None:
        """Keeps what comes next in the place of what was kept."""
        self._count = 0
        self._pixels.restart()
        for name, buffer in self._buffers.items():  # not all of it may be said again
            if name.startswith(('info.', 'values.', 'overlays.')):
                buffer.fill_(torch.nan)

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies all that was kept off the device: each (frame, ...), by name."""
        self.develop()
        found = {name: value[: self._count].cpu().numpy() for name, value in self._buffers.items()}
        shape = (-1, *self._pixels.shape)
        by_agent = {name: found[name].reshape(shape) for name in found if name.startswith('info.')}
        colours = {name: found[name].swapaxes(-2, -1) for name in found if name.startswith('rgb.')}
        overlays = self._said.overlays(found, self._drawn[: self._count])
        ended = found['terminated'].reshape(shape)[:, :, 0] & found['over']
        return {**found, **by_agent, **colours, **overlays, 'terminated': ended}

    def develop(self) -> None:
        """Sees to it that all frames have their pixels, as is else done for many together."""
        self._pixels.develop()

    def _allocate(self, said: Mapping[str, Any]) -> None:
        """Makes room for what every frame has, if there is enough."""
        count, agents = self._pixels.shape
        kinds = {name: ((count, *tensor.shape[1:]), tensor.dtype) for name, tensor in self._tensors.items()}
        kinds['terminated'] = ((count * agents,), torch.bool)
        shapes = pixel_shapes(self._env.cameras, self._pixels.shape)
        kinds |= {name: (shape, torch.uint8) for name, shape in shapes.items()}
        size = sum(math.prod(shape) * dtype.itemsize for shape, dtype in kinds.values())
        size += sum(math.prod(value.shape) * torch.float32.itemsize for value in said.values())
        if size * self._frames > MOST_BYTES:
            raise ValueError(
                f'steps must be at most {MOST_BYTES // size - 1:,} for {count} envs that take {size:,} bytes a step, '
                f'got {self._frames - 1:,}.'
            )
        for name, (shape, dtype) in kinds.items():
            self._add_buffer(name, shape, dtype)
        self._pixels.write_to(self._buffers)

    def _add_buffer(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        """Makes room for such values in every frame: NaN, or 0, in those that have none."""
        fill = torch.nan if dtype.is_floating_point else 0
        buffer = torch.full((self._frames, *shape), fill, dtype=dtype, device=self._env.device)
        self._buffers[name], self._targets[name], self._shapes[name] = buffer, native(buffer), shape
