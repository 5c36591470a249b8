"""Floorplans drawn as SVG: what is wall, what is left alone, and what no file can bring about."""

import numpy as np
import pytest
from hostile.damage import damaged, refused_or_read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from megastep import Geometry, MapSet, mapgen
from megastep.maps.formats.svg import path_data

SQUARE = '<rect x="-50" y="20" width="400" height="400"/>'


@pytest.fixture
def write(tmp_path):
    def write(content, name='plan.svg', root='<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">'):
        path = tmp_path / name
        path.write_text(f'{root}{content}</svg>')
        return path

    return write


@pytest.fixture
def read(write):
    return lambda content, **options: MapSet.from_svg(write(content), **options)[0]


@pytest.mark.parametrize(
    'shape',
    [
        SQUARE,
        '<polygon points="0,0 400,0 400,400 0,400"/>',
        '<polyline points="0 0,400 0 400 400 0 400 0 0"/>',
        '<path d="M10 10h400v400h-400z"/>',
        '<path d="m10,10 400,0 0,400 H10 V10"/>',
        '<path d="M10 10L410 10 410 410 10 410Z" id="room"/>',
        '<path d="M1e1.1e2h4E2V+410h-4.e2Z"/>',
        '<g><a><line x2="400"/><line x1="400px" x2="400" y2="400"/></a><path d="M0 0v400h400"/></g>',
        '<g transform="scale(2)"><rect width="200" height="200"/></g>',
        '<g transform="translate(7) rotate(90, 3 4)"><rect width="400" height="400"/></g>',
        '<rect transform="matrix(0 2 -4 0 5 6)" width="200" height="100"/>',
        '<polygon transform="skewX(45)skewY(0)" points="0,0 400,0 0,400 -400 400"/>',
        f'<defs><path d="M0 0L9 9"/></defs>{SQUARE}<text>hello</text><g display="none"><use/></g>',
        f'{SQUARE}<g style="fill: red; display : none"><rect width="999" height="999"/></g><clipPath><use/></clipPath>',
        f'<!-- a remark -->{SQUARE}<rect width="-3" height="5"/><circle r="0"/><path/>',
    ],
)
def test_shapes_that_enclose_a_square_of_four_metres(read, shape):
    geometry = read(shape)
    assert geometry.area == pytest.approx(16)
    assert geometry.bounds == pytest.approx((1, 1, 5, 5))
    assert len(geometry.walls) == 4


def test_up_is_up_and_the_scale_is_units_a_metre(read):
    geometry = read('<polygon points="0,0 50,0 0,30"/>', scale=10)
    assert sorted(map(tuple, geometry.walls[:, 0].tolist())) == [(1, 1), (1, 4), (6, 4)]


@pytest.mark.parametrize(
    'shape, area',
    [
        ('<circle r="300" cx="9"/>', np.pi * 9),
        ('<ellipse rx="300" ry="200"/>', np.pi * 6),
        ('<path d="M0 0a300 300 0 1 0 600 0a300,300 0 0,0-600 0"/>', np.pi * 9),
        ('<path d="M0 0a300 300 0 11600 0 300 300 0 01-600 0"/>', np.pi * 9),
        (
            '<path d="M0 0A300 200 0 0 0 600 0 1 1 0 0 0 0 0"/>',
            np.pi * 7.5,
        ),  # the second is too small, and is made larger
        ('<path d="M0 0a200 300 90 1 0 600 0a200 300 90 1 0-600 0"/>', np.pi * 6),
        ('<path d="M0 0h400v-400a400 400 0 0 0-400 400"/>', 4 * np.pi),
        ('<path d="M0 0h400v-400a400 400 0 0 1-400 400"/>', 16 - 4 * np.pi),
        ('<path d="M0 0C0 400 600 400 600 0z"/>', 600 * 400 * 0.6 / 1e4),
        ('<path d="M0 0C0 200 150 300 300 300S600 200 600 0z"/>', None),
        ('<path d="M0 0Q300 600 600 0z"/>', 600 * 300 * 2 / 3 / 1e4),
        ('<path d="M0 0q150 300 300 0t300 0v300H0z"/>', 18),  # half a wave up, half a wave down
        ('<path d="M0 0t300 0 0 300 -300 0z"/>', None),
        ('<rect width="400" height="400" rx="100"/>', 16 - (4 - np.pi)),
        ('<rect width="400" height="400" ry="900" rx="200"/>', np.pi * 4),
    ],
)
def test_curves_enclose_what_they_should(read, shape, area):
    geometry = read(shape)
    assert geometry.area == pytest.approx(area, rel=0.01) if area else geometry.area > 3


