"""A replay's page in a real browser: opened from disk, it plays what was recorded."""

import io
import json
import re

import numpy as np
import pytest
from pages.browser import CHROMIUM, NO_BROWSER, browser
from PIL import Image
from rollouts import actions_of, make

from envs import Deathmatch, PointGoal
from megastep.viewer import Replay
from megastep.world.cameras import Cameras

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)

STEPS = 40
DRAWN = 'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))'


@pytest.fixture(scope='module')
def page():
    with browser() as page:
        yield page


@pytest.fixture(scope='module')
def replay():
    env = make(Deathmatch, num_envs=8, cameras=Cameras(res=32, fov=100, subsample=2))
    steps = iter(range(10_000))
    return Replay.record(env, lambda observations, begins: actions_of(env, next(steps)), STEPS, envs=[1, 0])


@pytest.fixture(scope='module')
def saved(replay, tmp_path_factory):
    return replay.save(tmp_path_factory.mktemp('replay') / 'replay.html')


@pytest.fixture
def opened(page, saved):
    return open_page(page, saved)


def open_page(page, path, **options):
    page.requests.clear()
    page.errors.clear()
    page.open(path.as_uri(), **options)
    assert page.run(until('window.replay?.sights && window.replay.drawn > 1'))
    return page


def until(condition):
    """A script that waits until something holds."""
    return f'new Promise((done) => {{ const look = () => ({condition} ? done(true) : setTimeout(look, 20)); look(); }})'


def middle(page, selector):
    """A panel's middle, and its width."""
    found = f'document.querySelector("{selector}").getBoundingClientRect()'
    x, y, width, height = page.run(f'(({{x, y, width, height}}) => [x, y, width, height])({found})')
    return x + width / 2, y + height / 2, width


def strip(page, pixels):
    """The middle of each pixel of the strip, as it is on the canvas."""
    return np.array(
        page.run(f"""
        (() => {{
          const canvas = document.querySelector('.strip canvas');
          const context = canvas.getContext('2d');
          return Array.from({{length: {pixels}}}, (_, i) => {{
            const x = Math.floor(((i + 0.5) * canvas.width) / {pixels});
            return [...context.getImageData(x, canvas.height / 2, 1, 1).data.slice(0, 3)];
          }});
        }})()
        """)
    )


def test_it_asks_for_nothing_and_nothing_fails(opened, saved):
    assert opened.requests == [saved.as_uri()]
    assert opened.errors == []


def test_it_shows_the_very_pixels(opened, replay):
    for number, agent, frame in ((0, 0, 0), (0, 2, 17), (1, 3, STEPS)):
        opened.run(f'replay.choose({number}, {agent}); replay.clock.seek({frame})')
        opened.run(until('window.replay?.sights && window.replay.drawn > 1'))
        opened.run(DRAWN)
        assert np.array_equal(strip(opened, 32), replay.trajectories.tracks[number].rgb[''][frame, agent, 0])


def test_a_click_seeks(opened):
    for panel in ('.rows', '.depth', '.chart'):
        x, y, width = middle(opened, panel)
        opened.drag(x + width * 0.25, y)
        assert abs(opened.run('replay.clock.frame') - 0.75 * (STEPS + 1)) <= 1
        opened.drag(x, y, x - width * 0.4, y)
        assert abs(opened.run('replay.clock.frame') - 0.1 * (STEPS + 1)) <= 1


def test_keys_play_and_step(opened):
    opened.press('ArrowRight')
    opened.press('ArrowRight')
    opened.press('ArrowLeft')
    assert opened.run('replay.clock.frame') == 1
    opened.press('End')
    assert opened.run('replay.clock.frame') == STEPS
    opened.press('Home')
    opened.press('a')
    opened.press('e')
    opened.press('a')
    assert opened.run('[replay.clock.frame, replay.number, replay.agent]') == [0, 1, 1]
    opened.press('+')
    assert opened.run('replay.clock.speed') == 2
    opened.press(' ')
    assert opened.run('replay.clock.playing') is True
    opened.press(' ')
    assert opened.run('replay.clock.playing') is False


