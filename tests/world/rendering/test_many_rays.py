"""Rays by the million: each meets what a float64 oracle says it meets, and none leaves a closed room."""

import json

import numpy as np
import pytest
import torch
import worlds
from apartments import APARTMENTS

from benchmarks.speed.worlds import grid
from megastep import Cameras, Core, Geometry, MapSet, Scenery
from megastep.triton.raycasting import launching
from megastep.world import rendering

TURN = 2e-6  # radians: what float32 makes of a bearing's cosine and sine, some twenty times over
WITHIN = 1e-3  # metres


def nearest(origins, directions, walls, near):
    """How far each ray goes to the nearest wall beyond ``near``, from either side: all are tried."""
    ahead = walls[None, :, 0] - origins[:, None]
    steps = walls[None, :, 1] - walls[None, :, 0]
    span = directions[:, None, 0] * steps[..., 1] - directions[:, None, 1] * steps[..., 0]
    reached = (ahead[..., 0] * steps[..., 1] - ahead[..., 1] * steps[..., 0]) / span
    along = (ahead[..., 0] * directions[:, None, 1] - ahead[..., 1] * directions[:, None, 0]) / span
    meets = (span != 0) & (along >= 0) & (along <= 1) & (reached > near)
    return torch.where(meets, reached, torch.inf).amin(dim=1)


def wrong_rays(core, cameras, number, chunk=100_000):
    """How many rays of the envs in a map don't lie between what the oracle says of them and a hair to either side."""
    view = rendering.render(core, cameras, per_ray=True)
    here = (core.map_ids == number).nonzero()[:, 0]
    rays = torch.arange(cameras.num_rays, device=core.device, dtype=torch.float64)
    slopes = (cameras.num_rays - 2 * rays - 1) / cameras.num_rays * np.tan(np.radians(cameras.fov) / 2)
    bearings = core.agents.angles[here, :1].double().deg2rad() + slopes.atan()
    origins = core.agents.positions[here, 0].double()[:, None].expand(-1, cameras.num_rays, -1).flatten(0, 1)
    walls, seen = core.scenery.walls[number].double(), view.distances[here, 0, 0].double().flatten()
    assert seen.isfinite().all(), 'a ray left a closed room'
    wrong = 0
    for some in torch.arange(len(seen), device=core.device).split(chunk):
        turned = bearings.flatten()[some] + torch.tensor([[-TURN], [0], [TURN]], device=core.device)
        found = torch.stack(
            [nearest(origins[some], torch.stack([b.cos(), b.sin()], -1), walls, core.agent_radius) for b in turned]
        )
        wrong += int(((seen[some] < found.amin(0) - WITHIN) | (seen[some] > found.amax(0) + WITHIN)).sum())
    return wrong


@pytest.mark.parametrize('fov', [60, 130, 175])
def test_rays_in_houses_meet_what_the_oracle_says(fov, device):
    core = Core(Scenery.pack(worlds.houses(4), device=device), 48, seed=fov)
    assert sum(wrong_rays(core, Cameras(fov=fov), number) for number in range(4)) == 0


@pytest.mark.skipif(not APARTMENTS.exists(), reason='the real apartments are not beside the project')
def test_rays_in_real_apartments_meet_what_the_oracle_says(device):
    lines = APARTMENTS.read_text().splitlines()[:12]
    walls = [np.array(json.loads(line)['features'][0]['geometry']['coordinates']) for line in lines]
    core = Core(Scenery.pack(MapSet([Geometry.from_walls(w) for w in walls]), device=device), 96)
    assert sum(wrong_rays(core, Cameras(), number) for number in range(12)) == 0


@pytest.mark.gpu
def test_ten_million_rays_meet_what_the_oracle_says(device):
    core = Core(Scenery.pack(worlds.houses(64), device=device), 40_000)
    assert core.num_envs * Cameras().num_rays > 10_000_000
    assert sum(wrong_rays(core, Cameras(), number) for number in range(64)) == 0


@pytest.mark.gpu
@pytest.mark.parametrize('fov', [60, 130, 179])
def test_ten_million_rays_are_the_same_to_the_last_bit_without_skipping(fov, device, monkeypatch):
    maps = MapSet([*worlds.houses(48), *(Geometry.from_walls(grid(11, 12, seed=seed)) for seed in range(16))])
    core, cameras, views = Core(Scenery.pack(maps, device=device), 40_000), Cameras(fov=fov), []
    for skip in (True, False):
        monkeypatch.setattr(launching, 'SKIP', skip)
        views.append(rendering.render(core, cameras, per_ray=True))
    for name in ('lines', 'distances', 'locations', 'rgb', 'depth'):
        assert torch.equal(*(getattr(view, name) for view in views)), name
