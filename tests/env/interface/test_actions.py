"""Any action space: what a step takes, what a task is handed, and what becomes of numbers that are no actions."""

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple
from gymnasium.vector import AutoresetMode
from rollouts import copied, equal
from walks import Walk

from megastep.testing import check_env
from megastep.world import physics

NUM_ENVS = 6
REALS = Box(np.array([-1, 0], np.float32), np.array([1, 0.5], np.float32))
SPACES = {
    'discrete': Discrete(3),
    'discrete from 2': Discrete(3, start=2),
    'multi-discrete': MultiDiscrete([3, 2]),
    'multi-binary': MultiBinary(2),
    'reals': REALS,
    'unbounded reals': Box(-np.inf, np.inf, (2,)),
    'integers in a box': Box(-2, 3, (2,), dtype=np.int32),
    'dict': Dict(push=REALS, fire=Discrete(2)),
    'tuple': Tuple((Discrete(4), REALS)),
    'nested': Dict(hands=Tuple((Discrete(2), MultiDiscrete([2, 2]))), legs=Dict(left=REALS)),
}
DEVICES = [
    ('cpu', False),
    pytest.param('cuda', False, marks=pytest.mark.gpu),
    pytest.param('cuda', True, marks=pytest.mark.gpu),
]


class Pushed(Walk):
    """A walk in which the sum of an action's numbers is the speed along x."""

    def __init__(self, space, mode=AutoresetMode.NEXT_STEP, **options):
        super().__init__(mode, action_space=space, **options)

    def _act(self, actions):
        self.given = actions
        speeds = sum(leaf.flatten(2).sum(-1) if leaf.ndim > 2 else leaf for leaf in leaves(actions))
        self.core.agents.velocities[..., 0] = speeds * 0.1
        physics.advance(self.core)
        self._expired = self._lifespans.step()


def leaves(nested):
    """The tensors or arrays of a nested batch, those of a dictionary in the order of their names."""
    if isinstance(nested, torch.Tensor | np.ndarray):
        return [nested]
    parts = [nested[name] for name in sorted(nested)] if isinstance(nested, dict) else nested
    return [leaf for part in parts for leaf in leaves(part)]


def mapped(function, nested):
    """A function of each array of a nested batch."""
    if isinstance(nested, dict):
        return {name: mapped(function, value) for name, value in nested.items()}
    return tuple(mapped(function, value) for value in nested) if isinstance(nested, tuple) else function(nested)


@pytest.fixture(params=SPACES)
def space(request):
    return SPACES[request.param]


@pytest.mark.parametrize('device, graph', DEVICES)
@pytest.mark.parametrize('mode', list(AutoresetMode))
def test_an_env_of_any_actions_keeps_its_promises(space, mode, device, graph):
    check_env(Pushed(space, mode, device=device, cuda_graph=graph))


@pytest.mark.parametrize('num_agents', [1, 2])
def test_sampled_actions_are_taken_and_come_nested_as_the_space_is(space, num_agents, device):
    env = Pushed(space, num_envs=3, num_agents=num_agents, device=device, cuda_graph=False)
    env.reset(seed=0)
    sample = env.action_space.sample()
    env.step(sample)
    expected = mapped(lambda array: (3, num_agents, *array.shape[1:]), sample)
    assert mapped(lambda tensor: tuple(tensor.shape), env.given) == expected
    pairs = zip(leaves(env.given), leaves(sample), strict=True)
    assert all(np.array_equal(tensor.cpu().flatten(0, 1), array) for tensor, array in pairs)


def test_arrays_lists_and_tensors_are_the_same_actions(space):
    sample = Pushed(space).action_space.sample()
    forms = sample, mapped(torch.as_tensor, sample), mapped(np.ndarray.tolist, sample)
    outputs = []
    for actions in forms:
        env = Pushed(space)
        env.reset(seed=0)
        outputs.append(copied(env.step(actions)))
    assert equal(outputs[0], outputs[1])
    assert equal(outputs[0], outputs[2])


def test_a_tensor_on_the_device_is_not_copied(device):
    env = Pushed(REALS, device=device)
    actions = torch.zeros((NUM_ENVS, 2), device=device)
    assert env._action_batch.tensors(actions)[0] is actions


@pytest.mark.parametrize('device, graph', DEVICES)
def test_who_wants_gradients_of_actions_gets_none(device, graph):
    env = Pushed(SPACES['dict'], num_envs=NUM_ENVS, device=device, cuda_graph=graph)
    env.reset()
    push = torch.ones((NUM_ENVS, 2), device=device, requires_grad=True)
    fire = torch.zeros(NUM_ENVS, dtype=torch.int64, device=device)
    for _ in range(4):
        outputs = env.step({'push': push * 0.5, 'fire': fire})
        assert not any(leaf.requires_grad for leaf in copied(outputs))
    assert not env.core.agents.positions.requires_grad


@pytest.mark.parametrize('graph', [False, pytest.param(True, marks=pytest.mark.gpu)])
def test_a_state_goes_on_alike_with_any_actions(space, graph, device):
    env = Pushed(space, num_envs=4, device=device, cuda_graph=graph)
    env.reset(seed=0)
    env.action_space.seed(0)
    samples = [env.action_space.sample() for _ in range(8)]
    for actions in samples[:4]:
        env.step(actions)
    state = env.get_state()
    went = [copied(env.step(actions)) for actions in samples[4:]]
    env.set_state(state)
    assert equal(went, [copied(env.step(actions)) for actions in samples[4:]])


