"""A floorplan's promises: walls are oriented and closed, spawns are free, and bad input is named."""

import dataclasses
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
import shapely
from apartments import apartments
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep.maps.geometry import AGENT_RADIUS, Geometry, Room
from megastep.maps.picture import FLOOR, FURNITURE
from megastep.maps.segments import PAIRS_AT_ONCE, clearances, join, windings


def ring(*corners):
    corners = np.array(corners, dtype=float)
    return np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)


def rectangle(left, bottom, right, top):
    return ring((left, bottom), (right, bottom), (right, top), (left, top))


BOX = rectangle(1, 1, 7, 5)
PILLAR = rectangle(3, 2, 4, 3)
SPAWNS = [[2.0, 4.0]]


def as_set(walls):
    return {tuple(map(tuple, wall)) for wall in np.round(walls, 6).tolist()}


class TestSegments:
    @settings(max_examples=50, deadline=None)
    @given(seed=st.integers(0, 2**32 - 1), points=st.integers(0, 40), walls=st.integers(1, 40))
    def test_clearances_are_shapelys_distances(self, seed, points, walls):
        rng = np.random.default_rng(seed)
        points, walls = rng.uniform(0, 10, (points, 2)), rng.uniform(0, 10, (walls, 2, 2))
        lines = shapely.multilinestrings(shapely.linestrings(walls))
        np.testing.assert_allclose(clearances(points, walls), shapely.distance(shapely.points(points), lines))

    @settings(max_examples=50, deadline=None)
    @given(seed=st.integers(0, 2**32 - 1))
    def test_windings_are_one_inside_and_none_outside(self, seed):
        rng = np.random.default_rng(seed)
        turns = np.sort(rng.uniform(0, 2 * np.pi, 12))
        corners = 5 + rng.uniform(1, 4, (12, 1)) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        points = rng.uniform(0, 10, (50, 2))
        expected = shapely.contains_xy(shapely.Polygon(corners), points)
        assert (windings(points, ring(*corners)) == expected).all()

    def test_windings_count_a_ray_through_a_corner_once(self):
        diamond = ring((3, 1), (5, 3), (3, 5), (1, 3))
        assert windings(np.array([[2.0, 3.0], [0.5, 3.0], [0.5, 5.0], [0.5, 1.0]]), diamond).tolist() == [1, 0, 0, 0]

    def test_many_points_and_walls_are_taken_in_chunks(self):
        points, walls = np.random.default_rng(0).uniform(1, 6, (700, 2)), np.tile(BOX, (100, 1, 1))
        assert len(points) * len(walls) > 2 * PAIRS_AT_ONCE
        np.testing.assert_array_equal(clearances(points, walls), clearances(points, BOX))
        np.testing.assert_array_equal(windings(points, walls), 100 * windings(points, BOX))

    def test_join_closes_gaps_and_leaves_the_rest(self):
        gapped = BOX.copy()
        gapped[1, 0] += 1e-9
        joined = join(gapped, within=1e-6)
        assert (joined[0, 1] == joined[1, 0]).all()
        assert join(BOX, within=1e-6) is BOX


