import numpy as np
import pytest
import torch
from gymnasium.error import ClosedEnvironmentError, ResetNeeded
from gymnasium.vector import AutoresetMode
from rollouts import (
    FEW_RAYS,
    FORWARD,
    NUM_ENVS,
    STATE,
    STAY,
    actions_of,
    copied,
    equal,
    integers,
    leaves,
    make,
    rollout,
)
from torch.utils._python_dispatch import TorchDispatchMode
from walks import Walk
from worlds import box, houses

from envs import Explorer, Minimal
from megastep.env import Env
from megastep.env.hooks import TaskHooks
from megastep.env.motion import SimpleMovement
from megastep.env.sensors import IMU
from megastep.env.spawning import RandomSpawns
from megastep.world import rendering
from megastep.world.core import Core
from megastep.world.scenery import Scenery


@pytest.fixture(params=[Minimal, Explorer])
def task(request):
    return request.param


class Race(Env):
    """Two agents an env; a step pays each its number; the episode terminates after two steps."""

    def __init__(self):
        spawns = [(2, 2), (4, 2), (2, 3), (4, 3)]
        core = Core(Scenery.pack([box(spawns=spawns)], num_agents=2, device='cpu'), num_envs=3)
        self._movement, self._imu, self._spawns = SimpleMovement(core), IMU(core), RandomSpawns(core)
        super().__init__(core, FEW_RAYS, action_space=self._movement.space, observation_space=self._imu.space)

    def _act(self, actions):
        self._movement.step(actions)

    def _observe(self):
        return self._imu.observe()

    def _outcome(self):
        ended = self.lengths >= 2
        return torch.arange(6.0).reshape(3, 2), ended, torch.zeros_like(ended)


class Says(Race):
    """Says what it is told in the place of one of its hooks."""

    def __init__(self, hook, says):
        super().__init__()
        setattr(self, hook, lambda: says)


REWARDS, ENDS = torch.zeros(3, 2), torch.zeros(3, dtype=torch.bool)
SAID = [
    ('_observe', None, 'what _observe returns must be a torch tensor, got NoneType'),
    (
        '_observe',
        torch.zeros(6, 2),
        r'what _observe returns must be .* shape \(6, 3\) on cpu, got .*\(6, 2\) on cpu',
    ),
    ('_observe', torch.zeros(6, 3).double(), r'must be torch.float32 of shape .*, got torch.float64'),
    ('_outcome', None, '_outcome must return three tensors, rewards, terminated and truncated, got NoneType'),
    ('_outcome', (REWARDS, ENDS), '_outcome must return three tensors, .*, got Tensor, Tensor'),
    ('_outcome', (0.0, ENDS, ENDS), '_outcome must return three tensors, .*, got float, Tensor, Tensor'),
    ('_outcome', (REWARDS.to('meta'), ENDS, ENDS), 'rewards must be on cpu, got meta'),
    ('_outcome', (REWARDS, ENDS, ENDS.to('meta')), 'truncated must be on cpu, got meta'),
    ('_info', {'laps': torch.zeros(3, device='meta')}, "info 'laps' must be on cpu, got meta"),
    ('_info', None, '_info must return a dictionary of tensors, got None'),
    ('_info', {'laps': 3}, r"info 'laps' must be a tensor of shape .*, here \(3,\) or \(3, 2\), got 3"),
    ('_info', {'laps': torch.zeros(6)}, r"info 'laps' must be .*, here \(3,\) or \(3, 2\), got shape \(6,\)"),
    ('_info', {'laps': torch.zeros(3, 4)}, r"info 'laps' must be .*, got shape \(3, 4\)"),
    ('_info', {'episode': torch.zeros(3)}, "_info must leave 'episode' alone, which every env says itself"),
]


@pytest.mark.parametrize('hook, says, message', SAID)
def test_what_a_task_says_of_the_wrong_kind_is_named(hook, says, message):
    env = Says(hook, says)
    with pytest.raises(ValueError, match=message):
        env.reset(seed=0)
        env.step(torch.zeros(6, dtype=torch.int64))


@pytest.mark.parametrize('kept, message', [
    (['words'], 'kept must be tensors by name, got list'),
    ({'words': torch.zeros(2)}, r"kept\['words'\] must be a tensor on cpu with 6 rows, got cpu of \(2,\)"),
])  # fmt: skip
def test_what_is_kept_is_tensors_by_name(kept, message):
    with pytest.raises(ValueError, match=message):
        Walk(kept=kept)