def test_it_plays_to_the_end(opened):
    opened.run('replay.setSpeed(16); replay.clock.toggle()')
    assert opened.run(until('!replay.clock.playing'))
    assert opened.run('replay.clock.frame') == STEPS


def test_the_plan_zooms_pans_follows_and_fits(opened):
    x, y, _ = middle(opened, '.plan')
    fitted = opened.run('replay.plan.view.scale')
    opened.wheel(x, y, -300)
    opened.run(DRAWN)
    assert opened.run('replay.plan.view.scale') > 1.2 * fitted
    before = opened.run('replay.plan.view.x')
    opened.drag(x, y, x - 50, y)
    assert opened.run('replay.plan.view.x') > before
    opened.press('f')
    opened.run(DRAWN)
    place = opened.run('[replay.plan.view.x, replay.plan.view.y]')
    assert np.allclose(place, opened.run('replay.track.position(replay.agent, replay.clock.frame)'))
    opened.press('0')
    opened.run(DRAWN)
    assert opened.run('replay.plan.view.scale') == pytest.approx(fitted)


def test_a_click_on_an_agent_chooses_it(opened):
    left, top = opened.run('(({left, top}) => [left, top])(document.querySelector(".plan").getBoundingClientRect())')
    x, y = opened.run('replay.plan.view.toScreen(...replay.track.position(2, 0))')
    opened.drag(left + x, top + y)
    assert opened.run('replay.agent') == 2


def test_pointing_at_a_wall_names_it(opened, replay):
    wall, plan = 3, replay.trajectories.floorplans[int(replay.trajectories.tracks[0].map_ids[0])]
    left, top = opened.run('(({left, top}) => [left, top])(document.querySelector(".plan").getBoundingClientRect())')
    x, y = opened.run(f'replay.plan.view.toScreen(...{json.dumps(plan.walls[wall].mean(axis=0).tolist())})')
    opened.move(left + x, top + y)
    opened.run(DRAWN)
    tip = opened.run('document.querySelector(".tip").innerText')
    assert re.search(rf'm from agent 0[\s\S]*wall {wall}, texel \d+: #[0-9a-f]{{6}}', tip)


def test_pointing_at_a_row_says_what_was_seen(opened, replay):
    x, y, _ = middle(opened, '.rows')
    opened.move(x, y)
    frame = (STEPS + 1) // 2
    colour = replay.trajectories.tracks[0].rgb[''][frame, 0, 0, 16]
    assert opened.run('document.querySelector(".tip").innerText').startswith(
        f'step {frame}, pixel 16\n#{bytes(colour).hex()}, '
    )


def test_controls_have_names(opened):
    controls = '[...document.querySelectorAll("button, select, input, canvas")]'
    assert opened.run(f'{controls}.filter((each) => !each.getAttribute("aria-label")).length') == 0
    opened.run('replay.clock.seek(5)')
    voice = 'document.querySelector("[aria-live]").textContent'
    opened.run(until(f'{voice}.startsWith("Step 5 ")'))
    assert opened.run(voice).startswith(f'Step 5 of {STEPS}, 0.5 seconds. Agent 0 of env 1 at ')


@pytest.mark.parametrize('width, height', [(390, 780), (480, 800), (1280, 720), (3840, 2160)])
@pytest.mark.parametrize('dark', [True, False], ids=['dark', 'light'])
def test_it_fits_any_window(page, saved, width, height, dark):
    open_page(page, saved, width=width, height=height, dark=dark)
    assert page.run('document.documentElement.scrollWidth') <= width
    edges = '[...document.querySelectorAll(".bar > *")].map((each) => each.getBoundingClientRect().right)'
    assert max(page.run(edges)) <= width
    assert page.run('document.querySelector(".replay").getBoundingClientRect().height') >= 0.99 * height
    assert page.run('[...document.querySelectorAll("canvas")].every((each) => each.width > 100 && each.height > 10)')
    ground = page.run('[...document.querySelector(".plan canvas").getContext("2d").getImageData(2, 2, 1, 1).data]')
    assert (max(ground[:3]) < 60) == dark


def test_a_narrow_notebook_shows_all_of_it(page, saved):
    open_page(page, saved, width=390, height=780)
    page.run('document.querySelector(".replay").classList.add("framed")')
    lack = '(({scrollHeight, clientHeight}) => scrollHeight - clientHeight)(document.querySelector(".replay"))'
    assert page.run(lack) <= 1


