"""Which face is meant, what is said of the others, and where everything was in the file."""

import json
import struct
import warnings

import numpy as np
import pytest
from PIL import Image

from megastep import Geometry, MapSet, mapgen
from megastep.maps import freespace
from megastep.maps.formats import doorways, gaps
from megastep.maps.frame import Frame
from megastep.maps.segments import clearances, windings


def box(left, bottom, right, top):
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return np.array([[corners[i], corners[(i + 1) % 4]] for i in range(4)], float)


TWO = np.concatenate([box(1, 1, 5, 5), box(6, 1, 9, 4), box(6, 5, 6.2, 5.2)])  # 16, 9 and 0.04 square metres


def collection(*shapes, **others):
    """Rings of walls, and features of other kinds by name: points."""
    features = [
        {'type': 'Feature', 'properties': {'kind': 'wall'}, 'geometry': {'type': 'MultiLineString', 'coordinates': s}}
        for s in shapes
    ]
    for kind, points in others.items():
        geometry = {'type': 'MultiPoint', 'coordinates': points}
        features.append({'type': 'Feature', 'properties': {'kind': kind}, 'geometry': geometry})
    return json.dumps({'type': 'FeatureCollection', 'features': features})


@pytest.fixture
def geojson(tmp_path):
    def read(text, **options):
        path = tmp_path / 'map.json'
        path.write_text(text)
        return MapSet.from_geojson(path, **options)

    return read


class TestTheFace:
    @pytest.mark.parametrize('inside, area', [((2, 2), 16), ((7, 2), 9), ([(7, 2), (8, 3)], 9)])
    def test_around_a_point(self, geojson, inside, area):
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            assert Geometry.from_walls(TWO, inside=inside).area == pytest.approx(area)
            assert geojson(collection(TWO.tolist()), inside=inside)[0].area == pytest.approx(area)
            assert geojson(collection(TWO.tolist()), inside={'map.json': inside})[0].area == pytest.approx(area)

    def test_the_largest_with_a_warning_that_names_the_others(self, geojson):
        """The third is too small for an agent, and not worth a word."""
        message = r'16 m² around \(3, 3\); left out: 9 m² around \(7.5, 2.5\). inside=\(x, y\) says which is meant'
        with pytest.warns(UserWarning, match=message) as caught:
            assert Geometry.from_walls(TWO).area == pytest.approx(16)
        with pytest.warns(UserWarning, match=message) as caught_too:
            maps = geojson(collection(TWO.tolist()))
        assert [one.filename for one in [*caught, *caught_too]] == [__file__] * 2
        assert maps.recipe['notes'][0]['dropped_area'] == pytest.approx(9)
        assert 0.3 < maps.recipe['notes'][0]['unreachable'] < 0.4

    def test_many_others_are_counted(self):
        walls = np.concatenate([box(1 + 2 * i, 1, 2.9 + 2 * i, 3) for i in range(9)])
        with pytest.warns(UserWarning, match='and 2 more. inside='):
            Geometry.from_walls(walls)

    def test_around_the_files_spawns(self, geojson):
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            maps = geojson(collection(TWO.tolist(), spawn=[[7, 2], [7, 3], [2.5, 60]]))
        assert maps[0].area == pytest.approx(9)
        assert maps[0].spawns.tolist() == [[2, 2], [2, 3]]
        assert maps.recipe['notes'][0]['starts_outside'] == [[2.5, 60]]

    @pytest.mark.parametrize(
        'inside, message',
        [
            ((5.5, 2), r'inside must be .* but \(5.5, 2\) lies in none. They enclose 16 m² around \(3, 3\), 9 m²'),
            ([(2, 2), (7, 2)], r'inside must be points of one face, but they lie in 16 m² .*, 9 m² around'),
            ((1, 2, 3), r'inside must be a point \(x, y\) or several, got .1, 2, 3.'),
            ((1, np.nan), r'inside must be a point \(x, y\) or several, got .1.*, nan.'),
            ('here', r"inside must be a point \(x, y\) or several, got 'here'"),
        ],
    )
    def test_points_that_say_nothing_are_refused(self, geojson, inside, message):
        with pytest.raises(ValueError, match=message):
            Geometry.from_walls(TWO, inside=inside)
        with pytest.raises(ValueError, match=message):
            geojson(collection(TWO.tolist()), inside=inside)

    def test_points_for_no_map_are_refused(self, tmp_path):
        (tmp_path / 'a.svg').write_text('<svg/>')
        with pytest.raises(ValueError, match=r"inside must be for maps that there are, a.svg, got 'b.svg'"):
            MapSet.from_svg(tmp_path / 'a.svg', inside={'b.svg': (1, 2)})


