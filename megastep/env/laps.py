"""Laps around tracks: where agents begin, how far along the centre line they are, and how many laps that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from megastep.env.motion.frames import bearings
from megastep.maps.circuit import centre_line
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.segments import clearances
from megastep.world.buffers import on_device
from megastep.world.core import Core

REACH = 2.0
"""Beside what an agent moves in a step, so many metres of the centre line are searched for where it is, either way."""


class Laps:
    """Laps along the centre lines of tracks, anticlockwise: random starts, and progress from there.

    Agents start anywhere on the centre line, at rest, and face along it. An agent is where the nearest point of the
    centre line is, of those not far from where it was before; so a stretch beyond a wall doesn't count. Progress is how
    far that point has moved along the line: who goes back loses it, and who goes to and fro gains nothing.

    Args:
        core: The envs, of one agent each.
        maps: The maps that the core's scenery was packed from.
        max_speed: How fast agents are at most, in metres per second.

    Attributes:
        at: Where on the centre line each agent is, in points: (env, agent), from 0 to the number of its map's points.
        progress: How far it has come in its episode, in metres along the centre line: (env, agent).
        collisions: In how many steps it touched something: (env, agent) int32.

    Raises:
        ValueError: if an env has several agents, a map isn't a track, or is too narrow for an agent.
    """

    def __init__(self, core: Core, maps: MapSet | Sequence[Geometry], *, max_speed: float) -> None:
        if core.num_agents != 1:
            raise ValueError(f'laps are for 1 agent an env, got {core.num_agents}.')
        lines = _centre_lines([maps] if isinstance(maps, Geometry) else maps, core.agent_radius)
        spacings = np.array([_spacing(lines[number]) for number in range(len(lines))])
        reach = math.ceil((REACH + max_speed / core.fps) / spacings.min())
        self._core, self._lines = core, on_device(lines, core.device)
        self._spacings = torch.tensor(spacings, dtype=torch.float32, device=core.device)
        reach = min(reach, (int(lines.widths.min()) - 1) // 2)
        self._window = torch.arange(-reach, reach + 1, device=core.device)
        self.at, self.progress = torch.zeros_like(core.agents.angles), torch.zeros_like(core.agents.angles)
        self.collisions = torch.zeros_like(core.contacts)

    @property
    def state(self) -> dict[str, Tensor]:
        """The state: where agents are on the line, and what they have done."""
        return {'at': self.at, 'progress': self.progress, 'collisions': self.collisions}

    def reset(self, mask: Bool[Tensor, ' env']) -> None:
        """Puts the agents of the envs in the mask at random points of their centre lines."""
        core, mask = self._core, mask[:, None]
        at = core.random.integers(mask.shape) % self._counts()
        here, behind, ahead = (self._points(at + step) for step in (0, -1, 1))
        agents = core.agents
        torch.where(mask[..., None], here, agents.positions, out=agents.positions)
        torch.where(mask, bearings(ahead - behind).rad2deg(), agents.angles, out=agents.angles)
        torch.where(mask, at.float(), self.at, out=self.at)
        for values in (agents.velocities, agents.angular_velocities, self.progress, self.collisions):
            values.masked_fill_(mask.view(-1, *(1,) * (values.ndim - 1)), 0)
        core.contacts.masked_fill_(mask, -1)

    def step(self) -> Float[Tensor, 'env agent']:
        """Takes account of a step, and returns how far along the centre line it led, in metres."""
        positions = self._core.agents.positions[..., None, :]
        first = self.at.floor().long()[..., None] + self._window
        begins, ends = self._points(first), self._points(first + 1)
        along, offsets = ends - begins, positions - begins
        shares = ((offsets * along).sum(dim=-1) / along.square().sum(dim=-1)).clamp(0, 1)
        nearest = (offsets - shares[..., None] * along).norm(dim=-1).argmin(dim=-1, keepdim=True)
        moved = (first + shares).gather(-1, nearest)[..., 0] - self.at
        gained = moved * self._spacings[self._core.map_ids][:, None]
        torch.remainder(self.at + moved, self._counts(), out=self.at)
        self.progress.add_(gained)
        self.collisions.add_(self._core.contacts >= 0)
        return gained

    def ahead(self, distances: float | Float[Tensor, 'env agent']) -> Float[Tensor, 'env agent 2']:
        """Returns the points of the centre line that are so many metres ahead of the agents."""
        at = self.at + distances / self._spacings[self._core.map_ids][:, None]
        first = at.floor()
        begins, ends = self._points(first.long()), self._points(first.long() + 1)
        return begins + (at - first)[..., None] * (ends - begins)

    def scores(self, seconds: Float[Tensor, 'env 1']) -> dict[str, Tensor]:
        """The scores of the episode up to now, given how long it has been.

        Returns:
            ``'laps'``, how many they have completed; ``'laps_per_minute'``, of which a part of a lap is a part; and
            ``'collisions'``.
        """
        laps = self.progress / (self._counts() * self._spacings[self._core.map_ids][:, None])
        return {
            'laps': laps.floor().clamp(min=0).long(),
            'laps_per_minute': laps / seconds.clamp(min=1 / self._core.fps) * 60,
            'collisions': self.collisions,
        }

    def _counts(self) -> Int[Tensor, 'env 1']:
        """The number of points of each env's centre line."""
        return self._lines.widths[self._core.map_ids][:, None]

    def _points(self, numbers: Int[Tensor, 'env agent ...']) -> Float[Tensor, 'env agent ... 2']:
        """Points of each env's centre line: they go around, so that any number is one."""
        rows = (-1, *(1,) * (numbers.ndim - 1))
        counts, starts = (values[self._core.map_ids].view(rows) for values in (self._lines.widths, self._lines.starts))
        return self._lines.vals[starts + numbers % counts]


def _centre_lines(maps: MapSet | Sequence[Geometry], radius: float) -> Ragged[np.ndarray]:
    """Each map's centre line: ragged (point, 2), in metres."""
    lines = []
    for number, geometry in enumerate(maps):
        try:
            line = centre_line(geometry.walls)
        except ValueError as error:
            raise ValueError(f'map {number}: {error}') from error
        if (least := clearances(line, geometry.walls).min()) < radius:
            raise ValueError(f'map {number}: a track must have {radius:.3f} m to either side, got {least:.3f} m.')
        lines.append(line)
    widths = np.array([len(line) for line in lines], np.int32)
    return Ragged(np.concatenate(lines).astype(np.float32), widths)


def _spacing(line: Float[np.ndarray, 'point 2']) -> float:
    """The mean distance between neighbouring points of a closed line, in metres."""
    return float(np.hypot(*(np.roll(line, -1, axis=0) - line).T).mean())
