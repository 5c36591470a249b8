"""Pixel buffer of some envs: what their agents see, as bytes, taken from the env's own view or rendered again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from megastep.env import Env
from megastep.viewer.rows import Rows, index, native
from megastep.world import rendering
from megastep.world.cameras import CameraRig, by_name, num_rays
from megastep.world.core import Core

GAMMA = 2.2
"""The exponent that colours are encoded by."""

BATCH = {'cpu': 256, 'cuda': 4096}
"""Frames are rendered, or encoded, together once they show so many agents, by the kind of device: one alone takes
longer to begin. On a CPU more would no longer be in its cache, and a GPU wouldn't be busy with fewer."""


LOOK = 3000
"""Walls and rays, of all agents, that a CPU renders in 0.1 ms: it takes as long to look at what an env renders."""


class Pixels:
    """Pixel buffer: what the agents of some envs see in the last frames, until these are developed together.

    On a CPU, unless they are few, the pixels are those that the env itself has rendered in the step, if it has rendered
    any by its cameras and nobody has moved since. All others are rendered from where the agents were: maps stand still,
    so they are the same to the bit. On a GPU that is all of them. There a step may be a CUDA graph, which shows nobody
    its view, and many frames are rendered in the time that it takes to begin.

    Args:
        env: The env.
        rows: The numbers of its envs that are looked at.
        frames: How many frames there will be at most.

    Attributes:
        shape: How many envs are looked at, and how many agents each has.
        batch: How many frames are developed together, at most.
        poses: All that a view depends on, beside the maps: the env's own tensors, a row an env.
    """

    def __init__(self, env: Env, rows: Sequence[int], frames: int) -> None:
        core = env.core
        self.shape = (len(rows), core.num_agents)
        self.batch = max(1, min(frames, BATCH[core.device.type] // math.prod(self.shape)))
        self.poses = _poses(core)
        self._env, self._rows = env, index(rows, core.device)
        self._there = Rows(self.poses, self._rows)
        self._alone = Core(core.scenery, self.batch * len(rows), fps=core.fps, num_markers=core.num_markers)
        walls = float(core.scenery.walls.widths.float().mean()) + num_rays(env.cameras)
        self._looks = core.device.type == 'cpu' and math.prod(self.shape) * walls > LOOK
        self._seen_from: bytes | None = None
        self._taken: list[bool] = []
        self._kept = {
            f'{name}.{kind}': torch.empty((self.batch, *shape), device=core.device)
            for kind, shapes in pixel_shapes(env.cameras, self.shape).items()
            for name, shape in zip(('rgb', 'depth'), shapes, strict=True)
        }
        self._kinds = list(env.cameras) if isinstance(env.cameras, Mapping) else None
        self._frames = [
            (native(self._kept[f'rgb.{kind}']), native(self._kept[f'depth.{kind}'])) for kind in by_name(env.cameras)
        ]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Looks at what the env renders meanwhile, if that can be taken."""
        watchers = self._env.core.watchers
        if self._looks:
            watchers.append(self._watch)
        try:
            yield
        finally:
            if self._watch in watchers:
                watchers.remove(self._watch)

    def __len__(self) -> int:
        """The number of frames that are to be developed."""
        return len(self._taken)

    @property
    def is_full(self) -> bool:
        """True if there is no room for another frame before these are developed."""
        return len(self) == self.batch

    def _watch(self, cameras: CameraRig, view: Any) -> None:
        """Keeps the pixels of a view, before anybody changes them, and where the agents were."""
        if cameras is not self._env.cameras:
            return
        frame, views = len(self), [view] if self._kinds is None else [view[kind] for kind in self._kinds]
        for each, (rgb, depth) in zip(views, self._frames, strict=True):
            if each.rgb is None:
                return
            rgb[frame], depth[frame] = each.rgb.numpy()[self._rows], each.depth.numpy()[self._rows]
        self._seen_from = self._where()

    def _where(self) -> bytes:
        """The poses that a view depends on."""
        return b''.join(rows.tobytes() for rows in self._there().values())

    def add(self) -> None:
        """Goes on to the next frame: its pixels are known if what the env has rendered is what is there now."""
        self._taken.append(self._seen_from is not None and self._seen_from == self._where())
        self._seen_from = None

    def develop(self, poses: Mapping[str, Tensor]) -> Iterator[tuple[str, UInt8[Tensor, 'frame env agent ...']]]:
        """The pixels of all frames since the last time, as bytes, by name: colours are gamma-encoded.

        Args:
            poses: Where the agents were, (frame, env, ...), by the names of ``poses``.
        """
        count = len(self)
        if not all(self._taken):
            self._render(poses)
        self._taken.clear()
        for name, values in self._kept.items():
            shares = values[:count]
            yield name, encoded(shares).movedim(-2, -1) if name.startswith('rgb') else _bytes(shares)

    def _render(self, poses: Mapping[str, Tensor]) -> None:
        """Renders all frames together."""
        count = len(self)
        for name, tensor in _poses(self._alone).items():  # in place: nobody is to be put anywhere
            tensor[: count * self.shape[0]] = poses[name].flatten(0, 1)
        for kind, view in by_name(rendering.render(self._alone, self._env.cameras)).items():
            for name in ('rgb', 'depth'):
                self._kept[f'{name}.{kind}'][:] = getattr(view, name).unflatten(0, (self.batch, self.shape[0]))


def pixel_shapes(rig: CameraRig, envs: tuple[int, int]) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """The shapes of the colours and depths of a frame, by the kind of camera."""
    shapes = {kind: (*envs, cameras.num_cameras) for kind, cameras in by_name(rig).items()}
    return {
        kind: ((*shape, 3, cameras.res), (*shape, cameras.res))
        for (kind, cameras), shape in zip(by_name(rig).items(), shapes.values(), strict=True)
    }


def _poses(core: Core) -> dict[str, Tensor]:
    """All that a view depends on, beside the maps: tensors with a row an env, which steps write in place."""
    found = {'map_ids': core.map_ids, 'positions': core.agents.positions, 'angles': core.agents.angles}
    return found | {f'markers.{name}': tensor for name, tensor in vars(core.markers).items() if core.num_markers}


def encoded(colours: Float[Tensor, '*batch']) -> UInt8[Tensor, '*batch']:
    """Gamma encoding of linear colours, as bytes."""
    return _bytes(colours.clamp(0, 1).pow_(1 / GAMMA))


def encoded_array(colours: Float[np.ndarray, '*batch']) -> Float[np.ndarray, '*batch']:
    """Gamma encoding of linear colours, from 0 to 1."""
    return np.clip(colours, 0, 1) ** (1 / GAMMA)


def _bytes(shares: Float[Tensor, '*batch']) -> UInt8[Tensor, '*batch']:
    return (shares * 255).round_().to(torch.uint8)
