"""Floorplans from GeoJSON: what is understood, and what each mistake is called."""

import json
from pathlib import Path

import numpy as np
import pytest
from apartments import APARTMENTS
from hostile.damage import damaged, refused_or_read
from hypothesis import HealthCheck, given, settings

from megastep import Geometry, mapgen
from megastep.maps.formats import geojson
from megastep.maps.geometry import Room
from megastep.maps.mapset import MapSet

CORNERS = [[1, 1], [7, 1], [7, 5], [1, 5], [1, 1]]


def feature(kind='wall', shape='LineString', coordinates=CORNERS, **properties):
    geometry = {'type': shape, 'coordinates': coordinates}
    return {'type': 'Feature', 'properties': {'kind': kind, **properties}, 'geometry': geometry}


def collection(*features):
    return {'type': 'FeatureCollection', 'features': list(features)}


def bedroom():
    return feature('room', 'Polygon', [[[1, 1], [4, 1], [4, 5], [1, 5], [1, 1]]], type='bedroom')


def maps_in(path, **options):
    return geojson.read(path, **options).geometries


@pytest.fixture
def write(tmp_path):
    def write(*values, indent=None):
        path = tmp_path / 'maps.geojson'
        path.write_text('\n'.join(v if isinstance(v, str) else json.dumps(v, indent=indent) for v in values))
        return path

    return write


@pytest.mark.parametrize(
    'wall',
    [
        feature(),
        feature(shape='MultiLineString', coordinates=[CORNERS[:3], CORNERS[2:]]),
        feature(shape='Polygon', coordinates=[CORNERS]),
        feature(shape='MultiPolygon', coordinates=[[CORNERS]]),
        feature(coordinates=[[*corner, 2.5] for corner in CORNERS]),  # a third coordinate, which is ignored
    ],
)
def test_walls_may_be_lines_or_polygons(write, wall):
    (geometry,) = maps_in(write(collection(wall)))
    assert geometry.walls.tolist() == [[CORNERS[i], CORNERS[i + 1]] for i in range(4)]


def test_a_polygon_with_a_hole_is_walls_on_both_sides(write):
    hole = [[3, 2], [4, 2], [4, 3], [3, 3], [3, 2]]
    (geometry,) = maps_in(write(collection(feature(shape='Polygon', coordinates=[CORNERS, hole]))))
    assert geometry.area == 23


def test_rooms_have_their_types_and_lights(write):
    (geometry,) = maps_in(write(collection(feature(), bedroom(), feature('furniture', 'Point', [1, 2]))))
    assert [room.kind for room in geometry.rooms] == ['bedroom', 'room']
    assert geometry.lights[0].tolist() == [2.5, 3, 1]


def test_a_file_is_one_map_or_one_a_line(write):
    assert len(maps_in(write(collection(feature()), '', collection(feature())))) == 2
    assert len(maps_in(write(collection(feature())))) == 1
    assert len(maps_in(write(collection(feature()), indent=2))) == 1


def test_map_sets_say_where_they_are_from(write):
    maps = MapSet.from_geojson(write(collection(feature()), collection(feature(), bedroom())))
    assert len(maps) == 2
    assert maps.recipe['family'] == 'geojson'
    assert maps.recipe['parameters'] == {'file': 'maps.geojson', 'scale': 1.0, 'skip_invalid': False}
    assert maps[1].rooms[0].kind == 'bedroom'


