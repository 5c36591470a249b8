"""Files that were made to do harm: every reader answers, and within bounds that are counted as work, not as time."""

import importlib
import json
import math
import os
import pkgutil
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from work import at_most

from megastep import MapSet, mapgen
from megastep.maps import formats, freespace, geometry, geometry_checks
from megastep.maps.formats import bounds, geojson, occupancy
from megastep.maps.formats.svg import transforms
from megastep.maps.storage import tensor_files
from megastep.maps.storage.json_files import parse_json

try:
    from re import _constants as constants
    from re import _parser as parser
except ImportError:  # before Python 3.11
    import sre_constants as constants
    import sre_parse as parser

NAMES = [module.name for module in pkgutil.walk_packages(formats.__path__, f'{formats.__name__}.')]
FORMATS = [importlib.import_module(name) for name in NAMES]
PATTERNS = [
    pytest.param(value.pattern, id=f'{module.__name__.rpartition(".")[2]}.{name}')
    for module in [*FORMATS, importlib.import_module('megastep.mapgen.shards')]
    for name, value in vars(module).items()
    if isinstance(value, re.Pattern)
]

SQUARE = [[1, 1], [5, 1], [5, 5], [1, 5], [1, 1]]


def wad(levels):
    """A WAD of levels: each one's name, and its lumps by theirs."""
    lumps = [lump for name, parts in levels for lump in [(name, b''), *parts.items()]]
    starts = 12 + np.cumsum([0, *(len(content) for _, content in lumps)])
    entries = zip(starts[:-1].tolist(), lumps, strict=True)
    directory = b''.join(struct.pack('<ii8s', start, len(content), name.encode()) for start, (name, content) in entries)
    return struct.pack('<4sii', b'PWAD', len(lumps), starts[-1]) + b''.join(c for _, c in lumps) + directory


def endless(pattern, inside=False):
    """True if, within what is repeated without end, something else is."""
    for operation, argument in pattern:
        if operation in (constants.MAX_REPEAT, constants.MIN_REPEAT):
            _, high, inner = argument
            unbounded = high == constants.MAXREPEAT
            if (unbounded and inside) or endless(inner, inside or unbounded):
                return True
        elif operation is constants.SUBPATTERN:
            if endless(argument[-1], inside):
                return True
        elif operation is constants.BRANCH and any(endless(branch, inside) for branch in argument[1]):
            return True
    return False


@pytest.mark.parametrize('pattern', PATTERNS)
def test_no_expression_repeats_a_repetition(pattern):
    """Such a one can part what it reads in exponentially many ways, and tries them all before it fails."""
    assert not endless(parser.parse(pattern))


def test_a_repetition_of_a_repetition_is_found():
    assert endless(parser.parse(r'(?:\s+|x)*y'))
    assert not endless(parser.parse(r'(?:\s|x)*y+'))


@pytest.mark.parametrize('skipped', [b' ', b'// a\n', b'/* a */', b'/*', b'\\'])
def test_blanks_and_comments_before_what_is_no_token(tmp_path, skipped):
    path = tmp_path / 'a.wad'
    path.write_bytes(wad([('MAP01', {'TEXTMAP': skipped * 40 + b'#'})]))
    with pytest.raises(ValueError, match=f'{path}, MAP01: TEXTMAP must be assignments and blocks'):
        MapSet.from_wad(path)


@pytest.mark.parametrize('kind', ['1e300', '-1e300', '2147483648'])
def test_a_type_that_no_integer_holds(tmp_path, kind):
    """It costs its own level, and not the others."""
    path = tmp_path / 'a.wad'
    text = f'thing {{ x = 1; y = 1; type = {kind}; }}'.encode()
    corners = b''.join(struct.pack('<hh', *corner) for corner in [(0, 0), (320, 0), (320, 320), (0, 320)])
    lines = b''.join(struct.pack('<HHH4xHH', i, (i + 1) % 4, 1, 0, 0xFFFF) for i in range(4))
    whole = {'THINGS': struct.pack('<hhHHH', 160, 160, 0, 1, 7), 'LINEDEFS': lines, 'VERTEXES': corners}
    path.write_bytes(wad([('MAP01', {'TEXTMAP': text}), ('MAP02', whole)]))
    with pytest.warns(
        UserWarning,
        match=f'thing 0 must have a whole number for type of less than 2147483648, got {float(kind):g}'.replace(
            '+', r'\+'
        ),
    ):
        assert MapSet.from_wad(path, skip_invalid=True).recipe['names'] == ['MAP02']