class TestGeometry:
    def test_prints_as_one_line(self):
        assert repr(Geometry.from_walls(BOX)) == 'Geometry(4 walls, 1 room, 0 doors, 1 light, 64 spawns, 24.0 m²)'

    def test_holds_what_it_is_given(self):
        geometry = Geometry(
            walls=BOX,
            spawns=SPAWNS,
            lights=[[2, 2, 1.5]],
            doors=[[[1, 2], [1, 3]]],
            rooms=[Room([[1, 1], [2, 1], [2, 2]], 'kitchen'), [[3, 3], [4, 3], [4, 4]]],
        )
        assert geometry.walls.tolist() == BOX.tolist()
        assert geometry.lights.tolist() == [[2, 2, 1.5]]
        assert geometry.doors.shape == (1, 2, 2)
        assert [room.kind for room in geometry.rooms] == ['kitchen', 'room']
        assert geometry.area == 24
        assert geometry.bounds == (1, 1, 7, 5)

    def test_cannot_change_behind_its_back(self):
        walls = BOX.copy()
        geometry = Geometry(walls=walls, spawns=SPAWNS)
        walls[:] = 0
        assert (geometry.walls == BOX).all()
        with pytest.raises(ValueError, match='read-only'):
            geometry.walls[0, 0, 0] = 3
        with pytest.raises(dataclasses.FrozenInstanceError):
            geometry.walls = BOX

    def test_ends_that_nearly_meet_are_made_to_meet(self):
        turned = BOX @ np.array([[0.6, 0.8], [-0.8, 0.6]]) + 10
        turned[1, 0] += 3e-7
        geometry = Geometry(walls=turned, spawns=[turned.mean((0, 1))])
        assert (geometry.walls[:, 1] == np.roll(geometry.walls[:, 0], -1, axis=0)).all()

    def test_takes_pillars_and_thin_walls(self):
        thin = np.array([[[5, 2], [5, 4]], [[5, 4], [5, 2]]])
        geometry = Geometry(walls=np.concatenate([BOX, PILLAR[:, ::-1], thin]), spawns=SPAWNS)
        assert geometry.area == 23

    @pytest.mark.parametrize('name', ['walls', 'spawns', 'lights', 'doors'])
    @pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf, 0.0, -1.0, 2e6])
    def test_rejects_coordinates_that_are_not_finite_and_positive(self, name, value):
        fields = {'walls': BOX, 'spawns': np.array(SPAWNS), 'lights': np.ones((4, 3)), 'doors': np.ones((4, 2, 2))}
        bad = fields[name].copy()
        bad[-1].flat[1] = value
        message = (
            f'{name} must have finite coordinates above 0 m and up to 1e\\+06 m, got {value} in row {len(bad) - 1}'
        )
        with pytest.raises(ValueError, match=message):
            Geometry(**{**fields, name: bad})

    @pytest.mark.parametrize('intensity', [-1.0, np.nan, np.inf])
    def test_rejects_impossible_lights(self, intensity):
        with pytest.raises(
            ValueError, match=rf'lights must have finite intensities of at least 0, got \[{intensity}\]'
        ):
            Geometry(walls=BOX, spawns=SPAWNS, lights=[[2, 2, intensity]])

    @pytest.mark.parametrize(
        'fields, message',
        [
            ({'walls': np.ones((4, 4))}, r'walls must be numbers of shape \(n, 2, 2\), got \(4, 4\)'),
            ({'spawns': [1, 2]}, r'spawns must be numbers of shape \(n, 2\), got \(2,\)'),
            ({'lights': [[1, 2]]}, r'lights must be numbers of shape \(n, 3\), got \(1, 2\)'),
            ({'doors': [[1, 2]]}, r'doors must be numbers of shape \(n, 2, 2\), got \(1, 2\)'),
            ({'walls': [[[1, 2], [3]]]}, r'walls must be numbers of shape \(n, 2, 2\): .*inhomogeneous'),
            ({'spawns': [['a', 'b']]}, r'spawns must be numbers of shape \(n, 2\): could not convert'),
            ({'rooms': [BOX[:, 0], [[1, 2, 3]]]}, r'room 1 must be numbers of shape \(n, 2\), got \(1, 3\)'),
            ({'rooms': [[[1, 1], [2, 2]]]}, 'room 0 must have at least 3 corners, got 2'),
            (
                {'rooms': [[[1, 1], [2, 2], [3, -1]]]},
                'room 0 must have finite coordinates above 0 m .* got -1.0 in row 2',
            ),
            ({'rooms': [Room(BOX[:, 0], 7)]}, 'room 0 must have text for its kind, got 7'),
        ],
    )
    def test_rejects_wrong_shapes(self, fields, message):
        with pytest.raises(ValueError, match=message):
            Geometry(**{'walls': BOX, 'spawns': SPAWNS, **fields})

    @pytest.mark.parametrize('end', [[2, 2], [2, 2 + 1e-7]])
    def test_rejects_walls_of_no_length(self, end):
        with pytest.raises(ValueError, match=r'walls must be longer than 0 m, but walls \[4\] have zero length'):
            Geometry(walls=np.concatenate([BOX, [[[2, 2], end]]]), spawns=SPAWNS)

    def test_rejects_loose_ends(self):
        message = r'walls have loose ends: at \(1, 1\) m 1 of them begin and 0 end.*Geometry.from_walls'
        with pytest.raises(ValueError, match=message):
            Geometry(walls=BOX[:-1], spawns=SPAWNS)

    @pytest.mark.parametrize(
        'walls, message',
        [
            (np.empty((0, 2, 2)), 'walls enclose nothing: there are 0 of them'),
            (BOX[:, ::-1], 'walls enclose nothing: the area to their left is -24 m², and should be above 0'),
            (np.concatenate([BOX, BOX[:, ::-1]]), 'walls enclose nothing: the area to their left is 0 m²'),
        ],
    )
    def test_rejects_walls_that_enclose_nothing(self, walls, message):
        with pytest.raises(ValueError, match=message):
            Geometry(walls=walls, spawns=SPAWNS)

    @pytest.mark.parametrize('inner', [PILLAR, rectangle(6, 4, 8, 6)])
    def test_rejects_walls_that_face_the_wrong_way_or_overlap(self, inner):
        with pytest.raises(ValueError, match=r'walls must have free space to their left and not overlap, but walls \['):
            Geometry(walls=np.concatenate([BOX, inner]), spawns=SPAWNS)

    @pytest.mark.parametrize(
        'spawns, message',
        [
            ([], r'spawns: there is no spawn with 0\.106 m of clearance; at least 1 is needed'),
            ([[2, 2], [1.1, 2]], r'spawns need 0\.106 m of clearance, but spawn 1 has 0\.100 m of clearance'),
            ([[8, 2]], 'spawn 0 lies outside the free space'),
            ([[3.5, 2.5]], 'spawn 0 lies outside the free space'),
        ],
    )
    def test_rejects_spawns_without_clearance(self, spawns, message):
        with pytest.raises(ValueError, match=message):
            Geometry(walls=np.concatenate([BOX, PILLAR[:, ::-1]]), spawns=spawns)


