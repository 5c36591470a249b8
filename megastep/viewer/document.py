"""Document of a replay: all that its page shows, as JSON that the page's script reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import megastep
from megastep.plotting.overlays import AGENTS
from megastep.viewer.archive import Archive, pictures, text
from megastep.viewer.encoding import encoded_array
from megastep.viewer.floorplan import Floorplan
from megastep.viewer.track import OverlayTrack, Track
from megastep.viewer.trajectories import Trajectories
from megastep.world.cameras import CameraRig, by_name

VERSION = 1
"""The version of the document's layout. A page that reads another says so."""


def document(trajectories: Trajectories) -> dict[str, Any]:
    """The document, in which arrays are numbers of the archive."""
    archive = Archive()
    return {
        'version': VERSION, 'megastep': megastep.__version__, 'title': trajectories.title, 'fps': trajectories.fps,
        'radius': trajectories.agent_radius, 'hues': list(AGENTS), 'cameras': _cameras(trajectories.cameras),
        'outline': {name: archive.exact(values) for name, values in trajectories.outline.items()},
        'scores': list(trajectories.scores),
        'maps': {str(number): floorplan_document(each, archive) for number, each in trajectories.floorplans.items()},
        'envs': [_track(each, archive) for each in trajectories.tracks],
        'archive': archive.json(),
    }  # fmt: skip


def _cameras(rig: CameraRig) -> list[dict[str, Any]]:
    return [
        {'name': name, 'res': kind.res, 'fov': kind.fov, 'maxDepth': kind.max_depth, 'mounts': kind.mounts}
        for name, kind in by_name(rig).items()
    ]


def floorplan_document(plan: Floorplan, archive: Archive) -> dict[str, Any]:
    """A floorplan, in which arrays are numbers of the archive."""
    return {
        'walls': archive.exact(plan.walls),
        'counts': archive.exact(plan.texel_counts),
        'colours': archive.exact(plan.texel_colours),
        'lights': archive.exact(plan.lights),
        'rooms': [{'kind': room.kind, 'outline': np.round(room.outline, 3).tolist()} for room in plan.rooms],
        'doors': [] if plan.doors is None else np.round(plan.doors, 3).tolist(),
    }


def _track(track: Track, archive: Archive) -> dict[str, Any]:
    return {
        'env': track.env, 'frames': len(track.lengths), 'agents': track.positions.shape[1],
        'mapIds': archive.exact(track.map_ids.astype(np.int32)),
        'positions': archive.tracked(track.positions),
        'angles': archive.turning(track.angles),
        'lengths': archive.exact(track.lengths.astype(np.int32)),
        'rewards': archive.exact(track.rewards),
        'returns': archive.exact(track.returns),
        'over': archive.exact(track.over),
        'terminated': archive.exact(track.terminated),
        'rgb': {kind: _rows(each) for kind, each in track.rgb.items()},
        'depth': {kind: _rows(each) for kind, each in track.depth.items()},
        'values': {name: archive.exact(each.astype(np.float32)) for name, each in track.values.items()},
        'markers': _markers(track.markers, archive),
        'overlays': [_overlay(each, archive) for each in track.overlays],
        'paths': [
            {'agent': path.agent, 'first': path.first, 'last': path.last, 'points': np.round(path.points, 3).tolist()}
            for path in track.paths
        ],
    }  # fmt: skip


def _rows(pixels: np.ndarray) -> list[list[list[str]]]:
    """The pictures of each agent's cameras."""
    agents, cameras = pixels.shape[1:3]
    return [[pictures(pixels[:, agent, camera]) for camera in range(cameras)] for agent in range(agents)]


def _markers(markers: Mapping[str, np.ndarray], archive: Archive) -> dict[str, int] | None:
    if not markers:
        return None
    return {
        'positions': archive.tracked(markers['positions']),
        'radii': archive.tracked(markers['radii']),
        'colours': archive.tracked(encoded_array(markers['colours']), 1 / 255),
        'visible': archive.exact(markers['visible']),
    }


def moment(track: Track) -> dict[str, Any]:
    """The last frame of a track, small enough to be sent at each step."""
    last = {name: np.asarray(getattr(track, name))[-1] for name in ('positions', 'angles', 'rewards', 'returns')}
    return {
        **{name: _numbers(value) for name, value in last.items()},
        'mapId': int(track.map_ids[-1]), 'length': int(track.lengths[-1]), 'over': bool(track.over[-1]),
        'terminated': bool(track.terminated[-1]),
        'values': {name: _numbers(value[-1]) for name, value in track.values.items()},
        'overlays': [_shown(overlay.arrays) for overlay in track.overlays],
        'markers': _shown(track.markers),
        'rgb': {kind: text(value[-1].tobytes()) for kind, value in track.rgb.items()},
        'depth': {kind: text(value[-1].tobytes()) for kind, value in track.depth.items()},
    }  # fmt: skip


def _shown(arrays: Mapping[str, np.ndarray]) -> dict[str, list[float | None]]:
    """The last frame of arrays, colours gamma-encoded."""
    return {
        name: _numbers((encoded_array(value) if name == 'colours' else value)[-1]) for name, value in arrays.items()
    }


def _numbers(values: Any) -> list[float | None]:
    """Numbers one after the other, as JSON has them: null where they aren't finite."""
    flat = np.asarray(values, float).reshape(-1)
    return [round(value, 5) if np.isfinite(value) else None for value in flat.tolist()]


FINEST: dict[str, float] = {'values': 1 / 1000, 'colours': 1 / 255}
"""The rounding of overlays' arrays, by name; the others are places and lengths."""


def _overlay(overlay: OverlayTrack, archive: Archive) -> dict[str, Any]:
    arrays = {**overlay.arrays}
    if 'colours' in arrays:
        arrays['colours'] = encoded_array(arrays['colours'])
    tracked = {name: archive.tracked(each, FINEST.get(name, 0.001)) for name, each in arrays.items()}
    return {'kind': overlay.kind, **tracked}
