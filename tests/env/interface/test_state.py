"""What is copied out of an env and written back makes its future the same."""

import pytest
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, FORWARD, STATE, actions_of, copied, equal, leaves, make
from worlds import houses

from envs import Explorer, Minimal, PointGoal
from megastep.env.interface.state import check_rows
from megastep.world.cameras import Cameras

LIVES = {Minimal: {'shortest': 2, 'longest': 6}, Explorer: {'patience': 0.2}}


@pytest.fixture(params=[Minimal, Explorer])
def task(request):
    return request.param


def lively(task, device='cpu', seed=0, **options):
    env = make(task, num_envs=6, device=device, maps=houses(3), cameras=FEW_RAYS, **LIVES[task], **options)
    env.reset(seed=seed)
    return env


def steps(env, start, stop):
    return [copied(env.step(actions_of(env, step))) for step in range(start, stop)]


def per_env(state):
    return leaves({part: of for part, of in state.items() if part not in ('shared', 'world')})


def cloned(state):
    return {part: {name: value.clone() for name, value in of.items()} for part, of in state.items()}


@pytest.mark.parametrize('mode', list(AutoresetMode))
def test_what_follows_a_state_is_repeated(task, mode, device):
    env = lively(task, device, autoreset_mode=mode)
    steps(env, 0, 5)
    state = env.get_state()
    kept = cloned(state)
    expected = steps(env, 5, 25)
    env.set_state(state)
    assert equal(steps(env, 5, 25), expected)
    assert equal(state, kept)

    other = lively(task, device, seed=9, autoreset_mode=mode)
    steps(other, 0, 3)
    other.set_state(state)
    assert equal(steps(other, 5, 25), expected)


@pytest.mark.gpu
@pytest.mark.parametrize('copy', [True, False])
def test_what_follows_a_state_is_repeated_from_a_graph(task, copy):
    env, eager = lively(task, 'cuda', copy=copy), lively(task, 'cuda', cuda_graph=False)
    for each in (env, eager):
        steps(each, 0, 5)
    state = env.get_state()
    expected = steps(env, 5, 25)
    for each in (env, eager):
        each.set_state(state)
        assert equal(steps(each, 5, 25), expected)


def test_one_env_goes_on_elsewhere(task, device):
    """Its stream of random numbers goes with it, so that new episodes begin alike too."""
    lives = {'shortest': 2, 'longest': 4} if task is Minimal else {'time_limit': 0.5}
    one, other = (make(task, num_envs=6, device=device, maps=houses(3), cameras=FEW_RAYS, **lives) for _ in range(2))
    one.reset(seed=0)
    other.reset(seed=1)
    for env in (one, other):
        steps(env, 0, 4)
    bystanders = other.get_state()
    other.set_state(one.get_state(env=3), env=5)
    assert equal([rows[:5] for rows in per_env(bystanders)], [rows[:5] for rows in per_env(other.get_state())])
    for _ in range(8):
        first, second = (env.step(torch.full((6,), FORWARD, device=device)) for env in (one, other))
        assert all(torch.equal(a[3], b[5]) for a, b in zip(leaves(first), leaves(second), strict=True))


def test_a_state_names_what_it_holds():
    env = lively(Explorer)
    state = env.get_state()
    assert set(state) == {'core', 'episode', 'task', 'coverage', 'world', 'shared'}
    drawn = {'stream_keys', 'stream_steps'}
    assert set(state['core']) == {'map_ids', *STATE, 'contacts', 'non_finite', 'stops', 'turn', *drawn}
    assert set(state['coverage']) == {'seen', 'counts'} and state['task'] == {}
    assert set(env.get_state(env=2)) == {'core', 'episode', 'task', 'coverage', 'world'}
    assert set(state['world']) == {'maps', 'colours', 'cameras', 'fps', 'agent_radius'}
    assert env.get_state(env=2)['core']['positions'].shape == (1, 2)


def broken(state, part, name, value):
    return {**state, part: {**state[part], name: value}}


FAULTS = [
    (lambda state: {}, r"state must have \['core', 'episode', 'lifespans', 'shared', 'task', 'world'\], got \[\]"),
    (lambda state: {**state, 'lifespans': {}}, r"state\['lifespans'\] must have \['left'\], got \[\]"),
    (lambda state: {**state, 'lifespans': None}, r"state\['lifespans'\] must have \['left'\], got NoneType"),
    (lambda state: broken(state, 'lifespans', 'left', 3), r"state\['lifespans'\]\['left'\] must be a tensor, got int"),
    (
        lambda state: broken(state, 'core', 'angles', torch.zeros(5, 1)),
        r"state\['core'\]\['angles'\] must be torch.float32 of shape \(6, 1\), got torch.float32 of \(5, 1\)",
    ),
    (
        lambda state: broken(state, 'episode', 'lengths', torch.zeros(6)),
        r"\['lengths'\] must be torch.int64 of shape \(6,\), got torch.float32 of \(6,\)",
    ),
    (
        lambda state: broken(state, 'core', 'map_ids', torch.arange(6)),
        r"state\['core'\]\['map_ids'\] must be from 0 to 2, got 3",
    ),
    *(
        (
            lambda state, name=name, value=value: broken(state, 'core', name, state['core'][name] * 0 + value),
            rf"state\['core'\]\['{name}'\] must be {message}",
        )
        for name, value, message in [
            ('positions', torch.nan, 'finite, got nan'),
            ('positions', -1.0, 'from 0 to 500 m, got -1'),
            ('positions', 1e7, r'from 0 to 500 m, got 1e\+07'),
            ('velocities', torch.inf, 'finite, got inf'),
            ('angles', torch.nan, 'finite, got nan'),
            ('angular_velocities', -torch.inf, 'finite, got -inf'),
        ]
    ),
    (
        lambda state: {**state, 'world': {}},
        r"state\['world'\] must have \['agent_radius', 'cameras', 'colours', 'fps', 'maps'\]",
    ),
]


