"""What environments observe, take and say, asked of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import gymnasium
import torch
from gymnasium.spaces import Box, Dict, Discrete

import envs
from megastep.env.motion import ACTIONS

ABOUT = {
    'rgb': 'linear colours of the pixels, from left to right',
    'depth': "how near things are: 1 at the agent's rim, 0 from `max_depth` on",
    'imu': 'its own velocity forward and leftward in m/s, and its turn rate in turns/s',
    'goal': 'metres to the goal as a bird flies, and the cosine and sine of its bearing',
    'health': 'the share of its health that is left',
    'cooldown': 'the share of the time between two shots that it has to wait',
    'success': 'whether it is at its goal',
    'spl': 'success weighted by path length',
    'soft_spl': 'the same, for the part of the way that was made',
    'distance_to_goal': 'metres along the shortest path that are left',
    'collisions': 'steps in which it touched something',
    'shortest_path': 'metres from start to goal along the shortest path',
    'metres_walked': 'metres that it has walked',
    'start_x': 'where it began: metres to the right',
    'start_y': 'metres up',
    'goal_x': 'where its goal is: metres to the right',
    'goal_y': 'metres up',
    'coverage': "the share of the map's texels that has been seen",
    'world': 'which world the row is in',
    'opponent': 'the number, in its world, of the agent within its aim; -1 for none',
    'aims': 'steps with another within its aim',
    'shots': 'shots that it fired',
    'hits': 'shots that hit',
    'wounds': 'shots that hit it',
    'kills': 'deaths put down to it',
    'deaths': 'its own deaths',
    'items': 'items that it has taken',
    'laps': 'laps that are complete',
    'laps_per_minute': 'laps in a minute, of which a part of a lap is a part',
}
"""What each observation and info is; those of an episode are up to now."""


@cache
def described(name: str) -> list[tuple[str, str, str, str]]:
    """The rows of an environment's table: kind, what, shape and range."""
    env = getattr(envs, name)(num_envs=8, device='cpu')
    env.reset(seed=0)
    info = env.step(env.action_space.sample())[4]
    rows = [*_spaces('observation', env.single_observation_space, env.observation_name)]
    rows += _spaces('action', env.single_action_space, None)
    if env.auxiliary_space is not None:
        rows.append(('auxiliary', ABOUT['goal'] + ', from where it is', _shape(env.auxiliary_space), ''))
    kept = set(env.scores)
    for key, value in info.items():
        if key != 'episode' and not key.startswith('_'):
            kind = 'info, a score' if key in kept else 'info'
            rows.append(
                (
                    kind,
                    f'`{key}`: {ABOUT[key]}' if key in ABOUT else f'`{key}`',
                    str(tuple(value.shape[1:])),
                    _dtype(value),
                )
            )
    return rows


def _spaces(kind: str, space: gymnasium.Space, name: str | None) -> Iterator[tuple[str, str, str, str]]:
    if isinstance(space, Dict):
        for key, part in space.spaces.items():
            yield from _spaces(kind, part, key)
    elif isinstance(space, Discrete):
        numbered = ', '.join(f'{number} {action}' for number, action in enumerate(ACTIONS))
        yield kind, numbered, '()', f'0 to {int(space.n) - 1}'
    else:
        what = f'`{name}`: {ABOUT[name]}' if name in ABOUT else f'`{name}`' if name else ''
        yield kind, what or 'speed in m/s, steering angle in °', _shape(space), _range(space)


def _shape(space: gymnasium.Space) -> str:
    return str(tuple(space.shape or ()))


def _range(space: gymnasium.Space) -> str:
    assert isinstance(space, Box)
    pairs = dict.fromkeys(zip(space.low.flat, space.high.flat, strict=True))
    return ', '.join(f'{low:g} to {high:g}' for low, high in pairs).replace('inf', '∞').replace('-∞ to ∞', 'any')


def _dtype(value: Any) -> str:
    return {torch.bool: 'bool'}.get(value.dtype, str(value.dtype).removeprefix('torch.'))
