"""Potentially visible sets: what Triton's kernels find is bit by bit what their twins do, interpreted where need be."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import worlds
from worlds import houses, outline, pillar, rectangle

from megastep import mapgen, numba, triton
from megastep.maps.geometry import Geometry
from megastep.maps.ragged import Ragged
from megastep.world import visible_lights, visible_walls, wall_boxes
from megastep.world.buffers import on_device
from megastep.world.visible_walls import VisibleWalls

RADIUS = 0.106


def packed(*maps):
    """Maps' walls in the order of their boxes, in float32, on the CPU."""
    rows = [torch.tensor(np.asarray(getattr(walls, 'walls', walls)), dtype=torch.float32) for walls in maps]
    walls = Ragged(torch.cat(rows), torch.tensor([len(row) for row in rows], dtype=torch.int32))
    return Ragged(wall_boxes.build(walls).walls, walls.widths)


def assert_same(walls, device, monkeypatch, *, side=0.5):
    """Holds if both kinds of kernels build the same sets of walls."""
    found = []
    for kernels, where in ((numba, 'cpu'), (triton, device)):
        monkeypatch.setattr(visible_walls, 'implementation', lambda device, kernels=kernels: kernels)
        found.append(visible_walls.build(on_device(walls, where), RADIUS, side=side))
    expected, actual = found
    for name in VisibleWalls.__dataclass_fields__:
        one, other = getattr(expected, name), getattr(actual, name)
        for part in ('vals', 'widths') if isinstance(one, Ragged) else ('data',):
            assert torch.equal(getattr(one, part), getattr(other, part).cpu()), name
    assert len(expected.numbers.vals) > 0


def seen_from(walls, part, kernels, device):
    """The walls of a map that may be seen from a part of a cell, by some kernels."""
    walls, maps = on_device(walls, device), torch.zeros(len(walls.vals), dtype=torch.int64, device=device)
    nexts, previous = (torch.empty(len(maps), dtype=torch.int32, device=device) for _ in range(2))
    kernels.link_walls(maps, walls, nexts, previous, torch.empty(len(maps), dtype=torch.bool, device=device))
    seen = torch.zeros(len(maps), dtype=torch.uint8, device=device)
    parts = torch.tensor([part], dtype=torch.float64, device=device)
    kernels.find_visible(maps[:1], walls, nexts, previous, parts, maps[:1], seen)
    return seen.cpu()


def test_a_room_that_is_seen_in_part_through_a_narrow_opening(device):
    thin = np.array([[(3, 1), (3, 1.3)], [(3, 1.305), (3, 2.6)]])
    walls = packed(np.concatenate([rectangle(1, 1, 4.5, 3), pillar(3.9, 2.2, 4.1, 2.4), thin, thin[:, ::-1]]))
    part = (2.0, 1.5, 0.05, 0.03)
    expected = seen_from(walls, part, numba, 'cpu')
    assert 0 < expected.sum() < len(expected)  # some are hidden
    assert torch.equal(seen_from(walls, part, triton, device), expected)


def test_more_walls_than_lanes_and_a_map_whose_walls_cross(device, monkeypatch):
    crossing = np.array([[(1.2, 1.2), (2.8, 1.8)], [(1.2, 1.8), (2.8, 1.2)]])
    room = rectangle(1, 1, 3, 2)
    steps = [(1, 1), (2.5, 1)] + [(2.5 - 0.02 * k, 1.5 + 0.1 * (k % 2)) for k in range(35)] + [(1, 1.5)]
    walls = packed(np.concatenate([room, crossing, crossing[:, ::-1]]), room, outline(steps))
    assert_same(walls, device, monkeypatch, side=2.0)


@pytest.mark.gpu
@pytest.mark.parametrize('family', mapgen.FAMILIES)
def test_every_family(family, device, monkeypatch):
    assert_same(packed(*mapgen.generate(family, 2, seed=5)), device, monkeypatch)


@pytest.mark.gpu
def test_many_maps(device, monkeypatch):
    assert_same(packed(*houses(20), worlds.cluttered(3), worlds.polygon(9)), device, monkeypatch)


def assert_same_lights(maps, device, monkeypatch, *, side=0.5):
    """Holds if both kinds of kernels build the same lists of lights and of what hides them."""
    walls, found = packed(*maps), []
    rows = [torch.tensor(np.asarray(geometry.lights), dtype=torch.float32) for geometry in maps]
    lights = Ragged(torch.cat(rows), torch.tensor([len(row) for row in rows], dtype=torch.int32))
    sets = visible_walls.build(walls, RADIUS, side=side)
    for kernels, where in ((numba, 'cpu'), (triton, device)):
        monkeypatch.setattr(visible_lights, 'implementation', lambda device, kernels=kernels: kernels)
        moved = {name: getattr(sets, name) for name in VisibleWalls.__dataclass_fields__}
        moved = {name: on_device(x, where) if isinstance(x, Ragged) else x.to(where) for name, x in moved.items()}
        built = visible_lights.build(on_device(walls, where), on_device(lights, where), VisibleWalls(**moved), 0.0812)
        found.append(built)
    assert found[0].shift == found[1].shift
    for name in ('firsts', 'words'):
        one, other = (getattr(built, name) for built in found)
        assert torch.equal(one.vals, other.vals.cpu()), name
        assert torch.equal(one.widths, other.widths.cpu()), name
    return found[0]


def test_lights_of_small_maps(device, monkeypatch):
    """Hidden by several walls at once and in part; near a wall, and in one."""
    thin = np.array([[(3, 1), (3, 1.8)], [(3, 1.8), (3.2, 2.2)], [(3.2, 2.2), (3.1, 2.6)]])
    room = np.concatenate([rectangle(1, 1, 5, 3), thin, thin[:, ::-1]])
    lights = np.array([(1.5, 1.5, 1), (2.999, 1.4, 1), (3.1, 2.0, 1), (4.5, 2.5, 1), (0.5, 0.5, 1)])
    geometry = Geometry(walls=room, lights=lights, spawns=np.array([(2, 2)]))
    lists = assert_same_lights([geometry], device, monkeypatch, side=1.0)
    assert (lists.pairs[0][:, 1] >= 0).any()
    assert lists.firsts[0].diff().any()


def test_lights_that_nothing_hides(device, monkeypatch):
    """A map without lights is beside."""
    room = Geometry(walls=rectangle(1, 1, 2.5, 2.5), lights=np.array([(1.2, 2.0, 1.0)]), spawns=np.array([(2, 2)]))
    lists = assert_same_lights([replace(room, lights=np.empty((0, 3))), room], device, monkeypatch)
    assert (lists.pairs[1][:, 1] == -1).any()
    assert len(lists.pairs[0]) == 0


def test_lights_among_more_walls_than_lanes(device, monkeypatch):
    assert_same_lights([worlds.polygon(40, radius=0.8)], device, monkeypatch, side=0.8)


@pytest.mark.gpu
@pytest.mark.parametrize('family', mapgen.FAMILIES)
def test_lights_of_every_family(family, device, monkeypatch):
    assert_same_lights(list(mapgen.generate(family, 2, seed=5)), device, monkeypatch)
