"""Levels of Doom: what stands, where one may start, and what no file can bring about."""

import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest
from hostile.damage import damaged, refused_or_read
from hypothesis import HealthCheck, given, settings

from megastep import MapSet

VIZDOOM = importlib.util.find_spec('vizdoom')
GAMES = Path(VIZDOOM.origin).parent if VIZDOOM and VIZDOOM.origin else Path()
needs_games = pytest.mark.skipif(VIZDOOM is None, reason='vizdoom, with its Freedoom maps, is not installed')

SQUARE = [(0, 0), (320, 0), (320, 320), (0, 320)]  # 10 m by 10 m
ONE_SIDED, TWO_SIDED = 0xFFFF, 1
START, LAMP = 1, 2028


def ring(corners, *, flags=1, back=ONE_SIDED, first=0):
    count = len(corners)
    return [(first + i, first + (i + 1) % count, flags, back) for i in range(count)]


def level(vertices, lines, things=((160, 160, START),), *, hexen=False):
    """A level's lumps. A line is its two vertices, its flags and its back side."""
    line = '<3H6xHH' if hexen else '<3H4xHH'
    thing = (lambda x, y, t: struct.pack('<HhhhHH8x', 0, x, y, 0, 0, t)) if hexen else (
        lambda x, y, t: struct.pack('<hhHHH', x, y, 0, t, 7)
    )  # fmt: skip
    return {
        'THINGS': b''.join(thing(*place) for place in things),
        'LINEDEFS': b''.join(struct.pack(line, a, b, flags, 0, back) for a, b, flags, back in lines),
        'VERTEXES': struct.pack(f'<{2 * len(vertices)}h', *np.ravel(vertices)),
        **({'BEHAVIOR': b'ACS'} if hexen else {}),
    }


def wad(levels, *, magic=b'PWAD', count=None, start=None):
    """A WAD of levels, by name."""
    content, entries = b'', []
    for name, lumps in levels:
        entries.append((12 + len(content), 0, name.encode()))
        for lump, data in lumps.items():
            entries.append((12 + len(content), len(data), lump.encode()))
            content += data
    header = struct.pack('<4sii', magic, len(entries) if count is None else count, 12 + len(content))
    header = header[:8] + struct.pack('<i', start) if start is not None else header
    return header + content + b''.join(struct.pack('<ii8s', *entry) for entry in entries)


@pytest.fixture
def write(tmp_path):
    def write(levels, **options):
        path = tmp_path / 'game.wad'
        path.write_bytes(levels if isinstance(levels, bytes) else wad(levels, **options))
        return path

    return write


@pytest.mark.parametrize('hexen', [False, True])
def test_a_room_is_thirty_two_units_a_metre_and_begins_at_one(write, hexen):
    maps = MapSet.from_wad(write([('MAP01', level(SQUARE, ring(SQUARE), hexen=hexen))]))
    assert sorted(map(tuple, maps[0].walls[:, 0].tolist())) == [(1, 1), (1, 11), (11, 1), (11, 11)]
    assert maps[0].area == 100
    assert maps[0].spawns[0].tolist() == [6, 6]
    assert maps.recipe['names'] == ['MAP01']
    assert maps.recipe['notes'] == [
        {'shift': [1, 1], 'scale': 1 / 32, 'flip': False, 'dropped_area': 0, 'unreachable': 0}
    ]


@pytest.mark.parametrize(
    'flags, back, walls', [(0, ONE_SIDED, 8), (1, TWO_SIDED, 8), (4, TWO_SIDED, 4), (1, ONE_SIDED, 8)]
)
def test_one_sided_and_blocking_lines_stand(write, flags, back, walls):
    pillar = [(40, 40), (40, 80), (80, 80), (80, 40)]
    lines = ring(SQUARE) + ring(pillar, flags=flags, back=back, first=4)
    assert len(MapSet.from_wad(write([('E1M1', level(SQUARE + pillar, lines))]))[0].walls) == walls


def test_free_space_is_where_players_appear(write):
    small = [(1000, 0), (1096, 0), (1096, 96), (1000, 96)]
    lumps = [(START, 9), (14, 9), (LAMP, 100)]  # a place one is teleported to counts, a lamp doesn't
    for kind, area in lumps:
        things = [(1048, 48, kind), (1020, 20, LAMP)]
        maps = MapSet.from_wad(write([('MAP01', level(SQUARE + small, ring(SQUARE) + ring(small, first=4), things))]))
        assert maps[0].area == area


SMALL = [(1000, 0), (1096, 0), (1096, 96), (1000, 96)]


def two_rooms(*things):
    """A room of 100 square metres, and one of 9 beside it."""
    return level(SQUARE + SMALL, ring(SQUARE) + ring(SMALL, first=4), things)


