"""Measures how speed and memory depend on how many envs there are, how many walls a map has, and how many maps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

import envs
from benchmarks.speed import cases, kernels
from benchmarks.speed.measuring import described, stepped
from benchmarks.speed.timing import release
from benchmarks.speed.worlds import dim_grid, houses
from megastep import MapSet
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.scenery import Scenery


@dataclass(frozen=True)
class Sizes:
    """Sizes: how far each sweep goes.

    Args:
        envs: How many envs take whole steps.
        grids: How many rooms the grids have either way whose walls are rendered and moved among.
        maps: How many maps are packed.
        num_envs: How many envs there are while walls are varied.
        map_envs: How many there are while maps are varied.
        houses: How many houses the envs stand in.
        different: How many of the maps that are packed differ; then they begin again.
    """

    envs: tuple[int, ...]
    grids: tuple[tuple[int, int], ...]
    maps: tuple[int, ...]
    num_envs: int
    map_envs: int
    houses: int
    different: int = 1000


GRIDS = ((1, 2), (2, 3), (4, 4), (7, 7), (11, 12), (18, 19), (24, 25))
"""Of 10, 38, 112, 364, 1,010, 2,662 and 4,702 walls."""

GPU = Sizes(
    envs=(1, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144),
    grids=GRIDS,
    maps=(1, 10, 100, 1000, 10_000, 100_000),
    num_envs=16_384,
    map_envs=65_536,
    houses=1000,
)
CPU = Sizes(
    envs=(1, 16, 64, 256, 1024, 4096), grids=GRIDS, maps=(1, 10, 100, 1000), num_envs=256, map_envs=1024, houses=64
)
QUICK = Sizes(envs=(1, 2), grids=((1, 2), (2, 2)), maps=(1, 3), num_envs=2, map_envs=2, houses=2, different=2)

GRIDS_EACH = 2
"""How many grids there are of each size."""


def measure(device: torch.device, *, quick: bool, **effort: Any) -> Iterator[dict[str, Any]]:
    """Makes every sweep: a row for each point, with the name of the sweep that it belongs to.

    Args:
        device: Where the envs run.
        quick: Measure next to nothing, to see that it works.
        effort: How many rounds and how long, where it isn't what the points of other curves get.
    """
    sizes = QUICK if quick else GPU if device.type == 'cuda' else CPU
    effort = kernels.SWEEP | effort
    for sweep in (over_envs, over_walls, over_maps):
        yield from sweep(sizes, device, **effort)


def over_envs(sizes: Sizes, device: torch.device, **effort: Any) -> Iterator[dict[str, Any]]:
    """Whole steps of more and more envs."""
    for name, num_maps in (('Minimal', None), ('Explorer', sizes.houses)):
        for num_envs in sizes.envs:
            yield {'sweep': 'envs', **_steps(cases.Case(name, num_envs, num_maps), device, **effort)}


def _steps(case: cases.Case, device: torch.device, **effort: Any) -> dict[str, Any]:
    release()
    env = case.make(device)
    return {**described(case, env), 'steps/s': stepped(env, **effort)}


def over_walls(sizes: Sizes, device: torch.device, **effort: Any) -> Iterator[dict[str, Any]]:
    """The renderer and the physics alone, in grids of more and more rooms."""
    for columns, rows in sizes.grids:
        maps = MapSet([dim_grid(columns, rows, seed=seed) for seed in range(GRIDS_EACH)])
        yield {'sweep': 'walls', **_kernels(maps, sizes.num_envs, device, **effort)}


def _kernels(maps: MapSet, num_envs: int, device: torch.device, **effort: Any) -> dict[str, Any]:
    release()
    core = Core(Scenery.pack(maps, device=device, seed=0), num_envs, seed=0)
    seen, moved = kernels.rendered(core, Cameras(), **effort), kernels.moved(core, **effort)
    return {**kernels.described(core), **seen, **moved}


def over_maps(sizes: Sizes, device: torch.device, **effort: Any) -> Iterator[dict[str, Any]]:
    """Packing time and memory of more and more houses, up to a first picture of them, and whole steps in them.

    No more than ``sizes.different`` houses are generated: the others are the same once more, each with memory of its
    own.
    """
    some = houses(sizes.different)
    packing(some[:1], sizes.map_envs, device)  # compiles what that takes
    for count in sizes.maps:
        maps = some[np.arange(count) % len(some)]
        packed = packing(maps, sizes.map_envs, device)
        yield {'sweep': 'maps', 'maps': count, **_steps_in(maps, sizes.map_envs, device, **effort), **packed}


def _steps_in(maps: MapSet, num_envs: int, device: torch.device, **effort: Any) -> dict[str, Any]:
    release()
    env = envs.Explorer(maps, num_envs=num_envs, device=device, seed=0)
    return {**described(cases.Case('Explorer', num_envs), env), 'steps/s': stepped(env, **effort)}


def packing(maps: MapSet, num_envs: int, device: torch.device) -> dict[str, float]:
    """Packing time and memory of maps, their arrays still to be picked from those they share.

    Returns:
        How many bytes they take once packed, and with what a first picture builds, which on a GPU are potentially
        visible sets; there also with the lists of lights, which pictures of several agents take, and how many at the
        most on the way. And after how many seconds all of that was there.
    """
    release()
    before = _start_counting(device)
    start = time.perf_counter()
    scenery = Scenery.pack(maps, device=device, seed=0)
    found = _taken('bytes', 'seconds to pack', scenery, before, start)
    rendering.render(Core(scenery, num_envs, seed=0), Cameras())
    found |= _taken('bytes seen', 'seconds to see', scenery, before, start)
    if device.type == 'cuda':
        scenery.visible_lights  # noqa: B018
        found |= _taken('bytes lit', 'seconds to light', scenery, before, start)
        found['peak bytes'] = float(torch.cuda.max_memory_allocated(device) - before)
    return found


def _taken(size: str, duration: str, scenery: Scenery, before: int, start: float) -> dict[str, float]:
    """By name, the bytes of a scenery, beyond those allocated before on a GPU, and the seconds since a start."""
    if scenery.device.type != 'cuda':
        return {duration: time.perf_counter() - start, size: float(num_bytes(scenery))}
    torch.cuda.synchronize(scenery.device)
    seconds = time.perf_counter() - start
    return {duration: seconds, size: float(torch.cuda.memory_allocated(scenery.device) - before)}


def _start_counting(device: torch.device) -> int:
    """The bytes allocated on a GPU, from where its peak is counted afresh; 0 on a CPU."""
    if device.type != 'cuda':
        return 0
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def num_bytes(scenery: Scenery) -> int:
    """The bytes of a scenery's buffers, those that several tensors look at counted once."""
    storages = [tensor.untyped_storage() for tensor in _tensors(scenery)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def _tensors(part: Any) -> Iterator[Tensor]:
    if isinstance(part, Tensor):
        yield part
    elif is_dataclass(part):
        for value in vars(part).values():
            yield from _tensors(value)
