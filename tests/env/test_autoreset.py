"""How envs that have ended begin anew: with the next step, in the same step, or when told to."""

import pytest
import torch
from gymnasium.vector import AutoresetMode
from rollouts import FORWARD, actions_of, copied, equal, make

from envs import Minimal
from megastep.world import rendering

SAME_STEP, DISABLED = AutoresetMode.SAME_STEP, AutoresetMode.DISABLED


def short(mode, **options):
    env = make(Minimal, num_envs=4, autoreset_mode=mode, **{'shortest': 2, 'longest': 4, **options})
    env.reset(seed=0)
    return env


def drawn(env):
    return env._depth.observe(rendering.render(env.core, env.cameras))


def spawned(env):
    """Which envs' agents stand at a spawn of their map."""
    spawns = [env.core.scenery.spawns[number] for number in env.core.map_ids.tolist()]
    return torch.stack([(spawns[i] == env.core.agents.positions[i, 0]).all(-1).any() for i in range(env.num_envs)])


@pytest.mark.parametrize('mode', list(AutoresetMode))
def test_the_mode_stands_in_the_metadata(mode):
    assert short(mode).metadata['autoreset_mode'] is mode
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
