"""Data sets of floorplans by name, and CAD files: rooms keep their kinds, and doors open walls."""

import csv
import importlib.util
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hostile.damage import damaged, refused_or_read
from hypothesis import given, settings
from PIL import Image
from work import at_most

from megastep import MapSet
from megastep.maps.formats import dxf

needs_ezdxf = pytest.mark.skipif(importlib.util.find_spec('ezdxf') is None, reason='ezdxf is not installed')

HOUSE = {
    'id': 'x',
    'room_num': 2,
    'verts': [[0, 0], [6, 0], [6, 2], [2, 2], [2, 6], [0, 6]],
    'room_category': {'Bedroom': [[2, 0, 6, 2]], 'Living_Room': [[0, 0, 2, 6]]},
    'bbox': {'min': [0, 0], 'max': [6, 6]},
}


def kinds(geometry):
    return [room.kind for room in geometry.rooms]


class TestHouseExpo:
    @pytest.fixture
    def read(self, tmp_path):
        def read(house, **options):
            (tmp_path / 'house.json').write_text(house if isinstance(house, str) else json.dumps(house))
            return MapSet.from_houseexpo(tmp_path / 'house.json', **options)

        return read

    def test_outline_and_rooms(self, read):
        maps = read(HOUSE)
        assert maps[0].area == 20
        assert kinds(maps[0]) == ['bedroom', 'living room']
        assert maps.recipe['family'] == 'houseexpo'

    @pytest.mark.parametrize(
        'house, message',
        [
            ('{', 'not JSON that can be read'),
            ([], 'must be one of HouseExpo.s houses'),
            ({'type': 'FeatureCollection'}, 'must be one of HouseExpo.s houses'),
            ({**HOUSE, 'verts': [[0, 'a']]}, 'verts must be lists of 2 numbers'),
            ({**HOUSE, 'verts': [[0, 1e999]]}, 'verts must be finite'),
            ({**HOUSE, 'room_category': [1]}, 'room_category must be an object of lists of boxes'),
            ({**HOUSE, 'room_category': {'Hall': [[1, 2, 3]]}}, "rooms of 'Hall' must be lists of 4 numbers"),
        ],
    )
    def test_mistakes_are_named(self, read, house, message):
        with pytest.raises(ValueError, match=f'house.json: {message}'):
            read(house)


def polygon(left, bottom, right, top):
    return f'POLYGON (({left} {bottom}, {right} {bottom}, {right} {top}, {left} {top}, {left} {bottom}))'


DWELLING = [
    ('separator', 'WALL', polygon(-0.2, -0.2, 8.2, 0)),
    ('separator', 'WALL', polygon(-0.2, 4, 8.2, 4.2)),
    ('separator', 'WALL', polygon(-0.2, 0, 0, 4)),
    ('separator', 'WALL', polygon(8, 0, 8.2, 4)),
    ('separator', 'WALL', polygon(3.9, 0, 4.1, 4)),
    ('opening', 'DOOR', polygon(3.9, 1, 4.1, 1.9)),
    ('opening', 'ENTRANCE_DOOR', polygon(-0.2, 1, 0, 2)),
    ('opening', 'WINDOW', polygon(8, 1, 8.2, 2)),
    ('area', 'LIVING_ROOM', polygon(0, 0, 3.9, 4)),
    ('area', 'BEDROOM', polygon(4.1, 0, 8, 4)),
    ('feature', 'SINK', polygon(1, 1, 2, 2)),
]
AREA = 2 * 3.9 * 4 + 0.2 * 0.9


class TestSwissDwellings:
    @pytest.fixture
    def read(self, tmp_path):
        def read(storeys, names=('floor_id', 'entity_type', 'entity_subtype', 'geom'), **options):
            with open(tmp_path / 'plans.csv', 'w', newline='') as file:
                table = csv.writer(file)
                table.writerow(names)
                table.writerows((storey, *row) for storey, rows in storeys.items() for row in rows)
            return MapSet.from_msd(tmp_path / 'plans.csv', **options)

        return read

    @pytest.mark.parametrize('names', [('floor_id', 'geom'), ('plan_id', 'geom'), ('floor_id', 'geometry')])
    def test_a_storey_is_a_map_with_its_rooms_and_doors(self, read, names):
        maps = read({1: DWELLING, 2: DWELLING[:4]}, (names[0], 'entity_type', 'entity_subtype', names[1]))
        assert maps.recipe['names'] == [f'{names[0]} 1', f'{names[0]} 2']
        assert [geometry.area for geometry in maps] == pytest.approx([AREA, 32])
        assert kinds(maps[0]) == ['living room', 'bedroom']
        assert len(maps[0].doors) == 1  # the entrance leads outside
        assert maps.recipe['notes'][0]['unreachable'] == 0

    def test_mistakes_are_named(self, read):
        with pytest.raises(ValueError, match=r'plans.csv, floor_id 1: wall must have well-known text, got .POLY..'):
            read({1: [('separator', 'WALL', 'POLY(')]})
        with pytest.raises(ValueError, match=r'must be a table of Swiss dwellings: .* geom or geometry, got'):
            read({1: DWELLING}, ('floor_id', 'entity_type', 'entity_subtype', 'shape'))
        with pytest.warns(UserWarning, match='1 map was left out'):
            assert len(read({1: DWELLING, 2: [('separator', 'WALL', 'x')]}, skip_invalid=True)) == 1

    def test_tables_that_cannot_be_read_are_skipped(self, read, tmp_path):
        read({1: DWELLING})
        (tmp_path / 'other.csv').write_text('a,b\n1,2\n')
        with pytest.warns(UserWarning, match='1 map was left out:\n.*other.csv: must be a table') as caught:
            maps = MapSet.from_msd(tmp_path.glob('*.csv'), skip_invalid=True)
        assert caught[0].filename == __file__
        assert list(maps.recipe['left_out']) == ['other.csv'] and len(maps) == 1


