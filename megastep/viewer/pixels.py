"""Pixels of some envs: what their agents see, as bytes, taken from the env's own view or rendered again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from megastep.env import Env
from megastep.viewer.encoding import gamma_table
from megastep.viewer.rows import Rows, index, native
from megastep.world import rendering
from megastep.world.cameras import CameraRig, by_name, num_rays
from megastep.world.core import Core
from megastep.world.kernels import implementation
from megastep.world.rendering import View

BATCH = {'cpu': 256, 'cuda': 4096}
"""Frames are rendered together once they show so many agents, by the kind of device: one alone takes longer to begin.
On a CPU more would no longer be in its cache, and a GPU wouldn't be busy with fewer."""

LOOK = 3000
"""Walls and rays, of all agents, that a CPU renders in 0.1 ms: it takes as long to look at what an env renders."""


class Pixels:
    """Writer of pixels: what the agents of some envs see, frame by frame, into buffers that it is given.

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
        self._tables = {'rgb': gamma_table(core.device), 'depth': None}
        self._quantize = implementation(core.device).quantize
        self._buffers: Mapping[str, Tensor] = {}
        self._targets: Mapping[str, Any] = {}
        self._frame = 0

    def write_to(self, buffers: Mapping[str, Tensor]) -> None:
        """Begins to write to buffers, each (frame, ...), by name: see `pixel_shapes`. Those of the poses are read."""
        self._buffers = buffers
        self._targets = {name: native(each) for name, each in buffers.items()}

    def restart(self) -> None:
        """Begins with the first frame again."""
        self._frame = 0
        self._taken.clear()

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

    @property
    def is_full(self) -> bool:
        """True if as many frames are to be developed as are rendered together."""
        return len(self._taken) == self.batch

    def _watch(self, cameras: CameraRig, view: View | Mapping[str, View]) -> None:
        """Keeps the pixels of a view, before anybody changes them, and where the agents were."""
        if cameras is not self._env.cameras or not self._has_room():
            return
        views = by_name(view)
        if all(each.rgb is not None for each in views.values()):
            self._write(views, self._rows, self._frame)
            self._seen_from = self._where()

    def _has_room(self) -> bool:
        """True if there is a buffer for this frame: there is none before the first is kept, nor beyond the last."""
        return bool(self._buffers) and self._frame < len(self._buffers['positions'])

    def _write(self, views: Mapping[str, View], rows: Any, frames: Any) -> None:
        """Encodes some rows of views into some frames."""
        for kind, view in views.items():
            for name, table in self._tables.items():
                self._quantize(native(getattr(view, name))[rows], table, self._targets[f'{name}.{kind}'][frames])

    def _where(self) -> bytes:
        """The poses that a view depends on."""
        return b''.join(rows.tobytes() for rows in self._there().values())

    def add(self) -> None:
        """Goes on to the next frame: its pixels are known if what the env has rendered is what is there now."""
        self._taken.append(self._seen_from is not None and self._seen_from == self._where())
        self._seen_from = None
        self._frame += 1

    def develop(self) -> None:
        """Sees to it that all frames since the last time have their pixels; on a CPU most do."""
        count = len(self._taken)
        if not all(self._taken):
            frames = slice(self._frame - count, self._frame)
            for name, tensor in _poses(self._alone).items():  # in place: nobody is to be put anywhere
                tensor[: count * self.shape[0]] = self._buffers[name][frames].flatten(0, 1)
            views = by_name(rendering.render(self._alone, self._env.cameras))
            self._write(views, slice(count * self.shape[0]), frames)
        self._taken.clear()


def pixel_shapes(rig: CameraRig, envs: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """The shapes of a frame's colours and depths, by name: that of either, and of the kind of camera."""
    shapes: dict[str, tuple[int, ...]] = {}
    for kind, cameras in by_name(rig).items():
        rows, res = (*envs, cameras.num_cameras), cameras.res
        shapes |= {f'rgb.{kind}': (*rows, 3, res), f'depth.{kind}': (*rows, res)}
    return shapes


def _poses(core: Core) -> dict[str, Tensor]:
    """All that a view depends on, beside the maps: tensors with a row an env, which steps write in place."""
    found = {'map_ids': core.map_ids, 'positions': core.agents.positions, 'angles': core.agents.angles}
    return found | {f'markers.{name}': tensor for name, tensor in vars(core.markers).items() if core.num_markers}
