"""Occupancy grids: what is free, what is noise, and what no file can bring about."""

import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hostile.damage import damaged, refused_or_read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from megastep import MapSet
from megastep.maps.formats import grid

FREE, UNKNOWN, OCCUPIED = 254, 205, 0


def hall(rows=20, columns=30):
    """Free but for what is around it."""
    cells = np.full((rows + 2, columns + 2), FREE, np.uint8)
    cells[[0, -1]] = cells[:, [0, -1]] = OCCUPIED
    return cells


@pytest.fixture
def write(tmp_path):
    def write(cells, *lines, name='grid.pgm', resolution='0.1'):
        if cells is not None:
            picture = cells if isinstance(cells, Image.Image) else Image.fromarray(cells)
            picture.save(tmp_path / name)
        path = tmp_path / 'grid.yaml'
        given = [] if any(line.startswith('resolution:') for line in lines) else [f'resolution: {resolution}']
        path.write_text('\n'.join([f'image: {name}', *given, *lines]))
        return path

    return write


@pytest.fixture
def read(write):
    def read(cells, *lines, speck=0.01, simplify=0.0, **options):
        return MapSet.from_occupancy(write(cells, *lines, **options), speck=speck, simplify=simplify)[0]

    return read


@pytest.mark.parametrize('name', ['grid.pgm', 'grid.png'])
def test_a_hall_has_four_walls(read, name):
    geometry = read(hall(), name=name)
    assert len(geometry.walls) == 4
    assert geometry.area == pytest.approx(6)
    assert geometry.bounds == pytest.approx((1, 1, 4, 3))


def test_the_first_row_is_the_top(read):
    cells = hall()
    cells[1:11, 1:11] = OCCUPIED  # at the top left
    assert (1, 3) not in {tuple(np.round(corner, 6)) for corner in read(cells).walls[:, 0]}
    assert read(cells).area == pytest.approx(5)


def test_the_grid_may_be_turned(read):
    flat, turned = read(hall()), read(hall(), 'origin: [-10.0, 5, 0.5]')
    assert turned.area == pytest.approx(flat.area)
    steps = turned.walls[:, 1] - turned.walls[:, 0]
    assert set(np.round(np.degrees(np.arctan2(steps[:, 1], steps[:, 0])) % 90, 3)) == {28.648}


def test_unknown_cells_are_not_free(read):
    cells = hall()
    cells[5:9, 5:9] = UNKNOWN
    geometry = read(cells)
    assert len(geometry.walls) == 8
    assert geometry.area == pytest.approx(5.84)


@pytest.mark.parametrize(
    'value, lines, free',
    [
        (FREE, (), True),
        (UNKNOWN, (), False),
        (206, (), True),  # 49 / 255 is less than 0.196, 50 / 255 is more
        (100, (), False),
        (100, ('free_thresh: 0.64',), True),
        (10, ('negate: 1',), True),
        (10, ('negate: true',), True),
        (FREE, ('negate: 1',), False),
        (FREE, ('mode: scale',), True),
        (UNKNOWN, ('mode: scale',), False),
        (19, ('mode: raw',), True),
        (20, ('mode: raw',), False),
        (FREE, ('mode: raw',), False),
    ],
)
def test_what_a_pixel_means(read, value, lines, free):
    """A hall that is surely free in any mode, with a block of the value in it."""
    cells = np.full((40, 40), 0 if {'negate: 1', 'negate: true', 'mode: raw'} & set(lines) else 255, np.uint8)
    cells[10:20, 10:20] = value
    assert read(cells, *lines).area == pytest.approx(16 if free else 15)


@pytest.mark.parametrize('mode', ['1', 'L', 'LA', 'P', 'RGB', 'RGBA', 'I;16'])
def test_pictures_may_be_of_any_usual_kind(read, mode):
    picture = Image.fromarray(hall())
    if mode == 'I;16':
        picture = Image.fromarray(hall().astype(np.uint16) * 257)
    assert read(picture if mode == 'I;16' else picture.convert(mode), name='grid.png').area == pytest.approx(6)


@pytest.mark.parametrize('mode, value', [('trinary', FREE), ('scale', FREE), ('raw', 0)])
def test_transparent_cells_are_unknown(read, mode, value):
    picture = Image.fromarray(np.where(hall() == FREE, value, 255 if mode == 'raw' else 0).astype(np.uint8)).convert(
        'LA'
    )
    picture.paste((value, 0), (5, 5, 9, 9))
    assert read(picture, f'mode: {mode}', name='grid.png').area == pytest.approx(5.84)


def test_specks_are_free_if_they_are_smaller_than_said(read):
    cells = hall()
    cells[5, 5] = cells[6, 6] = OCCUPIED  # they touch at a corner, and count as one
    cells[12, 12] = UNKNOWN
    assert read(cells).area == pytest.approx(5.97)
    assert read(cells, speck=0.015).area == pytest.approx(5.98)
    assert read(cells, speck=0.025).area == pytest.approx(6)
    assert read(cells, speck=0).area == pytest.approx(5.97)