def features(*found, **properties):
    listed = [
        {
            'type': 'Feature',
            'properties': {'kind': kind, **properties},
            'geometry': {'type': shape, 'coordinates': places},
        }
        for kind, shape, places in found
    ]
    return json.dumps({'type': 'FeatureCollection', 'features': listed})


def zigzag(corners, radius=50.0, teeth=0.5):
    angles = np.arange(corners) * 2 * np.pi / corners
    radii = radius + teeth * (np.arange(corners) % 2)
    ring = 100 + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [*ring.tolist(), ring[0].tolist()]


SMALL = ('wall', 'LineString', SQUARE)

GEOJSON = {
    'walls that are said to be oriented': (
        features(('wall', 'LineString', zigzag(20_000)), ('spawn', 'Point', [100, 100]), oriented=True),
        'must have at most 16384 segments of wall, got 20000',
    ),
    'lines of two points': (
        features(('wall', 'MultiLineString', [[[1, 1], [2, 2]]] * 400_000)),
        'feature 0: a map must have at most 32768 points of kind wall, got 800000 and more',
    ),
    'features of two points': (
        features(*[('wall', 'LineString', [[1, 1], [2, 2]])] * 40_000),
        'feature 16384: a map must have at most 32768 points of kind wall, got 32770 and more',
    ),
    'rooms': (
        features(SMALL, *[('room', 'Polygon', [SQUARE])] * 10_000),
        'feature 6554: a map must have at most 32768 points of kind room, got 32770 and more',
    ),
    'spawns': (
        features(SMALL, ('spawn', 'MultiPoint', [[2, 2]] * 40_000)),
        'feature 1: a map must have at most 32768 points of kind spawn, got 40000',
    ),
    'rooms among walls': (
        features(('wall', 'LineString', zigzag(15_000, radius=90)), *[('room', 'Polygon', [SQUARE])] * 1200),
        r'must have at most 16777216 pairs of a named room and a wall, got 18000000',
    ),
    'walls close together': (
        features(('wall', 'LineString', zigzag(16_000, radius=20, teeth=0.02))),
        r'must have at most 1048576 pairs of walls within 0.6 m of each other, got \d+ and more',
    ),
    'a key twice': (
        features(SMALL).replace('"kind": "wall"', '"kind": "wall", "kind": "door"'),
        "not JSON: an object must have each key once, got 'kind' twice",
    ),
    'true as a number': (
        features(('wall', 'LineString', [[True, 1], *SQUARE[1:]])),
        r'feature 0: coordinates must be lists of \[x, y\] pairs of numbers: got \[\[true, 1\]',
    ),
    'brackets': ('[' * 100_000, 'not JSON: is nested too deep'),
}  # fmt: skip


@pytest.mark.parametrize('text, message', GEOJSON.values(), ids=GEOJSON)
def test_geojson_that_would_take_long_or_says_two_things(tmp_path, text, message):
    path = tmp_path / 'map.json'
    path.write_text(text)
    with at_most(1_500_000), pytest.raises(ValueError, match=f'{path}: {message}'):
        MapSet.from_geojson(path)


def test_oriented_walls_are_counted_before_they_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(geometry_checks, 'windings', None)  # takes time for each two walls
    path = tmp_path / 'map.json'
    path.write_text(GEOJSON['walls that are said to be oriented'][0])
    with pytest.raises(ValueError, match='must have at most 16384 segments'):
        MapSet.from_geojson(path)


