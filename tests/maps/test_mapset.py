"""Map sets: indexing, splitting, statistics, and a file that is whole or refused."""

import base64
import gc
import json
import os
import pickle
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from worlds import box

from megastep import mapgen
from megastep.maps import splitting
from megastep.maps.geometry import Geometry, Room
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.storage import atomic, digests, tensor_files
from megastep.maps.symmetry import WALLS_AT_ONCE, canonical_hashes
from megastep.world.scenery import Scenery

ARRAYS = ['walls', 'spawns', 'lights', 'doors', 'kinds', 'outlines']


def ring(*corners):
    corners = np.array(corners, dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def l_shape(width, height, notch=1.0):
    """A room without symmetries of its own, unless its sides are equal."""
    right, top = 1 + width, 1 + height
    return ring((1, 1), (right, 1), (right, top), (1 + notch, top), (1 + notch, top - notch), (1, top - notch))


def make(i):
    """The ``i``th of a family of maps that all differ; every third has no rooms."""
    rooms = [] if i % 3 == 2 else [Room([[1, 1], [2, 1], [2, 2]], f'kind {i % 4}'), [[1, 1], [2, 1], [2, 2], [1, 2]]]
    doors = np.full((i % 2, 2, 2), 1.5)
    lights = np.full((i % 4, 3), 2.0)
    return Geometry(
        walls=l_shape(3 + 0.1 * i, 4), spawns=[[2.5, 1.5]] * (1 + i % 3), rooms=rooms, doors=doors, lights=lights
    )


def moved(geometry, turns=0, mirrored=False, shift=(0.0, 0.0)):
    """The same map turned by quarter turns, mirrored and shifted."""
    walls, spawns = geometry.walls - 20, geometry.spawns - 20
    for _ in range(turns):
        walls, spawns = (np.stack([-a[..., 1], a[..., 0]], axis=-1) for a in (walls, spawns))
    if mirrored:
        walls, spawns = (walls * [-1, 1])[:, ::-1], spawns * [-1, 1]
    return Geometry(walls=walls + 40 + shift, spawns=spawns + 40 + shift)


def assert_same(a, b):
    for name in ('walls', 'spawns', 'lights', 'doors'):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert [room.kind for room in a.rooms] == [room.kind for room in b.rooms]
    for room_a, room_b in zip(a.rooms, b.rooms, strict=True):
        np.testing.assert_array_equal(room_a.outline, room_b.outline)


GEOMETRIES = [make(i) for i in range(12)]


@pytest.fixture
def maps():
    return MapSet(GEOMETRIES, recipe={'family': 'test', 'seed': 3})


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'maps.safetensors'


class TestIndexing:
    def test_maps_come_back_as_they_went_in(self, maps):
        assert len(maps) == 12
        for geometry, original in zip(maps, GEOMETRIES, strict=True):
            assert_same(geometry, original)
        assert_same(maps[-1], GEOMETRIES[-1])
        assert_same(maps[np.int64(2)], GEOMETRIES[2])

    @pytest.mark.parametrize(
        'index',
        [slice(2, 9), slice(None, None, -3), [4, 4, -1], np.array([7, 0]), np.arange(12) % 5 == 1, [], slice(0, 0)],
    )
    def test_parts_are_map_sets(self, maps, index):
        part, expected = maps[index], np.arange(12)[np.array(index, int) if isinstance(index, list) else index]
        assert part.indices.tolist() == expected.tolist()
        assert len(part) == len(list(part)) == len(expected)
        for geometry, i in zip(part, expected, strict=True):
            assert_same(geometry, GEOMETRIES[i])
        assert part.recipe == maps.recipe

    def test_parts_of_parts(self, maps):
        assert maps[2:9][[1, -1]][::-1].indices.tolist() == [8, 3]

    @pytest.mark.parametrize('name', ARRAYS)
    def test_arrays_of_a_part_are_those_of_its_maps(self, maps, name):
        part, anew = maps[[5, 1, 4, 9]], MapSet([GEOMETRIES[i] for i in (5, 1, 4, 9)])
        expected, actual = getattr(anew, name), getattr(part, name)
        np.testing.assert_array_equal(actual.widths, expected.widths)
        if name == 'kinds':
            assert [part.vocabulary[c] for c in actual.vals] == [anew.vocabulary[c] for c in expected.vals]
        else:
            np.testing.assert_array_equal(actual.vals, expected.vals)
        assert getattr(part, name) is actual, 'gathered twice'

    def test_arrays_are_flat(self, maps):
        assert maps.walls.vals.shape == (72, 2, 2)
        assert maps.walls.vals.dtype == np.float64
        assert maps.walls.widths.dtype == np.int32
        assert maps.walls.starts.tolist() == list(range(0, 72, 6))

    @pytest.mark.parametrize('index', [12, -13, [0, 12], np.zeros(3, bool)])
    def test_rejects_maps_that_are_not_there(self, maps, index):
        with pytest.raises(
            IndexError, match=r'map must be from -12 to 11, got|a mask must have a value for each of the 12'
        ):
            maps[index]

    @pytest.mark.parametrize('index', [[0.5], [[1, 2]], 'abc'])
    def test_rejects_what_is_no_index(self, maps, index):
        with pytest.raises(TypeError, match='maps are chosen by whole numbers, got'):
            maps[index]

    def test_rejects_no_maps(self):
        with pytest.raises(ValueError, match='a map set needs at least 1 geometry, got 0'):
            MapSet([])

    @pytest.mark.parametrize('things, kinds', [('a.safetensors', 'str'), ([None, box(), 3], 'NoneType, int')])
    def test_rejects_what_are_no_geometries(self, things, kinds):
        with pytest.raises(ValueError, match=f'a map set is made of geometries, got {kinds}; MapSet.load reads a file'):
            MapSet(things)

    @pytest.mark.parametrize('recipe', [{'a': object()}, {'a': np.nan}])
    def test_rejects_a_recipe_json_cannot_hold(self, recipe):
        with pytest.raises(ValueError, match='recipe must be what JSON can hold, got'):
            MapSet(GEOMETRIES, recipe=recipe)

    def test_filter(self, maps):
        assert maps.filter(lambda geometry: geometry.rooms).indices.tolist() == [0, 1, 3, 4, 6, 7, 9, 10]
        assert len(maps.filter(lambda geometry: False)) == 0

    def test_survives_pickling(self, maps):
        assert_same(pickle.loads(pickle.dumps(maps[3:5]))[1], GEOMETRIES[4])


class TestStats:
    def test_agree_with_the_geometries(self, maps):
        part = maps[[7, 2, 3]]
        stats = part.stats()
        for i, geometry in enumerate(part):
            left, bottom, right, top = geometry.bounds
            assert stats['area'][i] == pytest.approx(geometry.area)
            assert stats['width'][i] == pytest.approx(right - left)
            assert stats['height'][i] == pytest.approx(top - bottom)
            assert stats['wall_length'][i] == pytest.approx(2 * (right - left + top - bottom))
            for name in ('walls', 'rooms', 'doors', 'lights', 'spawns'):
                assert stats[name][i] == len(getattr(geometry, name))

    def test_of_no_maps_are_empty(self, maps):
        assert {len(values) for values in maps[:0].stats().values()} == {0}


class TestSplit:
    def test_shares(self, maps):
        train, test = maps.split(0.75)
        assert (len(train), len(test)) == (9, 3)
        assert sorted([*train.indices, *test.indices]) == list(range(12))
        assert (np.diff(train.indices) > 0).all()

    def test_counts(self, maps):
        parts = maps.split({'train': 6, 'validation': 2, 'test': 3}, seed=1)
        assert {name: len(part) for name, part in parts.items()} == {'train': 6, 'validation': 2, 'test': 3}
        assert len({i for part in parts.values() for i in part.indices.tolist()}) == 11

    def test_is_the_same_for_ever(self, maps):
        assert maps.split(0.5)[0].indices.tolist() == [0, 2, 3, 8, 10, 11]
        assert maps.split(0.5, seed=2**64 - 1)[0].indices.tolist() == [1, 4, 7, 8, 10, 11]

    def test_does_not_depend_on_the_order_of_the_maps(self, maps):
        order = [3, 1, 11, 0, 2, 10, 5, 4, 9, 8, 7, 6]
        assert sorted(maps[order].split(0.5)[0].indices) == maps.split(0.5)[0].indices.tolist()

    @settings(max_examples=20, deadline=None)
    @given(
        seed=st.integers(0, 2**63),
        poses=st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(-2, 2)), min_size=6, max_size=6),
    )
    def test_maps_equal_up_to_symmetry_stay_together(self, seed, poses):
        twins = [
            moved(g, turns, mirrored, (0, shift))
            for g, (turns, mirrored, shift) in zip(GEOMETRIES, poses, strict=False)
        ]
        maps = MapSet([*GEOMETRIES[:6], *twins])
        first, second = maps.split(0.5, seed=seed)
        assert len(first) == len(second) == 6
        assert {i % 6 for i in first.indices.tolist()}.isdisjoint(i % 6 for i in second.indices.tolist())

    @pytest.mark.parametrize('share', [0, 1, -0.5, 1.5, np.nan, 'a half', None])
    def test_rejects_impossible_shares(self, maps, share):
        with pytest.raises(ValueError, match=f'the share of maps to split off must be between 0 and 1, got {share!r}'):
            maps.split(share)

    def test_rejects_maps_that_cannot_be_parted(self, maps):
        with pytest.raises(ValueError, match='a split needs at least 2 maps that differ by more than symmetry, got 1'):
            maps[[0, 0, 0]].split(0.5)

    @pytest.mark.parametrize(
        'counts, message',
        [
            ({'train': 12, 'test': 0}, "each part of a split needs at least 1 map, got {'train': 12, 'test': 0}"),
            ({}, 'each part of a split needs at least 1 map, got {}'),
            ({'train': True}, 'train must be a whole number of maps, got True'),
            (
                {'train': 12, 'test': 1},
                "12 maps in 12 groups .* {'train': 12, 'test': 1}: {'train': 0, 'test': 1} are left",
            ),
        ],
    )
    def test_rejects_counts_that_cannot_be_had(self, maps, counts, message):
        with pytest.raises(ValueError, match=message):
            maps.split(counts)

    @pytest.mark.parametrize('seed', range(4))
    def test_equal_maps_go_where_there_is_room_for_all_of_them(self, seed):
        maps = MapSet([GEOMETRIES[7], GEOMETRIES[0], moved(GEOMETRIES[7], turns=1)])
        parts = maps.split({'train': 1, 'test': 2}, seed=seed)
        assert parts['train'].indices.tolist() == [1]
        assert parts['test'].indices.tolist() == [0, 2]

    def test_counts_do_not_part_equal_maps(self):
        maps = MapSet([turned for g in GEOMETRIES[:2] for turned in (g, moved(g, mirrored=True))])
        with pytest.raises(ValueError, match='4 maps in 2 groups of equal ones, which are not parted, cannot be split'):
            maps.split({'train': 3, 'test': 1})

    def test_its_parts_are_disjoint(self, maps):
        splitting.check_disjoint(*(part.walls for part in maps.split(0.5)))

    def test_maps_in_both_sets_are_named_though_they_are_turned_or_mirrored(self, maps):
        train, test = MapSet(GEOMETRIES[:4]), MapSet([GEOMETRIES[5], moved(GEOMETRIES[2], turns=1, mirrored=True)])
        assert splitting.overlap(test.walls, train.walls).tolist() == [[1, 2]]
        message = 'test must have no map of train, turned, mirrored or moved, but map 1 is map 2 of train: MapSet.split'
        with pytest.raises(ValueError, match=message):
            splitting.check_disjoint(train.walls, test.walls)
        named = 'b must have no map of a, .* map 0 is map 0 of a, map 1 is map 1 of a, map 2 is map 2 of a, and 9 more'
        with pytest.raises(ValueError, match=named):
            splitting.check_disjoint(maps.walls, maps.walls, names=('a', 'b'))
        splitting.check_disjoint(maps[:0].walls, maps.walls)

    def test_of_sets_that_overlap_leaves_repetitions_out_and_says_how_many(self, maps):
        union = maps[:8] + maps[4:]
        with pytest.warns(UserWarning, match='4 of the 16 maps repeat others, and are left out of the split'):
            first, second = union.split(0.5)
        assert [part.indices.tolist() for part in maps.split(0.5)] == [first.indices.tolist(), second.indices.tolist()]
        with pytest.warns(UserWarning, match='4 of the 16 maps'):
            parts = union.split({'train': 8, 'test': 4})
        assert sorted(i for part in parts.values() for i in part.indices.tolist()) == list(range(12))

    @pytest.mark.parametrize('name, value', [('spawns', [[2.5, 1.6]]), ('lights', [[2, 2, 3]]), ('doors', [])])
    def test_maps_that_differ_in_anything_are_not_repetitions(self, name, value):
        fields = ('walls', 'spawns', 'lights', 'doors')
        maps = [Geometry(**{**{field: getattr(g, field) for field in fields}, **given})
                for given in ({}, {name: value}) for g in (GEOMETRIES[1], GEOMETRIES[3])]  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            assert [len(part) for part in MapSet(maps).split(0.5)] == [2, 2]


