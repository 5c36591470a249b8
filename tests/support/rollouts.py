"""Envs to run in the tests, and what comes out of them."""

import torch
from worlds import houses

from megastep.world.cameras import Cameras

STAY, FORWARD = 0, 1
NUM_ENVS = 5
STATE = ('positions', 'velocities', 'angles', 'angular_velocities')
FEW_RAYS = Cameras(res=8, subsample=2)


def make(task, num_envs=NUM_ENVS, device='cpu', **options):
    maps = options.pop('maps', None)
    return task(maps=houses(2) if maps is None else maps, num_envs=num_envs, device=device, **options)


def actions_of(env, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(7, (env.num_envs,), generator=generator).to(env.device)


def leaves(nested):
    """All tensors of nested dictionaries and tuples."""
    if isinstance(nested, torch.Tensor):
        return [nested]
    return [leaf for value in (nested.values() if isinstance(nested, dict) else nested) for leaf in leaves(value)]


def copied(nested):
    return [leaf.clone() for leaf in leaves(nested)]


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(leaves(one), leaves(other), strict=True))


def rollout(env, steps, seed=0):
    """Everything that comes out of a reset and some steps of random actions."""
    return [copied(env.reset(seed=seed)), *(copied(env.step(actions_of(env, i))) for i in range(steps))]


def integers(*shape, **options):
    return torch.zeros(shape, dtype=torch.int64, **options)