def test_an_env_whose_first_observations_were_refused_has_not_begun():
    env = Says('_observe', None)
    with pytest.raises(ValueError, match='_observe'):
        env.reset(seed=0)
    with pytest.raises(ResetNeeded):
        env.step(torch.zeros(6, dtype=torch.int64))


def test_a_hook_that_is_missing_is_named(monkeypatch):
    monkeypatch.delattr(Race, '_outcome')
    env = Race()
    env.reset(seed=0)
    with pytest.raises(NotImplementedError, match='Race must define _outcome'):
        env.step(torch.zeros(6, dtype=torch.int64))


def test_an_episode_ends_in_a_real_observation_and_the_next_step_resets():
    env = make(Minimal, num_envs=2, shortest=3, longest=3)
    env.reset(seed=0)
    env._lifespans.left.copy_(torch.tensor([2, 3]))  # never both at once
    for _ in range(6):  # until the first env ends
        before, velocity = env.core.agents.positions[0].clone(), 2 / env.core.fps
        observations, rewards, terminated, truncated, info = env.step(torch.tensor([FORWARD, STAY]))
        if truncated[0]:
            break
    length = info['episode']['length'][0].item()
    assert not terminated.any()
    assert info['_episode'].tolist() == truncated.tolist()
    assert (env.core.agents.positions[0] - before).norm() <= velocity + 1e-5  # moved on, not yet respawned
    assert torch.equal(observations, env._depth.observe(rendering.render(env.core, env.cameras)))

    observations, rewards, terminated, truncated, info = env.step(torch.tensor([FORWARD, FORWARD]))
    assert (rewards[0], terminated[0], truncated[0], info['_episode'][0]) == (0, False, False, False)
    assert {name: values[0].item() for name, values in info['episode'].items()} == {
        'return': 0, 'length': 0, 'map_ids': 0, 'r': 0, 'l': 0, 't': 0,
    }  # fmt: skip
    spawns = env.core.scenery.spawns[0]
    assert (spawns == env.core.agents.positions[0]).all(-1).any()
    assert not env.core.agents.velocities[0].any()
    assert torch.equal(observations, env._depth.observe(rendering.render(env.core, env.cameras)))

    lived = [bool(env.step(torch.tensor([FORWARD, STAY]))[3][0]) for _ in range(3)]
    assert lived == [False, False, True] and 1 <= length <= 3


def test_the_action_of_a_step_that_resets_is_ignored():
    states = []
    for ignored in (STAY, FORWARD):
        env = make(Minimal, num_envs=2, shortest=2, longest=2)
        env.reset(seed=3)
        ended = torch.zeros(2, dtype=torch.bool)
        for _ in range(7):
            ended = env.step(torch.where(ended, ignored, 5))[3]
        states.append([getattr(env.core.agents, name).clone() for name in STATE])
    assert equal(*states)


def test_episode_statistics_add_up():
    env = make(Minimal, num_envs=4, shortest=3, longest=6)
    env.reset(seed=0)
    returns, lengths, ends = torch.zeros(4), torch.zeros(4, dtype=torch.int64), 0
    over = torch.zeros(4, dtype=torch.bool)
    for step in range(30):
        _, rewards, terminated, truncated, info = env.step(actions_of(env, step))
        returns, lengths = torch.where(over, 0, returns + rewards), torch.where(over, 0, lengths + 1)
        over = terminated | truncated
        assert torch.equal(info['_episode'], over)
        torch.testing.assert_close(info['episode']['return'], returns)
        assert torch.equal(info['episode']['length'], lengths)
        assert info['episode']['r'] is info['episode']['return'] and info['episode']['l'] is info['episode']['length']
        torch.testing.assert_close(info['episode']['t'], lengths / env.core.fps)
        assert torch.equal(info['episode']['map_ids'], env.core.map_ids)
        ends += int(over.sum())
    assert ends > 10


@pytest.mark.parametrize('task', [Minimal, Explorer])
def test_a_limit_may_be_said_in_steps(task):
    env = make(task, max_episode_steps=2)
    env.reset(seed=0)
    assert not env.step(integers(NUM_ENVS))[3].any() and env.step(integers(NUM_ENVS))[3].all()
    for steps in (0, 2.5, True):
        with pytest.raises(ValueError, match=f'max_episode_steps must be an integer of at least 1, got {steps}'):
            make(task, max_episode_steps=steps)


