"""Grids without YAML: arrays, pictures and mazes written as text."""

import numpy as np
import pytest
from PIL import Image

from megastep import MapSet

WALL = np.ones((12, 22), bool)
WALL[1:-1, 1:-1] = False
WALL[1:4, 1:6] = True  # at the top left
AREA = 200 - 15

ROS = np.where(WALL, 100, 0).astype(np.int8)

MAZE = """
*******
*P    *
*** ***
*    G*
*******
"""

MINIGRID = """WGWGWGWGWGWGWG
WG    WG    WG
WG>>  DR  KRWG
WG    WG    WG
WGWG__WGWGWGWG
WG          WG
WGWGWGWGWGWGWG"""


@pytest.mark.parametrize(
    'grid',
    [
        WALL,
        WALL.tolist(),
        ROS,
        np.where(ROS == 100, -1, 0),
        np.where(WALL, 0.9, 0.1),
        np.where(WALL, np.nan, 0).astype(np.float32),
        Image.fromarray(np.where(WALL, 0, 254).astype(np.uint8)),
        '\n'.join(''.join('#' if cell else '.' for cell in row) for row in WALL),
    ],
    ids=range(8),
)
def test_any_form_of_a_grid(grid):
    maps = MapSet.from_grid(grid, resolution=0.5)
    assert maps[0].area == AREA / 4
    assert maps.recipe['names'] == ['grid 0']
    assert maps.recipe['notes'][0]['shift'] == [0.5, 0.5]
    assert (1, 6) not in {tuple(corner) for corner in maps[0].walls[:, 0].tolist()}  # the top left


def test_files(tmp_path):
    Image.fromarray(np.where(WALL, 0, 254).astype(np.uint8)).save(tmp_path / 'a.png')
    np.save(tmp_path / 'b.npy', ROS)
    (tmp_path / 'c.txt').write_text(MAZE)
    paths = [tmp_path / 'a.png', str(tmp_path / 'b.npy'), tmp_path / 'c.txt']
    maps = MapSet.from_grid(paths, resolution=1, inside={'a.png': (10, 2)})
    assert [geometry.area for geometry in maps] == [AREA, AREA, 11]
    assert maps.recipe['names'] == ['a.png', 'b.npy', 'c.txt']
    assert maps.recipe['parameters']['resolution'] == 1


def test_a_grid_lies_where_it_is_said_to():
    maps = MapSet.from_grid(WALL, resolution=0.5, origin=(-5, 10, np.pi / 2), inside=(-5 - 2, 10 + 2))
    assert maps[0].bounds == pytest.approx((1, 1, 6, 11))
    assert maps.from_file_coordinates([-5.5, 10.5]) == pytest.approx([6, 1])


def test_labmaze():
    (maze,) = MapSet.from_grid(MAZE, resolution=2)
    assert maze.area == 11 * 4
    assert maze.spawns[0].tolist() == pytest.approx([2, 6])


def test_minigrid_has_two_letters_a_cell_doors_and_an_agent():
    maps = MapSet.from_grid(MINIGRID, resolution=1)
    assert maps[0].area == 6 + 6 + 1 + 1 + 5
    assert maps[0].spawns[0].tolist() == pytest.approx([1.5, 4.5])
    assert sorted(maps[0].doors.tolist()) == [[[2, 2.5], [3, 2.5]], [[3.5, 4], [3.5, 5]]]


def test_minigrid_pads_its_rooms_with_nothing():
    rooms = ['WGWGWGWGWGWG', 'WG    WG  WG', 'WG>>  DB  WG', 'WG    WG  WG', 'WGWGWGWGWGWG']
    padded = '\n'.join([' ' * 16, *(f'  {row}  ' for row in rooms), ' ' * 16])
    maps = MapSet.from_grid(padded, resolution=1)
    assert maps[0].area == 6 + 1 + 3
    assert len(maps[0].doors) == 1
    assert maps.recipe['notes'][0]['dropped_area'] == 0