class TestFromWalls:
    def test_a_box(self):
        geometry = Geometry.from_walls(BOX)
        assert geometry.walls.tolist() == BOX.tolist()
        assert geometry.area == 24
        assert geometry.lights.tolist() == [[4, 3, 1]]
        assert len(geometry.rooms) == 1
        assert sorted(geometry.rooms[0].outline.tolist()) == [[1, 1], [1, 5], [7, 1], [7, 5]]

    @settings(max_examples=30, deadline=None)
    @given(order=st.permutations(range(8)), flips=st.lists(st.booleans(), min_size=8, max_size=8))
    def test_order_and_direction_do_not_matter(self, order, flips):
        walls = np.concatenate([BOX, PILLAR])[list(order)]
        flipped = np.where(np.array(flips)[:, None, None], walls[:, ::-1], walls)
        geometry = Geometry.from_walls(flipped)
        assert as_set(geometry.walls) == as_set(BOX) | as_set(PILLAR[:, ::-1])
        np.testing.assert_array_equal(np.sort(geometry.walls, axis=1), np.sort(walls, axis=1))

    def test_a_dangling_thin_wall_becomes_two_and_cuts_what_it_touches(self):
        geometry = Geometry.from_walls(np.concatenate([BOX, [[[3, 1], [3, 2]]]]))
        expected = np.concatenate([BOX[1:], [[[1, 1], [3, 1]], [[3, 1], [7, 1]], [[3, 1], [3, 2]], [[3, 2], [3, 1]]]])
        assert as_set(geometry.walls) == as_set(expected)
        assert geometry.area == 24

    def test_a_thin_wall_that_stands_free_becomes_two(self):
        geometry = Geometry.from_walls(np.concatenate([BOX, [[[3, 2], [5, 4]]]]))
        assert as_set(geometry.walls[4:]) == as_set([[[3, 2], [5, 4]], [[5, 4], [3, 2]]])

    def test_pillars_become_holes(self):
        geometry = Geometry.from_walls(np.concatenate([PILLAR, BOX]))
        assert as_set(geometry.walls[:4]) == as_set(PILLAR[:, ::-1])
        assert geometry.area == 23

    def test_only_the_largest_face_counts(self):
        across, elsewhere = [[[3, 1], [3, 5]]], rectangle(10, 1, 12, 3)
        geometry = Geometry.from_walls(np.concatenate([BOX, across, elsewhere, [[[2, 2], [2, 3]]]]))
        assert as_set(geometry.walls) == as_set(rectangle(3, 1, 7, 5))

    def test_crossing_segments_are_cut(self):
        cross = np.array([[[2, 3], [4, 3]], [[3, 2], [3, 4]]])
        geometry = Geometry.from_walls(np.concatenate([BOX, cross]))
        spokes = [[[3, 3], end] for end in ([2, 3], [4, 3], [3, 2], [3, 4])]
        assert as_set(geometry.walls[4:]) == as_set(spokes) | as_set(np.array(spokes)[:, ::-1])

    def test_overlapping_outlines_enclose_their_union_cut_where_they_cross(self):
        geometry = Geometry.from_walls(np.concatenate([rectangle(1, 1, 9, 9), rectangle(8, 8, 12, 10)]))
        assert geometry.area == 64 - 1

    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 2**32 - 1), segments=st.integers(6, 30))
    def test_any_segments_give_a_map_that_gives_itself_or_a_reason(self, seed, segments):
        walls = np.random.default_rng(seed).integers(1, 12, (segments, 2, 2)).astype(float)
        walls = walls[(walls[:, 0] != walls[:, 1]).any(1)]
        try:
            geometry = Geometry.from_walls(np.concatenate([walls, BOX]))
        except ValueError as error:
            assert 'enclose no spawn' in str(error)
            return
        again = Geometry.from_walls(geometry.walls)
        assert as_set(again.walls) == as_set(geometry.walls)
        assert again.area == pytest.approx(geometry.area)

    def test_spawns_are_clear_and_connected(self):
        """A neck too narrow for an agent parts the map: all spawns are on the larger side."""
        left, right = rectangle(1, 1, 4, 5), rectangle(4, 1, 9, 5)
        neck = np.array([[[4, 1], [4, 2.9]], [[4, 3.1], [4, 5]]])
        walls = np.concatenate([left[[0, 2, 3]], right[[0, 1, 2]], neck])
        geometry = Geometry.from_walls(walls)
        assert (clearances(geometry.spawns, geometry.walls) > AGENT_RADIUS).all()
        assert (geometry.spawns[:, 0] > 4).all()
        assert 20 < len(geometry.spawns) <= 64

    def test_a_vast_map_costs_no_more_than_a_large_one(self):
        assert len(Geometry.from_walls(1e4 * BOX).spawns) == 64

    def test_narrow_passages_part_rooms_and_each_gets_a_light(self):
        wall = np.array([[[4, 1], [4, 2.5]], [[4, 3.4], [4, 5]]])
        geometry = Geometry.from_walls(np.concatenate([BOX, wall]))
        assert len(geometry.rooms) == len(geometry.lights) == 2
        assert geometry.lights[0, 0] < 4 < geometry.lights[1, 0]
        assert (clearances(geometry.lights[:, :2], geometry.walls) > 0.5).all()

    def test_a_map_that_is_narrow_throughout_is_one_room(self):
        assert len(Geometry.from_walls(rectangle(1, 1, 9, 2)).rooms) == 1

    def test_known_rooms_are_clipped_and_the_rest_is_found(self):
        rooms = [Room([[0.9, 0.9], [3, 0.9], [3, 5.1], [0.9, 5.1]], 'kitchen'), Room([[9, 9], [9, 8], [8, 8]], 'attic')]
        geometry = Geometry.from_walls(BOX, rooms=rooms)
        assert [room.kind for room in geometry.rooms] == ['kitchen', 'room']
        areas = [shapely.Polygon(room.outline).area for room in geometry.rooms]
        assert areas == pytest.approx([8, 16])
        assert len(geometry.lights) == 2

    @pytest.mark.parametrize(
        'walls, message',
        [
            (BOX[:3], 'walls enclose nothing: no closed outline is among the 3 given'),
            (np.empty((0, 2, 2)), 'walls enclose nothing: there are 0 of them'),
            (rectangle(1, 1, 3, 1.2), r'walls enclose no spawn with 0\.106 m of clearance: at most 0\.100 m is free'),
            (np.concatenate([BOX, [[[2, 2], [2, 2]]]]), r'walls \[4\] have zero length'),
            (BOX - 1, 'walls must have finite coordinates above 0 m'),
        ],
    )
    def test_rejects_walls_that_make_no_map(self, walls, message):
        with pytest.raises(ValueError, match=message):
            Geometry.from_walls(walls)

    def test_real_apartments_keep_all_their_walls(self):
        for walls in apartments(40):
            geometry = Geometry.from_walls(walls)
            np.testing.assert_allclose(np.sort(geometry.walls, axis=1), np.sort(walls, axis=1), atol=1e-9)


