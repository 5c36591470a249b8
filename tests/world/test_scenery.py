import math

import numpy as np
import pytest
import torch
import worlds
from oracle import array

from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.world import textures
from megastep.world.scenery import LARGEST, Scenery, relight

MAPS = [worlds.box(), worlds.cluttered(4), worlds.box(2, 2, 2.33, 9)]


@pytest.fixture(scope='module')
def scenery(device):
    return Scenery.pack(MAPS, num_agents=2, device=device)


def test_maps_are_packed_end_to_end(scenery):
    assert scenery.num_maps == 3
    for packed, name in ((scenery.walls, 'walls'), (scenery.lights, 'lights'), (scenery.spawns, 'spawns')):
        for number, geometry in enumerate(MAPS):
            np.testing.assert_allclose(array(packed[number]), getattr(geometry, name), rtol=1e-6)


def test_takes_a_map_set_or_any_sequence_of_maps(scenery, device):
    again = Scenery.pack(MapSet(MAPS), num_agents=2, device=device)
    assert torch.equal(again.walls.vals, scenery.walls.vals)
    assert torch.equal(again.albedo.vals, scenery.albedo.vals)


def test_light_may_be_baked_later(scenery, device):
    dark = Scenery.pack(MAPS, num_agents=2, device=device, baked=False)
    assert not dark.light.any()
    relight(dark)
    assert torch.equal(dark.surface.vals, scenery.surface.vals)


def test_a_texel_is_5_cm_at_most_and_no_shorter_than_need_be(scenery):
    lengths = np.concatenate([np.linalg.norm(g.walls[:, 1] - g.walls[:, 0], axis=-1) for g in MAPS])
    counts = array(scenery.texels)[:, 1]
    assert (lengths / counts <= 0.05 + 1e-4).all()
    longer = counts > 1
    assert (lengths[longer] / (counts[longer] - 1) > 0.05 - 1e-4).all()
    assert (counts >= 1).all()


def test_walls_of_whole_texels_have_exactly_as_many():
    """Though in float32 many a wall is a little longer than they are."""
    corners = np.random.default_rng(0).integers(1, 400, (200, 2))
    sizes = np.random.default_rng(1).integers(6, 400, (200, 2))
    maps = [worlds.box(*corner / 20, *(corner + size) / 20) for corner, size in zip(corners, sizes, strict=True)]
    scenery = Scenery.pack(maps, device='cpu')
    assert scenery.texels[:, 1].reshape(-1, 4).tolist() == sizes[:, [0, 1, 0, 1]].tolist()


def test_texels_are_counted_from_their_map_s_first(scenery):
    for number in range(scenery.num_maps):
        start, width = int(scenery.walls.starts[number]), int(scenery.walls.widths[number])
        firsts, counts = array(scenery.texels[start : start + width]).astype(int).T
        assert firsts.tolist() == (np.cumsum(counts) - counts).tolist()
        assert counts.sum() == int(scenery.albedo.widths[number])
    assert len(scenery.light) == len(scenery.albedo.vals)


def test_light_is_at_least_a_tenth(scenery):
    assert scenery.light.min() >= 25  # of 255
    assert scenery.light.max() > 100


def test_lines_and_radius(scenery):
    assert scenery.num_agents == 2
    assert scenery.lines_per_agent == 8
    assert scenery.agent_radius == AGENT_RADIUS == pytest.approx(0.15 / math.sqrt(2))


def test_an_agents_outline_is_an_octagon_15_cm_across(device):
    outline = array(textures.outline(device))
    assert outline.shape == (8, 2, 2)
    np.testing.assert_allclose(outline[:, 1], np.roll(outline[:, 0], -1, axis=0), atol=1e-7)
    middles = outline.mean(1)
    np.testing.assert_allclose(np.linalg.norm(middles, axis=-1), 0.075, rtol=1e-6)
    turns = np.radians(-45 * np.arange(8))  # forward first, then clockwise
    np.testing.assert_allclose(middles, 0.075 * np.stack([np.cos(turns), np.sin(turns)], axis=-1), atol=1e-6)
    steps = outline[:, 1] - outline[:, 0]
    assert (steps[:, 0] * middles[:, 1] - steps[:, 1] * middles[:, 0] > 0).all()  # what's outside lies to the left


