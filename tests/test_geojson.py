"""Floorplans from GeoJSON: what is understood, and what each mistake is called."""

import json
from pathlib import Path

import pytest

from megastep.mapgen import geojson
from megastep.mapset import MapSet

APARTMENTS = Path(__file__).parents[2] / 'shared' / 'data' / 'apartments.geojsonl'
CORNERS = [[1, 1], [7, 1], [7, 5], [1, 5], [1, 1]]


def feature(kind='wall', shape='LineString', coordinates=CORNERS, **properties):
    geometry = {'type': shape, 'coordinates': coordinates}
    return {'type': 'Feature', 'properties': {'kind': kind, **properties}, 'geometry': geometry}


def collection(*features):
    return {'type': 'FeatureCollection', 'features': list(features)}


def bedroom():
    return feature('room', 'Polygon', [[[1, 1], [4, 1], [4, 5], [1, 5], [1, 1]]], type='bedroom')


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
    (geometry,) = geojson.read(write(collection(wall)))
    assert geometry.walls.tolist() == [[CORNERS[i], CORNERS[i + 1]] for i in range(4)]


def test_a_polygon_with_a_hole_is_walls_on_both_sides(write):
    hole = [[3, 2], [4, 2], [4, 3], [3, 3], [3, 2]]
    (geometry,) = geojson.read(write(collection(feature(shape='Polygon', coordinates=[CORNERS, hole]))))
    assert geometry.area == 23


def test_rooms_have_their_types_and_lights(write):
    (geometry,) = geojson.read(write(collection(feature(), bedroom(), feature('furniture', 'Point', [1, 2]))))
    assert [room.kind for room in geometry.rooms] == ['bedroom', 'room']
    assert geometry.lights[0].tolist() == [2.5, 3, 1]


def test_a_file_is_one_map_or_one_a_line(write):
    assert len(geojson.read(write(collection(feature()), '', collection(feature())))) == 2
    assert len(geojson.read(write(collection(feature())))) == 1
    assert len(geojson.read(write(collection(feature()), indent=2))) == 1


def test_map_sets_say_where_they_are_from(write):
    maps = MapSet.from_geojson(write(collection(feature()), collection(feature(), bedroom())))
    assert len(maps) == 2
    assert maps.recipe['family'] == 'geojson'
    assert maps.recipe['parameters'] == {'file': 'maps.geojson', 'skip_invalid': False}
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
        (collection({**feature(), 'geometry': None}), 'feature 0: geometry must be a LineString.*, got null'),
        (collection(feature(shape='Point')), 'feature 0: geometry must be a LineString, .*, got {"type": "Point"'),
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
        (collection(feature(coordinates=[[1, float('nan')], [2, 3]])), r'above 0 m .*, got \[1.0, nan\]'),
        (
            collection(feature(coordinates=[[1, -2], [2, 3]])),
            r'coordinates must be finite, above 0 m .*got \[1.0, -2.0\]',
        ),
        (collection(feature(shape='Polygon', coordinates=[CORNERS[:-1]])), 'rings of a Polygon must have at least 4'),
        (collection(feature(), feature('room')), 'feature 1: a room must be a Polygon, got a LineString'),
        (collection(feature(), {**bedroom(), 'geometry': {}}), 'feature 1: geometry must be a LineString'),
        (collection(feature(), feature('room', 'Polygon', [CORNERS], type=3)), "a room's type must be text, got 3"),
        (collection(feature(coordinates=CORNERS[:3])), 'walls enclose nothing'),
        (collection(feature(coordinates=[[1, 1], [1, 1]])), 'walls must be longer than 0 m'),
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
    with pytest.raises(ValueError, match=f'{path} is not UTF-8 text'):
        geojson.read(path)


@pytest.mark.skipif(not APARTMENTS.exists(), reason=f'{APARTMENTS} is absent')
def test_reads_real_apartments():
    maps = MapSet.from_geojson(APARTMENTS)
    stats = maps.stats()
    assert len(maps) == 200
    assert {'bedroom', 'kitchen', 'bathroom', 'room'} <= set(maps.vocabulary)
    segments = [len(json.loads(line)['features'][0]['geometry']['coordinates']) for line in APARTMENTS.open()]
    assert stats['walls'].tolist() == segments
    assert (stats['rooms'] == stats['lights']).all()
    assert stats['rooms'].sum() >= 947