@pytest.mark.parametrize('fault, message', FAULTS)
def test_rejects_a_state_that_is_not_one_of_the_env(fault, message):
    env = lively(Minimal)
    before = env.get_state()
    with pytest.raises(ValueError, match=message):
        env.set_state(fault(before))
    assert equal(env.get_state(), before)


OTHERS = {
    'maps': ({'maps': houses(6)[3:]}, 'other maps'),
    'seed': ({'made_with': 1}, 'other wall colours, as another seed or palette gives'),
    'palette': ({'palette': 'grey'}, 'other wall colours'),
    'light': ({'light': 0.5}, 'other maps'),
    'fps': ({'fps': 20}, 'another fps'),
    'cameras': ({'cameras': Cameras(res=8, subsample=2, fov=90)}, 'other cameras'),
    'radius': ({'agent_radius': 0.05}, 'agents of another radius'),
}


@pytest.mark.parametrize('options, message', OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize('env', [None, 2])
def test_a_state_of_another_world_is_refused_by_name(options, message, env):
    """What comes of a state depends on these, and so they are in it."""
    options = {'maps': houses(3), 'cameras': FEW_RAYS, **options}
    seed = options.pop('made_with', 0)
    one = make(Minimal, num_envs=6, maps=houses(3), cameras=FEW_RAYS)
    other = make(Minimal, num_envs=6, seed=seed, **options)
    one.reset(seed=0)
    other.reset(seed=0)
    before = other.get_state()
    with pytest.raises(
        ValueError, match=rf"state\['world'\]\['\w+'\] must be as this env's: the state is of {message}"
    ):
        other.set_state(one.get_state(env), env)
    assert equal(other.get_state(), before)


def test_walls_that_are_painted_anew_are_another_world():
    env = lively(Minimal)
    state = env.get_state()
    env.set_state(state)
    env.core.scenery.albedo.vals[5, 1] ^= 1
    with pytest.raises(ValueError, match='the state is of other wall colours'):
        env.set_state(state)
    env.core.scenery.albedo.vals[5, 1] ^= 1
    env.set_state(state)


@pytest.mark.parametrize('goal', [10**7, -1])
@pytest.mark.parametrize('env', [None, 1])
def test_goals_that_there_are_not_are_refused(goal, env):
    points = make(PointGoal, num_envs=3, maps=houses(3), cameras=FEW_RAYS)
    points.reset(seed=0)
    state = points.get_state(env)
    for name, value, message in [
        ('spawns', goal, rf'goals: spawns must be from 0 to \d+, got {goal}'),
        ('positions', torch.nan, 'goals: positions must be from 0 to 500 m'),
        ('lengths', torch.inf, 'goals: lengths must be finite'),
    ]:
        wrong = broken(state, 'goals', name, torch.full_like(state['goals'][name], value))
        with pytest.raises(ValueError, match=message):
            points.set_state(wrong, env)
    points.set_state(state, env)


def test_rejects_a_state_of_the_wrong_number_of_envs():
    env = lively(Minimal)
    with pytest.raises(ValueError, match=r"state must have \['core', 'episode', 'lifespans', 'task', 'world'\]"):
        env.set_state(env.get_state(), env=2)
    with pytest.raises(
        ValueError, match=r"state must have \['core', 'episode', 'lifespans', 'shared', 'task', 'world'\]"
    ):
        env.set_state(env.get_state(env=2))
    for method in (env.get_state, lambda env_: env.set_state({}, env_)):
        with pytest.raises(ValueError, match='env must be from 0 to 5, got 6'):
            method(6)


def test_a_state_needs_an_open_env_that_has_been_reset():
    env = make(Minimal)
    for method, call in {'get_state': env.get_state, 'set_state': lambda: env.set_state({})}.items():
        with pytest.raises(ResetNeeded, match=rf'env.{method}\(\) needs env.reset\(\)'):
            call()
    env.close()
    for call in (env.get_state, lambda: env.set_state({})):
        with pytest.raises(ClosedEnvironmentError):
            call()


@pytest.mark.parametrize(
    'kept, found', [(torch.zeros(2), r'cpu of \(2,\)'), (torch.zeros(()), r'cpu of \(\)'), (3, 'int')]
)
def test_rejects_what_has_no_row_for_each_env(kept, found):
    with pytest.raises(ValueError, match=rf"kept\['goal'\] must be a tensor on cpu with 5 rows, got {found}"):
        check_rows('kept', {'goal': kept}, 5, torch.device('cpu'))
