"""Rays aimed at corners: where one differs from float64, the corner is so near that rounding decides what it hits."""

import numpy as np
import torch
from worlds import houses

from megastep import Cameras, Core, Scenery, rendering

NEAR = 5e-5
"""A ray that passes a wall's end by less than this, in metres, may hit what is on either side of it."""

AHEAD = Cameras(res=1, subsample=1)


def aimed(maps, count):
    """Envs whose agents look at a corner of their map each, and the corners."""
    core, random = Core(Scenery.pack(maps, device='cpu'), num_envs=count), np.random.default_rng(0)
    places = core.agents.positions[:, 0].double().numpy()
    corners = np.array([random.choice(maps[i].walls[:, 0]) for i in core.map_ids.tolist()])
    offsets = corners - places
    core.agents.angles[:, 0] = torch.from_numpy(np.degrees(np.arctan2(offsets[:, 1], offsets[:, 0])))
    return core


def hits(walls, place, angle, nearest):
    """How far along a ray each wall is in float64, infinite where it isn't met; and how far from its ends that is."""
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    starts, along = walls[:, 0] - place, walls[:, 1] - walls[:, 0]
    cross = lambda a, b: a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]  # noqa: E731
    with np.errstate(all='ignore'):
        far, at = cross(starts, along) / cross(direction, along), cross(starts, direction) / cross(direction, along)
    met = (far > nearest) & (at >= 0) & (at <= 1) & (cross(along, -starts) > 0)
    return np.where(met, far, np.inf), np.minimum(np.abs(at), np.abs(1 - at)) * np.hypot(*along.T)


def test_they_differ_only_where_they_pass_a_corner_by_less_than_rounding():
    maps = houses(4)
    core = aimed(maps, 4000)
    view = rendering.render(core, AHEAD, per_ray=True)
    differ = 0
    for env, number in enumerate(core.map_ids.tolist()):
        walls = maps[number].walls.astype(np.float32).astype(np.float64)
        place, angle = core.agents.positions[env, 0].double().numpy(), core.agents.angles[env, 0].double().item()
        far, ends = hits(walls, place, angle, core.agent_radius)
        line = view.lines[env, 0, 0, 0].item() - core.scenery.lines_per_agent
        assert 0 <= line < len(walls)  # it never slips through
        if abs(far.min() - view.distances[env, 0, 0, 0].item()) > 1e-3:
            differ += 1
            assert min(ends[far.argmin()], ends[line]) < NEAR
    assert 0 < differ < 200
