"""Measures what recording some envs for a replay adds to a step, beside a plain copy of what is kept of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numba
import torch
from torch import Tensor

from envs import Deathmatch, Explorer, PointGoal
from megastep import mapgen
from megastep.env import Env
from megastep.viewer.tape import Tape

ENVS, RECORDED = {'cuda': 16_384, 'cpu': 1_024}, (1, 64)
"""The envs, by the kind of device, and how many of them are recorded."""

TASKS = ((Explorer, 1), (PointGoal, 1), (Deathmatch, 4))
"""The tasks, and how many agents each of their worlds has."""

ROUNDS, FRAMES = 5, 256
"""Rounds, of which the median counts, and the frames of single envs that are recorded in each."""


def measure(device: torch.device, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Times recordings; a CPU's are on one core, and its time is that of the process alone."""
    threads = torch.get_num_threads(), numba.get_num_threads()
    if device.type == 'cpu':
        torch.set_num_threads(1)
        numba.set_num_threads(1)
    maps = mapgen.generate('house', 1 if quick else 8, seed=0)
    for make, agents in TASKS[: 1 if quick else None]:
        for count in RECORDED[: 1 if quick else None]:
            rows = 8 * agents if quick else ENVS[device.type]
            env = make(maps, num_envs=rows, device=device, copy=False)
            yield {'task': make.__name__, 'envs': env.core.num_envs, 'recorded': count, **_recorded(env, count, quick)}
    torch.set_num_threads(threads[0])
    numba.set_num_threads(threads[1])


def _recorded(env: Env, count: int, quick: bool) -> dict[str, Any]:
    """The time that a step takes, and that its recording, to the last pixel, and a copy add, in turns."""
    steps, rounds = (4, 1) if quick else (max(FRAMES // count, 16), ROUNDS)
    clock = _clock(env.device)
    spent: dict[str, list[float]] = {'ms a step': [], 'us to record': [], 'us to copy': []}
    env.action_space.seed(0)
    actions = [torch.as_tensor(env.action_space.sample(), device=env.device) for _ in range(8)]
    _, info = env.reset(seed=0)
    tape, copy = Tape(env, range(count), (rounds + 1) * steps + 1), Copy(env, count, steps)
    tape.add(info)
    with tape.watching():
        watched = _timed_watchers(env, clock)
        for _ in range(rounds + 1):  # the first compiles, and is left out
            totals = dict.fromkeys(spent, 0.0)
            for step in range(2 * steps):
                begin, watched[0] = clock(), 0.0
                seen, _, terminated, _, info = env.step(actions[step % len(actions)])
                stepped = clock()
                if step % 2:
                    tape.add(info, terminated)
                    totals['us to record'] += clock() - stepped + watched[0]
                else:
                    copy(seen, terminated, info)
                    totals['us to copy'] += clock() - stepped
                totals['ms a step'] += (stepped - begin - watched[0]) / 2
            begin = clock()
            tape.develop()
            totals['us to record'] += clock() - begin
            for name, unit in (('ms a step', 1e3), ('us to record', 1e6), ('us to copy', 1e6)):
                spent[name].append(totals[name] / steps * unit)
    return {name: statistics.median(times[1:]) for name, times in spent.items()}


def _timed_watchers(env: Env, clock: Callable[[], float]) -> list[float]:
    """Times what watches the env render; the list's only number is how long that took."""
    times, watchers = [0.0], env.core.watchers

    def begin(*_: Any) -> None:
        times[0] -= clock()

    def end(*_: Any) -> None:
        times[0] += clock()

    watchers[:] = [begin, *watchers, end] if watchers else []
    return times


def _clock(device: torch.device) -> Callable[[], float]:
    if device.type == 'cpu':
        return time.thread_time

    def waited() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return waited


class Copy:
    """Plain copy of what a tape keeps: the recorded rows of each tensor, as it is, into a frame of a buffer."""

    def __init__(self, env: Env, count: int, frames: int) -> None:
        self._env, self._frames, self._step = env, frames, 0
        self._rows = torch.arange(count, device=env.device)
        self._agents = torch.arange(count * env.core.num_agents, device=env.device)
        self._buffers: dict[str, Tensor] = {}

    def __call__(self, seen: Mapping[str, Tensor], terminated: Tensor, info: Mapping[str, Any]) -> None:
        """Copies a frame."""
        core, episode = self._env.core, self._env.state_tensors()['episode']
        said = {name: value for name, value in info.items() if isinstance(value, Tensor) and not name.startswith('_')}
        by_env = {'map_ids': core.map_ids, 'positions': core.agents.positions, 'angles': core.agents.angles, **episode}
        by_agent = {'terminated': terminated, 'rgb': seen['rgb'], 'depth': seen['depth'], **said}
        for tensors, rows in ((by_env, self._rows), (by_agent, self._agents)):
            for name, tensor in tensors.items():
                if name not in self._buffers:
                    self._buffers[name] = tensor.new_empty((self._frames, len(rows), *tensor.shape[1:]))
                self._buffers[name][self._step % self._frames] = tensor[rows]
        self._step += 1