def test_what_is_written_is_read_again(tmp_path):
    thin = np.array([[[3, 1], [3, 2.3]]])
    walls = np.array([[[1, 1], [6, 1]], [[6, 1], [6, 4.7]], [[6, 4.7], [1, 4]], [[1, 4], [1, 1]]])
    maps = MapSet([*mapgen.generate('house', 4, seed=1), Geometry.from_walls(np.concatenate([walls, thin]))])
    paths = maps.to_svg(tmp_path)
    assert [path.name for path in paths] == ['0000.svg', '0001.svg', '0002.svg', '0003.svg', '0004.svg']
    again = MapSet.from_svg(paths)
    assert again.recipe['names'] == [path.name for path in paths]
    for one, other in zip(maps, again, strict=True):
        shift = one.walls.min(axis=(0, 1)) - 1
        ours, theirs = (
            sorted(np.round(walls, 5).reshape(-1, 4).tolist()) for walls in (one.walls - shift, other.walls)
        )
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    with pytest.raises(ValueError, match='at least 1 map to be written, got 0'):
        maps[:0].to_svg(tmp_path)


@pytest.mark.parametrize('scale', [0, -1, np.inf, np.nan])
def test_scales_must_be_above_zero(write, tmp_path, scale):
    with pytest.raises(ValueError, match=f'scale must be above 0 units a metre, got {scale}'):
        MapSet.from_svg(write(SQUARE), scale=scale)
    with pytest.raises(ValueError, match=f'scale must be above 0 units a metre, got {scale}'):
        mapgen.generate('box', 1).to_svg(tmp_path, scale=scale)


@pytest.mark.parametrize(
    'content, message',
    [
        ('<path id="a" d="L5 5"/>', "path 'a': a path must begin with M, got L"),
        ('<path d="5 5"/>', "path number 1: a path must have a command before '5 5'"),
        ('<path d="M1"/>', "M takes 2 numbers, got 1 and then ''"),
        ('<path d="M1 1L2 2Z3"/>', "a path must have a command before '3'"),
        ('<path d="M1 1L2 y"/>', "L takes 2 numbers, got 1 and then ' y'"),
        ('<path d="M1 1X2"/>', 'a path must be of the commands MLHVCSQTAZ, got X'),
        ('<path d="M1 1;"/>', "a path must be of commands and numbers, got ';'"),
        ('<path d="M1 1A5 5 0 2 0 9 9"/>', "A takes 7 numbers, got 3 and then ' 2 0 9 9'"),
        ('<path d="M1e99 1"/>', 'numbers must be at most 1e\\+09, got 1e99'),
        (
            '<polygon points="0 0 1 0 1 1"/><polygon points="1 2 3"/>',
            'polygon number 2: points must be pairs of numbers, got 3 numbers',
        ),
        ('<polygon points="1 2 a"/>', "there must be numbers, got ' a'"),
        (
            '<rect width="5em" height="5"/>',
            "width must be a number of the picture's units, or of px, in, .* pc, got '5em'",
        ),
        ('<rect width="a%" height="5"/>', "width must be a number of the picture's units, .* got 'a%'"),
        ('<g transform="turn(5)"/>', r"g number 1: transforms must be translate\(...\), .*, got 'turn\(5\)'"),
        ('<g transform="rotate(5 5)"/>', r'rotate takes another count of numbers, got \[5.0, 5.0\]'),
        ('<use id="b" href="a.svg#c"/>', "use 'b': is not read: it shows another file, 'a.svg#c'"),
        ('<g id="a"><use href="#a"/></g>', "use number 1: must not show itself, nor more than 16 deep, got '#a'"),
        ('<g style="transform: scale(1 2"/>', r'transforms must be translate'),
        ('<g style="transform: scale(2); transform-origin: left"/>', "there must be numbers, got 'left'"),
        ('<foreignObject/>', 'foreignObject number 1: is not read: it is no drawing'),
        (SQUARE + '<rect', 'not XML that can be read'),
        ('', 'walls enclose nothing: there is no segment that has a length'),
        ('<path d="M0 0h400"/>', 'walls enclose nothing: no closed outline is among the 1 given'),
        ('<path d="' + 'M0 0h1' * 40_000 + '"/>', 'there must be at most 65536 corners, got 65537 and more'),
        ('<path d="M0 0h1"/>' * 17_000, 'must have at most 16384 segments of wall, got 16385 and more'),
        ('<g transform="' + 'scale(1e9)' * 40 + f'">{SQUARE}</g>', 'coordinates must be finite and up to 1e\\+06 m'),
        (
            '<rect width="50000" height="9"/>',
            'must be at most 499 m wide and high to be simulated, got 500 m by 0.09 m',
        ),
    ],
)
def test_mistakes_are_named(write, content, message):
    path = write(content)
    with pytest.raises(ValueError, match=f'{path}: .*{message}'):
        MapSet.from_svg(path)


