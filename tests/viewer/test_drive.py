"""Keys drive an agent, and a click puts it where it is free."""

import http.client
import json
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete
from pages.browser import CHROMIUM, NO_BROWSER, browser
from rollouts import FEW_RAYS, make
from walks import Walk
from worlds import box, houses

from envs import Deathmatch, Minimal, PointGoal
from megastep import mapgen
from megastep.cli import main
from megastep.env.motion import ACTIONS, MOTIONS
from megastep.viewer import Drive, serve, server
from megastep.viewer.steering import Wish, steered, wish_of

FRAMES = """
new Promise((done) => {{
  const look = () => (window.replay?.track?.frames > {} ? done(true) : setTimeout(look, 20));
  look();
}})
"""


def still(observations, begins):
    return torch.zeros(len(begins), dtype=torch.int64)


@pytest.fixture
def drive():
    return Drive(
        make(Minimal, num_envs=2, maps=[box()] * 2, cameras=FEW_RAYS, shortest=500, longest=500), still, number=1
    )


def stand(drive, x=3.0, y=2.5, angle=0.0):
    core = drive.env.core
    core.agents.positions[:] = torch.tensor([x, y])
    core.agents.angles[:] = angle
    core.agents.velocities.zero_()


# Steering


@pytest.mark.parametrize(
    'held, wish',
    [
        ([], Wish()),
        (['forward', 'turn left'], Wish(forward=1, turn=1)),
        (['left', 'right', 'shoot'], Wish(shoot=True)),
        (['backward', 'backward', 'right', 'turn right'], Wish(-1, -1, -1)),
    ],
)
def test_keys_add_up(held, wish):
    assert wish_of(held) == wish


@pytest.mark.parametrize(
    'motion, wish, action',
    [
        ('simple', Wish(forward=1), ACTIONS.index('forward')),
        ('momentum', Wish(turn=-1), ACTIONS.index('turn right')),
        ('holonomic', Wish(1, -1, 1), [2, -2, 180]),
        ('unicycle', Wish(forward=-1, turn=1), [-1, 1]),
        ('differential', Wish(forward=1, turn=1), [0.5, 1]),
        ('differential', Wish(turn=-1), [0.5, -0.5]),
        ('ackermann', Wish(forward=1, turn=-1), [1, -1]),
    ],
)
def test_wishes_become_actions(motion, wish, action):
    name = next(each for each in MOTIONS if each.startswith(motion))
    env = make(Minimal, cameras=FEW_RAYS, motion=name)
    found, space = steered(env, wish), env.single_action_space
    assert space.contains(np.asarray(found, space.dtype) if not isinstance(space, Discrete) else found)
    if motion in ('unicycle', 'ackermann', 'differential'):
        found = np.where(np.asarray(found) < 0, found / -space.low, found / space.high)
    assert np.allclose(found, action)


def test_several_numbered_actions_take_turns():
    env = make(Minimal, cameras=FEW_RAYS)
    wish = Wish(forward=1, turn=1)
    assert [ACTIONS[steered(env, wish, turn)] for turn in range(3)] == ['turn left', 'forward', 'turn left']


def test_a_trigger_shoots_beside_any_motion():
    env = make(Deathmatch, num_envs=4, cameras=FEW_RAYS, trigger=True)
    assert steered(env, Wish(forward=1, shoot=True)) == len(ACTIONS) + 1
    env = make(Deathmatch, num_envs=4, cameras=FEW_RAYS, trigger=True, motion='unicycle')
    assert steered(env, Wish(shoot=True))['trigger'] == 1


def test_an_env_whose_actions_nobody_knows_is_refused():
    with pytest.raises(ValueError, match=r'keys steer the motions of .*, got an env whose actions are D'):
        Drive(Walk(action_space=Discrete(3)))


@pytest.mark.parametrize(
    'options, message',
    [
        ({'number': 9}, 'number must be an integer from 0 to 1, got 9'),
        ({'number': 0.5}, 'number must be an integer from 0 to 1, got 0.5'),
        ({'number': True}, 'number must be an integer from 0 to 1, got True'),
        ({'seed': -1}, 'seed must be an integer from 0 to .*, got -1'),
        ({'maps': 'maps.safetensors'}, 'maps must be a MapSet or a list of geometries, got str'),
        ({'maps': mapgen.generate('house', 1, seed=0)}, "maps must be those of the env's scenery, got others"),
    ],
)
def test_says_what_it_cannot_drive(options, message):
    with pytest.raises(ValueError, match=message):
        Drive(make(Minimal, num_envs=2), **options)


# Sessions


