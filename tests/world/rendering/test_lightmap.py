import numpy as np
import oracle
import pytest
import torch
import worlds
from oracle import array

from megastep.maps.mapset import MapSet
from megastep.world import rendering
from megastep.world.scenery import Scenery

SHIFT = 1e-5
"""Metres a light may be off when shadows are compared: float32 places a point 20 m from the origin to 2e-6 m."""


AMBIENT = 0.1


def dim(light):
    """Where no light shines."""
    return np.isclose(light, AMBIENT)


def baked(geometry, device='cpu'):
    """The light on each wall's texels: a list of (texel,)."""
    scenery = Scenery.pack([geometry], device=device)
    ends = np.cumsum(array(scenery.texels)[:, 1].astype(int))
    return np.split(array(rendering.bake(scenery)), ends[:-1])


def dots(wall, texels):
    """The middles of a wall's texels."""
    return wall[0] + ((np.arange(texels) + 0.5) / texels)[:, None] * (wall[1] - wall[0])


def test_light_falls_with_the_square_of_the_distance(device, poisoned):
    geometry = worlds.box(lights=[(2, 2.5, 0.3)])
    right = baked(geometry, device)[1]
    distances = np.linalg.norm(dots(geometry.walls[1], 60) - [2, 2.5], axis=-1)
    np.testing.assert_allclose(right, 0.1 + 0.6 / distances**2, rtol=1e-5)


def test_a_light_nearer_than_a_metre_is_as_bright_as_at_a_metre(device):
    bottom = baked(worlds.box(lights=[(3, 1.5, 0.2)]), device)[0]
    assert bottom[38:42] == pytest.approx(0.5, rel=1e-6)


def test_light_is_1_at_most(device):
    bottom = baked(worlds.box(lights=[(3, 1.5, 0.46), (3, 1.6, 9)]), device)[0]
    assert bottom.max() == 1


def test_lights_add_up(device):
    walls = (
        baked(worlds.box(lights=lights), device)
        for lights in ([(2, 2, 0.1)], [(4, 3, 0.2)], [(2, 2, 0.1), (4, 3, 0.2)])
    )
    for one, other, both in zip(*walls, strict=True):
        np.testing.assert_allclose(both - 0.1, one - 0.1 + other - 0.1, atol=1e-6)


def test_without_lights_everything_is_dim(device, poisoned):
    assert dim(np.concatenate(baked(worlds.box(), device))).all()


def test_a_pillar_throws_a_shadow(device):
    """The light is 1 m before a pillar 0.4 m across, and the wall 2.6 m behind its front."""
    geometry = worlds.box(lights=[(1.4, 2.5, 0.1)], pillars=[worlds.pillar(2.4, 2.3, 2.8, 2.7)])
    walls = baked(geometry, device)
    heights = dots(geometry.walls[1], 60)[:, 1]
    edge = 0.2 * 3.6 / 1.0
    hidden = dim(walls[1])
    assert hidden[abs(heights - 2.5) < edge - 0.06].all()
    assert not hidden[abs(heights - 2.5) > edge + 0.06].any()
    front = [k for k in range(4, 8) if (geometry.walls[k][:, 0] == 2.4).all()]
    assert [k for k in range(4, 8) if walls[k].max() > 0.11] == front  # what faces away from the light is dim


def test_a_thin_wall_is_lit_from_one_side(device):
    geometry = worlds.halved_box()
    thin = [k for k, wall in enumerate(geometry.walls) if (wall[:, 0] == 3).all()]
    assert len(thin) == 2
    for k in thin:
        upwards = geometry.walls[k, 1, 1] > geometry.walls[k, 0, 1]  # so free space to its left is at lower x
        light = baked(geometry, device)[k]
        assert (light > 0.2).all() if upwards else dim(light).all()


@pytest.mark.parametrize('turn, far', [(17.3, 2), (-50, 2), (140, 30), (17.3, 240)])
def test_a_light_barely_before_a_wall_falls_on_all_of_it(turn, far, device):
    geometry, wall = worlds.barely_lit(turn, far)
    distances = np.linalg.norm(dots(geometry.walls[wall], 40) - geometry.lights[0, :2], axis=1)
    np.testing.assert_allclose(baked(geometry, device)[wall], 0.1 + 2 / distances**2, rtol=1e-4)


def test_a_map_is_lit_by_its_own_lights(device):
    dark, lit = worlds.box(), worlds.box(lights=[(3, 2.5, 0.5)])
    scenery = Scenery.pack([dark, lit, dark], device=device)
    thirds = np.split(array(rendering.bake(scenery)), 3)
    assert dim(thirds[0]).all()
    assert thirds[1].min() > 0.15
    assert dim(thirds[2]).all()


def assert_baked(maps, device):
    """Holds if the light is what the oracle says; for shadows' edges, with the lights moved by `SHIFT`."""
    scenery = Scenery.pack(maps, device=device)
    light, counts = array(rendering.bake(scenery)), array(scenery.texels)[:, 1].astype(int)
    assert len(light) == counts.sum()
    for number in range(len(maps)):
        walls, lights = array(scenery.walls[number]), array(scenery.lights[number])
        start, texel = int(scenery.walls.starts[number]), int(scenery.albedo.starts[number])
        choices = [
            np.concatenate(oracle.bake(walls, counts[start : start + len(walls)], lights + [x * SHIFT, y * SHIFT, 0]))
            for x, y in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
        ]
        worlds.assert_within(light[texel : texel + len(choices[0])], choices, atol=1e-5)
        assert (np.ptp(choices, axis=0) > 1e-3).mean() < 0.02  # else the oracle doubts more than shadows' edges


def test_cluttered_rooms_are_lit_as_the_rules_say(device, poisoned):
    assert_baked(MapSet([worlds.cluttered(seed) for seed in range(20)]), device)


def test_houses_are_lit_as_the_rules_say(device, poisoned):
    assert_baked(worlds.houses(2), device)


def test_texels_hold_what_is_baked_to_2_thousandths(device):
    scenery = Scenery.pack([worlds.cluttered(4), worlds.box()], device=device)
    light, texels = array(rendering.bake(scenery)), array(scenery.light)
    assert scenery.light.dtype == torch.uint8
    np.testing.assert_array_equal(texels, np.round(255 * light))
    assert abs(texels / 255 - light).max() < 0.002


@pytest.mark.gpu
def test_many_houses_are_lit_as_the_rules_say(device, poisoned):
    assert_baked(worlds.houses(16)[:6], device)