def seeded(seeds, steps=8, num_envs=3, **options):
    """What comes out of a reset with seeds and some steps, of which the first is ahead of another such reset."""
    env = make(Minimal, num_envs=num_envs, maps=houses(1), shortest=2, longest=4, **options)
    found = [env.reset(seed=seeds)[0]]
    found += [env.step(torch.full((num_envs,), FORWARD))[0] for _ in range(steps)]
    found.append(env.reset(options={'reset_mask': torch.ones(num_envs, dtype=torch.bool)})[0])
    return env, torch.stack(found)


def test_each_env_may_have_a_seed_and_draws_by_it_alone():
    _, found = seeded([7, 8, 7])
    assert torch.equal(found[:, 0], found[:, 2])
    assert not torch.equal(found[0, 0], found[0, 1])
    assert torch.equal(found[:, :2], seeded(np.array([7, 8]), num_envs=2)[1])
    assert not torch.equal(found[0], found[-1])  # the second reset draws anew


def test_one_seed_after_several_is_what_it_always_was():
    env, _ = seeded([1, 2, 3])
    plain = make(Minimal, num_envs=3, maps=houses(1), shortest=2, longest=4)
    assert torch.equal(env.reset(seed=5)[0], plain.reset(seed=5)[0])
    forward = torch.full((3,), FORWARD)
    assert all(torch.equal(env.step(forward)[0], plain.step(forward)[0]) for _ in range(6))


def test_a_state_of_envs_with_seeds_repeats_what_follows():
    env, _ = seeded([1, 2, 3])
    state, forward = env.get_state(), torch.full((3,), FORWARD)
    first = [env.step(forward)[0] for _ in range(6)]
    env.set_state(state)
    assert all(torch.equal(env.step(forward)[0], each) for each in first)


@pytest.mark.parametrize(
    'seeds, message',
    [
        ([1, 2], 'seed must be one, or one for each of 3 envs, got 2'),
        ([1, 2, None], 'seed must be an integer from 0 to .*, got None'),
        ([1, 2, -1], 'seed must be an integer from 0 to .*, got -1'),
        (np.array(3), r'seed must be an integer from 0 to .*, got array\(3\)'),
        ('abcd', "seed must be an integer from 0 to .*, got 'abcd'"),
    ],
)
def test_refuses_seeds(seeds, message):
    with pytest.raises(ValueError, match=message):
        seeded(seeds)


@pytest.mark.gpu
def test_a_captured_step_draws_by_seeds():
    env, found = seeded([7, 8, 7], device='cuda')
    assert torch.equal(found[:, 0], found[:, 2])
    env.reset(seed=0)
    for _ in range(4):
        env.step(torch.full((3,), FORWARD, device='cuda'))
    env.reset(seed=[7, 8, 7])
    steps = torch.stack([env.step(torch.full((3,), FORWARD, device='cuda'))[0] for _ in range(8)])
    assert torch.equal(steps[:, 0], steps[:, 2]) and not torch.equal(steps[:, 0], steps[:, 1])


def test_agents_are_rows_env_by_env():
    env = Race()
    assert env.num_envs == 6
    env.reset()
    ends, rewards = [], []
    for _ in range(4):
        _, reward, terminated, _, info = env.step(torch.arange(6))
        rewards.append(reward.tolist())
        ends.append(terminated.tolist())
        assert info['episode']['map_ids'].shape == (6,)
    paid, nothing = [0, 1, 2, 3, 4, 5], [0] * 6
    assert rewards == [paid, paid, nothing, paid]
    assert ends == [[False] * 6, [True] * 6, [False] * 6, [False] * 6]
    env.reset(options={'reset_mask': np.array([False, True, False, False, False, False])})  # all of the first env
    assert env.lengths.tolist() == [0, 1, 1]


def test_what_was_returned_is_not_overwritten(task):
    env = make(task)
    outputs = [env.reset(seed=0), env.step(actions_of(env, 0))]
    before = [copied(output) for output in outputs]
    for step in range(3):
        env.step(actions_of(env, step))
    assert all(equal(output, copy) for output, copy in zip(outputs, before, strict=True))


# Randomness and resets


def test_the_same_seed_gives_the_same_rollout(task):
    env, other = make(task), make(task)
    first = rollout(env, steps=12, seed=7)
    assert equal(first, rollout(other, steps=12, seed=7))
    assert equal(first, rollout(env, steps=12, seed=7))
    assert not equal(first, rollout(env, steps=12, seed=8))


