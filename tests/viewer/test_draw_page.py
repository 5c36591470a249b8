"""A floorplan is drawn in a real browser, by mouse and keys, and walked in."""

import json
import threading

import numpy as np
import pytest
from pages.browser import CHROMIUM, NO_BROWSER, browser
from pages.notebook import json_of, opened, until
from worlds import houses, rectangle

from megastep.viewer import Draw, draw
from megastep.viewer.server import Server

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)


@pytest.fixture(scope='module')
def tab():
    with browser() as tab:
        yield tab


class Sheet:
    """A page that draws: the mouse and the keys, in metres."""

    def __init__(self, tab, session):
        self.tab, self.session = tab, session

    def place(self, x, y):
        corner = '(({left, top}) => [left, top])(document.querySelector(".sheet").getBoundingClientRect())'
        left, top = self.tab.run(corner)
        px, py = self.tab.run(f'replay.sheet.view.toScreen({x}, {y})')
        return left + px, top + py

    def drag(self, *places):
        self.tab.drag(*(number for place in places for number in self.place(*place)))
        self.settle()

    def press(self, *keys):
        for key in keys:
            self.tab.press(key)
        self.settle()

    def settle(self):
        assert self.tab.run(until('replay.fresh && !replay.asked'))


@pytest.fixture
def sheet(tab):
    yield from serve(tab, Draw())


@pytest.fixture
def house_sheet(tab):
    yield from serve(tab, Draw(houses(1)[0]))


def serve(tab, session):
    tab.errors.clear()
    tab.requests.clear()
    with Server(session) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        tab.open(running.url, still=True)
        assert tab.run(
            until(
                'window.replay?.sheet?.panel.width > 300 && replay.sheet.fittedTo?.startsWith(replay.sheet.panel.width)'
            )
        )
        yield Sheet(tab, session)
        errors = list(tab.errors)
        tab.open('about:blank')  # who walks would ask on
        running.shutdown()
    assert errors == []
    assert {url for url in tab.requests if not url.startswith((running.url, 'about:'))} == set()


def draw_two_rooms(sheet):
    for side in (((1, 1), (8, 1)), ((8, 1), (8, 4)), ((8, 4), (1, 4)), ((1, 4), (1, 1)), ((5, 1), (5, 4))):
        sheet.drag(*side)
    sheet.press('d')
    sheet.drag((5, 2.5))


def test_a_room_drawn_by_the_mouse_is_a_map_that_an_agent_walks_in(sheet):
    draw_two_rooms(sheet)
    geometry = sheet.session.geometry
    assert geometry.area == pytest.approx(21)
    assert geometry.doors.tolist() == [[[5, 2.05], [5, 2.95]]]
    sheet.tab.press('a')
    sheet.tab.run(until('replay.walking?.track?.frames > 2'))
    core = sheet.session.drive.env.core
    core.agents.positions[:] = core.agents.positions.new_tensor([4.0, 2.5])
    plan = 'document.querySelector(".replay:not(.drawing) .plan").getBoundingClientRect()'
    left, top = sheet.tab.run(f'(({{left, top}}) => [left, top])({plan})')
    x, y = sheet.tab.run('replay.walking.plan.view.toScreen(6, 2.2)')
    sheet.tab.drag(left + x, top + y)  # it is sent through the door
    arrived = '((t) => t.position(0, t.frames - 1)[0] > 5.7)(replay.walking.track)'
    assert sheet.tab.run(until(arrived))
    sheet.tab.press('Escape')
    assert sheet.tab.run(until('!replay.walking && document.querySelectorAll(".replay").length === 1'))


def test_keys_walk_in_it(sheet):
    draw_two_rooms(sheet)
    sheet.tab.press('m')
    sheet.tab.run(until('replay.walking?.track?.frames > 2'))
    core = sheet.session.drive.env.core
    core.agents.positions[:], core.agents.angles[:] = core.agents.positions.new_tensor([2.0, 2.5]), 0
    sheet.tab.call('Input.dispatchKeyEvent', type='keyDown', key='w')
    assert sheet.tab.run(until('((t) => t.position(0, t.frames - 1)[0] > 2.3)(replay.walking.track)'))
    sheet.tab.call('Input.dispatchKeyEvent', type='keyUp', key='w')