@pytest.mark.parametrize(
    'root, message',
    [
        ('<!DOCTYPE svg [<!ENTITY a "M0 0">]><svg>', 'EntitiesForbidden'),
        ('<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>', 'EntitiesForbidden'),
        ('<!DOCTYPE svg [<!ENTITY % a SYSTEM "http://localhost/a.dtd"> %a;]><svg>', 'EntitiesForbidden'),
        ('<?xml version="1.0" encoding="none"?><svg>', 'unknown encoding'),
        ('<html><svg>', 'no element found'),
    ],
)
def test_xml_that_reaches_out_is_refused(write, root, message):
    with pytest.raises(ValueError, match=f'not XML that can be read: .*{message}'):
        MapSet.from_svg(write(SQUARE, root=root))


def test_only_svg_is_read(tmp_path):
    path = tmp_path / 'page.svg'
    path.write_text('<html/>')
    with pytest.raises(ValueError, match="must be an svg element, got 'html'"):
        MapSet.from_svg(path)


def test_files_are_bounded_and_may_be_deep(write):
    assert MapSet.from_svg(write('<g>' * 20_000 + SQUARE + '</g>' * 20_000))[0].area == pytest.approx(16)
    with pytest.raises(ValueError, match='must be at most 4194304 bytes long, got more'):
        MapSet.from_svg(write(' ' * (4 << 20)))


def test_of_several_files_those_that_cannot_be_used_are_skipped(write):
    paths = [write(SQUARE), write('', 'empty.svg')]
    with pytest.warns(UserWarning, match='1 map was left out:\n.*empty.svg: walls enclose nothing') as caught:
        maps = MapSet.from_svg(paths, skip_invalid=True)
    assert caught[0].filename == __file__
    assert maps.recipe['names'] == ['plan.svg']
    assert maps.recipe['left_out'] == {'empty.svg': 'walls enclose nothing: there is no segment that has a length.'}
    with pytest.raises(ValueError, match='each of 2 files holds no map that can be used'):
        MapSet.from_svg([paths[1]] * 2, skip_invalid=True)


def test_files_may_come_from_an_iterator(write, tmp_path):
    write(SQUARE)
    assert MapSet.from_svg(tmp_path.glob('*.svg')).recipe['names'] == ['plan.svg']


@settings(max_examples=100, deadline=None)
@given(st.text('MmLlHhVvCcSsQqTtAaZz0123456789.,- e', max_size=60))
def test_any_path_gives_finite_corners_or_an_error(data):
    try:
        chains = path_data.parse(data)
    except ValueError:
        return
    assert all(np.isfinite(chain).all() and chain.shape[1] == 2 for chain in chains)


DRAWN = f'<svg><g transform="rotate(10)">{SQUARE}<path d="M0 99q9 9 50 0a9 9 0 0 1 9 9"/></g></svg>'.encode()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=damaged(DRAWN))
def test_damaged_files_are_refused_or_read(tmp_path, data):
    path = tmp_path / 'damaged.svg'
    path.write_bytes(data)
    refused_or_read(MapSet.from_svg, path)
