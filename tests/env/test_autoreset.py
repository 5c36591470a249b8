"""How envs that have ended begin anew: with the next step, in the same step, or when told to."""

import pytest
import torch
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, FORWARD, actions_of, copied, equal, make
from worlds import houses

from envs import Minimal
from megastep.env import Env
from megastep.env.motion import SimpleMovement
from megastep.env.sensors import IMU
from megastep.env.spawning import RandomSpawns
from megastep.world import physics, rendering
from megastep.world.core import Core
from megastep.world.scenery import Scenery

SAME_STEP, DISABLED = AutoresetMode.SAME_STEP, AutoresetMode.DISABLED


def short(mode, **options):
    env = make(Minimal, num_envs=4, autoreset_mode=mode, **{'shortest': 2, 'longest': 4, **options})
    env.reset(seed=0)
    return env


class Bare(Env):
    """Of a core that is given. Episodes have three steps."""

    def __init__(self, core):
        self._movement, self._spawns, self._imu = SimpleMovement(core), RandomSpawns(core), IMU(core)
        super().__init__(core, FEW_RAYS, action_space=self._movement.space, observation_space=self._imu.space)

    def _act(self, actions):
        self._movement.step(actions)
        physics.advance(self.core)

    def _observe(self):
        return self._imu.observe()

    def _outcome(self):
        return self.returns * 0, self._nobody, self.lengths >= 3


def drawn(env):
    return env._depth.observe(rendering.render(env.core, env.cameras))


def spawned(env):
    """Which envs' agents stand at a spawn of their map."""
    spawns = [env.core.scenery.spawns[number] for number in env.core.map_ids.tolist()]
    return torch.stack([(spawns[i] == env.core.agents.positions[i, 0]).all(-1).any() for i in range(env.num_envs)])


@pytest.mark.parametrize('mode', list(AutoresetMode))
def test_the_mode_stands_in_the_metadata(mode):
    env = short(mode)
    assert env.metadata['autoreset_mode'] is env.autoreset_mode is mode
    assert Minimal.metadata['autoreset_mode'] is AutoresetMode.NEXT_STEP


@pytest.mark.parametrize('mode', ['NextStep', None, True])
def test_rejects_an_unknown_mode(mode):
    with pytest.raises(ValueError, match=rf'autoreset_mode must be a gymnasium.vector.AutoresetMode, got {mode!r}'):
        make(Minimal, autoreset_mode=mode)


def test_with_same_step_the_step_that_ends_an_episode_begins_the_next():
    env, ends = short(SAME_STEP), 0
    forward = torch.full((4,), FORWARD)
    for _ in range(12):
        lengths = env.lengths.clone()
        observations, rewards, terminated, truncated, info = env.step(forward)
        assert torch.equal(observations, drawn(env))
        assert torch.equal(spawned(env), truncated)
        assert not terminated.any()
        for mask in ('_episode', '_final_obs', '_final_info'):
            assert torch.equal(info[mask], truncated)
        assert torch.equal(info['final_info']['episode']['length'], lengths + 1)
        assert info['final_info']['episode']['l'] is info['final_info']['episode']['length']
        assert torch.equal(info['final_info']['episode']['t'], info['episode']['t'])
        assert torch.equal(info['episode']['length'], lengths + 1)
        assert env.lengths.tolist() == torch.where(truncated, 0, lengths + 1).tolist()
        assert (rewards != 0).any()
        assert torch.equal(info['final_obs'][~truncated], observations[~truncated])
        assert not torch.equal(info['final_obs'][truncated], observations[truncated]) or not truncated.any()
        ends += int(truncated.sum())
    assert ends > 6


def test_with_same_step_the_final_observation_is_what_the_last_step_led_to():
    """The same seed, the same actions: until its first end, an env's steps are those of an env that goes on."""
    ending, going = short(SAME_STEP), short(DISABLED, shortest=50, longest=50)
    going.set_state({**ending.get_state(), 'shared': going.get_state()['shared']})
    going._lifespans.left.fill_(100)
    alive = torch.ones(4, dtype=torch.bool)
    for step in range(4):
        actions = actions_of(ending, step)
        (observations, rewards, _, truncated, info), expected = ending.step(actions), going.step(actions)
        assert torch.equal(
            torch.where(truncated[:, None, None], info['final_obs'], observations)[alive], expected[0][alive]
        )
        assert torch.equal(rewards[alive], expected[1][alive])
        alive &= ~truncated
    assert not alive.any()