def test_free_cells_apart_from_the_largest_patch_are_dropped_and_counted(write):
    cells = np.full((40, 40), OCCUPIED, np.uint8)
    cells[1:21, 1:31] = FREE
    cells[21, 31] = FREE  # touches at a corner only
    cells[30:34, 10:20] = FREE
    maps = MapSet.from_occupancy(write(cells))
    assert maps[0].area == pytest.approx(6)
    assert maps.recipe['notes'][0]['dropped_area'] == pytest.approx(0.41)


def test_free_space_may_touch_itself_at_a_corner(read):
    cells = hall()
    cells[9:11, 9:11] = cells[11:13, 11:13] = OCCUPIED
    assert read(cells).area == pytest.approx(6 - 0.08)


def test_simplifying_straightens_stairs(read):
    cells = np.tril(np.full((60, 60), FREE, np.uint8))
    plain, simple = read(cells), read(cells, simplify=0.1)
    assert len(plain.walls) > 100
    assert len(simple.walls) <= 6
    assert simple.area == pytest.approx(plain.area, rel=0.03)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), share=st.floats(0, 0.4))
def test_walls_enclose_just_the_largest_patch(read, seed, share):
    cells = np.kron(np.where(np.random.default_rng(seed).random((12, 12)) < share, OCCUPIED, FREE), np.ones((5, 5)))
    cells = cells.astype(np.uint8)
    cells[:20, :20] = FREE
    space = grid._space(grid.Grid(cells == FREE, 0.1), np.empty((0, 2))).cells
    assert read(cells, speck=0).area == pytest.approx(space.sum() / 100)


@pytest.mark.parametrize(
    'lines, message',
    [
        (['resolution: 0'], 'resolution must be a number from 0.0001 to 100, got .0.'),
        (['resolution: nan'], 'resolution must be a number from 0.0001 to 100, got .nan.'),
        (['resolution: [1]'], 'resolution must be a number'),
        (['negate: 2'], 'negate must be a number from 0 to 1, got .2.'),
        (['occupied_thresh: 1.5'], 'occupied_thresh must be a number from 0 to 1, got .1.5.'),
        (['free_thresh: 0.7'], 'free_thresh must be a number from 0 to 0.65, got .0.7.'),
        (['mode: colour'], 'mode must be trinary, scale, raw, got .colour.'),
        (['mode: [raw]'], 'mode must be trinary, scale, raw, got'),
        (['origin: [1, 2]'], 'origin must be 3 numbers, got'),
        (['origin: [1, 2, x]'], 'origin must be a number .*, got .x.'),
        (['a: &a [1]', 'b: *a'], 'aliases are not read'),
        (['a: ['], 'not YAML that can be read: while parsing'),
        (['a: ' + '[' * 5000], 'not YAML that can be read: maximum recursion depth'),
        (['negate: 0', 'negate: 1'], "a mapping must have each key once, got 'negate' twice"),
        (['free_thresh: true'], 'free_thresh must be a number from 0 to 0.65, got .true.'),
        (['resolution: 0_05'], 'resolution must be a number from 0.0001 to 100, got .0_05.'),
        (['resolution: \uff11'], 'resolution must be a number from 0.0001 to 100, got .\uff11.'),
        (['#' * 20_000], 'must be at most 16384 bytes long, got more'),
        (['? [a]', ': b'], 'not YAML that can be read: while constructing a mapping'),
    ],
)
def test_mistakes_in_yaml_are_named(write, lines, message):
    path = write(hall(), *lines)
    with pytest.raises(ValueError, match=f'{path}: {message}'):
        MapSet.from_occupancy(path)


def test_a_map_of_unknown_cells_alone_says_so(write):
    cells = np.where(hall() == FREE, UNKNOWN, OCCUPIED).astype(np.uint8)
    with pytest.raises(
        ValueError, match=r'must be free cells, got none: 85% look unknown .205., and free_thresh is 0.196'
    ):
        MapSet.from_occupancy(write(cells))


def test_yaml_makes_no_objects(write):
    """Tags mean nothing: what they would call isn't called."""
    assert MapSet.from_occupancy(write(hall(), 'extra: !!python/object/apply:os.abort []'))[0].area == pytest.approx(6)


@pytest.mark.parametrize('content', ['- 1', 'text', ''])
def test_yaml_must_be_a_mapping(tmp_path, content):
    path = tmp_path / 'grid.yaml'
    path.write_text(content)
    with pytest.raises(ValueError, match='must be a mapping with image and resolution, got'):
        MapSet.from_occupancy(path)


