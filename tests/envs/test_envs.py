import copy
import warnings

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from rollouts import (
    FEW_RAYS,
    NUM_ENVS,
    actions_of,
    integers,
    make,
)
from worlds import box, houses

from envs import Explorer, Minimal, Waypoint
from megastep.maps import splitting
from megastep.world import rendering
from megastep.world.cameras import Cameras


@pytest.fixture(params=[Minimal, Explorer])
def task(request):
    return request.param


@pytest.mark.parametrize('name', ['Minimal', 'Explorer'])
def test_make_vec(name):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        env = gymnasium.make_vec(f'envs:megastep/{name}-v0', num_envs=3, maps=houses(2), device='cpu')
        env.reset(seed=0)
        env.step(actions_of(env, 0))
        assert copy.deepcopy(env.spec).id == f'megastep/{name}-v0'
        assert env.num_envs == 3
        env.close()


@pytest.mark.parametrize('name', ['Minimal', 'Explorer'])
def test_maps_are_built_in(name):
    env = gymnasium.make_vec(f'envs:megastep/{name}-v0', num_envs=8, device='cpu')
    assert env.core.scenery.num_maps == {'Minimal': 1, 'Explorer': 8}[name]


def test_attributes(task):
    env = make(task, fps=20)
    assert env.num_envs == NUM_ENVS
    assert env.device == torch.device('cpu')
    assert env.metadata['autoreset_mode'] is gymnasium.vector.AutoresetMode.NEXT_STEP
    assert env.metadata['render_fps'] == 20
    assert env.single_action_space.n == 7
    assert env.action_space.shape == (NUM_ENVS,)


def test_observations_lie_in_their_spaces(task):
    env = make(task)

    def arrays(observations, row=slice(None)):
        if isinstance(observations, dict):
            return {name: values[row].numpy() for name, values in observations.items()}
        return observations[row].numpy()

    observations, _ = env.reset(seed=0)
    for step in range(5):
        assert env.observation_space.contains(arrays(observations))
        assert all(env.single_observation_space.contains(arrays(observations, i)) for i in range(NUM_ENVS))
        observations = env.step(actions_of(env, step))[0]


def test_what_a_step_returns(task):
    env = make(task)
    env.reset()
    _, rewards, terminated, truncated, info = env.step(actions_of(env, 0))
    row = (NUM_ENVS,)
    assert (rewards.shape, terminated.shape, truncated.shape, info['_episode'].shape) == (row,) * 4
    assert rewards.dtype == torch.float32
    assert {terminated.dtype, truncated.dtype, info['_episode'].dtype} == {torch.bool}
    assert {name: values.shape for name, values in info['episode'].items()} == dict.fromkeys(
        ('return', 'length', 'map_ids', 'r', 'l', 't'), row
    )


def test_state_shows_one_env(task):
    env = make(task)
    env.reset(seed=0)
    for step in range(3):
        info = env.step(actions_of(env, step))[4]
    state = env.snapshot(3)
    assert state.map_id == env.core.map_ids[3]
    np.testing.assert_allclose(state.positions, env.core.agents.positions[3])
    assert state.values['length'] == 3
    assert state.values['return'] == pytest.approx(info['episode']['return'][3].item())
    assert list(state.values) == ['reward', 'return', 'length']
    with pytest.raises(ValueError, match='env must be from 0 to 4, got 5'):
        env.snapshot(5)


def test_render_draws_the_first_env():
    env = make(Minimal, render_mode='rgb_array')
    env.reset(seed=0)
    (before,) = env.render()
    env.step(torch.full((NUM_ENVS,), 5))
    (after,) = env.render()
    assert before.dtype == np.uint8 and before.ndim == 3 and before.shape[2] == 3
    assert not np.array_equal(before, after)
    assert env.plot_state(env.snapshot(1)).axes
    with pytest.raises(ValueError, match=r"env.render\(\) needs render_mode='rgb_array', got None"):
        make(Minimal).render()


def test_render_draws_the_envs_that_it_is_asked_for():
    env = make(Minimal, num_envs=3, render_mode='rgb_array')
    env.reset(seed=0)
    first, last = env.render([0, 2])
    assert not np.array_equal(first, last)
    (alone,) = env.render(np.int64(2))
    assert np.array_equal(alone, last)
    with pytest.raises(ValueError, match='env must be from 0 to 2, got 3'):
        env.render(range(2, 4))
    with pytest.raises(ValueError, match="env must be from 0 to 2, got 'human'"):
        env.render('human')