def test_keys_move_the_driven_agent_and_no_other(drive):
    stand(drive)
    moment = drive.ask({'held': ['forward']})
    positions = drive.env.core.agents.positions[:, 0]
    assert positions[1, 0] > 3.05 and positions[0, 0] == 3
    assert np.allclose(moment['positions'], positions[1], atol=1e-5)
    assert moment['length'] == 1


def test_who_acts_for_all_acts_when_the_agent_is_given_back(drive):
    stand(drive)
    drive.ask({'held': ['forward'], 'driving': False})
    assert drive.env.core.agents.positions[1, 0, 0] == 3


def test_a_place_that_is_free_is_taken(drive):
    assert drive.ask({'place': [4.0, 3.0]})['placed'] is True
    assert np.allclose(drive.env.core.agents.positions[1, 0], [4, 3])


@pytest.mark.parametrize('place', [(1.05, 2.0), (0.5, 0.5), (90, 90)])
def test_a_place_in_or_beside_a_wall_is_not_taken(drive, place):
    stand(drive)
    assert drive.ask({'place': list(place)})['placed'] is False
    assert np.allclose(drive.env.core.agents.positions[1, 0], [3, 2.5])


def test_nobody_is_put_into_another():
    drive = Drive(make(Deathmatch, num_envs=4, cameras=FEW_RAYS))
    x, y = drive.env.core.agents.positions[0, 1].tolist()
    assert not drive.place(x + 0.05, y)


def test_a_reset_begins_anew(drive):
    drive.ask({})
    assert drive.ask({'reset': True})['length'] == 0


@pytest.mark.parametrize(
    'request_, message',
    [
        ({'held': ['fly']}, "keys must be of forward, .*, got 'fly'"),
        ({'agent': 1}, 'agent must be from 0 to 0, got 1'),
        ({'agent': 'me'}, "agent must be from 0 to 0, got 'me'"),
        ({'place': [float('nan'), 1]}, 'place must be finite and up to 10,000 m from the origin, got nan, 1'),
        ({'place': [10**400, 1]}, r'place must be at most 1\.79769e\+308, got an integer of 1329 bits'),
        ({'place': [True, False]}, 'place must be a number, got True'),
        ({'place': [1, 2, 3]}, r'place must be two numbers, got \[1, 2, 3\]'),
        ({'place': []}, r'place must be two numbers, got \[\]'),
        ({'place': 'ab'}, "place must be a number, got 'a'"),
        ({'agent': False}, 'agent must be from 0 to 0, got False'),
        ({'driving': 'no'}, "driving must be true or false, got 'no'"),
        ({'reset': 0}, 'reset must be true or false, got 0'),
        ({'held': 'forward'}, "held must be a list of what keys do, got 'forward'"),
        ({'held': [[]]}, r'held must be a list of what keys do, got \[\[\]\]'),
        ([], 'a request must be an object, got list'),
        ({'speed': 2}, "a request may hold agent, driving, held, place, reset, got 'speed'"),
    ],
)
def test_says_what_is_wrong_with_a_request(drive, request_, message):
    with pytest.raises(ValueError, match=message):
        drive.ask(request_)


# The server


@pytest.fixture
def served(drive):
    with server.Server(drive) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def post(url, content, **headers):
    return urllib.request.urlopen(urllib.request.Request(url, content.encode(), headers), timeout=10)


def test_it_is_on_the_loopback_address_alone(served):
    assert served.server_address[0] == '127.0.0.1'


def test_it_answers_who_knows_its_secret(served):
    assert json.load(post(f'{served.url}ask', '{"held": ["forward"]}'))['length'] == 1
    stranger = f'http://127.0.0.1:{served.server_address[1]}'
    for url, headers in (
        (f'{stranger}/ask', {}),
        (f'{stranger}/guess/ask', {}),
        (f'{served.url}ask', {'Host': 'evil.org'}),
    ):
        with pytest.raises(urllib.error.HTTPError, match='404'):
            post(url, '{}', **headers)


@pytest.mark.parametrize(
    'content, message',
    [
        ('{"held": ["fly"]}', 'keys must be of'),
        ('[1]', 'a request must be an object, got list'),
        ('{', 'Expecting property name'),
        (' ' * 20_000, 'a request must be at most 10,000 bytes, got 20,000'),
        ('{"place": 3}', 'place must be two numbers, got 3'),
        ('[' * 9000, 'is nested too deep'),
        ('{"held": [], "held": []}', "an object must have each key once, got 'held' twice"),
    ],
)
def test_it_says_what_is_wrong(served, content, message):
    with pytest.raises(urllib.error.HTTPError, match='400') as raised:
        post(f'{served.url}ask', content)
    assert message in json.load(raised.value)['error']


