"""Cell lists: every wall that an agent in a cell may reach is in its list, in the walls' order, and few others."""

from dataclasses import replace

import pytest
import torch
import worlds
from twins import twin
from worlds import houses

from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.ragged import Ragged
from megastep.world import near_walls, physics
from megastep.world.scenery import Scenery


def walls_of(geometries):
    rows = [torch.tensor(geometry.walls, dtype=torch.float32) for geometry in geometries]
    return Ragged(torch.cat(rows), torch.tensor([len(row) for row in rows]))


def cells(lists, m, points):
    """The number of the cell of each point, as the kernels find it."""
    left, bottom, scale = lists.grids[m]
    column, row = ((points - torch.stack([left, bottom])) * scale).long().T
    assert (column >= 0).all() and (column < lists.shapes[m, 0]).all()
    assert (row >= 0).all() and (row < lists.shapes[m, 1]).all()
    return row * lists.shapes[m, 0] + column


def distances(points, walls):
    """From each point to each wall."""
    walls, points = walls.double(), points.double()
    along, to_point = walls[:, 1] - walls[:, 0], points[:, None] - walls[:, 0]
    share = ((to_point * along).sum(-1) / along.square().sum(-1)).clamp(0, 1)
    return (to_point - share[..., None] * along).norm(dim=-1)


def check(walls, lists, radius, count=300):
    """Holds if random points' cells list every wall within reach of the points, in order and once."""
    needed = listed = 0
    for m in range(len(walls)):
        row, first, numbers = walls[m], lists.firsts[m], lists.numbers[m]
        low, high = row.amin(dim=(0, 1)), row.amax(dim=(0, 1))
        points = low + torch.rand((count, 2), generator=torch.Generator().manual_seed(m)) * (high - low)
        reached = distances(points, row) <= radius + lists.furthest
        for cell, reach in zip(cells(lists, m, points).tolist(), reached, strict=True):
            found = numbers[first[cell] : first[cell + 1]].long()
            assert (found.diff() > 0).all()
            assert set(reach.nonzero()[:, 0].tolist()) <= set(found.tolist())
            needed, listed = needed + int(reach.sum()), listed + len(found)
        assert first[0] == 0
        assert first[-1] == len(numbers)
    return needed, listed


@pytest.mark.parametrize('radius', [AGENT_RADIUS, 0.5])
def test_cells_list_all_walls_within_reach_and_few_others(radius):
    walls = walls_of([*houses(2), worlds.polygon(7), worlds.cluttered(6), worlds.halved_box()])
    needed, listed = check(walls, near_walls.build(walls, radius), radius)
    assert listed < 2.5 * needed


def test_batches_change_nothing(monkeypatch):
    walls = walls_of([*houses(3), worlds.polygon(5)])
    whole = near_walls.build(walls, AGENT_RADIUS)
    monkeypatch.setattr(near_walls, 'BATCH', 1)
    parts = near_walls.build(walls, AGENT_RADIUS)
    for name in ('firsts', 'numbers'):
        assert torch.equal(getattr(whole, name).vals, getattr(parts, name).vals)
        assert torch.equal(getattr(whole, name).widths, getattr(parts, name).widths)


def test_large_maps_have_larger_cells(monkeypatch):
    monkeypatch.setattr(near_walls, 'MOST_CELLS', 20)
    walls = walls_of([worlds.box(1, 1, 41, 31), worlds.box(1, 1, 3, 3)])
    lists = near_walls.build(walls, AGENT_RADIUS)
    assert lists.shapes.prod(1).tolist() <= [64, 64]  # 16 a wall
    assert (1 / lists.grids[:, 2]).tolist() == [8, 0.5]
    check(walls, lists, AGENT_RADIUS)


def test_many_walls_are_counted_by_longer_numbers(monkeypatch):
    walls = walls_of([worlds.box()])
    assert near_walls.build(walls, AGENT_RADIUS).numbers.vals.dtype == torch.int16
    many = Ragged(walls.vals.repeat(10_000, 1, 1), 10_000 * walls.widths)
    lists = near_walls.build(many, AGENT_RADIUS)
    assert lists.numbers.vals.dtype == torch.int32
    assert lists.numbers.vals.max() == 39_999


def test_a_house_takes_little_memory():
    maps = houses(3)
    lists = Scenery.pack(maps, device='cpu').near_walls
    parts = (lists.grids, lists.shapes, lists.firsts.vals, lists.numbers.vals)
    assert sum(part.nbytes for part in parts) < 7000 * len(maps)


def test_lists_change_no_move():
    """Without them every wall in the boxes that a move may meet is tried."""
    maps = [worlds.cluttered(4), worlds.polygon(5), worlds.halved_box()]
    core = worlds.scattered(maps, 60, 2, device='cpu', seed=0, clearance=0.15)
    scenery = replace(core.scenery)
    vars(scenery)['near_walls'] = replace(core.scenery.near_walls, furthest=-1.0)
    other, touched = twin(core, scenery), 0
    for speed in (1, 3, 9, 27) * 5:  # of the first all are within the lists, of the last few
        core.agents.velocities.uniform_(-speed, speed, generator=core.generator)
        other.agents.velocities.copy_(core.agents.velocities)
        assert torch.equal(physics.advance(core), physics.advance(other))
        assert torch.equal(core.contacts, other.contacts)
        assert torch.equal(core.agents.positions, other.agents.positions)
        assert torch.equal(core.agents.velocities, other.agents.velocities)
        touched += int((core.contacts >= 0).sum())
    assert touched > 100


@pytest.mark.parametrize('speed', [0.5, 50])
def test_who_is_outside_the_grid_stops_at_walls_as_well(speed, device):
    """A user may put an agent anywhere."""
    core = worlds.one(worlds.box(), 0.8, 2.5, 0, device=device)
    for _ in range(30):
        core.agents.velocities[:] = torch.tensor([speed, 0.0])
        physics.advance(core)
    assert core.agents.positions[0, 0, 0] == pytest.approx(1 - AGENT_RADIUS, abs=1e-3)
    assert core.contacts.item() >= 0