# Numbers that are no actions


def given(space, actions, device='cpu', graph=False):
    """What a task is handed of actions, and how often the core counted a NaN in each env."""
    env = Pushed(space, num_envs=len(actions), device=device, cuda_graph=graph)
    env.reset(seed=0)
    env.step(actions)
    return env.given, env.core.non_finite[:, 0].tolist()


@pytest.mark.parametrize(
    'space, actions, expected',
    [
        (Discrete(3), [0, 2, 3, -1, 2**63 - 1, -(2**63)], [0, 2, -1, -1, -1, -1]),
        (Discrete(3, start=2), [2, 4, 5, 1, 2**63 - 1, -(2**63)], [2, 4, 1, 1, 1, 1]),
        (MultiDiscrete([3, 2]), [[0, 1], [3, 1], [-5, 2]], [[0, 1], [-1, 1], [-1, -1]]),
        (MultiBinary(2), [[0, 1], [2, 1], [-1, 0]], [[0, 1], [0, 1], [0, 0]]),
        (Box(-2, 3, (1,), dtype=np.int32), [[-3], [3], [9]], [[-2], [3], [3]]),
    ],
)
def test_integers_outside_the_space_are_no_action(space, actions, expected):
    found, faults = given(space, actions)
    assert found[:, 0].tolist() == expected
    assert not any(faults)


def test_reals_are_clipped_and_nan_is_zero_and_counted():
    actions = [[0.5, 0.25], [-7, 3], [np.inf, -np.inf], [np.nan, 0.25], [np.nan, np.nan]]
    found, faults = given(REALS, np.array(actions, np.float32))
    assert found[:, 0].tolist() == [[0.5, 0.25], [-1, 0.5], [1, 0], [0, 0.25], [0, 0]]
    assert faults == [0, 0, 0, 1, 1]


def test_a_nan_is_the_nearest_to_zero_that_the_box_has():
    found, _ = given(Box(1, 2, (1,)), [[np.nan]])
    assert found.flatten().tolist() == [1]


def test_reals_without_bounds_stay_as_they_are():
    found, _ = given(SPACES['unbounded reals'], [[1e30, -1e30]])
    assert found.flatten().tolist() == [float(np.float32(1e30)), -float(np.float32(1e30))]


def test_check_names_the_agent_whose_action_was_nan():
    env = Pushed(REALS, num_envs=3)
    env.reset(seed=0)
    env.step([[0, 0], [0, np.nan], [0, 0]])
    with pytest.raises(ValueError, match='finite, but those of env 1, agent 0 were not, 1 times'):
        env.core.check()
    env.core.check()


def test_what_is_ignored_as_an_episode_begins_is_not_counted():
    env = Pushed(REALS, longest=1, num_envs=1)
    env.reset(seed=0)
    assert env.step([[0, 0]])[3]
    env.step([[np.nan, 0]])
    env.core.check()


@pytest.mark.gpu
def test_a_graph_cleans_actions_as_python_does():
    actions = np.array([[-7, 3], [np.nan, 0.25]], np.float32)
    for _ in range(3):
        found, faults = given(REALS, actions, 'cuda', graph=True)
        assert found[:, 0].tolist() == [[-1, 0.5], [0, 0.25]]
        assert faults == [0, 1]


# What goes wrong


@pytest.mark.parametrize(
    'space, actions, message',
    [
        (Discrete(3), torch.zeros(NUM_ENVS), 'actions must be integers, got torch.float32'),
        (Discrete(3), [True] * NUM_ENVS, 'actions must be integers, got torch.bool'),
        (Discrete(3), 'stay', 'actions must be what torch.as_tensor takes, got str: '),
        (Discrete(3), [[0], [0, 1]], 'actions must be what torch.as_tensor takes, got list: '),
        (Discrete(3), np.zeros(5, int), r'actions must have shape \(6,\), got \(5,\)'),
        (Discrete(3), torch.zeros(NUM_ENVS, dtype=int, device='meta'), 'actions must be what torch.as_tensor takes'),
        (REALS, np.zeros((NUM_ENVS, 2), complex), 'actions must be real numbers, got torch.complex128'),
        (REALS, np.zeros((NUM_ENVS, 3)), r'actions must have shape \(6, 2\), got \(6, 3\)'),
        (SPACES['dict'], np.zeros(NUM_ENVS), r"actions must have \['push', 'fire'\], got ndarray"),
        (SPACES['dict'], {'push': 0}, r"actions must have \['push', 'fire'\], got \['push'\]"),
        (SPACES['tuple'], ([0] * NUM_ENVS,), r'actions must have \[0, 1\], got \[0\]'),
        (SPACES['tuple'], ([0] * NUM_ENVS, [0] * NUM_ENVS), r'actions\[1\] must have shape \(6, 2\), got \(6,\)'),
    ],
)
def test_what_is_no_batch_of_actions_is_refused_by_name(space, actions, message):
    env = Pushed(space)
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(actions)


@pytest.mark.parametrize('space, found', [(Text(5), 'Text'), (Dict(say=Text(5)), 'Text')])
def test_a_space_of_no_tensors_is_refused_when_the_env_is_made(space, found):
    with pytest.raises(ValueError, match=rf'the space of actions.* must be Discrete, .*, got {found}'):
        Pushed(space)


def test_a_space_of_no_parts_is_refused():
    with pytest.raises(ValueError, match='actions must have at least 1 part, got a space of none'):
        Pushed(Dict())
