"""Measures evaluations of agents in fixed episodes, once these are packed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from megastep import mapgen
from megastep.env import Env
from megastep.evaluation import Episodes, Suite
from megastep.evaluation.baselines import RandomActions, ShortestPath
from megastep.evaluation.evaluating import Stage
from megastep.evaluation.play import Act
from megastep.evaluation.playing.contestants import act_for
from megastep.evaluation.playing.refill import play_queue
from megastep.learning import Policy

MAPS, PER_MAP, WIDTH = {'cuda': 128, 'cpu': 50}, {'cuda': 32, 'cpu': 8}, {'cuda': 512, 'cpu': 64}
"""The houses, the episodes in each, and the cells of the LSTM, by the kind of device."""


def measure(device: torch.device, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Times PointGoal's episodes in houses, for agents by name; what is compiled is compiled before."""
    kind = device.type
    maps = mapgen.generate('house', 1 if quick else MAPS[kind], seed=1)
    begin = time.perf_counter()
    suite = Suite({'houses': Episodes.draw(maps, 'pointgoal', 1 if quick else PER_MAP[kind])})
    drawn, begin = time.perf_counter() - begin, time.perf_counter()
    stage = Stage(suite, None, None, None, device, {})
    env, _ = stage.env(RandomActions())
    packed = time.perf_counter() - begin
    for name, act in acts(env, 8 if quick else WIDTH[kind]).items():
        if not quick:
            play_queue(act, env)
        begin = time.perf_counter()
        played = play_queue(act, env)
        seconds, lengths = time.perf_counter() - begin, played.columns['length'].sum()
        yield {
            'agent': name,
            'episodes': len(stage),
            'envs': env.num_envs,
            'seconds': seconds,
            'steps used': played.share,
            'ms a step': 1000 * seconds * played.share * env.num_envs / lengths,
            'success': float(played.columns['success'].mean()),
            'to draw': drawn,
            'to pack': packed,
        }


def acts(env: Env, width: int) -> dict[str, Act]:
    """Agents by name: the last computes all that a policy does, and reaches every goal."""
    lstm, oracle = act_for(Policy.of(env, width), env), ShortestPath().for_env(env)

    def both(observations: Any, begins: Bool[Tensor, ' row']) -> Any:
        lstm(observations, begins)
        return oracle(observations, begins)

    return {'random': RandomActions().for_env(env), f'LSTM of {width}': lstm, f'LSTM of {width}, and oracle': both}