class TestUnion:
    """Sets put together, and what is still known of their maps."""

    RECIPES = [{'family': 'a', 'seed': 1}, {'family': 'b', 'seed': 1}]

    def test_has_all_maps_in_order(self, maps):
        union = MapSet.concat([maps[7:9], maps[[2, 0]], maps[7:8]])
        for geometry, i in zip(union, [7, 8, 2, 0, 7], strict=True):
            assert_same(geometry, GEOMETRIES[i])
        assert union.indices.tolist() == [7, 8, 2, 0, 7]
        assert union.recipe == maps.recipe
        assert union.families.tolist() == ['test'] * 5

    def test_is_what_packing_all_at_once_gives(self, maps, path):
        """Byte for byte: what is made in pieces is as good as what is made in one go."""
        (maps[:5] + maps[5:]).save(path)
        content = path.read_bytes()
        maps.save(path)
        assert path.read_bytes() == content

    def test_joins_recipes(self):
        first, second = (MapSet(GEOMETRIES[:2], recipe=recipe) for recipe in self.RECIPES)
        union = first + second + first + MapSet(GEOMETRIES[:1])
        assert union.recipe == {'parts': [*self.RECIPES, None]}
        assert union.origins.tolist() == [0, 0, 1, 1, 0, 0, 2]
        assert union.families.tolist() == ['a', 'a', 'b', 'b', 'a', 'a', '']
        assert union.indices.tolist() == [0, 1] * 3 + [0]
        assert repr(union) == 'MapSet(7 maps, a and b)'

    def test_maps_are_chosen_by_family_also_from_a_file(self, path):
        mixed = MapSet(GEOMETRIES[:4], recipe={'parts': self.RECIPES}, origins=[1, 0, 1, 1], indices=[5, 6, 7, 8])
        mixed.save(path)
        chosen = MapSet.load(path)
        chosen = chosen[chosen.families == 'b']
        assert chosen.indices.tolist() == [5, 7, 8]
        assert_same(chosen[1], GEOMETRIES[2])

    def test_keeps_whole_recipes_that_are_equal(self):
        recipe = {'mixture': {'a': 1, 'b': 2}, 'parts': self.RECIPES}
        maps = MapSet(GEOMETRIES[:2], recipe=recipe, origins=[0, 1])
        assert (maps + maps).recipe == recipe
        assert (maps + MapSet(GEOMETRIES[:1], recipe=self.RECIPES[1])).origins.tolist() == [0, 1, 1]

    def test_rejects_no_sets_and_what_is_none(self, maps):
        with pytest.raises(ValueError, match='sets must be at least 1 to be put together, got 0'):
            MapSet.concat([])
        with pytest.raises(TypeError, match='unsupported operand'):
            maps + GEOMETRIES[0]

    @pytest.mark.parametrize(
        'arguments, message',
        [
            ({'origins': [0, 2]}, 'origins must be from 0 to 1, for the recipe has 2 parts, got 2'),
            ({'origins': [0, -1]}, 'origins must be from 0 to 1, for the recipe has 2 parts, got -1'),
            ({'origins': [0]}, 'origins has 1 maps, but there are 2 indices'),
            ({'indices': [0]}, 'walls has 2 maps, but there are 1 indices'),
        ],
    )
    def test_rejects_numbers_that_do_not_fit(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            MapSet(GEOMETRIES[:2], recipe={'parts': self.RECIPES}, **arguments)


class TestCanonicalHashes:
    def hash(self, *geometries):
        return canonical_hashes(MapSet(geometries).walls).tolist()

    @pytest.mark.parametrize('turns', range(4))
    @pytest.mark.parametrize('mirrored', [False, True])
    def test_symmetries_and_shifts_change_nothing(self, turns, mirrored):
        assert self.hash(moved(GEOMETRIES[3], turns, mirrored, (0.31, 7.77))) == self.hash(GEOMETRIES[3])

    def test_off_the_lattice_too(self):
        """Mirroring rounds as it should even where no coordinate is a whole number of millimetres."""
        rng = np.random.default_rng(0)
        odd = [Geometry(walls=GEOMETRIES[3].walls * s, spawns=GEOMETRIES[3].spawns * s) for s in rng.uniform(1, 2, 50)]
        assert self.hash(*(moved(g, 1, True) for g in odd)) == self.hash(*odd)

    def test_the_order_of_walls_changes_nothing(self):
        shuffled = Geometry(walls=GEOMETRIES[3].walls[[4, 0, 5, 1, 3, 2]], spawns=GEOMETRIES[3].spawns)
        assert self.hash(shuffled) == self.hash(GEOMETRIES[3])

    def test_different_maps_differ(self):
        assert len(set(self.hash(*GEOMETRIES))) == 12

    def test_which_side_is_free_matters(self):
        walls = np.concatenate([GEOMETRIES[0].walls, GEOMETRIES[0].walls[:, ::-1]])
        inside, outside = (Ragged(w, np.array([6], np.int32)) for w in (walls[:6], walls[6:]))
        assert canonical_hashes(inside) != canonical_hashes(outside)

    def test_many_maps_are_taken_in_chunks(self, maps):
        many = maps[np.tile(np.arange(12), WALLS_AT_ONCE // 36)]
        assert len(many.walls.vals) > WALLS_AT_ONCE
        np.testing.assert_array_equal(
            canonical_hashes(many.walls), np.tile(canonical_hashes(maps.walls), WALLS_AT_ONCE // 36)
        )


class TestFile:
    def test_round_trip(self, maps, path):
        maps.save(path)
        loaded = MapSet.load(str(path))
        loaded.verify()
        assert loaded.recipe == {'family': 'test', 'seed': 3}
        for geometry, original in zip(loaded, GEOMETRIES, strict=True):
            assert_same(geometry, original)

    def test_a_part_keeps_its_numbers(self, maps, path):
        maps[[5, 2]].save(path)
        assert MapSet.load(path).indices.tolist() == [5, 2]
        assert_same(MapSet.load(path)[0], GEOMETRIES[5])

    def test_maps_without_rooms_lights_or_doors(self, path):
        MapSet([Geometry(walls=l_shape(3, 4), spawns=[[2, 2]])]).save(path)
        assert MapSet.load(path)[0].rooms == ()

    def test_is_mapped_rather_than_read(self, maps, path):
        maps.save(path)
        loaded = MapSet.load(path)
        assert str(path) in Path('/proc/self/maps').read_text()
        assert not loaded.walls.vals.flags.owndata
        with pytest.raises(ValueError, match='cannot set WRITEABLE'):
            loaded.walls.vals.setflags(write=True)
        vals = loaded.walls.vals
        del loaded
        assert vals.max() > 1
        del vals
        gc.collect()
        assert str(path) not in Path('/proc/self/maps').read_text()

    def test_no_descriptor_stays_open(self, maps, path):
        maps.save(path)
        before = os.listdir('/proc/self/fd')
        kept = [MapSet.load(path) for _ in range(50)]
        assert [len(each.walls) for each in kept] == [12] * 50
        assert len(os.listdir('/proc/self/fd')) == len(before)

    def test_cannot_be_written_to(self, maps, path):
        maps.save(path)
        with pytest.raises(ValueError, match='read-only'):
            MapSet.load(path).walls.vals[:] = 0

    def test_the_same_maps_give_the_same_hash(self, maps, path, tmp_path):
        maps.save(path)
        MapSet.load(path).save(tmp_path / 'again')
        assert tensor_files.read(tmp_path / 'again')[1] == tensor_files.read(path)[1]

    def test_can_be_saved_over_itself(self, maps, path):
        maps.save(path)
        loaded = MapSet.load(path)
        loaded[3:5].save(path)
        assert_same(loaded[11], GEOMETRIES[11])
        assert len(MapSet.load(path)) == 2

    @pytest.mark.parametrize('step', ['fsync', 'replace'])
    def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(self, maps, path, monkeypatch, step):
        maps.save(path)
        before = path.read_bytes()

        def fail(*_):
            assert len(os.listdir(path.parent)) == 2  # it was being written beside
            raise OSError('no space left on device')

        monkeypatch.setattr(atomic.os, step, fail)
        with pytest.raises(OSError, match='no space left'):
            maps[:3].save(path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]

    def test_what_is_written_beside_a_file_takes_its_place(self, tmp_path):
        path = tmp_path / 'picture.png'
        path.write_bytes(b'old')
        with atomic.replacing(path) as beside:
            assert (beside.parent, beside.suffix) == (tmp_path, '.png')
            beside.write_bytes(b'new')
            assert path.read_bytes() == b'old'
        assert path.read_bytes() == b'new'
        assert os.listdir(tmp_path) == [path.name]

    def test_what_could_not_be_written_leaves_the_old_file_and_nothing_else(self, tmp_path):
        path = tmp_path / 'picture.png'
        path.write_bytes(b'old')
        with pytest.raises(OSError, match='no space left'), atomic.replacing(path) as beside:
            beside.write_bytes(b'n')
            raise OSError('no space left on device')
        assert path.read_bytes() == b'old'
        assert os.listdir(tmp_path) == [path.name]

    def test_a_digest_tells_arrays_and_maps_apart(self, maps, path):
        maps.save(path)
        for same in (MapSet.load(path), maps[:], MapSet(GEOMETRIES)):
            assert same.digest('walls', 'spawns') == same.digest('spawns', 'walls') == maps.digest('walls', 'spawns')
        others = {maps.digest('walls'), maps.digest('spawns'), maps[1:].digest('walls'), maps[::-1].digest('walls')}
        assert len(others) == 4

    def test_others_may_read_it(self, maps, path):
        maps.save(path)
        (path.parent / 'plain').touch()
        assert path.stat().st_mode == (path.parent / 'plain').stat().st_mode

    def test_a_missing_folder_is_missing(self, maps, path):
        for write in (maps.save, maps.to_geojson):
            with pytest.raises(FileNotFoundError, match=r'none is not a folder, so .* cannot be written there'):
                write(path.parent / 'none' / path.name)

    def test_an_empty_set_cannot_be_saved(self, maps, path):
        with pytest.raises(ValueError, match=f'a map set needs at least 1 map to be saved, got 0 for {path}'):
            maps[:0].save(path)
        assert not path.exists()

    def test_a_missing_file_is_missing(self, path):
        with pytest.raises(FileNotFoundError):
            MapSet.load(path)


class TestBrokenFiles:
    """Each test breaks a whole file in one way."""

    def test_a_file_replaced_while_it_is_opened_is_the_old_one_or_the_new(self, tmp_path, monkeypatch):
        small, large, path = mapgen.generate('box', 1), mapgen.generate('house', 2), tmp_path / 'maps.safetensors'
        large.save(tmp_path / 'large.safetensors')
        small.save(path)
        memmap = np.memmap

        def replaced(*arguments, **options):
            (tmp_path / 'large.safetensors').replace(path)
            return memmap(*arguments, **options)

        monkeypatch.setattr(np, 'memmap', replaced)
        loaded = MapSet.load(path)
        assert loaded.recipe == small.recipe
        assert loaded.digest('walls') == small.digest('walls')

    @pytest.fixture
    def whole(self, maps, path):
        maps.save(path)
        return path

    def rewrite(self, path, metadata=None, **tensors):
        """Writes the file with some arrays or metadata replaced, or left out where the replacement is None."""
        old, header = tensor_files.read(path)
        new = {name: value for name, value in {**old, **tensors}.items() if value is not None}
        header = {name: value for name, value in {**header, **(metadata or {})}.items() if value is not None}
        header[digests.HEADER_HASH] = digests.header_digest(header)
        save_file({name: value.copy() for name, value in new.items()}, path, header)

    @pytest.mark.parametrize('content', [b'', b'gibberish', b'{"walls": []}', pickle.dumps([1, 2, 3]), bytes(100)])
    def test_not_safetensors(self, path, content):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f'{path} is not a map set, or is truncated'):
            MapSet.load(path)

    @pytest.mark.parametrize('part', [0.02, 0.5, 0.999])
    def test_truncated(self, whole, part):
        content = whole.read_bytes()
        whole.write_bytes(content[: int(part * len(content))])
        with pytest.raises(ValueError, match=f'{whole} is not a map set, or is truncated'):
            MapSet.load(whole)

    def test_too_long(self, whole):
        whole.write_bytes(whole.read_bytes() + b'more')
        with pytest.raises(ValueError, match=f'{whole} is not a map set, or is truncated'):
            MapSet.load(whole)

    def test_offsets_that_do_not_fit(self, whole):
        content = whole.read_bytes()
        size = int.from_bytes(content[:8], 'little')
        header = json.loads(content[8 : 8 + size])
        header['walls']['data_offsets'][1] += 64
        lying = json.dumps(header).encode()
        whole.write_bytes(len(lying).to_bytes(8, 'little') + lying + content[8 + size :])
        with pytest.raises(ValueError, match=f'{whole} is not a map set, or is truncated'):
            MapSet.load(whole)

    @pytest.mark.parametrize('schema', ['2', 'one', None])
    def test_of_another_schema(self, whole, schema):
        self.rewrite(whole, {'schema': schema})
        with pytest.raises(ValueError, match=f'{whole} must have schema 1, got {schema}'):
            MapSet.load(whole)

    @pytest.mark.parametrize('name', [*ARRAYS, *(f'{name}.widths' for name in ARRAYS), 'indices', 'origins'])
    def test_missing_arrays(self, whole, name):
        self.rewrite(whole, **{name: None})
        with pytest.raises(ValueError, match=f'{whole} contradicts itself: {name} is missing; there are'):
            MapSet.load(whole)

    @pytest.mark.parametrize('name', ['kinds', 'recipe', 'sha256'])
    def test_missing_metadata(self, whole, name):
        self.rewrite(whole, {name: None})
        with pytest.raises(
            ValueError, match=rf"{whole} must have kinds, recipe and sha256 in its header; missing: \['{name}'\]"
        ):
            MapSet.load(whole)

    @pytest.mark.parametrize(
        'tensors, message',
        [
            ({'walls': np.ones((72, 4))}, r'walls must be float64 of shape \(n, 2, 2\), got float64 of \(72, 4\)'),
            ({'walls': np.ones((72, 2, 2), np.int64)}, r'walls must be float64 of shape .*, got int64 of'),
            ({'walls': np.ones((71, 2, 2))}, "walls's widths sum to 72, but there are 71 vals"),
            ({'walls.widths': np.array([-6, 78], np.int32)}, "walls's widths must be at least 0, got -6"),
            ({'walls.widths': np.array([72], np.int32)}, 'walls has 1 maps, but there are 12 indices'),
            (
                {'walls.widths': np.array([0, 12] + [6] * 10, np.int32)},
                'walls must be at least 1 a map, got 0 in map 0',
            ),
            ({'indices': np.arange(3)}, 'walls has 12 maps, but there are 3 indices'),
            ({'origins': np.zeros(3, np.int32)}, 'origins has 3 maps, but there are 12 indices'),
            ({'origins': np.full(12, 1, np.int32)}, 'origins must be from 0 to 0, for the recipe has 1 parts, got 1'),
            ({'indices': np.array(3)}, r'indices must be int64 of shape \(n\), got int64 of \(\)'),
            ({'kinds': np.full(16, 5, np.int32)}, 'kinds must be from 0 to 4, got 5'),
            ({'kinds': np.full(16, -1, np.int32)}, 'kinds must be from 0 to 4, got -1'),
            ({'outlines.widths': np.array([56], np.int32)}, 'outlines has 1 rooms, but kinds has 16'),
        ],
    )
    def test_arrays_that_contradict_each_other(self, whole, tensors, message):
        self.rewrite(whole, **tensors)
        with pytest.raises(ValueError, match=f'{whole} contradicts itself: {message}'):
            MapSet.load(whole)

    @pytest.mark.parametrize('kinds', ['[1, 2, 3, 4]', '{}', 'gibberish'])
    def test_a_vocabulary_that_is_none(self, whole, kinds):
        self.rewrite(whole, {'kinds': kinds})
        with pytest.raises(ValueError, match=f'{whole} contradicts itself: (the vocabulary must be|Expecting value)'):
            MapSet.load(whole)

    def test_numbers_of_a_strange_type(self, whole):
        self.rewrite(whole, walls=np.ones((72, 2, 2), np.float16))
        with pytest.raises(
            ValueError, match=f'{whole} must hold arrays of F64, F32, I32, I64, but its walls is of F16'
        ):
            MapSet.load(whole)

    def test_damage_is_found_by_verify(self, whole):
        content = bytearray(whole.read_bytes())
        content[8 + int.from_bytes(content[:8], 'little')] ^= 1  # the first byte after the header
        whole.write_bytes(content)
        damaged = MapSet.load(whole)
        with pytest.raises(ValueError, match=f'{whole} is damaged: its content hashes to [0-9a-f]{{64}}, and should'):
            damaged.verify()

    USES = {
        'a map': lambda maps: maps[0],
        'a part': lambda maps: maps[3:][0],
        'all of them': lambda maps: list(maps),
        'an array': lambda maps: maps.spawns,
        'rooms': lambda maps: maps.outlines,
        'numbers': lambda maps: maps.indices,
        'statistics': lambda maps: maps.stats('area'),
        'a split': lambda maps: maps.split(0.5),
        'a union': lambda maps: maps + maps,
        'a copy': lambda maps: maps.save(maps._source.path),
        'an export': lambda maps: maps.to_geojson(maps._source.path),
        'a page': lambda maps: maps._repr_html_(),
        'scenery': lambda maps: Scenery.pack(maps, device='cpu'),
    }

    @pytest.mark.parametrize('use', USES.values(), ids=USES)
    @pytest.mark.parametrize('widths', [False, True])
    def test_nothing_damaged_is_used(self, whole, use, widths):
        """A bit of a coordinate, or three walls that go to the map before."""
        old, header = tensor_files.read(whole)
        new = {name: value.copy() for name, value in old.items()}
        if widths:
            new['walls.widths'][:2] += np.array([3, -3], np.int32)
        else:
            new['walls'].view(np.uint8)[-1, -1, 0] ^= 1
        save_file(new, whole, header)
        before = whole.read_bytes()
        damaged = MapSet.load(whole)
        with pytest.raises(ValueError, match=f'{whole} is damaged: its content hashes to'):
            use(damaged)
        assert whole.read_bytes() == before

    def test_what_was_used_is_verified_once(self, whole, monkeypatch):
        counts = []
        digest = digests.digest
        monkeypatch.setattr(digests, 'digest', lambda tensors: counts.append(1) or digest(tensors))
        loaded = MapSet.load(whole)
        assert (len(loaded), loaded.recipe, len(loaded[2:5]), counts) == (12, {'family': 'test', 'seed': 3}, 3, [])
        part = loaded[3:]
        for maps in (loaded, part, loaded):
            assert len(maps.walls) and maps[0] and len(maps.stats('area')['area'])
        assert counts == [1]

    @pytest.mark.parametrize('flip', [0x01, 0x80, 0xFF])
    def test_a_flipped_byte_is_an_error_or_changes_nothing(self, tmp_path, flip):
        """Any byte of the file: of its length, its header, its names, its arrays."""
        path = tmp_path / 'small'
        saved = MapSet([make(0), make(1)], recipe={'family': 'test'})
        saved.save(path)
        content = path.read_bytes()
        equal = []
        for place in range(len(content)):
            path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
            try:
                loaded = MapSet.load(path)
                geometries = list(loaded)
            except ValueError as error:
                assert str(path) in str(error)
                continue
            equal.append(place)
            assert (loaded.recipe, loaded.vocabulary) == (saved.recipe, saved.vocabulary)
            assert loaded.indices.tolist() == [0, 1]
            for geometry, original in zip(geometries, saved, strict=True):
                assert_same(geometry, original)
        assert len(equal) <= len(digests.HEADER_HASH)  # the name of the header's own hash: without it there is none

    def test_only_files_can_be_verified(self, maps):
        with pytest.raises(ValueError, match='only maps that were loaded from a file can be verified'):
            maps.verify()


def widths(page):
    """The widths of a page's pictures, in pixels."""
    pictures = [base64.b64decode(text).decode() for text in re.findall(r'base64,([^"]+)"', page)]
    return [float(re.search(r'<svg [^>]*width="(\d+)"', picture)[1]) for picture in pictures]


class TestNotebook:
    def test_draws_twelve_and_a_line_of_statistics(self):
        page = MapSet([*GEOMETRIES, make(12)], recipe={'family': '<house>'})._repr_html_()
        assert page.count('<img') == 12 and '<svg' not in page  # which notebooks that aren't trusted strip
        assert 'walls 6.0' in page
        assert 'MapSet(13 maps, &lt;house&gt;)' in page

    def test_maps_have_one_scale_numbers_areas_and_a_legend(self):
        def room(side):
            corners = np.array([(1, 1), (1 + side, 1), (1 + side, 1 + side), (1, 1 + side)], float)
            return Geometry.from_walls(
                np.stack([corners, np.roll(corners, -1, 0)], 1), rooms=[Room(corners, 'wine_cellar')]
            )

        page = MapSet([room(2), room(4)])._repr_html_()
        small, large = widths(page)
        assert large / small == pytest.approx(2, abs=0.2)
        assert '<b>0</b>' in page and '<b>1</b>' in page and '4.0 m²' in page and '16.0 m²' in page
        assert page.count('</span> wine cellar') == 1 and page.count('</span> 1 m') == 1

    def test_an_empty_set_draws_too(self, maps):
        assert maps[:0]._repr_html_().count('<img') == 0
        assert repr(maps[:0]) == 'MapSet(0 maps, test)'
