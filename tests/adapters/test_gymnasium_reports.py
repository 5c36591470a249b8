"""What users of Gymnasium's vector envs, and of loops such as CleanRL's, have reported, and isn't so here.

| thread | report |
|---|---|
| Gymnasium 1017, 1624 | lengths are one too many, or too few, from the second episode on |
| Gymnasium 1103, gym 2484, 3177, envpool 33 | what an episode ended in can't be seen |
| gym 3102 | an end is either a termination or a truncation, though it was both |
| Gymnasium 1227, CleanRL 432 | how many episodes so many steps hold differs by the mode |
| envpool 194, TorchRL 2473 | after an end an action is taken, or paid for |
| gym 3121, Gymnasium 427, 1321 | automatic resets can't be repeated by a seed |
| gym 250 | each reset begins the same episode again |
| gym 3146 | envs of one seed are all the same |
| ManiSkill 320 | an info holds itself, and so memory that is freed late |
| MO-Gymnasium 142 | sums of an episode go on in the next |
| CleanRL 198 | values are taken from the next episode's first observation |
| CleanRL 499 | a loop finds no returns in the infos |
| Gymnasium 1279 | stacked frames only within the vector env: see test_wrappers.py |
"""

import gc
import weakref

import numpy as np
import pytest
import torch
from endings import STEPS, Endings, walking
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import ArrayConversion, RecordEpisodeStatistics

NEXT_STEP, SAME_STEP, DISABLED = MODES = tuple(AutoresetMode)


def played(env, count, seed=0):
    """What steps return; with DISABLED what has ended is reset before the next."""
    env.reset(seed=seed)
    found = []
    for step in range(count):
        found.append(env.step(walking(env, step)))
        if env.autoreset_mode is DISABLED and (ended := found[-1][2] | found[-1][3]).any():
            env.reset(options={'reset_mask': ended})
    return found


@pytest.mark.parametrize('mode', MODES)
def test_every_episode_is_as_long_as_it_is(mode):
    """Gymnasium 1017, 1624."""
    lengths = [info['episode']['l'][info['_episode']] for *_, info in played(Endings(mode), 14)]
    lengths = torch.cat(lengths)
    assert len(lengths) >= 9 and lengths.eq(STEPS).all()


def test_gymnasium_counts_the_same():
    """Gymnasium 1624, by its own wrapper beside our statistics."""
    pytest.importorskip('array_api_compat', reason='needs the extra wrappers')
    arrays = ArrayConversion(Endings(SAME_STEP), env_xp=torch, target_xp=np)
    env = RecordEpisodeStatistics(arrays, stats_key='statistics')
    env.reset(seed=0)
    for step in range(2 * STEPS):
        info = env.step(walking(env, step).numpy())[-1]
        if 'statistics' in info:
            assert info['statistics']['l'].tolist() == info['episode']['l'].tolist() == [STEPS] * 3


@pytest.mark.parametrize('mode', [NEXT_STEP, SAME_STEP])
def test_what_an_episode_ended_in_is_seen(mode):
    """Gymnasium 1103, gym 2484, 3177, envpool 33: it is what is seen where nothing resets by itself."""
    last, known = (played(Endings(each), STEPS)[-1] for each in (mode, DISABLED))
    found = last[0] if mode is NEXT_STEP else last[-1]['final_obs']
    assert torch.equal(found, known[0]) and torch.equal(last[1], known[1])
    assert mode is NEXT_STEP or not torch.isclose(last[0], known[0]).all(dim=1).any()


@pytest.mark.parametrize('mode', MODES)
def test_an_episode_may_be_terminated_and_truncated_at_once(mode):
    """Gym 3102."""
    _, _, terminated, truncated, info = played(Endings(mode), STEPS)[-1]
    assert terminated.tolist() == [True, False, True] and truncated.tolist() == [False, True, True]
    assert info['_episode'].all()