def test_envs_do_not_disturb_each_other(task):
    expected = rollout(make(task), steps=8)
    env, other = make(task), make(task, seed=5)
    outputs = [copied(env.reset(seed=0))]
    other.reset()
    for step in range(8):
        other.step(actions_of(other, step + 50))
        outputs.append(copied(env.step(actions_of(env, step))))
    assert equal(outputs, expected)


def test_a_partial_reset_leaves_the_others_as_they_are(task):
    mask = torch.tensor([True, False, False, True, False])
    partly, never = make(task), make(task)
    for env in (partly, never):
        env.reset(seed=0)
        if task is Minimal:
            env._lifespans.left.fill_(100)
        last = [copied(env.step(actions_of(env, i))) for i in range(3)][-1]
    observations, info = partly.reset(options={'reset_mask': mask})
    assert info == {}
    for rows, expected in zip(leaves(observations), last, strict=False):
        assert torch.equal(rows[~mask], expected[~mask])
    for name in STATE:
        after, kept = getattr(partly.core.agents, name), getattr(never.core.agents, name)
        assert torch.equal(after[~mask], kept[~mask])
    assert not torch.equal(partly.core.agents.positions[mask], never.core.agents.positions[mask])
    assert partly.lengths.tolist() == [0, 3, 3, 0, 3]
    for step in range(4):
        outputs, expected = (env.step(actions_of(env, step)) for env in (partly, never))
        assert all(torch.equal(a[~mask], b[~mask]) for a, b in zip(leaves(outputs), leaves(expected), strict=True))
        assert outputs[4]['episode']['length'].tolist() == [step + 1, step + 4, step + 4, step + 1, step + 4]


def test_a_reset_of_an_env_that_has_ended_replaces_the_one_to_come():
    env = make(Minimal, num_envs=2, shortest=2, longest=2)
    env.reset(seed=0)
    while not (ended := env.step(torch.tensor([FORWARD, FORWARD]))[3]).any():
        pass
    env.reset(options={'reset_mask': ended.numpy()})
    rewards = env.step(torch.tensor([FORWARD, FORWARD]))[1]
    assert (rewards[ended] != 0).all()


def test_a_reset_moves_envs_to_other_maps(task):
    env = make(task, maps=houses(3))
    env.reset(options={'map_ids': [2, 1, 0, 1, 2]})
    assert env.core.map_ids.tolist() == [2, 1, 0, 1, 2]
    mask = torch.tensor([True, False, True, False, False])
    env.reset(options={'reset_mask': mask, 'map_ids': torch.tensor([1, 0, 1, 0, 0])})
    assert env.core.map_ids.tolist() == [1, 1, 1, 1, 2]
    for place, number in zip(env.core.agents.positions[:, 0], env.core.map_ids.tolist(), strict=True):
        assert (env.core.scenery.spawns[number] == place).all(-1).any()
    assert env.step(actions_of(env, 0))[4]['episode']['map_ids'].tolist() == [1, 1, 1, 1, 2]


def test_options_are_left_as_they_were(task):
    env = make(task)
    env.reset()
    options = {'reset_mask': np.ones(NUM_ENVS, dtype=bool), 'map_ids': np.zeros(NUM_ENVS, dtype=int)}
    env.reset(options=options)
    assert set(options) == {'reset_mask', 'map_ids'}


def test_steps_taken_in_inference_mode_do_not_spoil_the_env(task):
    env = make(task)
    with torch.inference_mode():
        env.reset(seed=0)
        for step in range(3):
            env.step(actions_of(env, step))
    observations = leaves(env.step(actions_of(env, 9))[0])
    env.reset(seed=0)
    assert not any(leaf.requires_grad or leaf.is_inference() for leaf in observations)


# Waiting for the device

WAITS = ('_local_scalar_dense', 'nonzero', 'masked_select', 'equal', 'is_nonzero', 'unique', 'repeat_interleave')


class NeverWaits(TorchDispatchMode):
    """Refuses what would make a GPU's host wait: reading a value, or a shape that depends on values.

    Which agent's turn it is may be read: the kernels for a CPU do, those for a GPU don't.
    """

    def __init__(self, turn):
        super().__init__()
        self._turn = turn

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        masks = [i for i in args[1] if i is not None and i.dtype == torch.bool] if name.startswith('index') else []
        if (name.startswith(WAITS) or masks) and args[0].data_ptr() != self._turn.data_ptr():
            raise AssertionError(f'{name} would wait for the GPU.')
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    'wait',
    [
        lambda values: values.sum().item(),
        lambda values: bool(values.any()),
        lambda values: values[values > 0],
        lambda values: values.nonzero(),
        lambda values: torch.equal(values, values + 1),
    ],
)
def test_waiting_is_noticed(wait):
    values = torch.arange(3)
    with NeverWaits(turn=torch.tensor(0)), pytest.raises(AssertionError, match='would wait for the GPU'):
        wait(values)


