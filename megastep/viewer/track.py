"""Tracks of a replay: one env's trajectory, frame by frame, as arrays off the device."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from megastep.maps.geodesics import shortest_path
from megastep.viewer.floorplan import Floorplan
from megastep.viewer.said import ALL

MOST_WALLS = 1500
"""Shortest paths are drawn in maps of at most so many walls: in larger ones they take seconds each."""


@dataclass(frozen=True, eq=False)
class OverlayTrack:
    """Overlay over time: see `megastep.world.overlays` for what each kind's arrays are.

    Args:
        kind: ``'points'``, ``'segments'``, ``'shares'`` or ``'discs'``.
        arrays: Its arrays, each (frame, ...), by name.
    """

    kind: str
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Path:
    """Shortest path of an agent's episode, to be drawn beside the way that it walks.

    Args:
        agent: Whose.
        first: The episode's first frame.
        last: Its last.
        points: The places that it bends at, in metres.
    """

    agent: int
    first: int
    last: int
    points: Float[np.ndarray, 'point 2']


@dataclass(frozen=True, eq=False)
class Track:
    """Trajectory of one env.

    Args:
        env: The env's number.
        map_ids: The map it stands in.
        positions: Where its agents are, in metres.
        angles: Which way they face, in degrees anticlockwise from +x.
        lengths: How many steps the episode has had.
        rewards: The step's.
        returns: The episode's so far.
        over: Whether the episode ends here.
        terminated: Whether the task ended it, rather than a limit.
        rgb: What each kind of camera sees, gamma-encoded, by name.
        depth: How near that is, from 255 at the agent's rim to 0.
        values: What the env says of itself, by name: a number for each agent, or one for all.
        markers: The positions, radii, colours and visibility of markers, if there are any.
        overlays: What the task has drawn.
        paths: The shortest paths to the agents' goals, if they have any.
    """

    env: int
    map_ids: Int[np.ndarray, ' frame']
    positions: Float[np.ndarray, 'frame agent 2']
    angles: Float[np.ndarray, 'frame agent']
    lengths: Int[np.ndarray, ' frame']
    rewards: Float[np.ndarray, 'frame agent']
    returns: Float[np.ndarray, 'frame agent']
    over: Bool[np.ndarray, ' frame']
    terminated: Bool[np.ndarray, ' frame']
    rgb: Mapping[str, UInt8[np.ndarray, 'frame agent camera pixel 3']]
    depth: Mapping[str, UInt8[np.ndarray, 'frame agent camera pixel']]
    values: Mapping[str, Float[np.ndarray, 'frame ...']]
    markers: Mapping[str, np.ndarray] = field(default_factory=dict)
    overlays: Sequence[OverlayTrack] = ()
    paths: Sequence[Path] = ()


def split(arrays: Mapping[str, np.ndarray], envs: Sequence[int]) -> list[Track]:
    """Parts what a `Tape` has kept into the tracks of its envs."""
    return [_track(arrays, number, env) for number, env in enumerate(envs)]


def _track(arrays: Mapping[str, np.ndarray], number: int, env: int) -> Track:
    same = ('map_ids', 'positions', 'angles', 'lengths', 'rewards', 'returns', 'over', 'terminated')
    tensors: dict[str, Any] = {name: arrays[name][:, number] for name in same}
    return Track(
        env=env,
        **tensors,
        rgb=_rows('rgb', arrays, number),
        depth=_rows('depth', arrays, number),
        values={**_told('values', arrays, number), **_rows('info', arrays, number)},
        markers=_rows('markers', arrays, number),
        overlays=_overlays(_told('overlays', arrays, number)),
    )


def _told(prefix: str, arrays: Mapping[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    """Statements of the task about one env: about it alone, or about all."""
    return {**_under(f'{prefix}.{number}', arrays), **_rows(f'{prefix}.{ALL}', arrays, number)}


def _rows(prefix: str, arrays: Mapping[str, np.ndarray], number: int) -> dict[str, np.ndarray]:
    """One env's rows of the arrays whose names begin so."""
    return {name: each[:, number] for name, each in _under(prefix, arrays).items()}


def _under(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays whose names begin so, by the rest of their names."""
    return {name[len(prefix) + 1 :]: value for name, value in arrays.items() if name.startswith(f'{prefix}.')}


def _overlays(arrays: Mapping[str, np.ndarray]) -> list[OverlayTrack]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for label, value in arrays.items():
        place, kind, name = label.split('.')
        found.setdefault(f'{place}.{kind}', {})[name] = value
    return [OverlayTrack(label.partition('.')[2], values) for label, values in found.items()]


def episodes(track: Track) -> list[tuple[int, int]]:
    """The first and the last frame of each episode."""
    begins = np.flatnonzero(np.concatenate([[True], track.lengths[1:] <= track.lengths[:-1]]))
    return list(zip(begins.tolist(), [*(begins[1:] - 1).tolist(), len(track.lengths) - 1], strict=True))


def shortest_paths(track: Track, floorplans: Mapping[int, Floorplan], agent_radius: float) -> list[Path]:
    """Finds the shortest paths to the agents' goals: the points of an overlay that has one for each agent.

    Args:
        track: The env.
        floorplans: The maps that it stands in, by their numbers.
        agent_radius: In metres.
    """
    agents = track.positions.shape[1]
    goals = [each.arrays['positions'] for each in track.overlays if each.kind == 'points']
    found = []
    for points in (each for each in goals if each.shape[1] == agents):
        for first, last in episodes(track):
            walls = floorplans[int(track.map_ids[first])].walls.astype(float)
            ends = np.stack([track.positions[first], points[first]], axis=1)
            if len(walls) <= MOST_WALLS:
                for agent in np.flatnonzero(np.isfinite(ends).all(axis=(1, 2))).tolist():
                    line = shortest_path(walls, track.positions[first, agent], points[first, agent], agent_radius)
                    found += [Path(agent, first, last, line)] if len(line) else []
    return found


def warn_of_nan(track: Track) -> None:
    """Warns of rewards and positions that are no numbers, naming the first of each.

    Warns:
        UserWarning: if there are any.
    """
    places = track.positions.sum(axis=-1)
    for name, values, lack in (
        ('rewards', track.rewards, 'leaves them out of its charts'),
        ('positions', places, 'shows no agent there, and nothing that it sees'),
    ):
        wrong = np.argwhere(~np.isfinite(values))
        if len(wrong):
            frame, agent = wrong[0].tolist()
            found = values[frame, agent]
            warnings.warn(
                f'{name} must be finite, got {found} for env {track.env}, agent {agent} at step {frame}, '
                f'and {len(wrong) - 1} more: the replay {lack}.',
                stacklevel=4,
            )
