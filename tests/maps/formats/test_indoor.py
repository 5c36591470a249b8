"""Indoor maps: IMDF and OpenStreetMap's indoor tags, a map a level, with rooms and doors."""

import json
import zipfile

import pytest

from megastep import MapSet

ORIGIN = (8.5, 47.4)
DEGREES = (75513.0, 111186.0)
"""The metres of a degree there, near enough."""


def degrees(*corners):
    return [[ORIGIN[0] + x / DEGREES[0], ORIGIN[1] + y / DEGREES[1]] for x, y in corners]


def ring(left, bottom, right, top):
    return [degrees((left, bottom), (right, bottom), (right, top), (left, top), (left, bottom))]


def feature(shape, coordinates, **fields):
    return {'type': 'Feature', 'geometry': {'type': shape, 'coordinates': coordinates}, **fields}


def collection(features):
    return json.dumps({'type': 'FeatureCollection', 'features': features})


def unit(category, *box, level='a'):
    return feature('Polygon', ring(*box), feature_type='unit', properties={'category': category, 'level_id': level})


def opening(*corners, level='a'):
    properties = {'category': 'pedestrian', 'level_id': level}
    return feature('LineString', degrees(*corners), feature_type='opening', properties=properties)


LEVELS = [
    {'type': 'Feature', 'id': 'a', 'feature_type': 'level', 'geometry': None, 'properties': {'name': {'en': 'Ground'}}},
    {'type': 'Feature', 'id': 'b', 'feature_type': 'level', 'geometry': None, 'properties': {'ordinal': 1}},
]
UNITS = [
    unit('walkway', 0, 4, 5, 6),
    unit('walkway', 5, 4, 10, 6),  # the corridor is in two parts
    unit('office', 0, 0, 5, 4),
    unit('restroom', 5, 0, 10, 4),
    unit('structure', 7, 4, 7.5, 4.5),
    unit('office', 0, 0, 5, 5, level='b'),
]
OPENINGS = [opening((2, 4), (3, 4)), opening((6, 4), (6.9, 4)), opening((0, 4.5), (0, 5.5))]


class TestImdf:
    def check(self, maps):
        assert maps.recipe['names'] == ['Ground', 'level 1']
        assert [geometry.area for geometry in maps] == pytest.approx([60 - 0.25, 25], rel=1e-3)
        assert [room.kind for room in maps[0].rooms[:4]] == ['walkway', 'walkway', 'office', 'restroom']
        assert len(maps[0].doors) == 2  # the third leads outside
        assert maps.recipe['notes'][0]['unreachable'] == pytest.approx(0, abs=1e-3)

    def test_one_file(self, tmp_path):
        (tmp_path / 'all.geojson').write_text(collection([*LEVELS, *UNITS, *OPENINGS]))
        self.check(MapSet.from_imdf(tmp_path / 'all.geojson'))

    def test_types_among_properties_and_features_without_a_shape(self, tmp_path):
        features = [*LEVELS, *UNITS, *OPENINGS, {**UNITS[2], 'geometry': None}]
        moved = [{**one, 'properties': {**one['properties'], 'feature_type': one['feature_type']}} for one in features]
        for one in moved:
            del one['feature_type']
        (tmp_path / 'all.geojson').write_text(collection(moved))
        self.check(MapSet.from_imdf(tmp_path / 'all.geojson'))

    def test_a_folder_and_a_zip(self, tmp_path):
        (tmp_path / 'venue').mkdir()
        with zipfile.ZipFile(tmp_path / 'venue.zip', 'w') as archive:
            for name, features in (('level', LEVELS), ('unit', UNITS), ('opening', OPENINGS)):
                (tmp_path / 'venue' / f'{name}.geojson').write_text(collection(features))
                archive.writestr(f'{name}.geojson', collection(features))
        self.check(MapSet.from_imdf(tmp_path / 'venue'))
        self.check(MapSet.from_imdf(tmp_path / 'venue.zip'))

    def test_inside_is_by_longitude_and_latitude(self, tmp_path):
        (tmp_path / 'all.geojson').write_text(collection([*LEVELS, *UNITS]))
        (place,) = degrees((6, 1))
        maps = MapSet.from_imdf(tmp_path / 'all.geojson', inside={'Ground': place})
        assert maps[0].area == pytest.approx(20, rel=1e-3)
        assert maps.from_file_coordinates(place) == pytest.approx([2, 2], abs=0.01)


def osm(shape, coordinates, **tags):
    return feature(shape, coordinates, properties=tags)


INDOOR = [
    osm('Polygon', ring(0, 0, 5, 4), indoor='room', room='office', level='0'),
    osm('Polygon', ring(5, 0, 10, 4), indoor='room', level='0;1'),
    osm('Polygon', ring(0, 4, 10, 6), indoor='corridor', level='0'),
    osm('LineString', degrees((2.5, 0), (2.5, 2)), indoor='wall', level='0'),
    osm('Point', degrees((1, 4))[0], door='yes', level='0', width='1.2'),
    osm('Point', degrees((7, 4))[0], indoor='door', level='0'),
    osm('Point', degrees((7, 9))[0], amenity='bench', level='0'),
    osm('Polygon', ring(-5, -5, 20, 20), building='yes'),
]


class TestOsm:
    @pytest.fixture
    def read(self, tmp_path):
        def read(features, **options):
            (tmp_path / 'osm.geojson').write_text(collection(features))
            return MapSet.from_osm(tmp_path / 'osm.geojson', **options)

        return read

    def test_rooms_corridors_walls_and_doors(self, read):
        maps = read(INDOOR)
        assert maps.recipe['names'] == ['level 0', 'level 1']
        assert [geometry.area for geometry in maps] == pytest.approx([60, 20], rel=1e-3)
        assert [room.kind for room in maps[0].rooms] == ['office', 'room', 'corridor']
        widths = sorted(((door[1] - door[0]) ** 2).sum() ** 0.5 for door in maps[0].doors)
        assert widths == pytest.approx([0.9, 1.2], rel=1e-3)

    def test_tags_may_be_nested_and_levels_a_range(self, read):
        nested = [{**one, 'properties': {'tags': {**one['properties'], 'level': '0-2'}}} for one in INDOOR[:3]]
        maps = read(nested, inside={f'level {i}': degrees((1, 1))[0] for i in range(3)})
        assert [geometry.area for geometry in maps] == pytest.approx([20] * 3, rel=1e-3)

    @pytest.mark.parametrize(
        'features, message',
        [
            ([osm('Polygon', [[1]], indoor='room')], 'feature 0: its geometry can not be read'),
            ([osm('Point', [1, float('nan')], indoor='door')], 'feature 0: its geometry '),
            ([osm('Polygon', [[[800, 1], [801, 1], [801, 2], [800, 1]]], indoor='room')], 'degrees must be from -180'),
            ([], 'holds no map that can be used'),
        ],
    )
    def test_mistakes_are_named(self, read, features, message):
        with pytest.raises(ValueError, match=f'osm.geojson.*{message}'):
            read(features)