def test_steps_and_resets_never_wait(task):
    env = make(task, **({'shortest': 1, 'longest': 3} if task is Minimal else {'patience': 0.1, 'cameras': FEW_RAYS}))
    actions = [actions_of(env, step) for step in range(8)]
    mask = torch.tensor([True, False, True, False, False])
    env.reset()
    with NeverWaits(env.core.turn):
        for action in actions:
            env.step(action)
        env.reset(seed=0, options={'reset_mask': mask})
        env.reset()


@pytest.mark.gpu
def test_steps_and_resets_never_wait_for_the_gpu(task):
    env = make(task, num_envs=16, device='cuda')
    actions = [actions_of(env, step) for step in range(8)]
    mask = torch.arange(16, device='cuda') % 2 == 0
    env.reset(seed=0)
    env.step(actions[0])  # compiles the kernels
    torch.cuda.set_sync_debug_mode('error')
    try:
        for action in actions:
            env.step(action)
        env.reset(seed=0, options={'reset_mask': mask})
        env.reset()
    finally:
        torch.cuda.set_sync_debug_mode('default')


# What goes wrong


@pytest.mark.parametrize(
    'actions, message',
    [
        (torch.zeros(NUM_ENVS), 'actions must be integers, got torch.float32'),
        (torch.full((NUM_ENVS,), torch.nan), 'actions must be integers, got torch.float32'),
        (torch.zeros(NUM_ENVS, dtype=torch.bool), 'actions must be integers, got torch.bool'),
        (integers(NUM_ENVS + 1), r'actions must have shape \(5,\), got \(6,\)'),
        (integers(NUM_ENVS, 1), r'actions must have shape \(5,\), got \(5, 1\)'),
        (integers(NUM_ENVS, device='meta'), 'actions must be what torch.as_tensor takes'),
        (integers(NUM_ENVS).to_sparse(), 'actions must be a dense tensor, got one that is torch.sparse_coo'),
    ],
)
def test_rejects_bad_actions(task, actions, message):
    env = make(task)
    env.reset()
    with pytest.raises(ValueError, match=message):
        env.step(actions)


@pytest.mark.parametrize('wild', [-1, 7, -(2**63), 2**63 - 1])
def test_actions_out_of_range_do_nothing(task, wild, device):
    """They can't be refused, for looking at them would wait for the GPU: so they mean stay, and nothing is spoilt."""
    staying, wildly = (make(task, device=device) for _ in range(2))
    for env in (staying, wildly):
        env.reset(seed=0)
    for step in range(6):
        actions = actions_of(staying, step)
        some = torch.arange(NUM_ENVS, device=staying.device) == step % NUM_ENVS
        outputs = [env.step(torch.where(some, number, actions)) for env, number in ((staying, STAY), (wildly, wild))]
        assert equal(*outputs)


@pytest.mark.parametrize('dtype', [torch.int8, torch.uint8, torch.int32])
def test_actions_may_be_any_integers(task, dtype):
    env, other = make(task), make(task)
    outputs = [
        each.reset(seed=0) and each.step(actions_of(each, 0).to(to))
        for each, to in ((env, torch.int64), (other, dtype))
    ]
    assert equal(*outputs)


def test_a_map_with_too_few_spawns_is_named():
    with pytest.raises(ValueError, match='map 1 has 1 spawns, too few for 2 agents'):
        Scenery.pack([box(), box(spawns=[(2, 2)])], num_agents=2, device='cpu')


