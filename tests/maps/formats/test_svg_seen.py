"""What can be seen in an SVG picture, where it is shown, and which role it has."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from megastep import MapSet, mapgen
from megastep.maps.formats import roles
from megastep.maps.formats.svg import styles, transforms, tree

ROOM = '<path d="M50 50H450V250H250V350H50Z" fill="none" stroke="#000"/>'  # 10 square metres
LINE = '<path d="M150 50V350" {}/>'
INK = 'xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape"'
CUBICASA = Path(__file__).parents[1] / 'files' / 'svg' / 'cubicasa.svg'
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


@pytest.fixture
def read(tmp_path):
    def read(content, root='', head='', **options):
        path = tmp_path / 'plan.svg'
        path.write_text(f'{head}<svg xmlns="http://www.w3.org/2000/svg" {INK} {XLINK} {root}>{content}</svg>')
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            return MapSet.from_svg(path, **options)

    return read


@pytest.mark.parametrize(
    'line',
    [
        LINE.format('visibility="hidden" stroke="red"'),
        LINE.format('style="visibility : collapse; stroke: red"'),
        LINE.format('opacity="0"'),
        LINE.format('opacity="0%" stroke="red"'),
        LINE.format('stroke="none"'),
        LINE.format('fill="none"'),
        LINE.format('stroke="none" fill="none"'),
        LINE.format('stroke="transparent" fill="none"'),
        LINE.format('stroke="rgba(0, 0, 0, 0)" fill="none"'),
        LINE.format('stroke="#00000000" fill="none"'),
        LINE.format('stroke="red" stroke-opacity="0" fill="red" fill-opacity="0"'),
        LINE.format('stroke="red" stroke-width="0" fill="none"'),
        LINE.format('style="display:none"'),
        LINE.format('class="off"'),
        LINE.format('class="a off b"'),
        LINE.format('id="hidden"'),
        LINE.format('class="unseen"'),
        '<g fill="none"><path d="M150 50V350" /></g>',
        '<g stroke="none"><g><path d="M150 50V350" /></g></g>',
        '<g class="guides"><g><path d="M150 50V350" stroke="red"/></g></g>',
        '<g class="guides"><g><path d="M150 50V350" /></g></g>',
        '<g opacity="0"><path d="M150 50V350" opacity="1"/></g>',
        '<g visibility="hidden"><path d="M150 50V350" /></g>',
        '<line x1="150" x2="150" y1="50" y2="350" stroke="none"/>',
        '<defs><path d="M150 50V350" stroke="red"/></defs>',
        '<symbol id="s"><path d="M150 50V350" stroke="red"/></symbol>',
        '<mask><path d="M150 50V350" stroke="red"/></mask>',
        '<g aria-label="KITCHEN"><path d="M150 50V350" stroke="red"/></g>',
        '<g id="text_1"><path d="M150 50V350" stroke="red"/></g>',
        '<g inkscape:label="Room labels"><path d="M150 50V350" stroke="red"/></g>',
        '<g class="Dimensions"><path d="M150 50V350" stroke="red"/></g>',
    ],
)
def test_what_cannot_be_seen_is_no_wall(read, line):
    style = """<style>/* a { } */ @media print { .off { display: inline } .x{} } .off { display: none }
        #hidden, .never { visibility: hidden } path.unseen { stroke: none; fill: none } .a:hover { display: none }
        g.guides > g path { stroke: none !important }</style>"""
    assert read(style + ROOM + line)[0].area == pytest.approx(10)


@pytest.mark.parametrize(
    'selector',
    [
        '[data-layer]',
        'path[data-layer="A, FURN > 2"]',
        "[data-layer='A, FURN > 2'].x",
        '[class~=x]',
        '[lang|=en]',
        '[data-layer^="A,"]',
        '[data-layer$="2"]',
        '[data-layer*=FURN]',
        '[data-layer*="furn" i]',
        'g[data-hidden=yes] > path',
        'circle, [data-layer]',
    ],
)
def test_attributes_select(read, selector):
    line = LINE.format('data-layer="A, FURN &gt; 2" class="y x" lang="en-GB" stroke="red"')
    style = f'<style>{selector} {{ display: none }} [data-layer=other], [stroke=re] {{ display: inline }}</style>'
    assert read(f'{style}{ROOM}<g data-hidden="yes">{line}</g>')[0].area == pytest.approx(10)


@pytest.mark.parametrize(
    'rule, named',
    [
        ('path:not(.a) { stroke: none }', "'path:not\\(.a\\)'"),
        ('rect, g + path, a:hover { display: none }', "'g \\+ path'"),
        ('path:nth-child(2) { opacity: 0 }', "'path:nth-child\\(2\\)'"),
        ('@media screen { path { display: none } }', "'@media screen'"),
    ],
)
def test_rules_that_are_not_read_are_named(read, rule, named):
    with pytest.raises(UserWarning, match=f'plan.svg: style rules that are not read may hide walls, .*: {named}'):
        read(f'<style>{rule}</style>{ROOM}')


@pytest.mark.parametrize(
    'rule', ['path:hover { stroke: none }', 'g:not(.a) { cursor: help }', '@media screen { a { color: red } }']
)
def test_rules_that_do_not_matter_are_passed_over(read, rule):
    assert read(f'<style>{rule} @font-face {{ src: url(x) }}</style>{ROOM}')[0].area == pytest.approx(10)


def test_many_unclosed_brackets_take_no_time(read):
    assert read('<style>' + '["[\'' * 200_000 + '</style>' + ROOM)[0].area == pytest.approx(10)


@pytest.mark.parametrize(
    'unit, size', [('', 1), ('px', 1), ('in', 96), ('cm', 37.7953), ('mm', 3.77953), ('Q', 0.944882), ('pt', 4 / 3)]
)
def test_lengths_have_units(read, unit, size):
    room = f'<rect x="1{unit}" width="200{unit}" height="3e2{unit}"/>'
    styled = f'<rect width="7" style="width: 200{unit}; height: 300{unit}"/>'
    turned = f'<g style="transform: translate(10{unit}, 0)"><circle r="100{unit}"/></g>'
    areas = [read(one)[0].area for one in (room, styled, turned)]
    assert areas == pytest.approx([6 * size**2, 6 * size**2, np.pi * size**2], rel=2e-3)


@pytest.mark.parametrize('picks', [{'layers': 'nothing'}, {'classes': {'walls': ['mauer'], 'doors': 'b'}}])
def test_nothing_that_is_picked_is_answered_with_what_there_is(read, picks):
    with pytest.raises(
        ValueError, match=r"plan.svg: nothing is picked as walls: there are layers 'A-W', 'g1'; classes 'a', 'b'"
    ):
        read(f'<g id="g1" inkscape:label="A-W" class="a b">{ROOM}</g>', **picks)
    with pytest.raises(ValueError, match=r'nothing is picked as walls: there are no layers or classes\.'):
        read(ROOM, **picks)


def test_a_stroke_of_no_millimetres_is_not_seen(read):
    assert read(ROOM + LINE.format('stroke="red" fill="none" stroke-width="0mm"'))[0].area == pytest.approx(10)


@pytest.mark.parametrize(
    'line',
    [
        LINE.format(''),
        LINE.format('stroke="red" fill="none"'),
        LINE.format('fill="none" class="seen"'),
        '<g visibility="hidden"><path d="M150 50V350" visibility="visible"/></g>',
        '<g stroke="red" fill="none"><path d="M150 50V350" /></g>',
        '<g stroke="none"><path d="M150 50V350" style="stroke: red"/></g>',
        '<g stroke="red"><path d="M150 50V350" stroke="inherit" fill="none"/></g>',
        '<line x1="150" x2="150" y1="50" y2="350"/>',
        LINE.format('id="context" stroke="red"'),
    ],
)
def test_what_can_be_seen_is(read, line):
    style = '<style>.seen { stroke: red }</style>'
    with warnings.catch_warnings():
        assert read(style + ROOM + line, inside=(300, 100))[0].area == pytest.approx(7)


@pytest.mark.parametrize(
    'picture, area',
    [
        (f'<g style="transform:scale(2)">{ROOM}</g>', 40),
        (f'<g transform="scale(3)" style="transform: translate(10px, 5px) scaleX(2) rotate(0.25turn)">{ROOM}</g>', 20),
        (f'<style>.big {{ transform: scale(2) }}</style><g class="big">{ROOM}</g>', 40),
        (f'<g style="transform: rotate(90deg); transform-origin: 50px 50px">{ROOM}</g>', 10),
        (f'<svg x="5" y="6" width="200" height="200" viewBox="0 0 100 100">{ROOM}</svg>', 40),
        (f'<svg width="200" height="400" viewBox="0 0 100 100">{ROOM}</svg>', 40),
        (f'<svg width="200" height="400" viewBox="0 0 100 100" preserveAspectRatio="none">{ROOM}</svg>', 80),
        (f'<svg width="200" height="400" viewBox="0 0 100 100" preserveAspectRatio="xMinYMax slice">{ROOM}</svg>', 160),
        (f'<svg x="7">{ROOM}</svg>', 10),
        (f'<defs><g id="a">{ROOM}</g></defs><use href="#a" x="3" transform="scale(2)"/>', 40),
        (f'<defs><g id="a">{ROOM}</g></defs><use xlink:href="#a"/>', 10),
        (f'<symbol id="a" viewBox="0 0 500 500">{ROOM}</symbol><use href="#a" width="1000" height="1000"/>', 40),
        (f'<symbol id="a">{ROOM}</symbol><g id="b"><use href="#a"/></g><use href="#nowhere"/>', 10),
        (f'{ROOM}<g stroke="red"><use href="#b"/></g><defs><path id="b" fill="none" d="M50 300H250"/></defs>', 9),
    ],
)
def test_where_it_is_shown(read, picture, area):
    inside = {'inside': (300, 100)} if area == 9 else {}
    assert read(picture, **inside)[0].area == pytest.approx(area)


@pytest.mark.parametrize(
    'background',
    [
        '<rect width="500" height="400" fill="white"/>',
        '<rect width="100%" height="100%" fill="#fff" stroke="none"/>',
        '<path d="M-50-50H550V450H-50Z" style="fill:white"/>',
    ],
)
@pytest.mark.parametrize('root', ['viewBox="0 0 500 400"', 'width="500" height="400px"'])
def test_the_page_is_no_wall(read, background, root):
    assert read(background + ROOM, root=root)[0].area == pytest.approx(10)


def test_the_page_alone_is_a_room(read):
    assert read('<rect width="500" height="400" fill="white"/>', root='viewBox="0 0 500 400"')[0].area == 20


def test_a_filled_shape_is_closed(read):
    assert read('<path d="M0 0H400V400H0" stroke="none" fill="gray"/>')[0].area == pytest.approx(16)


DOCTYPE = '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://127.0.0.1:9/svg11.dtd">'


@pytest.mark.parametrize('head', [DOCTYPE, '<!DOCTYPE svg SYSTEM "file:///dev/zero">', '<!DOCTYPE svg>'])
def test_a_document_type_is_read_over_and_not_fetched(read, head):
    assert read(ROOM, head=head)[0].area == pytest.approx(10)


PLAN = f"""<g inkscape:groupmode="layer" inkscape:label="Walls 1">{ROOM}</g>
<g id="Furniture"><rect x="60" y="60" width="50" height="50"/></g>
<g inkscape:label="doors"><rect x="200" y="45" width="90" height="10"/></g>
<path class="wall" d="M150 50V350"/><g class="zones"><path id="BedRoom_2" d="M50 50H150V350H50Z"/></g>
<circle class="spawn" cx="300" cy="100" r="5"/>"""


class TestPicks:
    def test_walls_by_layer(self, read):
        assert read(PLAN, layers='walls*')[0].area == pytest.approx(10)
        assert read(PLAN, layers=['walls 1', 'furniture'])[0].area == pytest.approx(9.75)

    def test_walls_by_class_and_id_together(self, read):
        maps = read(PLAN, layers='Walls*', classes='wall')
        assert maps[0].area == pytest.approx(7)
        assert maps[0].spawns.tolist()[0] == pytest.approx(maps.from_file_coordinates([300, 100]).tolist())

    def test_doors_rooms_and_what_is_ignored(self, read):
        maps = read(PLAN, layers={'walls': 'walls*', 'doors': 'doors'}, classes={'walls': 'wall', 'rooms': 'zones'})
        assert len(maps[0].doors) == 0  # it is one to the outside, which is no part of the map
        maps = read(
            PLAN.replace('x="200" y="45" width="90" height="10"', 'x="145" y="100" width="10" height="90"'),
            layers={'ignored': ['furniture'], 'doors': 'doors'},
            classes={'rooms': 'zones'},
        )
        assert maps[0].area == pytest.approx(10)
        assert [room.kind for room in maps[0].rooms] == ['bed room', 'room']
        np.testing.assert_allclose(
            np.sort(maps.to_file_coordinates(maps[0].doors)[0], axis=0), [[150, 100], [150, 190]], atol=1e-6
        )
        assert maps.recipe['parameters']['classes'] == {'rooms': ['zones']}

    def test_a_swinging_leaf_is_a_door_on_its_wall(self, read):
        leaf = '<path class="leaf" d="M150 100H240A90 90 0 0 1 150 190Z"/>'
        maps = read(ROOM + LINE.format('') + leaf, classes={'doors': 'leaf'})
        assert maps[0].area == pytest.approx(10)

    @pytest.mark.parametrize(
        'options, message',
        [
            ({'layers': {'furniture': 'a'}}, "layers must be names of walls, or names by walls, doors, .*'furniture'"),
            ({'ids': ['']}, r"ids must be names, got \[''\]"),
            ({'classes': []}, r'classes must be names, got \[\]'),
            ({'classes': ['a'] * 300}, 'classes must be at most 256 names, got 300'),
            ({'layers': 'nothing'}, "nothing is picked as walls: there are layers 'Furniture', 'Walls 1', 'doors'; cl"),
            ({'layers': 3}, 'layers must be names, got 3'),
        ],
    )
    def test_mistakes_are_named(self, read, options, message):
        with pytest.raises(ValueError, match=message):
            read(PLAN, **options)


@pytest.mark.parametrize(
    'name, kind',
    [
        ('LivingRoom', 'living room'),
        ('living_room 2', 'living room'),
        ('path123', 'room'),
        ('WC', 'wc'),
        ('s-küche', 's küche'),
        ('12', 'room'),
    ],
)
def test_a_rooms_kind_is_its_name(name, kind):
    assert roles.room_kind([name]) == kind


def test_what_is_shown_is_bounded(read, monkeypatch):
    with pytest.raises(ValueError, match='style sheets must have at most 4096 selectors, got more'):
        read('<style>' + 'a,' * 5000 + 'a{fill:red}</style>' + ROOM)
    with pytest.raises(ValueError, match='there must be at most 64 transforms, got more'):
        read('<g transform="' + 'scale(1)' * 100 + f'">{ROOM}</g>')
    monkeypatch.setattr(tree, 'MOST_ELEMENTS', 1000)
    nested = ''.join(f'<g id="a{i}"><use href="#a{i + 1}"/><use href="#a{i + 1}"/></g>' for i in range(15))
    with pytest.raises(ValueError, match='must show at most 1000 elements'):
        read(f'<defs>{nested}</defs><use href="#a0"/>')
    monkeypatch.setattr(tree, 'MOST_TEXT', 50)
    with pytest.raises(ValueError, match='elements of 50 letters, got more'):
        read(f'<defs><g id="a">{ROOM}</g></defs><use href="#a"/><use href="#a"/>')


@pytest.mark.parametrize('text', ['/*' * 1000, '{' * 1000, '@a{' * 1000, 'a>>>b{fill:red}', '.{fill:red}', '}}'])
def test_any_sheet_is_read(text):
    styles.Sheet([text])


def test_transforms_of_styles_have_units():
    np.testing.assert_allclose(
        transforms.parse('rotate(1.5707963267948966rad)'), transforms.parse('rotate(90)'), atol=1e-12
    )
    assert transforms.parse('translate(1px,-2px)')[:2, 2].tolist() == [1, -2]
    assert (transforms.parse('none') == np.eye(3)).all()


def test_a_smaller_set_leaves_no_pictures_of_a_larger(tmp_path):
    maps = mapgen.generate('box', 3)
    (tmp_path / 'mine.svg').write_text('mine')
    maps.to_svg(tmp_path)
    assert [path.name for path in maps[:1].to_svg(tmp_path)] == ['0000.svg']
    assert sorted(path.name for path in tmp_path.iterdir()) == ['0000.svg', 'mine.svg']


class TestCubiCasa:
    def test_rooms_doors_and_kinds(self, read):
        maps = MapSet.from_cubicasa(CUBICASA)
        assert maps.recipe['names'] == ['cubicasa.svg, Floor-1']  # the other storey isn't shown
        assert maps[0].area == pytest.approx(32.18)
        assert [room.kind for room in maps[0].rooms] == ['living room', 'bedroom']
        np.testing.assert_allclose(maps.to_file_coordinates(maps[0].doors), [[[430, 155], [430, 245]]])
        assert maps.recipe['notes'][0]['unreachable'] == 0

    def test_one_map_a_storey(self, tmp_path):
        text = CUBICASA.read_text().replace('Floor-2" style="display: none;"', 'Floor-2"')
        (tmp_path / 'two.svg').write_text(text)
        maps = MapSet.from_cubicasa(tmp_path / 'two.svg', inside={'two.svg, Floor-1': (100, 100)})
        assert [round(geometry.area) for geometry in maps] == [32, 400]

    def test_other_pictures_are_refused(self, tmp_path):
        (tmp_path / 'plan.svg').write_text('<svg/>')
        with pytest.raises(ValueError, match=r'plan.svg: must have a group of the class Floorplan that is shown'):
            MapSet.from_cubicasa(tmp_path / 'plan.svg')