def asked(served, length, content=b'{}'):
    """The status and the answer, to a request that says that it is so long."""
    connection = http.client.HTTPConnection('127.0.0.1', served.server_address[1], timeout=10)
    connection.putrequest('POST', f'/{served.secret}/ask')
    for name, value in {'Content-Length': length}.items():
        connection.putheader(name, value)
    connection.endheaders(content)
    answer = connection.getresponse()
    return answer.status, json.load(answer)


@pytest.mark.parametrize('length', ['-1', '', 'two', '1e3', '0x2', '9' * 5000])
def test_it_waits_for_no_request_that_does_not_say_how_long_it_is(served, length):
    status, answer = asked(served, length)
    assert status == 400
    assert answer['error']
    assert asked(served, '2')[0] == 200


def test_it_says_what_goes_wrong_in_an_env(served, monkeypatch, capsys):
    def fail(*_):
        raise RuntimeError('out of luck')

    monkeypatch.setattr(served.session.env, 'step', fail)
    status, answer = asked(served, '2')
    assert (status, answer) == (500, {'error': 'RuntimeError: out of luck'})
    monkeypatch.undo()
    assert asked(served, '2')[0] == 200
    assert 'in fail' in capsys.readouterr().err


@pytest.mark.parametrize('port', [-1, 1 << 16, 80.0, '80', True])
def test_what_is_no_port_is_refused(drive, port):
    with pytest.raises(ValueError, match=f'port must be an integer from 0 to 65535, got {port!r}'):
        server.Server(drive, port)


def test_a_port_that_is_taken_is_named(served):
    with pytest.raises(OSError, match=f'port {served.server_address[1]} can not be opened: Address already in use'):
        server.Server(served.session, served.server_address[1])


@pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)
def test_keys_and_clicks_drive_in_a_browser(served):
    drive = served.session
    stand(drive)
    with browser() as page:
        page.open(served.url)
        assert page.run(FRAMES.format(2))
        stand(drive)
        page.call('Input.dispatchKeyEvent', type='keyDown', key='w')
        before = page.run('replay.track.frames')
        page.run(FRAMES.format(before + 4))
        page.call('Input.dispatchKeyEvent', type='keyUp', key='w')
        assert float(drive.env.core.agents.positions[1, 0, 0]) > 3.05
        left, top = page.run('(({left, top}) => [left, top])(document.querySelector(".plan").getBoundingClientRect())')
        x, y = page.run('replay.plan.view.toScreen(2, 1.5)')
        page.drag(left + x, top + y)
        page.run(FRAMES.format(page.run('replay.track.frames') + 3))
        assert np.allclose(drive.env.core.agents.positions[1, 0], [2, 1.5], atol=0.03)
        assert page.errors == []
        assert {url for url in page.requests if not url.startswith(served.url)} == set()


# The command


def test_the_command_serves_a_drive(monkeypatch, tmp_path):
    served = {}
    monkeypatch.setattr('megastep.viewer.server.serve', lambda drive, **options: served.update(drive=drive, **options))
    maps = tmp_path / 'maps.safetensors'
    houses(2).save(maps)
    assert main(['drive', 'pointgoal', '--maps', str(maps), '--no-show', '--port', '8123']) == 0
    assert isinstance(served['drive'].env, PointGoal)
    assert (served['port'], served['show']) == (8123, False)


def test_the_command_has_an_agent_act_that_comes_with_megastep(monkeypatch, tmp_path, capsys):
    served = {}
    monkeypatch.setattr('megastep.viewer.server.serve', lambda drive, **options: served.update(drive=drive, **options))
    maps = tmp_path / 'maps.safetensors'
    houses(2).save(maps)
    assert main(['drive', 'deathmatch', '--agent', 'deathmatch', '--maps', str(maps), '--device', 'cpu']) == 0
    assert isinstance(served['drive'].env, Deathmatch)
    assert main(['drive', 'explorer', '--agent', 'deathmatch', '--maps', str(maps), '--device', 'cpu']) == 2
    assert "agent must be one of explorer, got 'deathmatch', which is of Deathmatch." in capsys.readouterr().err
    assert main(['drive', str(tmp_path), '--agent', 'explorer']) == 2
    assert "is a folder, whose agent acts, got agent='explorer'." in capsys.readouterr().err


def test_serving_says_where(drive, monkeypatch, capsys):
    monkeypatch.setattr(server.Server, 'serve_forever', lambda self: None)
    opened = []
    monkeypatch.setattr('webbrowser.open', opened.append)
    serve(drive)
    assert opened[0] in capsys.readouterr().out