NINE = '\uff19'
"""A digit, as Unicode has it."""

SVG = {
    'transforms': (
        f'<path transform="{"scale(1)" * 500_000}" d="M0 0H9V9z"/>',
        'there must be at most 64 transforms, got more',
    ),
    'closings': (f'<path d="M0 0{"z" * 4_000_000}"/>', 'there must be at most 65536 corners, got 65537 and more'),
    'points of nothing': (f'<path d="{"M0 0" * 100_000}"/>', 'there must be at most 65536 corners, got 65537 and more'),
    'digits of other scripts': (f'<path d="M0 0H{NINE}V9z"/>', f"H takes 1 numbers, got 0 and then '{NINE}V9z'"),
}  # fmt: skip


@pytest.mark.parametrize('drawn, message', SVG.values(), ids=SVG)
def test_svg_that_would_take_long(tmp_path, drawn, message):
    path = tmp_path / 'a.svg'
    path.write_text(f'<svg>{drawn}</svg>', encoding='utf-8')
    with at_most(2_000_000), pytest.raises(ValueError, match=f'{path}: path number 1: {message}'):
        MapSet.from_svg(path)


def test_as_many_transforms_as_anybody_needs_are_read(tmp_path):
    path = tmp_path / 'a.svg'
    path.write_text(f'<svg><path transform="{"scale(1)" * transforms.MOST_TRANSFORMS}" d="M0 0H500V500H0z"/></svg>')
    assert MapSet.from_svg(path)[0].area == 25


def test_rooms_are_not_looked_for_among_all_walls(monkeypatch):
    """Each room's own walls are a few, however many the map has: else a map of many rooms takes time for each two."""
    looked_at = []
    thin = freespace.thin
    monkeypatch.setattr(freespace, 'thin', lambda walls: looked_at.append(len(walls)) or thin(walls))
    lines = [((0, 0), (20, 0)), ((20, 0), (20, 20)), ((20, 20), (0, 20)), ((0, 20), (0, 0))]
    for i in range(2, 20, 2):
        for j in range(0, 20, 2):
            lines += [
                ((i, j), (i, j + 0.6)),
                ((i, j + 1.4), (i, j + 2)),
                ((j, i), (j + 0.6, i)),
                ((j + 1.4, i), (j + 2, i)),
            ]
    made = geometry.Geometry.from_walls(np.array(lines) + 1.0)
    assert len(made.rooms) == 100 and len(made.walls) > 600
    assert sum(looked_at) < 6 * len(made.walls)


@pytest.mark.parametrize('text', ['0_05', NINE, '0x10', '1e', '--1', ''])
@pytest.mark.parametrize('place', range(4))
def test_numbers_of_a_centre_line_are_decimal(tmp_path, text, place):
    path = tmp_path / 'a.csv'
    row = ['0', '0', '1', '1']
    row[place] = text
    path.write_text('9,0,1,1\n9,9,1,1\n0,9,1,1\n' + ','.join(row), encoding='utf-8')
    with pytest.raises(ValueError, match=f'{path}: line 4: must be x, y'):
        MapSet.from_centreline(path)


TOLD_MORE = {'from_file_coordinates', 'from_grid'}
"""These take more than a path."""


