"""Each env's course depends on its own number, map and actions, and not on how many others there are."""

import pytest
import torch
from floorplans.tracks import ring
from gymnasium.vector import AutoresetMode
from rollouts import FEW_RAYS, leaves
from torch.utils._pytree import tree_map
from worlds import box, houses

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep import MapSet
from megastep.env.motion import MOTIONS

NOISE = {'action_noise': 0.1, 'odometry_drift': 0.1, 'depth_noise': 0.1, 'rgb_noise': 0.05, 'pixel_dropout': 0.1}
SOON = {'time_limit': 1.0, 'cameras': FEW_RAYS}
ARENA = [box(1, 1, 9, 9, spawns=[(x + 0.5, y + 0.5) for x in range(2, 8) for y in range(2, 8)])]
TASKS = {
    'deathmatch': (Deathmatch, ARENA, 3, {'num_agents': 3}),
    'explorer': (Explorer, houses(2), 1, {}),
    'foraging': (Foraging, houses(2), 2, {'num_agents': 2, 'regrowth': 0.5}),
    'minimal': (Minimal, None, 1, {'time_limit': None}),
    'noise': (Explorer, houses(2), 1, NOISE),
    'pointgoal': (PointGoal, MapSet(houses(2)), 1, {'furthest': None}),
    'racing': (Racing, [ring()], 1, {}),
    'same step': (Waypoint, MapSet(houses(2)), 1, {'autoreset_mode': AutoresetMode.SAME_STEP, 'furthest': None}),
    'waypoint': (Waypoint, MapSet(houses(2)), 1, {'furthest': None}),
    **{f'motion {name}': (Foraging, houses(2), 1, {'motion': name, 'time_limit': 0.5}) for name in MOTIONS},
}


def course(case, num_envs, actions, device):
    """What comes out of each row of so many envs, through resets of all and of some."""
    task, maps, agents, options = case
    given = {} if maps is None else {'maps': maps}
    env = task(num_envs=num_envs * agents, device=device, **given, **{**SOON, **options})
    ids = torch.arange(num_envs, device=device) % env.core.scenery.num_maps
    mask = torch.arange(env.num_envs, device=device) // agents % 2 == 0
    steps = [env.reset(seed=5, options={'map_ids': ids})]
    for number, action in enumerate(actions):
        if number == 15:
            steps += [env.reset(options={'reset_mask': mask}), env.reset(seed=6, options={'reset_mask': ~mask})]
        steps.append(env.step(tree_map(lambda values: torch.as_tensor(values[: env.num_envs]).to(device), action)))
    return [leaves(step) for step in steps], env


@pytest.mark.parametrize('name', TASKS)
def test_the_first_of_many_envs_play_as_few_do(name, device):
    """Through their own resets, and those of some from outside."""
    case = TASKS[name]
    task, maps, agents, options = case
    space = task(num_envs=8 * agents, device=device, **({} if maps is None else {'maps': maps}), **options).action_space
    space.seed(0)
    actions = [space.sample() for _ in range(24)]
    many, _ = course(case, 8, actions, device)
    for num_envs in (1, 3):
        few, env = course(case, num_envs, actions, device)
        assert env.core.num_envs == num_envs
        for one, other in zip(few, many, strict=True):
            for some, all_of_them in zip(one, other, strict=True):
                assert torch.equal(some, all_of_them[: len(some)])


@pytest.mark.parametrize('task', [Minimal, PointGoal])
def test_no_two_envs_or_resets_begin_alike(task):
    env = task(num_envs=200, device='cpu', cameras=FEW_RAYS)
    begun = []
    for seed in (3, None, None, 4):
        env.reset(seed=seed)
        begun.append(env.core.agents.angles.flatten().clone())
    assert len(torch.cat(begun).unique()) > 790
    env.reset(seed=3)
    assert torch.equal(env.core.agents.angles.flatten(), begun[0])