class TestRplan:
    @pytest.fixture
    def read(self, tmp_path):
        def read(pixels, **options):
            Image.fromarray(pixels).save(tmp_path / '0.png')
            return MapSet.from_rplan(tmp_path / '0.png', **options)

        return read

    def pixels(self):
        """A living room of 40 x 50 pixels, a bathroom of 20 x 50, and a door of 2 x 12 between them."""
        use = np.full((256, 256), 13, np.uint8)
        use[98:152, 98:164] = 14
        use[100:150, 100:140] = 0
        use[100:150, 142:162] = 3
        use[110:122, 140:142] = 17
        use[98:100, 110:120] = 15
        number = np.where(use == 3, 2, np.where(use == 0, 1, 0)).astype(np.uint8)
        return np.stack([use, use, number, np.full_like(use, 255)], axis=-1)

    def test_rooms_and_doors(self, read):
        maps = read(self.pixels())
        pixel = (18 / 256) ** 2
        assert maps[0].area == pytest.approx((40 * 50 + 20 * 50 + 24) * pixel)
        assert kinds(maps[0]) == ['living room', 'bathroom']
        np.testing.assert_allclose(
            np.sort(maps.to_file_coordinates(maps[0].doors)[0], axis=0) * 256 / 18, [[141, 134], [141, 146]]
        )

    def test_more_rooms_than_any_floor_has_are_refused_before_they_are_looked_at(self, read):
        """Each pixel a room of its own, by its number or by lying apart."""
        numbered, apart = self.pixels(), self.pixels()
        numbered[::2, ::2, 1], numbered[::2, ::2, 2] = np.arange(128)[:, None] % 12, np.arange(128)
        apart[::2, ::2, 1] = 5
        for pixels in (numbered, apart):
            with at_most(100_000), pytest.raises(ValueError, match=r'0.png: must have at most 1024 rooms, and as many'):
                read(pixels)

    def test_other_pictures_are_named(self, read, tmp_path):
        with pytest.raises(ValueError, match=r'0.png: must be a picture of 4 channels and up to 1024 .*, got RGB, 256'):
            read(self.pixels()[..., :3])
        (tmp_path / '1.png').write_bytes(b'x')
        with pytest.raises(ValueError, match=r'1.png: is not a PNG that can be read'):
            MapSet.from_rplan(tmp_path / '1.png')


@pytest.mark.parametrize('form', ['svg', 'cubicasa', 'dxf', 'imdf', 'osm', 'houseexpo', 'msd', 'rplan', 'occupancy'])
def test_no_file_at_all_is_named(form):
    with pytest.raises(ValueError, match='path must be at least 1 file, got none'):
        getattr(MapSet, f'from_{form}')([])