@pytest.mark.parametrize(
    'things, area, outside',
    [
        ([(160, 160, START), (1048, 48, START)], 9, 1),  # of several places of the first player, the last
        ([(1048, 48, START), (160, 160, START)], 100, 1),
        ([(1048, 48, START), (160, 160, 11)], 9, 1),  # who plays against others may be elsewhere
        ([(1048, 48, START), (160, 160, 14)], 100, 1),  # the first player is teleported there
        ([(1048, 48, 2), (1060, 48, 11)], 9, 0),
        ([(1048, 48, LAMP)], 100, 0),
    ],
)
@pytest.mark.filterwarnings('ignore:.*left out')
def test_the_first_players_last_start_decides(write, things, area, outside):
    maps = MapSet.from_wad(write([('MAP01', two_rooms(*things))]))
    assert maps[0].area == area
    assert len(maps.recipe['notes'][0].get('starts_outside', [])) == outside


def test_inside_is_by_level_in_its_units(write):
    path = write([('MAP01', two_rooms((160, 160, START))), ('MAP02', two_rooms((160, 160, START)))])
    maps = MapSet.from_wad(path, inside={'MAP02': (1010, 20)})
    assert [geometry.area for geometry in maps] == [100, 9]
    with pytest.raises(ValueError, match="inside must be for maps that there are, MAP01, MAP02, got 'MAP03'"):
        MapSet.from_wad(path, inside={'MAP03': (1, 1)})


def test_levels_may_have_any_name(write):
    whole = level(SQUARE, ring(SQUARE))
    text = {'TEXTMAP': TEXT.encode(), 'ENDMAP': b''}
    maps = MapSet.from_wad(write([('E1M10', whole), ('TITLEMAP', text), ('DEMO1', {}), ('MAP100', whole)]))
    assert maps.recipe['names'] == ['E1M10', 'TITLEMAP', 'MAP100']


@pytest.mark.parametrize(
    'hexen, flags, blocks',
    [
        (False, 0x2004, True),  # MBF21's
        (False, 0x2804, False),  # unless all of its flags are off
        (False, 0x4004, False),
        (True, 0x4004, True),  # players
        (True, 0x8004, True),  # everything
        (True, 0x2004, False),
    ],
)
@pytest.mark.filterwarnings('ignore:.*left out')
def test_lines_that_block_players_stand(write, hexen, flags, blocks):
    corners = [(0, 0), (160, 0), (320, 0), (320, 320), (160, 320), (0, 320)]
    lines = [*ring(corners), (1, 4, flags, TWO_SIDED)]
    maps = MapSet.from_wad(write([('MAP01', level(corners, lines, [(80, 80, START)], hexen=hexen))]))
    assert maps[0].area == (50 if blocks else 100)


@pytest.mark.parametrize('mark', ['blocking', 'blockplayers', 'blockeverything'])
def test_lines_of_texts_that_block_players_stand(write, mark):
    text = TEXT.replace(
        'linedef { v1 = 0; v2 = 2; sideback = 1; }', f'linedef {{ v1 = 0; v2 = 2; sideback = 1; {mark} = true; }}'
    )
    assert MapSet.from_wad(write([('MAP01', {'TEXTMAP': text.encode()})]))[0].area == 50


def test_spawns_are_where_things_are_first_players_then_others(write):
    things = [(30, 40, LAMP), (2, 100, LAMP), (64, 64, START), (500, 500, LAMP), (64, 64, 11)]
    spawns = MapSet.from_wad(write([('MAP01', level(SQUARE, ring(SQUARE), things))]))[0].spawns
    assert spawns[:2].tolist() == [[3, 3], [1 + 30 / 32, 2.25]]  # the second is in the wall, the fourth outside
    assert len(spawns) == 64


def test_every_level_is_read_and_of_two_with_a_name_the_later(write):
    tall = [(x, 2 * y) for x, y in SQUARE]
    path = write([(name, level(c, ring(c))) for name, c in (('MAP01', SQUARE), ('E2M3', tall), ('MAP01', tall))])
    with pytest.warns(UserWarning, match='1 map was left out:\n.*game.wad, MAP01, number 1: a later level has'):
        maps = MapSet.from_wad(path)
    assert maps.recipe['names'] == ['MAP01', 'E2M3']
    assert maps.recipe['left_out'] == {'MAP01, number 1': 'a later level has the same name, and games load that one.'}
    assert [geometry.area for geometry in maps] == [200, 200]