@pytest.mark.parametrize(
    'broken, message',
    [
        ('{"type": ', 'not JSON: .*'),
        ([1], r'must be a FeatureCollection, got \[1\]'),
        (feature(), 'must be a FeatureCollection, got {"type": "Feature"'),
        ({'type': 'FeatureCollection'}, 'features must be a list, got null'),
        (collection(), 'none of the 0 features has properties.kind "wall"'),
        (collection(bedroom()), 'none of the 1 features has properties.kind "wall"'),
        (collection(feature(), 7), 'feature 1: must be a Feature with a geometry, got 7'),
        (collection({**feature(), 'properties': 7}), 'feature 0: properties must be an object, got 7'),
        (collection({**feature(), 'geometry': None}), "feature 0: a wall's geometry must be a LineString.*, got null"),
        (
            collection(feature(shape='Point')),
            'feature 0: a wall.s geometry must be a LineString or .*, got {"type": "Point"',
        ),
        (collection(feature(coordinates=[[1, 'a'], [2, 3]])), 'feature 0: coordinates must be .* of numbers: got'),
        (
            collection(feature(coordinates=[['1', '2'], ['2', '3']])),
            'feature 0: coordinates must be .* of numbers: got',
        ),
        (collection(feature(coordinates=[[True, True], [True, True]])), 'coordinates must be .* of numbers: got'),
        (collection(feature(coordinates=[[1, 2]])), r'coordinates must be .* pairs of numbers: got \[\[1, 2\]\]'),
        (collection(feature(coordinates=[[1], [2]])), r'coordinates must be .* pairs of numbers: got \[\[1\], \[2\]\]'),
        (collection(feature(coordinates=[[1, 2], [3]])), 'coordinates must be .* pairs of numbers: got'),
        (collection(feature(coordinates=None)), 'coordinates must be .* pairs of numbers: got null'),
        (collection(feature(coordinates=[CORNERS])), 'coordinates must be .* pairs of numbers: got'),
        (collection(feature(shape='MultiLineString')), 'coordinates must be .* pairs of numbers: got'),
        (collection(feature(shape='MultiPolygon')), 'coordinates must be .* pairs of numbers: got 1'),
        (
            collection(feature(shape='MultiPolygon', coordinates=[1])),
            'coordinates of a MultiPolygon are nested wrongly',
        ),
        (collection(feature(shape='Polygon', coordinates=[])), 'coordinates of a Polygon are nested wrongly'),
        (collection(feature(coordinates=[[1, float('nan')], [2, 3]])), r'must be finite .*, got \[1.0, nan\]'),
        (collection(feature(coordinates=[[1, -2e9], [2, 3]])), r'up to 1e\+09, got \[1.0, -2000000000.0\]'),
        (collection(feature(shape='Polygon', coordinates=[CORNERS[:-1]])), 'rings of a Polygon must have at least 4'),
        (collection(feature(), feature('room')), "feature 1: a room's geometry must be a Polygon, got {.*LineString"),
        (
            collection(feature(), {**bedroom(), 'geometry': {}}),
            "feature 1: a room's geometry must be a Polygon, got {}",
        ),
        (collection(feature(), feature('room', 'Polygon', [CORNERS], type=3)), "a room's type must be text, got 3"),
        (collection(feature(coordinates=CORNERS[:3])), 'walls enclose nothing'),
        (
            collection(feature(coordinates=[[1, 1], [1, 1]])),
            'walls enclose nothing: there is no segment that has a length',
        ),
    ],
)
def test_mistakes_are_named(write, broken, message):
    path = write(collection(feature()), broken)
    with pytest.raises(ValueError, match=f'{path}, line 2: .*{message}'):
        geojson.read(path)
    alone = write(broken)
    with pytest.raises(ValueError, match=f'{alone}: .*{message}'):
        geojson.read(alone)


def test_maps_that_cannot_be_used_can_be_skipped(write):
    path = write(collection(feature()), collection(), collection(feature(), bedroom()), 'gibberish')
    with pytest.warns(
        UserWarning, match='2 maps were left out:\n.*line 2: none of the 0 .*\n.*line 4: not JSON'
    ) as caught:
        maps = MapSet.from_geojson(path, skip_invalid=True)
    assert len(maps) == 2
    assert Path(caught[0].filename).name == Path(__file__).name


def test_nothing_left_is_an_error(write):
    path = write(collection(), collection())
    with pytest.raises(
        ValueError, match=r'maps\.geojson holds no map that can be used\.\n.*line 1: none.*\n.*line 2: none'
    ):
        geojson.read(path, skip_invalid=True)
    with pytest.raises(ValueError, match='holds no map that can be used'):
        geojson.read(write(''))


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        geojson.read(tmp_path / 'none.geojson')


def test_text_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / 'latin.geojson'
    path.write_bytes('{"é": 1}'.encode('latin-1'))
    with pytest.raises(ValueError, match=f'{path}: not UTF-8 text'):
        geojson.read(path)


@pytest.mark.skipif(not APARTMENTS.exists(), reason=f'{APARTMENTS} is absent')
def test_reads_real_apartments():
    maps = MapSet.from_geojson(APARTMENTS)
    assert len(maps) == 200
    assert {'bedroom', 'kitchen', 'bathroom', 'room'} <= set(maps.vocabulary)
    segments = [len(json.loads(line)['features'][0]['geometry']['coordinates']) for line in APARTMENTS.open()]
    assert maps.walls.widths.tolist() == segments
    assert (maps.kinds.widths == maps.lights.widths).all()
    assert maps.kinds.widths.sum() >= 947


def everything():
    room = Room(np.array([[1, 1], [3.1, 1], [3.1, 4], [1, 4]]), 'küche')
    walls = [[[1, 1], [6, 1]], [[6, 1], [6, 4.7]], [[6, 4.7], [1, 4]], [[1, 4], [1, 1]]]
    thin = [[[3, 1], [3, 2 + 1 / 3]], [[3, 2 + 1 / 3], [3, 1]]]
    walls = [walls[0][:1] + [[3, 1]], *thin, [[3, 1], walls[0][1]], *walls[1:]]
    lights = [[2, 2, 0.7], [5, 2, 1e7]]
    spawns = [[2, 2], [1.5, 3 + 1e-9], [5, 2]]
    return Geometry(walls=walls, rooms=[room], doors=[[[3, 7 / 3], [3, 4]]], lights=lights, spawns=spawns)