@pytest.mark.parametrize(
    'options, message',
    [
        ({'mask': None}, "options may have reset_mask and map_ids, got 'mask'"),
        (3, 'options must be a dictionary, got 3'),
        ({'reset_mask': integers(NUM_ENVS)}, 'reset_mask must be bool, got torch.int64'),
        (
            {'reset_mask': integers(NUM_ENVS).bool().to_sparse()},
            'reset_mask must be a dense tensor, got one that is torch',
        ),
        (
            {'map_ids': integers(NUM_ENVS).to_sparse()},
            'map_ids must be a dense tensor, got one that is torch.sparse_coo',
        ),
        ({'map_ids': np.full(NUM_ENVS, 2**64 - 1, np.uint64)}, 'map_ids must be from 0 to 1, got'),
        ({'reset_mask': np.ones(3, dtype=bool)}, r'reset_mask must have shape \(5,\), got \(3,\)'),
        ({'map_ids': [0, 0, 0, 0, 2]}, 'map_ids must be from 0 to 1, got 2'),
        ({'map_ids': [0, 0]}, r'map_ids must have shape \(5,\), got \(2,\)'),
    ],
)
def test_rejects_bad_options(task, options, message):
    env = make(task)
    env.reset(seed=0)
    before = copied([getattr(env.core.agents, name) for name in STATE])
    with pytest.raises(ValueError, match=message):
        env.reset(seed=1, options=options)
    assert equal(before, [getattr(env.core.agents, name) for name in STATE])


def test_a_step_needs_a_reset(task):
    env = make(task)
    with pytest.raises(ResetNeeded, match=r'env.step\(\) needs env.reset\(\)'):
        env.step(integers(NUM_ENVS))
    with pytest.raises(ResetNeeded, match=r'env.snapshot\(\) needs env.reset\(\)'):
        env.snapshot(0)
    with pytest.raises(ResetNeeded, match='the first reset must be of all envs'):
        env.reset(options={'reset_mask': np.ones(NUM_ENVS, dtype=bool)})


OBVIOUS = (
    '_actions',
    '_action',
    '_frames',
    '_run',
    '_runner',
    '_kept',
    '_begun',
    '_steps',
    '_rewards',
    '_obs',
    '_goals',
)


@pytest.mark.parametrize('name', OBVIOUS)
def test_a_task_may_call_what_is_its_own_by_obvious_names(name):
    """The base class has none of them: a task that kept its last actions as `_actions` had failed in the next step."""

    class Noted(Walk):
        def _act(self, actions):
            setattr(self, name, actions)
            super()._act(actions)

    env, plain = Noted(render_mode='rgb_array'), Walk()
    outputs = [(each.reset(seed=0), *(each.step([1] * 6) for _ in range(3))) for each in (env, plain)]
    assert equal(*outputs)
    env.set_state(env.get_state())
    assert len(env.render()) == 1


class Interrupted(Walk):
    """Is stopped before its agents have been placed, the first time."""

    stops = 1

    def _respawn(self, mask):
        if self.stops:
            self.stops -= 1
            raise KeyboardInterrupt
        super()._respawn(mask)


def test_a_first_reset_that_was_interrupted_is_none():
    env, plain = Interrupted(AutoresetMode.DISABLED), Walk(AutoresetMode.DISABLED)
    with pytest.raises(KeyboardInterrupt):
        env.reset(seed=0)
    with pytest.raises(ResetNeeded, match=r'env.step\(\) needs env.reset\(\)'):
        env.step([1] * 6)
    assert torch.equal(env.reset(seed=0)[0], plain.reset(seed=0)[0])
    env.stops = 1
    with pytest.raises(KeyboardInterrupt):
        env.reset(seed=1)
    assert len(env.step([1] * 6)) == 5  # agents stand where they stood


def test_a_closed_env_stays_closed(task):
    env = make(task)
    env.reset()
    env.close()
    env.close()
    for use in (env.reset, lambda: env.step(integers(NUM_ENVS)), lambda: env.snapshot(0)):
        with pytest.raises(ClosedEnvironmentError, match=f'{task.__name__} has been closed'):
            use()


def test_rejects_an_unknown_render_mode(task):
    with pytest.raises(ValueError, match="render_mode must be one of None, 'rgb_array', got 'human'"):
        make(task, render_mode='human')


def test_all_that_a_task_may_define_stands_in_its_hooks():
    own = {name for name in vars(Env) if not name.startswith('__')}
    assert own.isdisjoint(vars(TaskHooks))
    assert {'_act', '_respawn', '_observe', '_outcome', '_info', 'scores', 'default_maps'} <= set(vars(TaskHooks))


def test_rendering_before_the_first_reset_is_named():
    env = make(Minimal, num_envs=2, cameras=FEW_RAYS, render_mode='rgb_array')
    with pytest.raises(ResetNeeded, match=r'env\.render\(\) needs env\.reset\(\) to be called first'):
        env.render()