def test_disabled_envs_begin_anew_when_told_to():
    env = short(DISABLED)
    for step in range(12):
        _, rewards, _, truncated, info = env.step(actions_of(env, step))
        assert torch.equal(info['_episode'], truncated)
        assert 'final_obs' not in info
        assert not (spawned(env) & truncated & (rewards != 0)).any()
        if truncated.any():
            kept = env.lengths.clone()
            observations, _ = env.reset(options={'reset_mask': truncated.numpy()})
            assert torch.equal(observations, drawn(env))
            assert env.lengths.tolist() == torch.where(truncated, 0, kept).tolist()
            assert spawned(env)[truncated].all()


@pytest.mark.parametrize('mode', [AutoresetMode.NEXT_STEP, SAME_STEP])
def test_envs_that_move_to_another_map_begin_anew_there_with_the_next_step(mode):
    env = short(mode)
    env._lifespans.left.fill_(50)
    for step in range(3):
        env.step(actions_of(env, step))
    env.core.map_ids = [0, 1, 1, 0]
    assert spawned(env).tolist() == [False, True, False, True]
    _, rewards, _, truncated, info = env.step(torch.full((4,), FORWARD))
    assert info['episode']['length'].tolist() == [4, 0, 4, 0]
    assert info['episode']['map_ids'].tolist() == [0, 1, 1, 0]
    assert not truncated.any() and not rewards[[1, 3]].any() and rewards[[0, 2]].all()
    assert spawned(env).tolist() == [False, True, False, True]
    assert env.step(actions_of(env, 3))[4]['episode']['length'].tolist() == [5, 1, 5, 1]


def test_disabled_envs_that_move_to_another_map_stand_in_it_until_they_are_reset():
    env = short(DISABLED)
    env.core.map_ids = [0, 1, 1, 0]
    assert spawned(env)[[1, 3]].all()
    env.reset(options={'reset_mask': env.core.over})
    assert env.step(actions_of(env, 0))[4]['episode']['length'].tolist() == [1] * 4


def test_a_checked_core_refuses_maps_written_in_mid_episode():
    """Agents would be outside their map: nobody but an env whose episode is over may be moved so."""
    scenery = Scenery.pack(houses(2), device='cpu')
    for checked in (True, False):
        env = Bare(Core(scenery, num_envs=4, checked=checked))
        env.reset(seed=0)
        for step in range(3):
            env.step(actions_of(env, step))
        assert env.core.over.all()
        env.core.map_ids[:] = 1
        env.step(actions_of(env, 3))
        env.reset(options={'map_ids': [1, 0, 0, 1], 'reset_mask': [True, True, False, False]})
        env.step(actions_of(env, 4))
        env.set_state(env.get_state())
        env.core.map_ids[2] = 1 - env.core.map_ids[2]
        if checked:
            with pytest.raises(
                ValueError, match=r'that of env 2 was changed from \d to \d in mid-episode: assign core'
            ):
                env.step(actions_of(env, 5))
        else:
            env.step(actions_of(env, 5))


def test_disabled_envs_that_are_not_reset_go_on():
    env = short(DISABLED)
    lengths = [env.step(actions_of(env, step))[4]['episode']['length'].tolist() for step in range(8)]
    assert lengths == [[step + 1] * 4 for step in range(8)]


@pytest.mark.parametrize('mode', [SAME_STEP, DISABLED])
def test_what_is_not_copied_holds_the_same_values(mode):
    rollouts = []
    for copy in (True, False):
        env = short(mode, copy=copy)
        rollouts.append([copied(env.step(actions_of(env, step))) for step in range(10)])
    assert equal(*rollouts)


@pytest.mark.gpu
@pytest.mark.parametrize('mode', list(AutoresetMode))
@pytest.mark.parametrize('copy', [True, False])
def test_a_graph_does_what_eager_steps_do_in_every_mode(mode, copy):
    rollouts = []
    for graph in (True, False):
        env = short(mode, device='cuda', cuda_graph=graph, copy=copy)
        rollouts.append([copied(env.step(actions_of(env, step))) for step in range(20)])
    assert equal(*rollouts)
