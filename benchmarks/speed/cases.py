"""Benchmark cases: the envs that are measured, and the maps they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

import envs
from benchmarks.speed.worlds import houses, navigable_houses
from megastep.env import Env


@dataclass(frozen=True)
class Case:
    """An env to measure.

    Args:
        env: the name of one of `envs`.
        num_envs: How many envs run in parallel; how many agents, four in each, in a Deathmatch.
        num_maps: How many generated houses they stand in; None for the maps the env has by default.
    """

    env: str
    num_envs: int
    num_maps: int | None = None

    def make(self, device: torch.device, **options: Any) -> Env:
        """Makes the env on a device, with more of its options if there are any."""
        maps = None if self.num_maps is None else houses(self.num_maps)
        if self.num_maps is not None and issubclass(getattr(envs, self.env), envs.PointGoal):
            maps, options['geodesic_field'] = navigable_houses(self.num_maps, device)
        return getattr(envs, self.env)(maps, num_envs=self.num_envs, device=device, seed=0, **options)


CPU = (
    Case('Minimal', 256),
    Case('Minimal', 1024),
    Case('Explorer', 256, 64),
    Case('Explorer', 1024, 64),
    Case('PointGoal', 256, 64),
    Case('PointGoal', 1024, 64),
    Case('Deathmatch', 1024, 64),
)
GPU = (
    Case('Minimal', 16_384),
    Case('Minimal', 65_536),
    Case('Explorer', 16_384, 1024),
    Case('PointGoal', 16_384, 1024),
    Case('PointGoal', 65_536, 1024),
    Case('Deathmatch', 16_384, 1024),
)
GPU_STEPS = (*GPU, Case('Explorer', 4096, 1024), Case('Explorer', 65_536, 1024))
QUICK = (Case('Minimal', 2), Case('Explorer', 2, 2))


def overview(device: torch.device, *, quick: bool) -> tuple[Case, ...]:
    """The cases for a device: as many envs as it takes to fill it, or as few as show that everything works."""
    if quick:
        return QUICK
    return GPU if device.type == 'cuda' else CPU


def steps(device: torch.device, *, quick: bool) -> tuple[Case, ...]:
    """The cases whose steps alone are measured: on a GPU, more of them."""
    return GPU_STEPS if device.type == 'cuda' and not quick else overview(device, quick=quick)
