"""Trajectory buffer of some envs: what a replay keeps of each moment, written on the device and copied off it once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from torch import Tensor

from megastep.env import Env
from megastep.world import rendering
from megastep.world.cameras import by_name
from megastep.world.core import Core
from megastep.world.snapshot import Marks, Overlay

GAMMA = 2.2
"""The exponent that colours are encoded by."""

MOST_BYTES = 2**28
"""The size, at most, of what is kept."""


class Tape:
    """Trajectory buffer: keeps some envs' poses, pixels, rewards and whatever else they say, frame by frame.

    Nothing waits for the device before `arrays`. The chosen envs are rendered once more by themselves, so however many
    there are, a frame costs only theirs.

    Args:
        env: The env, which has been reset.
        envs: The numbers of the envs that are kept.
        frames: How many frames there will be.
    """

    def __init__(self, env: Env, envs: Sequence[int], frames: int) -> None:
        core = env.core
        self._env, self._envs, self._frames, self._count = env, envs, frames, 0
        self._rows = torch.tensor(list(envs), device=core.device)
        self._alone = Core(
            core.scenery, len(envs), fps=core.fps, map_ids=core.map_ids[self._rows], num_markers=core.num_markers
        )
        self._episode = env.state_tensors()['episode']  # all of them are written in place
        self._buffers: dict[str, Tensor] = {}

    def add(self, info: Mapping[str, Any], terminated: Shaped[Tensor, ' row'] | None = None) -> None:
        """Keeps the moment that the env is in.

        Args:
            info: What the step that led to it says; empty after a reset.
            terminated: In which rows it ended the episode.

        Raises:
            ValueError: if so many frames don't fit, or what the env says of itself is no number, or has another shape
                than before.
        """
        moment = dict(self._moment(info, terminated))
        if not self._buffers:
            self._check_size(moment)
        for name, value in moment.items():
            if name not in self._buffers:
                self._buffers[name] = self._blank(value)
            if (known := self._buffers[name].shape[1:]) != value.shape:
                raise ValueError(
                    f'{self._said(name)} must have one shape all the time, got {tuple(value.shape)} after '
                    f'{tuple(known)} at step {self._count}; where there is nothing, NaN may stand.'
                )
            self._buffers[name][self._count].copy_(value)
        self._count += 1

    def restart(self) -> None:
        """Keeps what comes next in the place of what was kept."""
        self._count = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Copies all that was kept off the device: each (frame, ...), by name."""
        return {name: value[: self._count].cpu().numpy() for name, value in self._buffers.items()}

    def _check_size(self, moment: Mapping[str, Tensor]) -> None:
        size = sum(value.numel() * value.element_size() for value in moment.values())
        if size * self._frames > MOST_BYTES:
            raise ValueError(
                f'steps must be at most {MOST_BYTES // size - 1:,} for {len(self._envs)} envs that take {size:,} bytes '
                f'a step, got {self._frames - 1:,}.'
            )

    def _blank(self, value: Tensor) -> Tensor:
        """A buffer for values like this one: NaN, or 0, in the frames that have none."""
        fill = torch.nan if value.is_floating_point() else 0
        return torch.full((self._frames, *value.shape), fill, dtype=value.dtype, device=value.device)

    def _moment(self, info: Mapping[str, Any], terminated: Tensor | None) -> Iterator[tuple[str, Tensor]]:
        env, core, rows = self._env, self._env.core, self._rows
        episode = self._episode
        yield 'map_ids', core.map_ids[rows]
        yield 'positions', core.agents.positions[rows]
        yield 'angles', core.agents.angles[rows]
        yield from ((name, episode[name][rows]) for name in ('lengths', 'returns', 'rewards', 'over'))
        yield 'terminated', episode['over'][rows] & self._by_agent(terminated)[:, 0]
        for name in ('positions', 'radii', 'colours', 'visible') if core.num_markers else ():
            yield f'markers.{name}', getattr(core.markers, name)[rows]
        yield from self._seen()
        for name, value in info.items():
            if isinstance(value, Tensor) and not name.startswith('_') and value.shape == (env.num_envs,):
                yield f'info.{name}', self._by_agent(value).float()
        for number, index in enumerate(self._envs):
            for name, value in env._values(index).items():
                yield f'values.{number}.{name}', self._as_floats(f'values.{number}.{name}', value)
            for place, overlay in enumerate(env._overlays(index)):
                yield from self._overlay(f'overlays.{number}.{place}', overlay)

    def _overlay(self, label: str, overlay: Overlay) -> Iterator[tuple[str, Tensor]]:
        for name, value in (
            () if isinstance(overlay, Marks) else vars(overlay).items()
        ):  # a replay shows more than these
            if name != 'labels' and value is not None:
                kind = type(overlay).__name__.lower()
                yield f'{label}.{kind}.{name}', self._as_floats(f'{label}.{kind}.{name}', value)

    def _as_floats(self, name: str, value: Any) -> Float[Tensor, '*shape']:
        """A value or overlay of an env as a tensor."""
        try:
            return torch.as_tensor(value, dtype=torch.float32, device=self._rows.device)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f'{self._said(name)} must be numbers, got {value!r}.') from error

    def _said(self, name: str) -> str:
        """The name of a buffer in the words of who wrote the env: it is parted by dots."""
        first, *rest = name.split('.')
        if first == 'values':
            return f'value {rest[1]!r} of env {self._envs[int(rest[0])]}'
        if first == 'overlays':
            return f'{rest[3]} of overlay {rest[1]}, {rest[2]}, of env {self._envs[int(rest[0])]}'
        return name

    def _by_agent(self, values: Tensor | None) -> Shaped[Tensor, 'env agent']:
        """The chosen envs' rows of values with one a row."""
        core = self._env.core
        if values is None:
            return torch.zeros((len(self._envs), core.num_agents), dtype=torch.bool, device=core.device)
        return values.view(core.num_envs, core.num_agents)[self._rows]

    def _seen(self) -> Iterator[tuple[str, Tensor]]:
        """The chosen envs' pixels, as bytes: (env, agent, camera, pixel), and for colours 3 of each."""
        core, alone = self._env.core, self._alone
        alone.map_ids.copy_(core.map_ids[self._rows])  # in place: nobody is to be put anywhere
        for own, everyone in ((alone.agents, core.agents), (alone.markers, core.markers)):
            for name, tensor in vars(own).items():
                tensor.copy_(getattr(everyone, name)[self._rows])
        for kind, view in by_name(rendering.render(alone, self._env.cameras)).items():
            assert view.rgb is not None  # it was asked for
            yield f'rgb.{kind}', encoded(view.rgb).movedim(-2, -1)
            yield f'depth.{kind}', _bytes(view.depth)


def encoded(colours: Float[Tensor, '*batch']) -> UInt8[Tensor, '*batch']:
    """Gamma encoding of linear colours, as bytes."""
    return _bytes(colours.clamp(0, 1) ** (1 / GAMMA))


def encoded_array(colours: Float[np.ndarray, '*batch']) -> Float[np.ndarray, '*batch']:
    """Gamma encoding of linear colours, from 0 to 1."""
    return np.clip(colours, 0, 1) ** (1 / GAMMA)


def _bytes(shares: Float[Tensor, '*batch']) -> UInt8[Tensor, '*batch']:
    return (shares * 255).round().to(torch.uint8)