TEXT = """namespace = "zdoom"; // a comment
vertex { x = 0.0; y = 0; } vertex { x = 320; y = 0; } /* another */ vertex { x = 320; y = 320; }
vertex { x = 0; y = 320; }
linedef { v1 = 0; v2 = 1; sidefront = 0; blocking = true; } linedef { v1 = 1; v2 = 2; sidefront = 0; }
linedef { v1 = 2; v2 = 3; sidefront = 0; sideback = -1; } linedef { v1 = 3; v2 = 0; sideback = 1; blocking = true; }
linedef { v1 = 0; v2 = 2; sideback = 1; } thing { x = 160; y = 32; type = 1; comment = "a \\" b"; }"""


def test_levels_are_read_by_name_and_no_others(write):
    """The second's lines would be refused."""
    levels = {name: level(SQUARE, ring(SQUARE)) for name in ('MAP01', 'MAP02', 'MAP03')}
    levels['MAP02']['LINEDEFS'] = b'?'
    path = write(list(levels.items()))
    maps = MapSet.from_wad(path, levels=['MAP03', 'MAP01'])
    assert maps.recipe['names'] == ['MAP01', 'MAP03'] and maps.recipe['left_out'] == {}
    assert maps.recipe['parameters']['levels'] == ['MAP03', 'MAP01']
    assert MapSet.from_wad(path, levels='MAP03').recipe['names'] == ['MAP03']
    message = "levels must be among those that there are, MAP01, MAP02, MAP03, got 'MAP04'"
    with pytest.raises(ValueError, match=message):
        MapSet.from_wad(path, levels=['MAP01', 'MAP04'])
    with pytest.raises(ValueError, match='levels must be names of levels, got 1'):
        MapSet.from_wad(path, levels=1)


def test_levels_may_be_text(write):
    (geometry,) = MapSet.from_wad(write([('MAP01', {'TEXTMAP': TEXT.encode(), 'ENDMAP': b''})]))
    assert geometry.area == 100
    assert geometry.spawns[0].tolist() == [6, 2]


@pytest.mark.parametrize(
    'old, new, message',
    [
        ('= 320; y = 0', '= 320, y = 0', "TEXTMAP must be assignments and blocks, got ', y = 0"),
        ('x = 0.0;', 'x = 0.0 y', "TEXTMAP must have ; after x = 0.0, got 'y'"),
        ('x = 0.0;', 'x 0.0;', "TEXTMAP must have = after 'x', got '0.0'"),
        ('x = 0.0;', 'x = zero;', "vertex 0 must have a number for x, got 'zero'"),
        ('x = 0.0;', 'x = 1e999;', "vertex 0 must have a number for x, got '1e999'"),
        ('v2 = 1;', 'v2 = 9;', 'linedef 0 must use vertices 0 to 3, got 0 and 9'),
        ('v2 = 1;', 'v2 = 1.5;', 'linedef 0 must have a whole number for v2 of less than 2147483648, got 1.5'),
        ('type = 1;', '', "thing 0 must have a number for type, got 'none'"),
        ('comment = "a \\" b"; }', '', 'TEXTMAP must close each { with }, got the end'),
        ('namespace =', 'namespace', "TEXTMAP must have = or { after 'namespace', got"),
    ],
)
def test_mistakes_in_texts_are_named(write, old, new, message):
    assert old in TEXT
    with pytest.raises(ValueError, match=f'game.wad, MAP01: {message}'):
        MapSet.from_wad(write([('MAP01', {'TEXTMAP': TEXT.replace(old, new).encode()})]))


@pytest.mark.parametrize(
    'options, message',
    [
        ({'magic': b'ZWAD'}, r"a WAD must begin with IWAD or PWAD and 8 bytes more, got b'ZWAD"),
        ({'count': -1}, 'the directory must have 0 to 65536 lumps, got -1'),
        ({'count': 2**31 - 1}, 'the directory must have 0 to 65536 lumps, got 2147483647'),
        ({'count': 9}, 'the directory of 9 lumps must lie within .* bytes, but begins at'),
        ({'start': 4}, 'the directory of 4 lumps must lie within .* bytes, but begins at 4'),
        ({'start': -4}, 'the directory of 4 lumps must lie within .* bytes, but begins at -4'),
    ],
)
def test_directories_that_lie_are_refused(write, options, message):
    path = write([('MAP01', level(SQUARE, ring(SQUARE)))], **options)
    with pytest.raises(ValueError, match=f'{path}: {message}'):
        MapSet.from_wad(path)


@pytest.mark.parametrize('place, size', [(12, 2**30), (2**30, 12), (-5, 8), (12, -8)])
def test_lumps_out_of_the_file_are_refused(write, place, size):
    path = write(b'PWAD' + struct.pack('<ii', 1, 12) + struct.pack('<ii8s', place, size, b'MAP01'))
    with pytest.raises(ValueError, match=f"{path}: lump 'MAP01' must lie within 28 bytes, but has {size} from {place}"):
        MapSet.from_wad(path)