@needs_ezdxf
class TestDxf:
    @pytest.fixture
    def document(self):
        import ezdxf

        document = ezdxf.new(units=4)
        document.layers.add('A-WALL')
        document.layers.add('hidden').off()
        space = document.modelspace()
        corners = [(0, 0), (8000, 0), (8000, 3000), (4000, 3000), (4000, 6000), (0, 6000)]
        space.add_lwpolyline(corners, close=True, dxfattribs={'layer': 'A-WALL'})
        space.add_text('KITCHEN', height=200)
        space.add_line((2000, 0), (2000, 6000), dxfattribs={'layer': 'hidden'})
        space.add_line((2000, 0), (2000, 6000), dxfattribs={'invisible': 1})
        return document

    @pytest.fixture
    def read(self, document, tmp_path):
        def read(**options):
            document.saveas(tmp_path / 'plan.dxf')
            return MapSet.from_dxf(tmp_path / 'plan.dxf', **options)

        return read

    def test_lines_are_walls_and_letters_are_not(self, read):
        maps = read()
        assert maps[0].area == pytest.approx(36)
        assert maps[0].bounds == pytest.approx((1, 1, 9, 7))
        assert maps.from_file_coordinates([8000, 3000]) == pytest.approx([9, 4])

    @pytest.mark.parametrize('units, area', [(5, 3600), (4, 36), (14, None), (2, None)])
    def test_the_file_says_its_units(self, document, read, units, area):
        document.units = units
        if area == 36:
            assert read()[0].area == pytest.approx(36)
        elif area:
            assert read()[0].area == pytest.approx(3600)
        else:
            with pytest.raises(ValueError, match=r'must be at most 499 m wide .* scale= says how many'):
                read()
        assert read(scale=1000)[0].area == pytest.approx(36)

    def test_curves_and_blocks(self, document, read):
        space = document.modelspace()
        space.add_circle((6000, 1500), 500)
        column = document.blocks.new('COLUMN')
        column.add_lwpolyline([(0, 0), (300, 0), (300, 300), (0, 300)], close=True)
        space.add_blockref('COLUMN', (1000, 1000), dxfattribs={'xscale': 2, 'yscale': 2})
        space.add_arc((0, 3000), 1000, -90, 90)
        assert read(inside=(3000, 3000))[0].area == pytest.approx(36 - np.pi / 4 - 0.36 - np.pi / 2, abs=0.02)

    def test_layers_have_roles(self, document, read):
        space = document.modelspace()
        space.add_line((2000, 0), (2000, 6000), dxfattribs={'layer': 'A-WALL-INT'})
        space.add_line((1000, 3000), (1000, 6000), dxfattribs={'layer': 'FURNITURE'})
        space.add_line((2000, 1000), (2000, 2000), dxfattribs={'layer': 'A-DOOR'})
        space.add_lwpolyline([(0, 0), (2000, 0), (2000, 6000), (0, 6000)], close=True, dxfattribs={'layer': 'Bedroom'})
        maps = read(layers={'walls': 'a-wall*', 'doors': 'a-door', 'rooms': 'bed*'})
        assert maps[0].area == pytest.approx(36)
        assert len(maps[0].doors) == 1
        assert kinds(maps[0])[0] == 'bedroom'
        assert maps.recipe['parameters']['layers']['rooms'] == ['bed*']

    def test_no_layer_that_is_picked_is_answered_with_those_that_there_are(self, read):
        with pytest.raises(ValueError, match="nothing is picked as walls: there are layers '0', 'A-WALL'"):
            read(layers='nothing')

    def test_bounds_and_mistakes(self, document, read, tmp_path, monkeypatch):
        document.units = 0
        with pytest.raises(ValueError, match=r'plan.dxf: must say what its units are .\$INSUNITS., or scale='):
            read()
        (tmp_path / 'a.dxf').write_text('0\nSECTION')
        with pytest.raises(ValueError, match=r'a.dxf: not DXF that can be read'):
            MapSet.from_dxf(tmp_path / 'a.dxf')
        with pytest.raises(ValueError, match='scale must be above 0 units a metre, got -1'):
            read(scale=-1)
        monkeypatch.setattr(dxf, 'MOST_ENTITIES', 2)
        with pytest.raises(ValueError, match='must have at most 2 entities, got more'):
            read(scale=1000)


def test_without_ezdxf_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ezdxf', None)
    with pytest.raises(ImportError, match=r"pip install 'megastep\[dxf\]'"):
        MapSet.from_dxf(tmp_path / 'a.dxf')


OTHER = Path(__file__).parents[1] / 'files' / 'other'
GRID = b'*****\n*P  *\n*   *\n*****'


@pytest.mark.parametrize(
    'name, form, options',
    [
        ('house-expo.json', 'houseexpo', {}),
        ('imdf.geojson', 'imdf', {}),
        ('imdf.geojson', 'osm', {}),
        ('msd.csv', 'msd', {}),
        pytest.param('l.dxf', 'dxf', {}, marks=needs_ezdxf),
        ('maze.txt', 'grid', {'resolution': 1}),
        ('maze.npy', 'grid', {'resolution': 1}),
        ('maze.png', 'rplan', {}),
    ],
)
def test_damaged_files_are_refused_or_read(tmp_path, name, form, options):
    path = tmp_path / name
    if (OTHER / name).exists():
        path.write_bytes((OTHER / name).read_bytes())
    elif name == 'maze.npy':
        np.save(path, np.pad(np.zeros((4, 4), bool), 1, constant_values=True))
    elif name == 'maze.png':
        Image.fromarray(TestRplan().pixels()).save(path)
    else:
        path.write_bytes(GRID)

    @settings(max_examples=15 if form == 'dxf' else 60, deadline=None)
    @given(data=damaged(path.read_bytes()))
    def check(data):
        path.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            refused_or_read(lambda path: getattr(MapSet, f'from_{form}')(path, **options), path)

    check()