def test_nothing_moves_between_steps_where_motion_is_reduced(page, saved):
    open_page(page, saved, still=True)
    page.run('replay.clock.seek(3); replay.clock.moment = 3.5')
    assert page.run('replay.moment') == 3


def test_a_replay_of_another_version_is_refused(page, saved, tmp_path):
    other = tmp_path / 'other.html'
    other.write_text(saved.read_text().replace('"version":1,', '"version":99,', 1))
    page.open(other.as_uri())
    message = page.run(
        'new Promise((done) => setTimeout(() => done(document.querySelector("[role=alert]").textContent), 200))'
    )
    assert message == 'This is a replay of version 99, and this page reads version 1.'


def test_it_plays_in_a_sandboxed_frame(page, replay, tmp_path):
    """As notebooks show it."""
    path = tmp_path / 'notebook.html'
    path.write_text(f'<!doctype html><meta charset="utf-8"><body>{replay._repr_html_()}</body>')
    page.requests.clear()
    page.errors.clear()
    page.open(path.as_uri(), dark=False)
    for _ in range(100):  # the still picture beneath is dark, and the frame is another process's
        corner = Image.open(io.BytesIO(page.screenshot())).convert('RGB').getpixel((14, 40))
        if corner == (0xF4, 0xF2, 0xEE):
            break
        page.run('new Promise((done) => setTimeout(done, 50))')
    assert corner == (0xF4, 0xF2, 0xEE)
    assert set(page.requests) <= {path.as_uri(), 'about:srcdoc'}


def test_the_shortest_path_and_the_goal_are_drawn(page, tmp_path):
    env = make(PointGoal, num_envs=1, cameras=Cameras(res=16, subsample=1))
    steps = iter(range(10_000))
    replay = Replay.record(env, lambda observations, begins: actions_of(env, next(steps)), 5)
    open_page(page, replay.save(tmp_path / 'replay.html'))
    x, y = page.run('replay.plan.view.toScreen(...replay.track.paths[0].points.at(-1))')
    colour = page.run(f'[...document.querySelector(".plan canvas").getContext("2d").getImageData({x}, {y}, 1, 1).data]')
    assert colour[:3] == [0xFF, 0x5F, 0xB7]


WORDS = """
  new Promise((done) => {
    const words = [];
    const context = %s;
    const fill = context.fillText;
    context.fillText = (text, ...rest) => (words.push(text), fill.call(context, text, ...rest));
    replay.changed();
    requestAnimationFrame(() => requestAnimationFrame(() => done(words)));
  })
"""
"""What is written into a panel."""


def test_cameras_are_named_where_there_are_several(page, tmp_path):
    sides = Cameras(res=16, fov=60, mounts=[(0, 0, 90), (0, 0, -90)])
    env = make(PointGoal, num_envs=1, cameras={'front': Cameras(res=64), 'sides': sides})
    replay = Replay.record(env, steps=3)
    open_page(page, replay.save(tmp_path / 'replay.html'), height=900)
    for panel in ('scene', 'rows', 'depth'):
        words = page.run(WORDS % f'document.querySelector(".{panel} canvas").getContext("2d")')
        assert words[::2] == words[1::2] == ['front', 'sides, camera 0', 'sides, camera 1'], panel


def test_one_camera_has_no_name(page, saved):
    open_page(page, saved)
    assert page.run(WORDS % 'document.querySelector(".rows canvas").getContext("2d")') == []


def test_a_step_without_any_agent_says_so(page, tmp_path):
    replay = Replay.record(make(Deathmatch, num_envs=4, cameras=Cameras(res=8)), steps=2)
    track = replay.trajectories.tracks[0]
    track.positions[1:] = np.nan
    open_page(page, replay.save(tmp_path / 'nobody.html'))
    page.run('replay.clock.seek(1)')
    page.press('f')
    said = page.run(WORDS % 'replay.plan.panel.context')
    assert 'no agent is anywhere at step 1' in said
    assert page.run('Number.isFinite(replay.plan.view.x)')
    assert page.errors == []