@pytest.mark.parametrize('mode, episodes', [(NEXT_STEP, 3), (SAME_STEP, 4), (DISABLED, 4)])
def test_so_many_episodes_fit_into_steps(mode, episodes):
    """Gymnasium 1227, CleanRL 432: a reset takes a step with NEXT_STEP, and none otherwise."""
    ends = sum(step[2] | step[3] for step in played(Endings(mode), 4 * STEPS))
    assert (ends == episodes).all()


def test_the_step_after_an_end_takes_no_action_and_pays_nothing():
    """Envpool 194, TorchRL 2473."""
    after = []
    for action in (1, 5):
        env = Endings()
        played(env, STEPS)
        after.append(env.step(torch.full((3,), action)))
    assert all(torch.equal(one, other) for one, other in zip(after[0][:4], after[1][:4], strict=True))
    assert (after[0][1] == 0).all() and not (after[0][2] | after[0][3]).any()
    assert (after[0][-1]['episode']['l'] == 0).all()


@pytest.mark.parametrize('mode', MODES)
def test_one_seed_repeats_all_automatic_resets(mode):
    """Gym 3121, Gymnasium 427, 1321."""
    one, again, other = (played(Endings(mode), 3 * STEPS, seed) for seed in (3, 3, 4))
    assert all(torch.equal(a[0], b[0]) for a, b in zip(one, again, strict=True))
    assert not any(torch.equal(a[0], b[0]) for a, b in zip(one, other, strict=True))


def test_a_reset_without_a_seed_begins_another_episode():
    """Gym 250."""
    env = Endings()
    first, _ = env.reset(seed=0)
    assert not torch.equal(env.reset()[0], first)
    assert torch.equal(env.reset(seed=0)[0], first)


def test_envs_of_one_seed_differ():
    """Gym 3146."""
    assert len(Endings(num_envs=9).reset(seed=0)[0].unique(dim=0)) > 5


@pytest.mark.parametrize('mode', MODES)
def test_an_info_is_freed_with_its_last_use(mode):
    """ManiSkill 320: without the garbage collector's help."""
    env = Endings(mode)
    gc.disable()
    try:
        *_, info = played(env, STEPS)[-1]
        held = [weakref.ref(info[name]) for name in ('_episode', 'final_obs') if name in info]
        del info
        assert not any(each() is not None for each in held)
    finally:
        gc.enable()


@pytest.mark.parametrize('mode', MODES)
def test_nothing_of_an_episode_goes_on_in_the_next(mode):
    """MO-Gymnasium 142: the return of each is the sum of its own rewards."""
    sums, ends = torch.zeros(3), 0
    for _, rewards, terminated, truncated, info in played(Endings(mode), 4 * STEPS):
        sums += rewards
        ended = terminated | truncated
        torch.testing.assert_close(info['episode']['r'][ended], sums[ended])
        sums, ends = sums.masked_fill(ended, 0), ends + ended.sum()
    assert ends >= 9


def test_targets_of_values_are_the_same_in_every_mode():
    """CleanRL 198: a reward, and the value of what came of it, unless the episode was terminated."""
    targets = []
    for mode in MODES:
        observations, rewards, terminated, truncated, info = played(Endings(mode), STEPS)[-1]
        following = info['final_obs'] if mode is SAME_STEP else observations
        targets.append(rewards + 0.9 * following.sum(dim=1) * ~terminated)
        assert (terminated | truncated).all()
    assert torch.equal(targets[0], targets[1]) and torch.equal(targets[0], targets[2])
    assert targets[0][1] > targets[0][0]  # with something to come


def test_cleanrls_loop_finds_returns():
    """CleanRL 499, as its loops read infos since Gymnasium 1.1."""
    found = []
    for *_, infos in played(Endings(SAME_STEP), 2 * STEPS):
        assert 'final_info' in infos
        ended = infos['_final_info']
        found += infos['final_info']['episode']['r'][ended].tolist()
        assert torch.equal(infos['final_info']['_episode'], ended)
    assert len(found) == 6
