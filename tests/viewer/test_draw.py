"""What is drawn by hand becomes a floorplan, or is said to be none, and why, and where; and agents walk in it."""

import json
import threading
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from rollouts import FEW_RAYS, make
from worlds import houses, rectangle

from envs import Deathmatch, PointGoal
from megastep.cli import main
from megastep.evaluation.baselines import ShortestPath
from megastep.maps.geometry import Geometry, Room
from megastep.maps.mapset import MapSet
from megastep.maps.segments import area
from megastep.viewer import Draw, Sketch
from megastep.viewer.drawing.draft import Draft
from megastep.viewer.sending import can_send
from megastep.viewer.server import Server

ROOM = rectangle(1, 1, 5, 4)
TWO = np.concatenate([ROOM, rectangle(5, 1, 8, 4)])
DOOR = [[[5, 2], [5, 2.9]]]
STRIP = [[1, 1], [1, 4], [1.2, 1], [1.2, 4]]


def sketch(walls=TWO, **others):
    return Sketch(walls=walls, **others)


def point_goal(maps):
    return make(PointGoal, num_envs=2, maps=maps, cameras=FEW_RAYS)


def flaws(*args, **options):
    return Draft.of(sketch(*args, **options)).flaws


# Floorplans


def test_rooms_are_a_list():
    with pytest.raises(ValueError, match='rooms must be a list of rooms, got 3'):
        Sketch(rooms=3)


def test_walls_that_enclose_something_are_a_map():
    geometry = Draft.of(sketch(ROOM)).geometry
    assert geometry.area == pytest.approx(12)
    assert geometry.bounds == (1, 1, 5, 4)
    assert len(geometry.rooms) == len(geometry.lights) == 1


def test_a_door_opens_a_wall():
    draft = Draft.of(sketch(doors=DOOR))
    assert draft.flaws == []
    assert draft.geometry.area == pytest.approx(21)
    assert draft.geometry.doors.tolist() == DOOR


def test_what_was_drawn_is_in_the_map():
    kitchen = Room(np.array([(5, 1), (8, 1), (8, 4), (5, 4)]), 'kitchen')
    draft = Draft.of(sketch(doors=DOOR, lights=[(2, 2, 0.5)], spawns=[(2, 3), (6, 2)], rooms=[kitchen]))
    assert draft.flaws == []
    assert draft.geometry.lights.tolist() == [[2, 2, 0.5]]
    assert sorted(draft.geometry.spawns.tolist()) == [[2, 3], [6, 2]]
    assert {room.kind for room in draft.geometry.rooms} == {'kitchen', 'room'}


def test_a_map_that_would_reach_below_0_is_moved():
    draft = Draft.of(sketch(ROOM - 3))
    assert draft.geometry.bounds == (1, 1, 5, 4)
    assert draft.shift.tolist() == [3, 3]


@pytest.mark.parametrize('number', [0, 1])
def test_a_sketch_of_a_house_is_that_house(number):
    house = houses(2)[number]
    found = Draft.of(Sketch.of(house))
    assert [flaw for flaw in found.flaws if flaw.grave] == []
    assert found.geometry.area == pytest.approx(house.area)
    assert area(found.geometry.walls) == pytest.approx(area(house.walls))
    assert np.allclose(found.geometry.lights, house.lights, atol=1e-6)
    assert [room.kind for room in found.geometry.rooms] == [room.kind for room in house.rooms]


# What is wrong, and where


@pytest.mark.parametrize(
    'given, message, places',
    [
        ({'walls': []}, 'There are no walls yet.', []),
        ({'walls': ROOM[:3]}, 'Walls enclose nothing: these ends meet no other wall.', [[1, 1], [1, 4]]),
        ({'walls': [*ROOM[:3], [(1, 4), (1, 1.25)]]}, 'The outline is open: 0.25 m are missing.', [[1, 1], [1, 1.25]]),
        ({'doors': [[[3, 2], [3, 2.9]]]}, 'This door lies on no wall.', [[3, 2], [3, 2.9]]),
        ({'spawns': [(2, 2), (9, 9)]}, 'This spawn lies outside of the free space.', [[9, 9]]),
        ({'spawns': [(2, 2), (6, 2)]}, 'This spawn lies outside of the free space.', [[6, 2]]),
        ({'spawns': [(1.05, 2)]}, 'A spawn needs 0.16 m to the nearest wall, and has 0.05 m.', [[1.05, 2]]),
        ({'walls': rectangle(1, 1, 1.2, 4)}, 'An agent has no room here: 0.16 m from any wall are needed', STRIP),
        (
            {'walls': [*ROOM, [(3.5, 1), (3.5, 3.8)]], 'spawns': [(2, 2), (4, 2)]},
            'No agent gets from this spawn to the others.',
            [[4, 2]],
        ),
        ({'walls': rectangle(1, 1, 900, 4)}, 'Must be at most 499 m wide and high to be simulated', []),
    ],
)
def test_what_is_wrong_is_said_with_its_place(given, message, places):
    draft = Draft.of(sketch(**given))
    assert draft.geometry is None
    flaw = next(flaw for flaw in draft.flaws if flaw.message.startswith(message))
    assert flaw.grave
    found = flaw.json()
    named = found['points'] or [place for shape in (*found['lines'], *found['areas']) for place in shape]
    assert sorted(named) == places


