"""Which envs are measured, and in which maps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch

import envs
from megastep import MapSet, machine, mapgen

LARGE_HOUSE = {'rooms': (17, 21)}
"""A house of about 165 walls, as many as in the world's real floorplans that others measure themselves in."""


@dataclass(frozen=True)
class Case:
    """An env to measure.

    Args:
        env: ``'Minimal'`` or ``'Explorer'``.
        num_envs: How many envs run in parallel.
        num_maps: How many generated houses they stand in; None for the maps the env has by default.
    """

    env: str
    num_envs: int
    num_maps: int | None = None

    def make(self, device: torch.device) -> envs.Minimal | envs.Explorer:
        """Makes the env on a device."""
        maps = None if self.num_maps is None else houses(self.num_maps)
        return getattr(envs, self.env)(maps, num_envs=self.num_envs, device=device, seed=0)


CPU = (Case('Minimal', 256), Case('Minimal', 1024), Case('Explorer', 256, 64), Case('Explorer', 1024, 64))
GPU = (Case('Minimal', 16_384), Case('Minimal', 65_536), Case('Explorer', 16_384, 1024))
QUICK = (Case('Minimal', 2), Case('Explorer', 2, 2))


def cases(device: torch.device, *, quick: bool) -> tuple[Case, ...]:
    """The cases for a device: as many envs as it takes to fill it, or as few as show that everything works."""
    if quick:
        return QUICK
    return GPU if device.type == 'cuda' else CPU


@cache
def houses(count: int) -> MapSet:
    """Generated houses of about 165 walls."""
    return mapgen.generate(
        'house', count, seed=0, workers=min(8, machine.num_cores()) if count > 100 else 1, progress=True, **LARGE_HOUSE
    )