class TestDrawing:
    def test_is_wellformed_and_small(self):
        for walls in apartments(5):
            picture = Geometry.from_walls(walls)._repr_svg_()
            root = ElementTree.fromstring(picture)
            assert root.tag.endswith('svg')
            assert max(float(root.get('width')), float(root.get('height'))) < 300
            assert len(picture) < 8000

    def test_the_floor_has_the_outline_of_the_walls_with_y_up(self):
        geometry = Geometry.from_walls(np.concatenate([rectangle(1, 1, 3, 5), PILLAR - [1.5, 0]]))
        solid, *others = ElementTree.fromstring(geometry._repr_svg_())
        floor = next(path for path in others if path.get('fill') == FLOOR)
        assert solid.get('d') == 'M100 400h200v-400h-200z'
        assert floor.get('fill-rule') == 'evenodd'
        assert floor.get('d') == 'M100 400h200v-400h-200zM250 300h-100v-100h100z'

    def test_thin_walls_are_drawn_once_over_the_floor(self):
        picture = Geometry.from_walls(np.concatenate([BOX, [[[3, 2], [5, 4]]]]))._repr_svg_()
        assert picture.count('"M300 300l200 -200"') == 1

    def test_text_is_escaped(self):
        room = Room(BOX[:, 0], '<script>"&')
        picture = Geometry(walls=BOX, spawns=SPAWNS, rooms=[room])._repr_svg_()
        titles = [node.text for node in ElementTree.fromstring(picture).iter() if node.tag.endswith('title')]
        assert titles == ['<script>"&']

    def test_what_stands_in_a_room_is_furniture_and_a_rock_in_a_cave_is_none(self):
        walls = np.concatenate([rectangle(1, 1, 3, 5), PILLAR - [1.5, 0]])
        for kind, furnished in (('kitchen', True), ('cave', False)):
            room = Room(rectangle(1, 1, 3, 5)[:, 0], kind)
            picture = Geometry.from_walls(walls, rooms=[room], inside=(2, 4.5))._repr_svg_()
            assert (FURNITURE in picture) is furnished

    @pytest.mark.parametrize('scale, label', [(1, '1 m'), (10, '10 m'), (100, '100 m')])
    def test_the_scale_bar_is_long_enough_to_see(self, scale, label):
        assert f'>{label}</text>' in Geometry.from_walls(scale * BOX)._repr_svg_()