def test_walls_are_clicked_from_corner_to_corner_and_end_where_they_began(sheet):
    for corner in ((1, 1), (4, 1), (4, 3.02), (1.03, 3), (1, 1.04)):
        sheet.drag(corner)
    walls = [[[1, 1], [4, 1]], [[4, 1], [4, 3]], [[4, 3], [1, 3]], [[1, 3], [1, 1]]]
    assert sheet.session.sketch.walls.tolist() == walls
    assert sheet.tab.run('replay.start') is None
    sheet.drag((1, 1), (4, 1))
    assert sheet.session.sketch.walls.tolist() == walls  # there is one already
    sheet.drag((3, 1), (6, 1))
    assert sheet.session.sketch.walls.tolist() == [*walls, [[4, 1], [6, 1]]]


def test_what_was_done_is_undone_and_done_again(sheet):
    sheet.tab.run('(replay.pick(0), true)')
    sheet.drag((1, 1), (5, 4))
    sheet.press('s')
    sheet.drag((3, 2))
    states = [sheet.session.sketch.json()]
    assert [len(states[0][name]) for name in ('walls', 'rooms', 'spawns')] == [4, 1, 1]
    for key, counts in (('u', [4, 1, 0]), ('u', [0, 0, 0]), ('u', [0, 0, 0]), ('y', [4, 1, 0]), ('y', [4, 1, 1])):
        sheet.press(key)
        found = sheet.session.sketch.json()
        assert [len(found[name]) for name in ('walls', 'rooms', 'spawns')] == counts
    assert found == states[0]
    undo = sheet.tab.run('document.querySelector("[aria-label^=Undo]").disabled')
    assert undo is False


def test_what_is_wrong_is_shown_where_it_is(sheet):
    for side in (((1, 1), (5, 1)), ((5, 1), (5, 4)), ((5, 4), (1, 4)), ((1, 4), (1, 1.25))):
        sheet.drag(*side)
    message = 'The outline is open: 0.25 m are missing.'
    assert sheet.tab.run('[...document.querySelectorAll(".flaws button")].map((each) => each.textContent)') == [message]
    assert sheet.tab.run('document.querySelector("[aria-label^=Walk]").disabled') is True
    x, y = sheet.tab.run('replay.sheet.view.toScreen(1, 1.25)')
    red = f"""
      (() => {{
        const {{ context, ratio }} = replay.sheet.panel;
        const {{ data }} = context.getImageData(ratio * {x} - 22, ratio * {y} - 22, 44, 44);
        let found = 0;
        for (let i = 0; i < data.length; i += 4) found += data[i] > 200 && data[i + 1] < 100 && data[i + 2] < 130;
        return found;
      }})()"""
    assert sheet.tab.run(red) > 30  # a ring around the end
    with pytest.raises(ValueError, match=r'no map yet: The outline is open: 0\.25 m are missing at \(1, 1\) m'):
        sheet.session.geometry  # noqa: B018
    sheet.drag((1, 1.25), (1, 1))
    assert sheet.tab.run('document.querySelectorAll(".flaws button").length') == 0
    assert sheet.session.geometry.area == pytest.approx(12)


def test_keys_alone_draw(sheet):
    sheet.tab.run('(Object.assign(replay, { cursor: [1, 1] }), replay.setStep(1), true)')
    for keys in ('Enter', *['ArrowRight'] * 3, 'Enter', *['ArrowUp'] * 2, 'Enter', *['ArrowLeft'] * 3, 'Enter'):
        sheet.press(keys)
    sheet.press('ArrowDown', 'ArrowDown', 'Enter')
    assert sheet.session.geometry.area == pytest.approx(6)


def test_what_is_chosen_is_moved_and_taken_away(house_sheet):
    sheet, before = house_sheet, house_sheet.session.sketch
    assert sheet.session.geometry is sheet.session._given
    x, y, _ = before.lights[0]
    sheet.press('v')
    sheet.drag((x, y), (x + 0.25, y))
    assert np.allclose(sheet.session.sketch.lights[0], [x + 0.25, y, 1])
    sheet.press('ArrowUp', ']')
    assert np.allclose(sheet.session.sketch.lights[0], [x + 0.25, y + 0.25, 1.25])
    sheet.press('Delete')
    assert len(sheet.session.sketch.lights) == len(before.lights) - 1
    sheet.press('u', 'u', 'u', 'u')
    assert sheet.session.geometry is sheet.session._given


