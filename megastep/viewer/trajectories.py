"""Trajectories of some envs, with all that stands still around them: the content of a replay, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from megastep.viewer.floorplan import Floorplan
from megastep.viewer.track import Track
from megastep.world.cameras import CameraRig
from megastep.world.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Trajectories of some envs: what their agents saw and were paid, and the maps that they stood in.

    Args:
        title: What they are called.
        fps: How many steps a second has.
        agent_radius: In metres.
        outline: The sides of an agent's outline, and their colours, gamma-encoded.
        cameras: What the agents look with.
        scores: The names of the values that say how well an episode went.
        floorplans: The maps, by their numbers.
        tracks: The trajectories, an env each.
        still: A moment in the middle, for a still picture.
    """

    title: str
    fps: float
    agent_radius: float
    outline: Mapping[str, np.ndarray]
    cameras: CameraRig
    scores: Sequence[str]
    floorplans: Mapping[int, Floorplan]
    tracks: Sequence[Track]
    still: Snapshot

    def __repr__(self) -> str:
        frames, envs = len(self.tracks[0].lengths), len(self.tracks)
        return f'{self.title!r}, {frames - 1:,} steps of {envs} env{"s" if envs > 1 else ""}'