@pytest.mark.parametrize(
    'given, message',
    [
        ({}, '9.0 m² are left out: no door leads there.'),
        (
            {'walls': [*ROOM, *rectangle(2, 2, 3, 3)], 'rooms': [Room(rectangle(2, 2, 3, 3)[:, 0], 'closet')]},
            '1.0 m² are left out: no door leads there.',
        ),
        ({'doors': [[[1, 2], [1, 2.9]]]}, 'This door leads outside, and stays closed.'),
        ({'doors': [[[5, 2], [5, 2.2]]]}, 'This door is 0.20 m wide. An agent needs 0.31 m.'),
        ({'walls': [*ROOM, [(3, 1), (3, 3.8)]]}, 'An agent needs 0.31 m to pass, and this gap has 0.20 m.'),
        ({'walls': [*ROOM, [(3, 1), (3, 3.8)]]}, 'An agent can get here by no way: it needs 0.31 m to pass.'),
        ({'walls': [*ROOM, [(5, 4), (6, 4)]]}, 'These ends meet no wall: what they belong to encloses nothing'),
        ({'lights': [(9, 9, 1)]}, 'This light is in no free space, and is left out.'),
        ({'rooms': [Room(np.array([(8, 8), (9, 8), (9, 9)]), 'wine_cellar')]}, 'This wine cellar has no walls around'),
    ],
)
def test_what_may_not_be_meant_is_noted(given, message):
    draft = Draft.of(sketch(**given))
    assert draft.geometry is not None
    found = next(flaw for flaw in draft.flaws if flaw.message.startswith(message))
    assert not found.grave
    assert any(found.json()[name] for name in ('points', 'lines', 'areas'))


def test_a_door_that_lets_all_out_is_shown_where_it_does():
    """It is wider than the wall that its two rooms have in common; the other door has nothing to do with it."""
    walls = [*TWO, *rectangle(8.25, 2.4, 10, 4)]
    found = flaws(walls, doors=[*DOOR, [[8, 2.05], [8, 2.95]]])
    assert [str(flaw) for flaw in found] == [
        'The outline is open: 0.25 m are missing at (8.25, 2.05) m',
        'The outline is open: 0.35 m are missing at (8.25, 2.4) m',
    ]


def test_columns_and_jambs_are_nothing_to_speak_of():
    assert flaws(np.concatenate([ROOM, rectangle(2, 2, 2.5, 2.5)])) == []
    assert flaws(np.concatenate([ROOM, rectangle(1.5, 1.5, 4, 3)])) == []  # a block that one walks around
    assert flaws(doors=DOOR) == []


# Sketches


def test_a_sketch_survives_json():
    drawn = sketch(doors=DOOR, lights=[(2, 2, 0.5)], spawns=[(2, 3)], rooms=[Room(ROOM[:, 0], 'kitchen')])
    assert Sketch.parse(json.loads(json.dumps(drawn.json()))).json() == drawn.json()


@pytest.mark.parametrize(
    'document, message',
    [
        ([], 'a sketch must be an object, got list'),
        ({'roof': []}, "a sketch may hold walls, doors, lights, spawns, rooms, got 'roof'"),
        ({'walls': [[1, 2]]}, r'walls must be numbers of shape \(n, 2, 2\), got \(1, 2\)'),
        ({'walls': 'wide'}, r'walls must be numbers of shape \(n, 2, 2\): could not convert'),
        ({'walls': [[['0', 0], ['1', 0]]]}, r"walls must be numbers of shape \(n, 2, 2\), got '0'"),
        ({'walls': [[[0.5, 0], [False, 0]]]}, r'walls must be numbers of shape \(n, 2, 2\), got False'),
        ({'spawns': [[10**400, 0]]}, r'spawns must be numbers of shape \(n, 2\): .* too large'),
        ({'walls': [[[1, 1], [1, 1]]]}, 'walls must be longer than 0 m, got 0 m for number 0'),
        ({'spawns': [[float('nan'), 1]]}, 'spawns must be finite and up to 10,000 m from the origin, got nan'),
        ({'spawns': [[1, 1]] * 10_001}, 'spawns must be at most 10,000, got 10,001'),
        ({'lights': [[1, 1, -1]]}, r'lights must have intensities of at least 0, got -1\.0'),
        ({'rooms': [3]}, 'rooms must be a list of objects with an outline and a kind'),
        ({'rooms': [{'outline': [[1, 1], [2, 2]]}]}, 'room 0 must have at least 3 corners, got 2'),
        ({'rooms': [{'outline': [[1, 1], [2, 2], [3, 1]], 'kind': 3}]}, 'room 0 must have text for its kind, got 3'),
        ({'rooms': [{}]}, 'the corners of room 0 must be numbers'),
    ],
)
def test_says_what_is_no_sketch(document, message):
    with pytest.raises(ValueError, match=message):
        Sketch.parse(document)


