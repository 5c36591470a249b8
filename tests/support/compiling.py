"""Numba's kernels, compiled once by the processes that share the tests, each of which begins with other kernels."""

from contextlib import suppress

from filelock import FileLock, Timeout
from rollouts import FEW_RAYS
from worlds import box

from envs import PointGoal
from megastep.env.navigation import GeodesicField
from megastep.world import physics, rendering
from megastep.world.core import Core
from megastep.world.scenery import Scenery


def worlds():
    return Core(Scenery.pack([box()], device='cpu'), num_envs=1)


def geodesics():
    GeodesicField.pack([box()], 'cpu')


def views():
    rendering.render(worlds(), FEW_RAYS)


def moves():
    physics.advance(worlds())


def goals():
    PointGoal([box()], 1, 'cpu', cameras=FEW_RAYS).reset(seed=0)  # no step: moves may be under way elsewhere


def share(folder):
    """Has each kernel compiled by one of the processes that call this with one folder, and waits until all are."""
    for waits in (False, True):
        for task in (worlds, geodesics, views, moves, goals):
            done = folder / f'{task.__name__}.compiled'
            with suppress(Timeout), FileLock(f'{done}.lock').acquire(blocking=waits):
                if not done.exists():
                    task()
                    done.touch()