class TestNoOtherFile:
    """The picture is a file in the very folder."""

    @pytest.fixture(autouse=True)
    def outside(self, write, tmp_path):
        (tmp_path / 'inner').mkdir()
        for folder in (tmp_path, tmp_path / 'inner'):
            Image.fromarray(hall()).save(folder / 'grid.pgm')
        return tmp_path

    def refuse(self, folder, image, message):
        path = folder / 'inner' / 'grid.yaml'
        path.write_text(f'image: "{image}"\nresolution: 0.1')
        with pytest.raises(ValueError, match=message):
            MapSet.from_occupancy(path)

    @pytest.mark.parametrize('image', ['../grid.pgm', '/etc/passwd', 'a/grid.pgm', '', '.', '[x', '\\0grid.pgm', '..'])
    def test_by_name(self, outside, image):
        self.refuse(outside, image, "image must be (the name of )?a file in the YAML file's folder")

    def test_by_its_whole_path(self, outside):
        self.refuse(
            outside, outside / 'inner' / 'grid.pgm', "image must be the name of a file in the YAML file's folder"
        )

    def test_by_a_link(self, outside):
        os.symlink(outside / 'grid.pgm', outside / 'inner' / 'link.pgm')
        self.refuse(outside, 'link.pgm', "'link.pgm' is a link to elsewhere")

    def test_by_a_pipe(self, outside):
        os.mkfifo(outside / 'inner' / 'pipe.pgm')
        self.refuse(outside, 'pipe.pgm', "there is no file 'pipe.pgm'")

    def test_a_link_within_the_folder_is_followed(self, outside):
        os.symlink('grid.pgm', outside / 'inner' / 'link.pgm')
        path = outside / 'inner' / 'grid.yaml'
        path.write_text('image: ./link.pgm\nresolution: 0.1')
        assert MapSet.from_occupancy(path)[0].area == pytest.approx(6)


def png(width, height):
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))

    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0))
    return b'\x89PNG\r\n\x1a\n' + header + chunk(b'IDAT', zlib.compress(bytes(100))) + chunk(b'IEND', b'')


@pytest.mark.parametrize(
    'content, message',
    [
        (b'P5\n4097 4096\n255\n', 'image must have at most 16777216 pixels, got 4097 x 4096'),
        (png(4096, 4097), 'image must have at most 16777216 pixels, got 4096 x 4097'),
        (
            b'P5\n100000 100000\n255\n',
            'is not a PGM, PNG or BMP that can be read: Image size .10000000000 pixels. exceeds',
        ),
        (png(2**31 - 1, 2**31 - 1), 'is not a PGM, PNG or BMP that can be read: Image size'),
        (b'P5\n20 20\n255\n123', 'is not a PGM, PNG or BMP that can be read: .*'),
        (b'P6\n1 1\n255\n1', 'is not a PGM, PNG or BMP that can be read: .*'),
        (b'GIF89a', 'is not a PGM, PNG or BMP that can be read: cannot identify'),
        (b'Pf\n1 1\n-1.0\n1234', 'is not a PGM, PNG or BMP that can be read: its pixels are of the kind F'),
        (b'P5\n2 2\n255\n' + bytes(4), 'there must be free cells, got none among 4'),
        (b'P5\n1 9\n255\n' + b'\xfe' * 9, 'there must be somewhere with 0.156 m of clearance, got at most 0.050 m'),
    ],
)
def test_pictures_that_cannot_be_used_are_named(write, tmp_path, content, message):
    (tmp_path / 'grid.pgm').write_bytes(content)
    path = write(None)
    with pytest.raises(ValueError, match=f'{path}: .*{message}'):
        MapSet.from_occupancy(path)


def test_noise_that_makes_too_many_walls_is_refused(read):
    cells = np.where(np.random.default_rng(0).random((300, 300)) < 0.3, OCCUPIED, FREE).astype(np.uint8)
    with pytest.raises(ValueError, match='must have at most 16384 segments of wall, got 4'):
        read(cells, speck=0)


def test_noise_is_refused_before_it_takes_much_memory(write):
    """The largest picture has 16 million cells: at 64 bytes each they come to 1 GB."""
    path = write(np.where(np.random.default_rng(0).random((1000, 1000)) < 0.38, OCCUPIED, FREE).astype(np.uint8))
    tracemalloc.start()
    with pytest.raises(ValueError, match='must have at most 16384 segments of wall, got 4'):
        MapSet.from_occupancy(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1000 * 1000


@pytest.mark.parametrize('name', ['speck', 'simplify'])
@pytest.mark.parametrize('value', [-1, np.nan, np.inf])
def test_tolerances_must_not_be_negative(write, name, value):
    with pytest.raises(ValueError, match=f'{name} must be at least 0, got {value}'):
        MapSet.from_occupancy(write(hall()), **{name: value})


@pytest.mark.parametrize('kind', ['yaml', 'pgm', 'png'])
def test_damaged_files_are_refused_or_read(write, tmp_path, kind):
    path = write(hall(), 'origin: [0, 0, 0.1]', name='grid.png' if kind == 'png' else 'grid.pgm')
    target = path if kind == 'yaml' else tmp_path / f'grid.{kind}'

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=damaged(target.read_bytes()))
    def check(data):
        target.write_bytes(data)
        refused_or_read(MapSet.from_occupancy, path)

    check()
