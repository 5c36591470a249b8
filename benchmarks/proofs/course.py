"""`python -m benchmarks.proofs.course cuda` prints a digest of where agents have been, to set beside another's."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from benchmarks.proofs import maps
from benchmarks.proofs.soak import Pushes
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery

ROOT = Path(__file__).parents[2]


def digest(device: str = 'cpu', steps: int = 1000) -> str:
    """A digest of the positions of three agents an env in generated maps, after each step."""
    scenery = Scenery.pack([*map(maps.dark, maps.families(3)), maps.polygon(64)], num_agents=3, device=device)
    core = Core(scenery, num_envs=64)
    push, seen = Pushes(core, seed=0, top_speed=20), hashlib.sha256()
    for _ in range(steps):
        push()
        physics.advance(core)
        seen.update(core.agents.positions.cpu().numpy().tobytes())
    return seen.hexdigest()


def digests(processes: int, device: str = 'cpu') -> list[str]:
    """The digests that some processes, all at once, come to.

    Raises:
        RuntimeError: if one of them fails.
    """
    command = [sys.executable, '-m', 'benchmarks.proofs.course', device]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(processes)]
    printed = [process.communicate()[0].strip() for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError(f'{command} failed with status {[process.returncode for process in running]}.')
    return printed


if __name__ == '__main__':
    print(digest(sys.argv[1]))