class TestWhatIsNoFile:
    READERS = [*sorted(set(filter(re.compile('from_').match, dir(MapSet))) - TOLD_MORE), 'load']

    @pytest.mark.parametrize('reader', READERS)
    def test_pipes_are_not_waited_for(self, tmp_path, reader):
        os.mkfifo(tmp_path / 'pipe')
        with pytest.raises(ValueError, match=f'{tmp_path / "pipe"}.* must be a regular file, got a pipe'):
            getattr(MapSet, reader)(tmp_path / 'pipe')

    @pytest.mark.parametrize('reader', READERS)
    def test_devices_have_no_end(self, reader):
        with pytest.raises(ValueError, match=r'/dev/zero.* must be a regular file, got a device'):
            getattr(MapSet, reader)('/dev/zero')

    @pytest.mark.parametrize('reader', sorted({*READERS} - {'load', 'from_imdf'}))  # which may be one
    def test_folders(self, tmp_path, reader):
        with pytest.raises(ValueError, match=f'{tmp_path}.* must be a regular file, got a folder'):
            getattr(MapSet, reader)(tmp_path)

    @pytest.mark.parametrize('name', ['pipe', 'zero'])
    def test_pictures(self, tmp_path, name):
        os.mkfifo(tmp_path / 'pipe')
        path = tmp_path / 'pipe' if name == 'pipe' else '/dev/zero'
        with pytest.raises(ValueError, match='must be a regular file, got a'):
            occupancy.pixels(Path(path))

    @pytest.mark.parametrize('reader', READERS)
    def test_a_missing_file_is_missing(self, tmp_path, reader):
        with pytest.raises(FileNotFoundError):
            getattr(MapSet, reader)(tmp_path / 'none')


@pytest.mark.parametrize(
    'image, reason',
    [('x' * 400 + '.png', 'File name too long'), ('gone.png', 'No such file'), ('round.png', 'Too many|circle')],
)
def test_a_picture_that_cannot_be_opened_costs_its_own_map_alone(tmp_path, image, reason):
    os.symlink('round.png', tmp_path / 'round.png')
    cells = np.zeros((22, 32), np.uint8)
    cells[1:-1, 1:-1] = 254
    Image.fromarray(cells).save(tmp_path / 'grid.png')
    for name, picture in (('a.yaml', image), ('b.yaml', 'grid.png')):
        (tmp_path / name).write_text(f'image: {picture}\nresolution: 0.1\n')
    with pytest.warns(
        UserWarning, match=f"image must be a file in the YAML file's folder, but .* can not be opened: .*({reason})"
    ):
        maps = MapSet.from_occupancy([tmp_path / 'a.yaml', tmp_path / 'b.yaml'], skip_invalid=True)
    assert maps.recipe['names'] == ['b.yaml']


@pytest.mark.parametrize('failure', [OverflowError('too large'), RecursionError('too deep'), ZeroDivisionError('none')])
def test_what_no_reader_foresaw_names_the_map(monkeypatch, tmp_path, failure):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(geojson, 'build', fail)
    path = tmp_path / 'map.json'
    path.write_text(features(SMALL))
    with pytest.raises(ValueError, match=f'{path}: {failure}'):
        MapSet.from_geojson(path)


class TestHeaders:
    """A map set's header holds JSON, which may hold anything."""

    def test_a_recipe_of_brackets(self, tmp_path):
        path = tmp_path / 'a.safetensors'
        maps = mapgen.generate('box', 1)
        packed = maps._packed
        deep = '[' * 100_000 + ']' * 100_000
        tensor_files.write(path, packed.tensors(), {'recipe': deep, 'kinds': json.dumps(packed.vocabulary)})
        with pytest.raises(ValueError, match=f'{path} contradicts itself: is nested too deep'):
            MapSet.load(path)

    @pytest.mark.parametrize('text, message', [
        ('{"a": 1, "b": 2, "a": 3}', "each key once, got 'a' twice"),
        ('[' * 100_000, 'nested too deep'),
        ('{', 'Expecting property name'),
    ])  # fmt: skip
    def test_json_says_one_thing(self, text, message):
        with pytest.raises(ValueError, match=message):
            parse_json(text)

    def test_json_is_read(self):
        assert parse_json('{"a": [1, {"a": 2}]}') == {'a': [1, {'a': 2}]}


def test_bounds_leave_real_maps_alone():
    """Four times as many walls so near each other as the densest of the real maps have, for each of their walls."""
    assert bounds.MOST_NEAR / bounds.MOST_SEGMENTS == 64
    assert math.isclose(bounds.REACH, 0.6)