class TestGaps:
    @pytest.mark.parametrize('gap', [0.0005, 0.0019])
    def test_ends_that_nearly_meet_are_joined(self, geojson, gap):
        walls = box(1, 1, 5, 5)
        walls[0, 0] += [gap, 0]
        assert geojson(collection(walls.tolist()))[0].area == pytest.approx(16, abs=0.01)

    @pytest.mark.parametrize('gap', [0.003, 0.049])
    def test_a_gap_is_named_with_its_place_and_the_remedy(self, geojson, gap):
        walls = box(1, 1, 5, 5)
        walls[0, 0] += [gap, 0]
        with pytest.raises(ValueError, match=rf'at \(1.0\d+, 1\) there is a gap of {1000 * gap:.3g} mm, .*16 m²'):
            geojson(collection(walls.tolist()))
        assert geojson(collection(walls.tolist()), snap=gap * 1.1)[0].area == pytest.approx(16, abs=0.2)

    def test_an_end_short_of_a_wall_reaches_it(self):
        walls = np.concatenate([box(1, 1, 5, 5), [[[3, 1], [3, 4.999]]]])
        with pytest.warns(UserWarning, match='left out'):
            assert Geometry.from_walls(gaps.snap_ends(walls, 0.002)).area == pytest.approx(8)
        assert gaps.snap_ends(walls, 0) is walls

    def test_a_slit_between_walls_that_touch_at_a_corner_closes(self):
        slit = np.array([[[1, 1], [5, 1]], [[1, 1], [3, 1.001]]])
        snapped = gaps.snap_ends(np.concatenate([box(1, 1, 5, 5), slit]), 0.002)
        assert sorted(map(tuple, snapped[-1].tolist())) == [(1, 1), (3, 1)]

    def test_a_gap_that_keeps_out_nothing_larger_is_left(self, geojson):
        """A wall that ends short of another within a room parts nothing."""
        walls = np.concatenate([box(1, 1, 5, 5), [[[3, 1], [3, 4.97]]]])
        assert geojson(collection(walls.tolist()))[0].area == pytest.approx(16)

    def test_a_start_in_an_open_outline_names_the_gap(self, geojson):
        walls = np.concatenate([TWO, box(10, 1, 11, 2)])
        walls[-1, 1] += [0, 0.01]
        with pytest.raises(ValueError, match='there is a gap of 10 mm, and without it 1 m²'):
            geojson(collection(walls.tolist(), spawn=[[10.5, 1.5]]))

    @pytest.mark.parametrize('snap', [-1, np.nan, 0.6])
    def test_distances_are_bounded(self, geojson, snap):
        with pytest.raises(ValueError, match=f'snap must be from 0 to 0.5 m, got {snap}'):
            geojson(collection(TWO.tolist()), snap=snap)

    def test_small_pieces_of_curves_stay_apart(self):
        turn = np.linspace(0, 2 * np.pi, 400)
        curve = np.stack([2 + np.cos(turn), 2 + np.sin(turn)], axis=1)
        segments = np.stack([curve[:-1], curve[1:]], axis=1)
        assert Geometry.from_walls(gaps.snap_ends(segments, 0.005)).area == pytest.approx(np.pi, rel=1e-3)


def opened(walls, *doors):
    """The walls with doorways, and the doors that were kept."""
    return doorways.cut(walls, np.array(doors, float), freespace.subdivide(walls).faces, np.asarray)


class TestDoorways:
    def test_a_thin_wall_is_cut(self):
        walls = np.concatenate([box(1, 1, 5, 5), [[[3, 1], [3, 5]]]])
        cut, kept = opened(walls, [[3, 2], [3, 3]])
        assert Geometry.from_walls(cut).area == 16
        assert sorted(np.hypot(*(cut[:, 1] - cut[:, 0]).T).tolist()) == [1, 2, 4, 4, 4, 4]
        assert kept.tolist() == [[[3, 2], [3, 3]]]

    @pytest.mark.parametrize('x', [3, 3.1, 3.2])
    def test_both_sides_of_a_thick_wall_are_cut_and_joined(self, x):
        walls = np.concatenate([box(1, 1, 3, 5), box(3.2, 1, 5, 5)])
        cut, _ = opened(walls, [[x, 3], [x, 2]])
        assert Geometry.from_walls(cut).area == pytest.approx(8 + 7.2 + 0.2)

    def test_a_door_to_the_outside_stays_closed(self):
        walls = np.concatenate([box(1, 1, 5, 5), box(0.8, 0.8, 5.2, 5.2)])
        for door in ([[1, 2], [1, 3]], [[0.9, 2], [0.9, 3]]):
            cut, kept = opened(walls, door)
            np.testing.assert_array_equal(cut, walls)
            assert len(kept) == 0

    def test_an_opening_stays_as_it_is(self):
        walls = np.concatenate([box(1, 1, 5, 5), [[[3, 1], [3, 2]], [[3, 3], [3, 5]]]])
        cut, kept = opened(walls, [[3, 2], [3, 3]])
        np.testing.assert_array_equal(cut, walls)
        assert len(kept) == 1

    def test_a_door_near_no_wall_is_named(self):
        message = r'door 1 must lie on a wall, but from \(2, 3\) to \(3, 3\) it is 2 m from the nearest'
        with pytest.raises(ValueError, match=message):
            opened(box(1, 1, 5, 5), [[2, 1], [3, 1]], [[2, 3], [3, 3]])
        with pytest.raises(ValueError, match=r'door 0 must be longer than 0 m, got one from \(2, 1\)'):
            opened(box(1, 1, 5, 5), [[2, 1], [2, 1]])


