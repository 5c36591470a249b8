"""Growth: whether envs that are stepped for long take more and more memory: `python -m benchmarks growth`."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils._pytree import tree_map

from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep.env import Env
from megastep.world.cameras import Cameras

STEPS = 1_000_000
"""The steps that each env makes."""

SETTLED = 10
"""What is taken after the first tenth of the steps is what there may be in the end: by then all that is cached is."""

MIB = 16
"""So many MiB of resident memory more are no growth: the allocators of C and of PyTorch keep what was freed."""

BLOCKS, OBJECTS, RARE = 1000, 50, 100
"""So many blocks of Python's memory and so many objects more are no growth, and one in every so many steps."""

DRAWS = 16
"""The number of different actions that are taken, over and over."""

FEW = 4
"""The number of envs that step together."""

TASKS: dict[str, Callable[..., Env]] = {
    'minimal': Minimal,
    'explorer': partial(Explorer, patience=2.0),
    'pointgoal': partial(PointGoal, time_limit=5.0),
    'waypoint': partial(Waypoint, time_limit=5.0),
    'deathmatch': partial(Deathmatch, time_limit=5.0),
    'racing': partial(Racing, time_limit=5.0),
    'foraging': partial(Foraging, time_limit=5.0),
}
"""The envs, by name, with short episodes, so that many begin."""

Name = Literal['minimal', 'explorer', 'pointgoal', 'waypoint', 'deathmatch', 'racing', 'foraging']


@dataclass(frozen=True)
class Usage:
    """Usage of a process's resources.

    Args:
        resident: Its resident memory, in MiB.
        blocks: The blocks of memory that Python has allocated.
        objects: The objects that its garbage collector knows.
        tensors: Those of them that are tensors.
        descriptors: The files that are open.
        threads: Its threads.
    """

    resident: float
    blocks: int
    objects: int
    tensors: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Usage:
        """The usage of this process once its garbage is collected. Needs Linux."""
        gc.collect()
        objects = gc.get_objects()
        tensors = sum(issubclass(type(each), torch.Tensor) for each in objects)
        pages = int(Path('/proc/self/statm').read_text().split()[1])
        count = len(objects)
        del objects
        return cls(
            resident=pages * os.sysconf('SC_PAGE_SIZE') / 2**20,
            blocks=sys.getallocatedblocks(),
            objects=count,
            tensors=tensors,
            descriptors=len(os.listdir('/proc/self/fd')),
            threads=len(os.listdir('/proc/self/task')),
        )

    def holds(self, before: Usage, steps: int) -> bool:
        """True if there is no more of anything than there was so many steps before, but for what may come and go."""
        more = [now - then for now, then in zip(astuple(self), astuple(before), strict=True)]
        most = [MIB, BLOCKS + steps // RARE, OBJECTS + steps // RARE, 0, 0, 0]
        return all(count <= bound for count, bound in zip(more, most, strict=True))


def prove(device: torch.device, steps: int = STEPS, names: Iterable[str] = tuple(TASKS)) -> Iterator[dict[str, Any]]:
    """Steps each env: a row for each, with its name, whether it holds, how long it took and its figures.

    Args:
        device: Where the envs are.
        steps: How many steps each makes.
        names: Which of `TASKS`, one after another.
    """
    for name in names:
        start = time.perf_counter()
        env = TASKS[name](num_envs=FEW, device=device, cameras=Cameras(res=16, subsample=1))
        holds, figures = stepped(env, steps)
        yield {'trial': name, 'holds': holds, 'seconds': time.perf_counter() - start, 'figures': figures}


def stepped(env: Env, steps: int) -> tuple[bool, dict[str, Any]]:
    """Steps an env with random actions; whether what it takes has stayed as it was after a tenth of the steps.

    It is reset now and then, all of it or the first half of it.
    """
    env.action_space.seed(0)
    actions = [tree_map(partial(torch.as_tensor, device=env.device), env.action_space.sample()) for _ in range(DRAWS)]
    half = {'reset_mask': torch.arange(env.num_envs, device=env.device) < env.num_envs // 2}
    env.reset(seed=0)
    before = None
    for step in range(steps):
        env.step(actions[step % DRAWS])
        if step % 23 == 22:
            env.reset(options=half if step % 2 else None)
        if step == steps // SETTLED:
            before = Usage.now()
    assert before is not None
    after = Usage.now()
    now, then = asdict(after), asdict(before)
    more = {f'{name} more': round(now[name] - then[name], 2) for name in now}
    return after.holds(before, steps), {'steps': steps, 'resident': round(after.resident, 1), **more}