BROKEN = {
    'LINEDEFS must be whole records of 14 bytes, got 55 bytes': {'LINEDEFS': bytes(55)},
    'VERTEXES must be whole records of 4 bytes, got 3 bytes': {'VERTEXES': bytes(3)},
    'LINEDEFS must use vertices 0 to 3, got 9': {'LINEDEFS': struct.pack('<7H', 0, 9, 1, 0, 0, 0, 0xFFFF)},
    'LINEDEFS must use vertices 0 to -1, got 3': {'VERTEXES': b''},
    'walls enclose nothing: there is no segment': {'LINEDEFS': b''},
    'THINGS must be at most 4194304 bytes long, got 5000000': {'THINGS': bytes(5_000_000)},
}


@pytest.mark.parametrize('message', BROKEN)
def test_levels_that_cannot_be_used_are_named(write, message):
    whole = level(SQUARE, ring(SQUARE))
    path = write([('MAP01', whole), ('MAP02', {**whole, **BROKEN[message]})])
    with pytest.raises(ValueError, match=f'{path}, MAP02: {message}'):
        MapSet.from_wad(path)
    with pytest.warns(UserWarning, match=f'1 map was left out:\n.*MAP02: {message}') as caught:
        maps = MapSet.from_wad(path, skip_invalid=True)
    assert Path(caught[0].filename).name == Path(__file__).name
    assert len(maps) == 1
    assert list(maps.recipe['left_out']) == ['MAP02']


def test_a_level_without_a_lump_is_named(write):
    lumps = level(SQUARE, ring(SQUARE))
    del lumps['THINGS']
    with pytest.raises(ValueError, match=r"MAP01: a level must have THINGS, got only \['LINEDEFS', 'VERTEXES'\]"):
        MapSet.from_wad(write([('MAP01', lumps)]))


def test_levels_too_large_to_simulate_are_refused(write):
    corners = [(50 * x, y) for x, y in SQUARE]
    with pytest.raises(ValueError, match='must be at most 499 m wide and high to be simulated, got 500 m by 10 m'):
        MapSet.from_wad(write([('MAP01', level(corners, ring(corners)))]))


def test_levels_too_narrow_for_an_agent_are_refused(write):
    corners = [(x, y // 40) for x, y in SQUARE]
    with pytest.raises(ValueError, match=r'there must be somewhere with 0.156 m of clearance, got at most 0.125 m'):
        MapSet.from_wad(write([('MAP01', level(corners, ring(corners)))]))


def test_levels_of_too_many_lines_are_refused_at_once(write):
    corners = [(i % 1000, i // 1000) for i in range(20_000)]
    with pytest.raises(ValueError, match='must have at most 16384 segments of wall, got 20000'):
        MapSet.from_wad(write([('MAP01', level(corners, ring(corners)))]))


def test_a_file_without_levels_holds_none(write):
    with pytest.raises(ValueError, match='holds no map that can be used'):
        MapSet.from_wad(write([]))


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        MapSet.from_wad(tmp_path / 'none.wad')


@pytest.mark.parametrize(
    'content', [wad([('MAP01', level(SQUARE, ring(SQUARE)))]), wad([('MAP01', {'TEXTMAP': TEXT.encode()})])]
)
def test_damaged_files_are_refused_or_read(tmp_path, content):
    path = tmp_path / 'damaged.wad'

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=damaged(content))
    def check(data):
        path.write_bytes(data)
        refused_or_read(MapSet.from_wad, path)

    check()


@needs_games
def test_freedoom():
    """A handful of the levels that a real game has."""
    maps = MapSet.from_wad(GAMES / 'freedoom2.wad', levels=['MAP28', 'MAP29', 'MAP30'])
    assert maps.recipe['names'] == ['MAP28', 'MAP29', 'MAP30']
    assert maps.recipe['left_out'] == {}
    assert [round(geometry.area) for geometry in maps] == [9247, 21188, 6468]
    assert (maps.spawns.widths == 64).all()
    notes = maps.recipe['notes']
    assert [note['unreachable'] for note in notes] == pytest.approx([0.57, 0.04, 0.05], abs=0.01)
    assert [round(note['dropped_area']) for note in notes] == [12769, 816, 376]  # MAP28 is in parts, with teleporters


@needs_games
@pytest.mark.parametrize('name, area', [('my_way_home', 274), ('deadly_corridor', 86), ('health_gathering', 1444)])
def test_scenarios(name, area):
    maps = MapSet.from_wad(GAMES / 'scenarios' / f'{name}.wad')
    assert [geometry.area for geometry in maps] == [area]
