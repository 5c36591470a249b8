"""Sets of maps are compared, sampled, parted by shares, and taken away from each other."""

from dataclasses import replace

import numpy as np
import pytest
from worlds import box

from envs import Minimal, PointGoal, Racing
from megastep import Cameras, mapgen
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.world.scenery import Scenery


def room(side):
    return box(1, 1, 1 + side, 1 + side)


def test_one_map_is_a_set_of_one():
    assert len(MapSet(room(2))) == 1 and MapSet(room(2))[0] == room(2)
    assert Scenery.pack(room(2), device='cpu').num_maps == 1


@pytest.mark.parametrize('task', [Minimal, PointGoal, Racing])
def test_an_env_takes_one_map(task):
    (track,) = mapgen.generate('track', 1, seed=0)
    env = task(track if task is Racing else box(1, 1, 7, 7), 2, 'cpu', cameras=Cameras(res=4))
    assert env.core.scenery.num_maps == 1 and env.reset()


def test_maps_are_equal_if_what_they_hold_is():
    maps = MapSet([room(2), room(3)], recipe={'family': 'a'})
    assert maps == MapSet([room(2), room(3)]) and maps != maps[::-1] and maps != maps[:1] and maps != 'maps'
    assert hash(maps) == hash(MapSet([room(2), room(3)]))
    assert room(2) == room(2) != room(3) and room(2) != 2 and hash(room(2)) == hash(room(2))
    assert room(2) in list(maps)
    other = replace(room(2), rooms=[replace(each, kind='hall') for each in room(2).rooms])
    assert (room(2) == other) is not bool(room(2).rooms)


def test_a_sample_is_of_different_maps_and_repeats_itself():
    maps = MapSet([room(side) for side in range(2, 12)])
    found = maps.sample(4, seed=1)
    assert len(found) == 4 and found == maps.sample(4, 1) and len(set(found.indices.tolist())) == 4
    assert any(maps.sample(4, seed) != found for seed in range(2, 6))
    assert maps.sample(10) == maps
    for number in (0, 11, 2.5):
        with pytest.raises(ValueError, match=f'a sample must be of 1 to 10 maps, got {number}'):
            maps.sample(number)


def test_without_leaves_out_what_is_equal_up_to_symmetry():
    maps = mapgen.generate('arena', 6, seed=0)
    turned = Geometry(**{**parts(maps[2]), 'walls': mirrored(maps[2].walls)})
    assert maps.without(maps[1:3]).indices.tolist() == [0, 3, 4, 5]
    assert maps.without(turned).indices.tolist() == [0, 1, 3, 4, 5]
    assert len(maps.without(maps)) == 0


def test_plans_are_drawn_into_a_folder_that_is_made(tmp_path):
    (file,) = MapSet([room(2)]).to_svg(tmp_path / 'new' / 'folder')
    assert file.is_file()


def test_the_remedy_is_named_where_a_plan_lies_below_zero():
    with pytest.raises(ValueError, match=r'got -1.0 in row 0. Add one and the same amount to all coordinates'):
        Geometry.from_walls(room(2).walls - room(2).walls.min() - 1)


def parts(geometry):
    return {'spawns': geometry.spawns * [-1, 1] + [40, 0], 'lights': geometry.lights * [-1, 1, 1] + [40, 0, 0]}


def mirrored(walls):
    return walls[:, ::-1] * [-1, 1] + [40, 0]


def test_shares_by_name_and_several_shares():
    maps = MapSet([room(side) for side in range(2, 22)])
    named = maps.split({'train': 0.7, 'valid': 0.1, 'test': 0.2}, seed=3)
    assert {name: len(part) for name, part in named.items()} == {'train': 14, 'valid': 2, 'test': 4}
    first, *others = maps.split(0.7, 0.1, 0.2, seed=3)
    assert [first, *others] == list(named.values()) and first == maps.split(0.7, seed=3)[0]
    assert sorted(np.concatenate([part.indices for part in named.values()])) == list(range(20))
    assert [len(part) for part in maps.split(0.5, 0.25)] == [10, 5]
    assert [len(part) for part in maps[:3].split(0.9, 0.05, 0.05)] == [1, 1, 1]


@pytest.mark.parametrize(
    'arguments, message',
    [
        ((0.7, 0.4), r'the shares of a split must come to 1 at most, got 0.7 \+ 0.4'),
        ((0.7, 0.0), 'must be between 0 and 1, got 0.0'),
        (({'a': 0.5, 'b': 1.5},), 'must be between 0 and 1, got 1.5'),
        (({'a': 1}, 0.5), 'a split by names takes no more shares, got 0.5'),
        ((0.4, 0.3, 0.2, 0.1), 'a split needs at least 4 maps that differ by more than symmetry, got 3'),
    ],
)
def test_rejects_shares(arguments, message):
    with pytest.raises(ValueError, match=message):
        MapSet([room(2), room(3), room(4)]).split(*arguments)


@pytest.mark.parametrize('seed', [-1, 1.5, None])
def test_rejects_seeds(seed):
    with pytest.raises(ValueError, match=f'seed must be an integer from 0 to .*, got {seed}'):
        MapSet([room(2), room(3)]).split(0.5, seed=seed)
