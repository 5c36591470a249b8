"""Trajectory buffer of some envs: what a replay keeps of each moment, written on the device and copied off it once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from megastep.env import Env
from megastep.viewer.pixels import Pixels, index, native, pixel_shapes
from megastep.world.snapshot import Marks, Overlay

MOST_BYTES = 2**28
"""The size, at most, of what is kept."""


class Tape:
    """Trajectory buffer: keeps some envs' poses, pixels, rewards and whatever else they say, frame by frame.

    Nothing waits for the device before `arrays`, and a frame costs only what is kept of it, however many envs there
    are: see `Pixels`.

    Args:
        env: The env, which has been reset.
        envs: The numbers of the envs that are kept.
        frames: How many frames there will be.
    """

    def __init__(self, env: Env, envs: Sequence[int], frames: int) -> None:
        agents = range(env.core.num_agents)
        self._env, self._envs, self._frames, self._count = env, envs, frames, 0
        self._rows = index(envs, env.device)
        self._agent_rows = index([each * len(agents) + agent for each in envs for agent in agents], env.device)
        self._pixels = Pixels(env, envs, frames)
        episode = env.state_tensors()['episode']  # all of them are written in place
        self._tensors = {**self._pixels.poses, **episode}
        self._sources = {name: native(tensor) for name, tensor in self._tensors.items()}
        self._buffers: dict[str, Tensor] = {}
        self._targets: dict[str, Any] = {}

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
        for name, source in self._sources.items():
            self._targets[name][self._count] = source[self._rows]
        if terminated is not None:
            self._targets['terminated'][self._count] = native(terminated)[self._agent_rows]
        for name, value in said.items():
            if name not in self._buffers:
                self._add_buffer(name, tuple(value.shape), torch.float32)
            if (known := self._buffers[name].shape[1:]) != value.shape:
                raise ValueError(
                    f'{self._called(name)} must have one shape all the time, got {tuple(value.shape)} after '
                    f'{tuple(known)} at step {self._count}; where there is nothing, NaN may stand.'
                )
            self._targets[name][self._count] = value
        self._pixels.add()
        self._count += 1
        if self._pixels.is_full:
            self._develop()

    def restart(self) -> None:
        """Keeps what comes next in the place of what was kept."""
        self._count = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies all that was kept off the device: each (frame, ...), by name."""
        self._develop()
        found = {name: value[: self._count].cpu().numpy() for name, value in self._buffers.items()}
        shape = (-1, *self._pixels.shape)
        by_agent = {name: found[name].reshape(shape) for name in found if name.startswith('info.')}
        return {**found, **by_agent, 'terminated': found['terminated'].reshape(shape)[:, :, 0] & found['over']}

    def _develop(self) -> None:
        """Keeps the pixels of the last frames."""
        frames = slice(self._count - len(self._pixels), self._count)
        poses = {name: self._buffers[name][frames] for name in self._pixels.poses}
        for name, pixels in self._pixels.develop(poses):
            self._buffers[name][frames] = pixels

    def _allocate(self, said: Mapping[str, Any]) -> None:
        """Makes room for what every frame has, if there is enough."""
        count, agents = self._pixels.shape
        kinds = {name: ((count, *tensor.shape[1:]), tensor.dtype) for name, tensor in self._tensors.items()}
        kinds['terminated'] = ((count * agents,), torch.bool)
        for kind, (rgb, depth) in pixel_shapes(self._env.cameras, (count, agents)).items():
            kinds |= {f'rgb.{kind}': ((*rgb[:-2], rgb[-1], 3), torch.uint8), f'depth.{kind}': (depth, torch.uint8)}
        size = sum(math.prod(shape) * dtype.itemsize for shape, dtype in kinds.values())
        size += sum(value.nbytes for value in said.values())
        if size * self._frames > MOST_BYTES:
            raise ValueError(
                f'steps must be at most {MOST_BYTES // size - 1:,} for {count} envs that take {size:,} bytes a step, '
                f'got {self._frames - 1:,}.'
            )
        for name, (shape, dtype) in kinds.items():
            self._add_buffer(name, shape, dtype)

    def _add_buffer(self, name: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
        """Makes room for such values in every frame: NaN, or 0, in those that have none."""
        fill = torch.nan if dtype.is_floating_point else 0
        buffer = torch.full((self._frames, *shape), fill, dtype=dtype, device=self._env.device)
        self._buffers[name], self._targets[name] = buffer, native(buffer)

    def _said(self, info: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Values and overlays that the step and the env tell of the chosen envs, by name."""
        env = self._env
        for name, value in info.items():
            if isinstance(value, Tensor) and not name.startswith('_') and value.shape == (env.num_envs,):
                yield f'info.{name}', native(value)[self._agent_rows]
        for number, env_id in enumerate(self._envs):
            for name, value in env._values(env_id).items():
                yield f'values.{number}.{name}', self._as_floats(f'values.{number}.{name}', value)
            for place, overlay in enumerate(env._overlays(env_id)):
                yield from self._overlay(f'overlays.{number}.{place}', overlay)

    def _overlay(self, label: str, overlay: Overlay) -> Iterator[tuple[str, Any]]:
        for name, value in (
            () if isinstance(overlay, Marks) else vars(overlay).items()
        ):  # a replay shows more than these
            if name != 'labels' and value is not None:
                kind = type(overlay).__name__.lower()
                yield f'{label}.{kind}.{name}', self._as_floats(f'{label}.{kind}.{name}', value)

    def _as_floats(self, name: str, value: Any) -> Float[Any, '*shape']:
        """A value or overlay of an env, as `native` has it."""
        try:
            return native(torch.as_tensor(value, dtype=torch.float32, device=self._env.device))
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f'{self._called(name)} must be numbers, got {value!r}.') from error

    def _called(self, name: str) -> str:
        """The name of a buffer in the words of who wrote the env: it is parted by dots."""
        first, *rest = name.split('.')
        if first == 'values':
            return f'value {rest[1]!r} of env {self._envs[int(rest[0])]}'
        if first == 'overlays':
            return f'{rest[3]} of overlay {rest[1]}, {rest[2]}, of env {self._envs[int(rest[0])]}'
        return name