def test_the_seed_decides_the_colours(device):
    one, same, other = (Scenery.pack(MAPS, device=device, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.albedo.vals, same.albedo.vals)
    assert not torch.equal(one.albedo.vals, other.albedo.vals)
    assert torch.equal(one.light, other.light)


def test_a_map_s_colours_do_not_depend_on_the_maps_packed_with_it(device):
    alone, among = Scenery.pack(MAPS[1:2], device=device), Scenery.pack(MAPS, device=device)
    assert torch.equal(alone.albedo[0], among.albedo[1])
    torch.testing.assert_close(alone.light, among.light[int(among.albedo.starts[1]) :][: len(alone.light)])


def test_walls_can_be_told_apart(scenery):
    """No wall is black, and a room's walls aren't all of one colour."""
    albedo = array(scenery.albedo[0])
    assert albedo.max(1).min() > 25
    assert albedo.std(0).max() > 10


def test_too_few_spawns_are_named():
    maps = [worlds.box(), worlds.box(spawns=[(2, 2), (3, 3)])]
    with pytest.raises(ValueError, match='map 1 has 2 spawns, too few for 3 agents'):
        Scenery.pack(maps, num_agents=3, device='cpu')


def test_walls_too_far_from_the_origin_are_refused():
    with pytest.raises(ValueError, match=r'walls must lie within 500 m of the origin, got a coordinate of 500\.25 m'):
        Scenery.pack([worlds.box(499, 1, 500.25, 4)], device='cpu')
    assert Scenery.pack([worlds.box(499, 1, LARGEST, 4)], device='cpu').num_maps == 1


@pytest.mark.parametrize('name', ['walls', 'lights', 'spawns'])
@pytest.mark.parametrize('value', [np.nan, -1e30, np.inf, 0.0, 501.0])
def test_no_coordinate_is_taken_that_is_none(name, value):
    """Wherever it comes from: these maps weren't checked when they were made."""
    arrays = [worlds.box(lights=[(2, 2, 1)]), worlds.box(lights=[(2, 2, 1), (3, 3, 1)])]
    broken = {each: getattr(arrays[1], each).copy() for each in ('walls', 'lights', 'spawns', 'doors')}
    broken[name].reshape(len(broken[name]), -1)[-1, 1] = value
    maps = MapSet([arrays[0], Geometry.unchecked(**broken, rooms=())])
    message = f'{name} must lie within 500 m of the origin, got a coordinate of {value:g} m in map 1'.replace(
        '+', r'\+'
    )
    with pytest.raises(ValueError, match=message):
        Scenery.pack(maps, device='cpu')


@pytest.mark.parametrize('value', [np.nan, np.inf, -1.0])
def test_no_light_is_taken_that_is_none(value):
    box = worlds.box()
    lights = np.array([[2.0, 2.0, value]])
    maps = MapSet([Geometry.unchecked(walls=box.walls, spawns=box.spawns, doors=box.doors, rooms=(), lights=lights)])
    with pytest.raises(ValueError, match=f'lights must have finite intensities of at least 0, got {value} in map 0'):
        Scenery.pack(maps, device='cpu')


def test_walls_without_a_length_are_refused():
    box = worlds.box()
    walls = np.concatenate([box.walls, [[[2.0, 2.0], [2.0, 2.0]]]])
    maps = MapSet([Geometry.unchecked(walls=walls, spawns=box.spawns, doors=box.doors, rooms=(), lights=box.lights)])
    with pytest.raises(ValueError, match='walls must be longer than 0 m, but one of map 0 is not'):
        Scenery.pack(maps, device='cpu')


@pytest.mark.parametrize('num_agents', [0, -1])
def test_at_least_one_agent_is_needed(num_agents):
    with pytest.raises(ValueError, match=f'num_agents must be at least 1, got {num_agents}'):
        Scenery.pack([worlds.box()], num_agents=num_agents, device='cpu')


def test_at_least_one_map_is_needed():
    with pytest.raises(ValueError, match='at least 1'):
        Scenery.pack([], device='cpu')


def test_an_empty_part_of_a_map_set_is_refused():
    with pytest.raises(ValueError, match='at least 1'):
        Scenery.pack(MapSet(MAPS)[:0], device='cpu')


def test_devices_without_kernels_are_refused():
    with pytest.raises(ValueError, match="device must be of type 'cuda' or 'cpu', got 'meta'"):
        Scenery.pack([worlds.box()], device='meta')