def test_minimal_pays_for_the_way_forward():
    env = make(Minimal, num_envs=3, maps=[box(1, 1, 11, 11, spawns=[(6, 6)])])
    env.reset(seed=0)
    rewards = env.step(torch.tensor([1, 2, 3]))[1]
    assert rewards.tolist() == pytest.approx([0.2, -0.2, 0], abs=1e-5)
    assert env.single_observation_space == Box(0, 1, (1, 64), dtype=np.float32)


def sighted(env):
    """For each env, the texels in sight as (wall, texel of the wall), one ray after another."""
    view = rendering.render(env.core, env.cameras, per_ray=True)
    scenery, outlines = env.core.scenery, env.core.num_agents * env.core.scenery.lines_per_agent
    for number, lines, locations in zip(env.core.map_ids.tolist(), view.lines, view.locations, strict=True):
        found = set()
        for line, location in zip(lines.flatten().tolist(), locations.flatten().numpy(), strict=True):
            if line >= outlines:
                count = int(scenery.texels[int(scenery.walls.starts[number]) + line - outlines][1])
                found.add((line - outlines, min(int(location * np.float32(count)), count - 1)))
        yield found


def test_explorer_pays_for_texels_seen_first_and_truncates_when_patience_is_out():
    env = make(Explorer, num_envs=4, cameras=Cameras(res=1, subsample=2), patience=0.1, maps=houses(3))
    env.reset(seed=0)
    seen, over, lengths, ends = list(sighted(env)), [False] * 4, [0] * 4, 0
    for step in range(80):
        actions = actions_of(env, step) if step < 30 else integers(4)  # explores, then only stays
        _, rewards, terminated, truncated, _ = env.step(actions)
        for i, sight in enumerate(sighted(env)):
            new = sight - seen[i]
            seen[i] = sight if over[i] else seen[i] | sight
            lengths[i] = 0 if over[i] else lengths[i] + 1
            assert rewards[i].item() == pytest.approx(0 if over[i] else len(new))
            over[i] = not over[i] and lengths[i] >= 1 + len(seen[i])
            assert truncated[i].item() == over[i]
            ends += over[i]
        assert env._coverage.counts.tolist() == [len(s) for s in seen]
        assert not terminated.any()
    assert ends > 4


def test_an_explorer_that_stays_has_200_steps_and_one_for_each_texel_in_sight():
    env = make(Explorer, num_envs=1, cameras=FEW_RAYS)
    env.reset(seed=0)
    lived = 200 + len(next(sighted(env)))
    truncated = [bool(env.step(integers(1))[3]) for _ in range(lived)]
    assert truncated == [False] * (lived - 1) + [True]


def test_an_explorer_says_how_much_of_its_map_it_has_seen(device):
    """Of all the map's texels, each counted once; in a room of four walls a ring of cameras sees nearly all of them."""
    ring = Cameras(res=64, fov=120, mounts=[(0, 0, 0), (0, 0, 120), (0, 0, 240)])
    env = make(Explorer, num_envs=4, maps=[box(), box(1, 1, 9, 9)], cameras=ring, device=device)
    env.reset(seed=0)
    coverage = env.step(actions_of(env, 0))[4]['coverage']
    texels = torch.tensor([2 * (80 + 60)] * 2 + [4 * 160] * 2, device=device)
    torch.testing.assert_close(coverage, env._coverage.counts / texels)
    assert (coverage > 0.8).all() and (coverage <= 1).all()
    coarse = make(Explorer, num_envs=3, cameras=FEW_RAYS, patience=0.1, device=device)
    coarse.reset(seed=0)
    for step in range(40):
        info = coarse.step(actions_of(coarse, step))[4]
        for i, words in enumerate(coarse._coverage.seen.bits.tolist()):
            seen = sum(bin(word & 0xFFFFFFFF).count('1') for word in words)
            total = int(coarse.core.scenery.surface.widths[coarse.core.map_ids[i]])
            assert info['coverage'][i].item() == pytest.approx(seen / total)


@pytest.mark.parametrize('patience', [0, -1, float('nan')])
def test_rejects_impossible_patience(patience):
    with pytest.raises(ValueError, match=f'patience must be above 0 s and finite, got {patience}'):
        make(Explorer, patience=patience)


@pytest.mark.parametrize('default_of', [Minimal, Waypoint])
def test_default_maps_differ_from_one_another_and_by_seed(default_of):
    """So that agents are watched and tested in maps that they haven't learnt in."""
    train, test = (default_of.default_maps(seed=seed) for seed in (0, 1))
    splitting.check_disjoint(train.walls, test.walls)
    assert len(np.unique(train.stats('symmetry_hash')['symmetry_hash'])) == len(train) == 8
    assert (train.stats('area')['area'] < 90).all()