class TestFrames:
    def test_there_and_back(self):
        frame = Frame((2.0, 3.0), flip=True, shift=(5.0, 7.0))
        assert frame.to_map([[1, 1]]).tolist() == [[7, 4]]
        assert frame.to_file([[7, 4]]).tolist() == [[1, 1]]
        assert Frame.of(json.loads(json.dumps(frame.notes))) == frame

    def holds(self, maps, places):
        """The file's own places lie in the map's free space, well off its walls, and come back as they were."""
        for i, geometry in enumerate(maps):
            moved = maps.from_file_coordinates(places, index=i)
            assert (windings(moved, geometry.walls) == 1).all()
            assert (clearances(moved, geometry.walls) > 0.2).all()
            np.testing.assert_allclose(maps.to_file_coordinates(moved, index=i), places, atol=1e-6)

    def test_of_svg(self, tmp_path):
        (tmp_path / 'a.svg').write_text('<svg><path d="M100 900H500L700 -300H100Z"/></svg>')
        self.holds(MapSet.from_svg(tmp_path / 'a.svg'), [[130, -260], [450, 850]])

    def test_of_geojson_in_degrees(self, geojson):
        corners = [[8.68, 50.1], [8.6801, 50.1], [8.6801, 50.1001], [8.68, 50.1001]]
        maps = geojson(collection([[*corners, corners[0]]]), degrees=True)
        self.holds(maps, [[8.68001, 50.10001], [8.68009, 50.10009]])
        np.testing.assert_allclose(maps[0].bounds[2:], [1 + 7.154, 1 + 11.123], atol=2e-3)

    @pytest.mark.parametrize('yaw', [0, 0.7, -2])
    def test_of_a_grid_that_is_turned(self, tmp_path, yaw):
        """The world's (x, y) is the origin and, turned, what is to the right of it and above it."""
        cells = np.full((40, 60), 254, np.uint8)
        cells[[0, -1]] = cells[:, [0, -1]] = 0
        cells[1:20, 1:40] = 0  # the upper left
        Image.fromarray(cells).save(tmp_path / 'a.pgm')
        (tmp_path / 'a.yaml').write_text(f'image: a.pgm\nresolution: 0.1\norigin: [-3, 20, {yaw}]')
        turned = np.array([[5.0, 3.5], [0.5, 0.5], [5.5, 0.5]]) @ np.array(
            [[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]]
        )
        self.holds(MapSet.from_occupancy(tmp_path / 'a.yaml'), turned + [-3, 20])

    def test_of_a_track(self, tmp_path):
        turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        middle = np.stack([50 + 20 * np.cos(turn), -70 + 10 * np.sin(turn)], axis=1)
        (tmp_path / 'a.csv').write_text('\n'.join(f'{x},{y},1,1' for x, y in middle.tolist()))
        self.holds(MapSet.from_centreline(tmp_path / 'a.csv', scale=0.5), middle)

    def test_of_a_level(self, tmp_path):
        corners = [(-320, 64), (320, 64), (320, 256), (-320, 256)]
        lumps = {
            'MAP01': b'',
            'THINGS': struct.pack('<hhHHH', -100, 100, 0, 1, 7),
            'LINEDEFS': b''.join(struct.pack('<7H', i, (i + 1) % 4, 1, 0, 0, 0, 0xFFFF) for i in range(4)),
            'VERTEXES': struct.pack('<8h', *np.ravel(corners)),
        }
        content, entries = b'', b''
        for name, data in lumps.items():
            entries += struct.pack('<ii8s', 12 + len(content), len(data), name.encode())
            content += data
        (tmp_path / 'a.wad').write_bytes(b'PWAD' + struct.pack('<ii', 4, 12 + len(content)) + content + entries)
        self.holds(MapSet.from_wad(tmp_path / 'a.wad'), [[-100, 100], [300, 240]])

    def test_follows_the_map_into_other_sets(self, geojson):
        maps = geojson(collection(box(-4, 1, 5, 5).tolist()))
        assert (maps + mapgen.generate('box', 1)).to_file_coordinates([1, 1]).tolist() == [-4, 1]
        assert maps[[0]].from_file_coordinates([-4, 1]).tolist() == [1, 1]

    def test_only_imported_maps_have_one(self):
        with pytest.raises(ValueError, match='only maps that were imported from a file have its coordinates; map 0'):
            mapgen.generate('box', 1).to_file_coordinates([1, 1])
        with pytest.raises(IndexError, match='map must be from -1 to 0, got 1'):
            mapgen.generate('box', 1).frame(1)
