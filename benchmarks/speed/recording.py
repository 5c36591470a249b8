"""Measures what recording some envs for a replay adds to a step, beside a plain copy of what is kept of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
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

KINDS = ('plain', 'recorded', 'copied')
"""Kinds of steps, which are taken in turns: nothing more, recorded ones, and ones after which rows are copied. What the
others add is the difference of their medians to a plain one's: that is little beside a step, but what a recording finds
in the cache, and what it leaves there, is counted."""

STEPS = {'cuda': 768, 'cpu': 192}
"""Steps of each kind, by the kind of device."""


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
    """The time that a step takes, and that its recording, to the last pixel, and a copy add to it."""
    steps = 4 if quick else STEPS[env.device.type]
    env.action_space.seed(0)
    actions = [torch.as_tensor(env.action_space.sample(), device=env.device) for _ in range(8)]
    _, info = env.reset(seed=0)
    tape, copy = TimedTape(env, range(count), 2 * steps + 1), Copy(env, count, steps)
    tape.add(info)
    for number in (steps // 4, steps):  # the first compile and allocate
        tape.spent = 0.0
        taken = _turns(env, tape, copy, [actions[each % len(actions)] for each in range(number)])
        tape.develop()
    plain, recorded, copied = (statistics.median(taken[kind]) for kind in KINDS)
    adds = recorded - plain + tape.spent / steps
    return {'ms a step': 1e3 * plain, 'us to record': 1e6 * adds, 'us to copy': 1e6 * (copied - plain)}


def _turns(env: Env, tape: TimedTape, copy: Copy, actions: list[Tensor]) -> dict[str, list[float]]:
    """Takes a step of each kind for each action, in turns, and returns their times without what the tape counts."""
    clock = _clock(env.device)
    taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for action in actions:
        for kind in KINDS:
            with tape.watching() if kind == 'recorded' else nullcontext():
                begin, spent = clock(), tape.spent
                seen, _, terminated, _, info = env.step(action)
                if kind == 'recorded':
                    tape.add(info, terminated)
                elif kind == 'copied':
                    copy(seen, terminated, info)
                taken[kind].append(clock() - begin - (tape.spent - spent))
    return taken


def _clock(device: torch.device) -> Callable[[], float]:
    if device.type == 'cpu':
        return time.thread_time

    def waited() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return waited


class TimedTape(Tape):
    """Tape that counts the seconds that it spends on pixels of many frames at once, which few steps do."""

    spent = 0.0

    def develop(self) -> None:
        """Sees to it that all frames have their pixels."""
        clock = _clock(self._env.device)
        begin = clock()
        super().develop()
        self.spent += clock() - begin


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
