"""Maps far from the origin: how often an agent stops where rounding leaves no safe move, and that none escapes."""

import pytest
import torch
from worlds import houses

from megastep import Core, Geometry, Scenery, physics
from megastep.maps.geometry import Room
from megastep.maps.segments import clearances, windings


def moved(geometry, by):
    return Geometry(
        walls=geometry.walls + by,
        spawns=geometry.spawns + by,
        lights=geometry.lights + [by, by, 0],
        rooms=[Room(room.outline + by, room.kind) for room in geometry.rooms],
    )


@pytest.mark.parametrize('by, most', [(0, 0), (220, 0), (470, 1e-3)])
def test_agents_stop_as_seldom_as_is_said(by, most):
    maps = [moved(geometry, by) for geometry in houses(3) if max(geometry.bounds) + by <= 500]
    core = Core(Scenery.pack(maps, num_agents=4, device='cpu'), num_envs=256)
    random = torch.Generator().manual_seed(0)
    for _ in range(100):
        core.agents.velocities.copy_(3 * torch.randn(core.agents.velocities.shape, generator=random))
        physics.advance(core)
    assert core.stops.sum() <= most * core.stops.numel() * 100
    for number, geometry in enumerate(maps):
        places = core.agents.positions[core.map_ids == number].reshape(-1, 2).double().numpy()
        assert (windings(places, geometry.walls) == 1).all()
        assert clearances(places, geometry.walls).min() > core.agent_radius - 1e-4