def test_a_maze_of_words_is_no_minigrid():
    assert MapSet.from_grid('WWWW\nW  W\nW  W\nWWWW', resolution=1)[0].area == 4


@pytest.mark.parametrize(
    'grid, options, message',
    [
        (np.full((3, 3), 254, np.uint8), {}, 'grid 0: occupancies must be whole numbers from -1 to 100.* got 254'),
        (np.zeros((3, 3, 3)), {}, r'a grid must have 2 axes and 1 to 16777216 cells, got shape \(3, 3, 3\)'),
        (np.full((3, 3), 'a'), {}, 'a grid must be of booleans or numbers, got <U1'),
        (WALL, {'resolution': 0}, 'resolution must be from 0.0001 to 100 m, got 0'),
        (WALL, {'origin': (1,)}, r'origin must be x, y and perhaps an angle, got \[1'),
        (WALL, {'speck': -1}, 'speck must be at least 0, got -1'),
        (WALL, {'inside': (0.1, 0.1)}, r'inside must be places in free cells, but that at \(0.1, 0.1\) is not free'),
        (WALL, {'inside': (99, -99)}, r'inside must be places in free cells, but that at \(99, -99\) is not free'),
        ('\n \n', {}, 'a grid of text must have rows, got none'),
        ('\n<FourRoomsEnv>\n', {}, r"a grid of text must have walls \(# \* .* ▓\), got none in '<FourRoomsEnv>'"),
        ('a.doc', {}, 'a grid must be a picture .* got .a.doc.'),
        (np.ones((3, 3), bool), {}, 'there must be free cells, got none among 9'),
    ],
)
def test_mistakes_are_named(grid, options, message):
    with pytest.raises(ValueError, match=message):
        MapSet.from_grid(grid, **{'resolution': 1, **options})


def test_a_picture_in_place_of_its_yaml_says_so(tmp_path):
    Image.fromarray(np.where(WALL, 0, 254).astype(np.uint8)).save(tmp_path / 'map.pgm')
    with pytest.raises(ValueError, match=r'map.pgm: must be the YAML file .* MapSet.from_grid\(path, resolution=\)'):
        MapSet.from_occupancy(tmp_path / 'map.pgm')


def test_bitmaps(tmp_path):
    Image.fromarray(np.where(WALL, 0, 254).astype(np.uint8)).save(tmp_path / 'map.bmp')
    (tmp_path / 'map.yaml').write_text('image: map.bmp\nresolution: 1\norigin: [0, 0, 0]')
    assert MapSet.from_occupancy(tmp_path / 'map.yaml')[0].area == AREA


def test_simplifying_comes_before_counting():
    """Slanting walls are stairs of more segments than a map may have, and few lines once they are simplified."""
    y, x = np.mgrid[:2000, :2000]
    wall = ((x + y) % 600 < 60) & (x > 50) & (y < 1950)
    with pytest.raises(ValueError, match=r'must have at most 16384 segments of wall, got \d{5}. simplify=0.05'):
        MapSet.from_grid(wall, resolution=0.05)
    (simple,) = MapSet.from_grid(wall, resolution=0.05, simplify=0.1)
    assert len(simple.walls) < 100
    assert simple.area == pytest.approx((~wall).sum() * 0.05**2, rel=1e-3)


def test_grids_may_come_from_an_iterator():
    assert len(MapSet.from_grid(iter([WALL, WALL]), resolution=1)) == 2


@pytest.mark.parametrize('ending', ['\n', '\r\n', '\r'])
def test_lines_of_text_may_end_in_any_way(tmp_path, ending):
    (tmp_path / 'maze.txt').write_bytes(ending.join(['****', '*  *', '****']).encode())
    assert MapSet.from_grid(tmp_path / 'maze.txt', resolution=1)[0].area == 2