# Sessions


@pytest.fixture
def drawn():
    session = Draw()
    session.ask({'sketch': sketch(doors=DOOR).json()})
    return session


def test_an_empty_sheet_is_no_map():
    with pytest.raises(ValueError, match='what is drawn is no map yet: There are no walls yet'):
        Draw().maps  # noqa: B018


def test_why_it_is_no_map_is_said_with_places():
    session = Draw()
    session.ask({'sketch': sketch(spawns=[(9, 9)]).json()})
    with pytest.raises(ValueError, match=r'no map yet: This spawn lies outside of the free space at \(9, 9\) m'):
        session.geometry  # noqa: B018


def test_a_map_begun_from_stays_as_it_is_until_it_is_changed():
    house = houses(1)[0]
    session = Draw(house)
    assert session.geometry is house
    changed = Sketch.of(house).json()
    session.ask({'sketch': {**changed, 'lights': []}})
    assert session.geometry is not house
    session.ask({'sketch': changed})
    assert session.geometry is house


def test_an_answer_has_the_map_in_its_light(drawn):
    answer = drawn.ask({'sketch': drawn.sketch.json()})
    assert answer['numbers'] == {'area': 21, 'walls': 10, 'rooms': 2, 'doors': 1, 'lights': 2, 'spawns': 64}
    assert {'walls', 'colours', 'lights', 'archive'} <= set(answer['plan'])
    assert drawn.ask({'sketch': {}}) == {
        'plan': None,
        'valid': False,
        'flaws': [flaw.json() for flaw in drawn.draft.flaws],
    }


def test_what_a_map_would_be_is_shown_without_what_is_wrong(drawn):
    answer = drawn.ask({'sketch': {**drawn.sketch.json(), 'spawns': [[9, 9]]}})
    assert answer['valid'] is False
    assert answer['numbers']['area'] == 21


def test_the_scripted_agent_goes_where_it_is_sent(drawn):
    assert drawn.ask({'walk': True})['sends'] is True
    positions = drawn.drive.env.core.agents.positions
    positions[:] = positions.new_tensor([2.0, 3.0])
    assert drawn.ask({'drive': {'driving': False, 'place': [7, 1.5]}})['placed'] is True
    for _ in range(60):
        moment = drawn.ask({'drive': {'driving': False}})
        if np.hypot(*(np.array(moment['positions']) - [7, 1.5])) < 0.15:
            break
    else:
        pytest.fail('it has not come')
    assert drawn.ask({'drive': {'driving': False, 'place': [90, 90]}})['placed'] is False


def test_keys_walk_in_what_was_drawn(drawn):
    drawn.ask({'walk': True})
    core = drawn.drive.env.core
    core.agents.positions[:], core.agents.angles[:] = core.agents.positions.new_tensor([2.0, 2.5]), 0
    drawn.ask({'drive': {'held': ['forward']}})
    assert np.allclose(core.agents.positions[0, 0], [2.15, 2.5], atol=1e-4)


def test_an_agent_with_goals_is_sent_to_the_spawn_that_is_nearest(drawn):
    session = Draw(drawn.geometry, ShortestPath(), env=point_goal)
    session.ask({'walk': True})
    env = session.drive.env
    env.core.agents.positions[0] = torch.tensor([2.0, 3.0])
    assert session.ask({'drive': {'driving': False, 'place': [7.5, 3.5]}})['placed'] is True
    assert (env._goals.current.positions[0, 0] - torch.tensor([7.5, 3.5])).norm() < 0.3
    assert int(env.lengths[0]) == 1
    distance = float(env._tracker.remaining[0, 0])
    for _ in range(8):
        session.ask({'drive': {'driving': False}})
    assert float(env._tracker.remaining[0, 0]) < distance - 0.5


def test_what_acts_begins_anew_when_it_is_sent(drawn):
    heard = []

    def act(observations, begins):
        heard.append(begins.tolist())
        return np.zeros(2, np.int64)

    session = Draw(drawn.geometry, act, env=point_goal)
    session.ask({'walk': True})
    for request in ({}, {'place': [2, 2]}, {}, {}):
        session.ask({'drive': {'driving': False, **request}})
    assert heard == [[True, True], [False, False], [True, False], [False, False]]