def assert_same(one, other):
    for name in ('walls', 'doors', 'lights', 'spawns'):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert [room.kind for room in one.rooms] == [room.kind for room in other.rooms]
    for room, twin in zip(one.rooms, other.rooms, strict=True):
        np.testing.assert_array_equal(room.outline, twin.outline)


def test_a_map_written_and_read_again_is_the_very_same(tmp_path):
    bare = Geometry(walls=everything().walls, spawns=[[2, 2]])
    maps = MapSet([everything(), bare, *mapgen.generate('house', 5, seed=3)])
    maps.to_geojson(tmp_path / 'maps.geojson')
    again = MapSet.from_geojson(tmp_path / 'maps.geojson')
    assert len(again) == 7
    for one, other in zip(maps, again, strict=True):
        assert_same(one, other)


def test_a_map_that_is_read_as_it_stands_notes_what_cannot_be_reached(write):
    """Two rooms of one size without a door: the spawn is in one of them, close to a wall."""
    inner = [[7, 1], [13, 1], [13, 5], [7, 5], [7, 1]]
    walls = [feature(coordinates=ring, oriented=True) for ring in (CORNERS, inner)]
    spawn = feature('spawn', 'Point', [1.11, 3])
    maps = MapSet.from_geojson(write(collection(*walls, spawn), collection(walls[0], spawn)))
    assert [note['unreachable'] for note in maps.recipe['notes']] == [0.5, 0]
    assert maps[0].spawns.tolist() == [[1.11, 3]]


def test_writing_an_empty_set_is_an_error_and_leaves_what_was_there(tmp_path):
    path = tmp_path / 'maps.geojson'
    path.write_text('old')
    with pytest.raises(ValueError, match=f'at least 1 map to be written, got 0 for {path}'):
        MapSet([everything()])[:0].to_geojson(path)
    assert path.read_text() == 'old'


def test_lights_doors_and_spawns_are_kept_where_walls_are_loose(write):
    (geometry,) = maps_in(
        write(
            collection(
                feature(),
                feature('door', coordinates=[[2, 1], [2, 5]]),
                feature('light', 'Point', [3, 3], intensity=2),
                feature('spawn', 'MultiPoint', [[2, 2], [3, 2]]),
                feature('spawn', 'Point', [4, 2]),
            )
        )
    )
    assert geometry.doors.tolist() == [[[2, 1], [2, 5]]]
    assert geometry.lights.tolist() == [[3, 3, 2]]
    assert geometry.spawns.tolist() == [[2, 2], [3, 2], [4, 2]]


@pytest.mark.parametrize(
    'broken, message',
    [
        (feature('light', 'Point', [3, 3], intensity=-1), "a light's intensity must be a number of at least 0, got -1"),
        (feature('light', 'Point', [3, 3], intensity=True), "a light's intensity must be .*, got true"),
        (feature('light', 'Point', [3, 3], intensity=10**400), "a light's intensity must be .*, got 1000"),
        (feature('door', coordinates=CORNERS), 'a door must be a line of 2 points, from jamb to jamb, got 5 points'),
        (feature('spawn', 'LineString'), "a spawn's geometry must be a Point or MultiPoint, got"),
        (feature('spawn', 'Point', []), 'coordinates must be lists of .* pairs of numbers'),
        (feature(coordinates=[[1, 1], [10**400, 2.5]]), 'coordinates must be lists of .* pairs of numbers'),
    ],
)
def test_mistakes_in_what_stands_in_a_map_are_named(write, broken, message):
    with pytest.raises(ValueError, match=f'feature 1: {message}'):
        maps_in(write(collection(feature(), broken)))


def test_oriented_walls_are_held_to_it(write):
    turned = feature(coordinates=CORNERS[::-1], oriented=True)
    with pytest.raises(ValueError, match='walls enclose nothing: the area to their left is -24'):
        maps_in(write(collection(turned, feature('spawn', 'Point', [3, 3]))))


@pytest.mark.parametrize('text', ['[' * 100_000, '{"a":' * 100_000, '1' * 5000])
def test_texts_that_no_parser_takes(write, text):
    with pytest.raises(ValueError, match=r'not JSON: |must be a FeatureCollection'):
        maps_in(write(text))


def test_sizes_are_bounded(write, monkeypatch):
    star = [[[4, 3], [2 + i / 1000, 4]] for i in range(1000)]
    with pytest.raises(ValueError, match=r'must have at most \d+ pairs of pieces that may meet, got \d+ and more'):
        maps_in(write(collection(feature(), feature(shape='MultiLineString', coordinates=star))))
    monkeypatch.setattr(geojson, 'MOST_BYTES', 100)
    with pytest.raises(ValueError, match='a map must be at most 100 bytes of text, got more'):
        maps_in(write(collection(feature())))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=damaged(json.dumps(collection(feature(), bedroom(), feature('spawn', 'Point', [3, 3]))).encode()))
def test_damaged_files_are_refused_or_read(tmp_path, data):
    path = tmp_path / 'damaged.geojson'
    path.write_bytes(data)
    refused_or_read(MapSet.from_geojson, path)
