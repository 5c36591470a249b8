"""Map sets are split and joined: maps that are equal up to symmetry stay together."""

import warnings

import numpy as np
import pytest
from floorplans.small_maps import GEOMETRIES, assert_same, moved
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep.maps import splitting
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.maps.symmetry import WALLS_AT_ONCE, canonical_hashes


@pytest.fixture
def maps():
    return MapSet(GEOMETRIES, recipe={'family': 'test', 'seed': 3})


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'maps.safetensors'


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