def test_a_loaded_agent_brings_its_env(drawn):
    class Loaded:
        task = SimpleNamespace(num_agents=1)

        def env(self, maps, num_envs, *, seed):
            return make(PointGoal, num_envs=num_envs, maps=maps, cameras=FEW_RAYS, seed=seed)

        def __call__(self, observations, begins):
            return np.zeros(len(begins), np.int64)

    session = Draw(drawn.geometry, Loaded())
    session.ask({'walk': True})
    assert isinstance(session.drive.env, PointGoal)


def test_envs_without_goals_send_nobody():
    assert not can_send(make(Deathmatch, num_envs=4, cameras=FEW_RAYS))


@pytest.mark.parametrize(
    'request_, message',
    [
        ({}, 'a request must hold one of sketch, walk, drive, save, got '),
        ({'fly': True}, "a request must hold one of sketch, walk, drive, save, got 'fly'"),
        ({'walk': True, 'save': True}, "got 'walk', 'save'"),
        ({'drive': {}}, 'nobody walks yet: ask to walk first'),
        ({'walk': True}, 'what is drawn is no map yet'),
        ({'save': True}, 'path must be given to save a drawing, got None'),
        ({'sketch': 3}, 'a sketch must be an object, got int'),
    ],
)
def test_says_what_is_wrong_with_a_request(request_, message):
    with pytest.raises(ValueError, match=message):
        Draw().ask(request_)


@pytest.mark.parametrize('request_', [[], 3, None])
def test_who_walks_is_asked_by_an_object(drawn, request_):
    drawn.ask({'walk': True})
    with pytest.raises(ValueError, match='a request must be an object, got'):
        drawn.ask({'drive': request_})


def test_names_of_rooms_are_no_part_of_the_page():
    """Neither an end of its data nor the beginning of a comment, in which that would end nowhere; nor half a letter."""
    kind = '<!--<script></script>\ud800'
    session = Draw()
    session.ask({'sketch': sketch(rooms=[Room(ROOM[:, 0], kind)]).json()})
    page = session.html()
    data = page[page.index('id="recording">') + len('id="recording">') :].partition('</script>')[0]
    assert '<' not in data
    assert json.loads(data)['sketch']['rooms'][0]['kind'] == kind
    with Server(session) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        assert urllib.request.urlopen(served.url, timeout=10).read().decode() == page
        served.shutdown()


def test_says_what_it_cannot_begin_from():
    with pytest.raises(ValueError, match='geometry must be a Geometry, got MapSet'):
        Draw(houses(1))
    with pytest.raises(ValueError, match='env must make the env that the agent acts in, got None for ShortestPath'):
        Draw(agent=ShortestPath())
    with pytest.raises(ValueError, match='env must be a function that makes an env of a map set, got int'):
        Draw(env=3)
    with pytest.raises(ValueError, match=r"path must end in \.safetensors, got 'map\.svg'"):
        Draw(path='map.svg')


def test_it_saves_a_map_set_of_one(tmp_path):
    session = Draw(path=tmp_path / 'mine.safetensors')
    session.ask({'sketch': sketch(ROOM).json()})
    assert session.ask({'save': True}) == {'saved': str(tmp_path / 'mine.safetensors')}
    assert MapSet.load(tmp_path / 'mine.safetensors')[0].bounds == (1, 1, 5, 4)


# The command


def test_the_command_serves_a_drawing(monkeypatch, tmp_path):
    served = {}
    monkeypatch.setattr('megastep.viewer.server.serve', lambda session, **options: served.update(session=session))
    several, mine = tmp_path / 'several.safetensors', tmp_path / 'mine.safetensors'
    houses(2).save(several)
    assert main(['draw', str(mine), '--no-show']) == 0
    assert served['session'].sketch.walls.size == 0
    assert main(['draw', str(mine), '--begin-from', str(several), '--map-id', '1', '--no-show']) == 0
    served['session'].save()
    assert main(['draw', str(mine), '--no-show']) == 0
    assert served['session'].geometry.area == pytest.approx(houses(2)[1].area)


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    houses(2).save(tmp_path / 'several.safetensors')
    for arguments, message in (
        ([tmp_path / 'several.safetensors'], 'must hold 1 map to be drawn in, got 2'),
        (
            [tmp_path / 'several.safetensors', '--begin-from', tmp_path / 'several.safetensors', '--map-id', 0],
            'must hold 1 map to be drawn in, got 2',
        ),
        ([tmp_path / 'a.safetensors', '--begin-from', tmp_path / 'several.safetensors', '--map-id', 2], 'from 0 to 1'),
    ):
        assert main(['draw', *map(str, arguments), '--no-show']) != 0
        assert message in capsys.readouterr().err


def test_geometries_are_told_apart_from_sketches():
    assert isinstance(Draw(Geometry.from_walls(ROOM)).maps, MapSet)