def test_a_room_goes_with_its_walls_but_not_with_those_of_others(sheet):
    sheet.tab.run('(replay.pick(0), true)')
    sheet.drag((1, 1), (5, 4))
    sheet.drag((5, 1), (8, 4))
    sheet.press('v')
    sheet.drag((6.5, 2.2))
    sheet.press('Delete')
    assert sheet.session.geometry.area == pytest.approx(12)
    assert len(sheet.session.sketch.rooms) == 1


def test_a_wall_is_moved_with_the_ends_on_it(sheet):
    draw_two_rooms(sheet)
    sheet.press('w')
    sheet.drag((5, 2), (8, 2))
    sheet.press('v')
    sheet.drag((5, 3.4), (6, 3.4))
    assert sheet.session.sketch.walls[-2:].tolist() == [[[6, 1], [6, 4]], [[6, 2], [8, 2]]]
    assert sheet.session.geometry.doors.tolist() == [[[6, 2.05], [6, 2.95]]]


def test_a_room_is_moved_with_its_part_of_shared_walls(sheet):
    sheet.tab.run('(replay.pick(0), true)')
    sheet.drag((1, 1), (5, 4))
    sheet.drag((5, 1), (8, 4))
    sheet.press('v')
    sheet.drag((6.5, 2.2), (8.5, 2.2))
    walls = sorted(sorted(wall) for wall in sheet.session.sketch.walls.tolist())
    rooms = [rectangle(1, 1, 5, 4), rectangle(7, 1, 10, 4)]
    assert walls == sorted(sorted(wall) for room in rooms for wall in room.tolist())


def test_a_template_is_put_down_and_turned(sheet):
    sheet.tab.run('(replay.pick(4), true)')  # the L-shaped living room, 6 m by 5 m
    sheet.press('q')
    sheet.drag((2, 7))
    (room,) = sheet.session.geometry.rooms
    assert room.kind == 'living_room'
    assert sheet.session.geometry.bounds == (2, 1, 7, 7)
    assert len(sheet.session.sketch.walls) == 6


def test_saving_says_where(tab, tmp_path):
    session = Draw(houses(1)[0], path=tmp_path / 'mine.safetensors')
    for sheet in serve(tab, session):
        sheet.tab.run('document.querySelector("[aria-label^=Save]").click()')
        sheet.tab.run(until('document.querySelector(".note").textContent.startsWith("Saved as ")'))
    assert (tmp_path / 'mine.safetensors').is_file()


def test_an_answer_that_fails_is_said(sheet):
    sheet.session.ask = lambda request: json.loads('{')
    sheet.tab.drag(*sheet.place(1, 1), *sheet.place(4, 1))
    assert sheet.tab.run(until('document.querySelector(".note").textContent.includes("Expecting property name")'))
    sheet.tab.errors.clear()  # the console has the answer's status


def test_a_drawing_is_a_widget(tab, tmp_path):
    pytest.importorskip('anywidget', reason="needs anywidget, of the extra 'notebook'")
    widget, answers = draw(), []
    widget.send = answers.append
    opened(tab, widget, tmp_path / 'notebook.html', f'{{document: {json_of(widget.document)}}}')
    tab.run(until('document.querySelector(".sheet canvas")?.width > 300'))
    tab.run('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))')
    tab.run('document.querySelector(".template").click()')
    box = 'document.querySelector(".sheet").getBoundingClientRect()'
    left, top = tab.run(f'(({{left, top}}) => [left, top])({box})')
    tab.drag(left + 200, top + 300, left + 400, top + 450)
    tab.run(until('window.model?.sent.length'))
    widget._answer(widget, tab.run('model.sent.shift()'), [])
    tab.run(f'model.hear("msg:custom", {json_of(answers[-1])})')
    assert tab.run(until('document.querySelector("h2.good")'))
    assert widget.geometry.area > 0
    assert len(widget.maps) == 1
    assert widget.document['sketch'] == widget.draw.sketch.json()
    widget._answer(widget, {'number': 9, 'request': {'sketch': 3}}, [])
    assert 'a sketch must be an object' in answers[-1]['moment']['error']
    assert tab.errors == []
