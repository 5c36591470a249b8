"""Notebooks in JupyterLab, in a real browser: they run there, keys drive an agent, and the mouse draws a floorplan."""

import re

import pytest

pytest.importorskip('anywidget', reason="needs anywidget, of the extra 'notebook'")
pytest.importorskip('jupyterlab', reason="needs jupyterlab, of the extra 'notebook'")

from pathlib import Path

from pages.browser import CHROMIUM, NO_BROWSER, browser
from pages.jupyterlab import Notebook, jupyterlab
from pages.notebook import until

NOTEBOOKS = Path(__file__).parents[1] / 'notebooks'
LOADED_LATER = 'net::ERR_UNKNOWN_URL_SCHEME'  # JupyterLab first looks for pictures attached to a text on the network

pytestmark = [pytest.mark.notebook, pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)]


@pytest.fixture(scope='module')
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp('lab')
    for path in NOTEBOOKS.glob('*.ipynb'):
        text = re.sub(r'STEPS = 50_000', 'STEPS = 2_048', path.read_text())  # where an agent learns, for a moment only
        (folder / path.name).write_text(text)
    with jupyterlab(folder) as address:
        yield address


@pytest.fixture
def opened(address):
    """Opens a notebook; in the end no script has gone wrong, and nobody else's computer was asked for anything."""
    with browser() as tab:
        yield lambda name: Notebook(tab, address, f'{name}.ipynb', width=1400, height=1000)
        assert [error for error in tab.errors if LOADED_LATER not in error] == []
        assert [url for url in tab.requests if not url.startswith(('http://127.0.0.1:', 'attachment:'))] == []


def test_first_light_runs(opened):
    """An agent learns, before one's eyes, and its replay is drawn in a frame of its own."""
    notebook = opened('first-light')
    assert notebook.run_all() == []
    curves = notebook.show('learning.train(', 'img')
    assert notebook.tab.run(f'{curves}.alt').startswith('learning curves')
    frame = notebook.show('Replay.record', 'iframe')
    assert notebook.tab.run(f'{frame}.sandbox.value') == 'allow-scripts'


@pytest.fixture
def steering(opened):
    notebook = opened('steer-and-draw')
    assert notebook.run_all() == []
    return notebook


def test_keys_drive_and_a_room_drawn_by_the_mouse_is_walked_in(steering):
    keys_drive(steering)
    a_room_is_drawn(steering)
    a_trained_agent_walks_in_it(steering)


def keys_drive(notebook):
    """The agent moves on the Python side, while the widget has the focus and the keys are held."""
    tab, agents = notebook.tab, 'driving.drive.env.core.agents'
    x, y = notebook.ask(f'{agents}.positions[0, 0].tolist()')
    note = notebook.show('driving = viewer.drive(', '[role=status]')
    assert tab.run(f'{note}.textContent') == 'click to drive'
    tab.drag(*notebook.place(note))
    for key in 'wa':  # in an arc, so that no wall is in the way for long
        tab.call('Input.dispatchKeyEvent', type='keyDown', key=key)
    notebook.wait(f'abs({agents}.positions[0, 0] - {agents}.positions.new_tensor([{x}, {y}])).max() > 0.2')
    for key in 'wa':
        tab.call('Input.dispatchKeyEvent', type='keyUp', key=key)


def a_room_is_drawn(notebook):
    """Four walls, each drawn by a drag of the mouse on an empty sheet, are a `Geometry` of one room."""
    notebook.add('import megastep\nown = viewer.draw(agent=megastep.load("explorer", device="cpu"))\nown')
    sheet = notebook.show('own = viewer.draw(', '.sheet')
    notebook.tab.run(until(f'{sheet}.querySelector("canvas").width > 300'))
    corners = [notebook.place(sheet, *place) for place in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))]
    for number, corner in enumerate(corners):
        notebook.tab.drag(*corner, *corners[(number + 1) % 4])
        notebook.wait(f'len(own.draw.sketch.walls) == {number + 1}')
    notebook.tab.run(until(f'{sheet}.closest(".replay").querySelector("[aria-label^=Send]:enabled")'))
    (left, bottom, right, top), area = notebook.ask('(own.geometry.bounds, own.geometry.area)')
    assert area == pytest.approx((right - left) * (top - bottom))
    assert area > 6
    assert notebook.ask('type(own.geometry).__name__, len(own.geometry.rooms)') == ('Geometry', 1)


def a_trained_agent_walks_in_it(notebook):
    """The agent that is sent goes by itself, in the env that it was trained in, and stays within the walls."""
    agents = 'own.draw.drive.env.core.agents'
    notebook.tab.press('a')
    notebook.wait('own.draw.drive is not None')
    x, y = notebook.ask(f'{agents}.positions[0, 0].tolist()')
    notebook.wait(f'abs({agents}.positions[0, 0] - {agents}.positions.new_tensor([{x}, {y}])).max() > 0.2')
    left, bottom, right, top = notebook.ask('own.geometry.bounds')
    x, y = notebook.ask(f'{agents}.positions[0, 0].tolist()')
    assert left < x < right and bottom < y < top
    assert notebook.ask('type(own.draw.drive.env).__name__') == 'Explorer'
