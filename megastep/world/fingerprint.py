"""Fingerprints of worlds: what a state doesn't hold, but what comes of it depends on, as a few numbers to compare."""

from __future__ import annotations

import hashlib
from dataclasses import astuple
from functools import partial

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from megastep.world.cameras import CameraRig, by_name
from megastep.world.core import Core
from megastep.world.random_numbers import mixed
from megastep.world.scenery import Scenery

WHAT = {
    'maps': 'other maps',
    'colours': 'other wall colours, as another seed or palette gives',
    'cameras': 'other cameras',
    'fps': 'another fps',
    'agent_radius': 'agents of another radius',
    'episodes': 'other episodes',
}
"""The entries of a fingerprint, and what differs where one does."""


def fingerprint(core: Core, cameras: CameraRig) -> dict[str, Int64[Tensor, ''] | Float64[Tensor, '']]:
    """Fingerprint of a world: maps, walls' colours, cameras, fps, agents' radius, and fixed episodes if it plays any.

    It is on the CPU, and the same whatever device the world is on. What walls are painted with in place counts; how
    they are lit does as far as the lights decide it. It waits for the GPU when the colours have changed.
    """
    scenery = core.scenery
    rig = [(name, *astuple(kind)) for name, kind in by_name(cameras).items()]
    on_host = partial(torch.tensor, device='cpu')
    word = hashlib.sha256(repr(rig).encode()).digest()[:8]
    played = {} if core.episodes is None else {'episodes': on_host(core.episodes.fingerprint)}
    return {
        **played,
        'maps': _once(scenery, 'maps', [*_buffers(scenery)]),
        'colours': _once(scenery, 'colours', [scenery.surface.vals]),
        'cameras': on_host(int.from_bytes(word, 'little', signed=True)),
        'fps': on_host(core.fps, dtype=torch.float64),
        'agent_radius': on_host(core.agent_radius, dtype=torch.float64),
    }


def _buffers(scenery: Scenery) -> list[Tensor]:
    rows = (scenery.walls, scenery.lights, scenery.spawns)
    return [buffer for each in rows for buffer in (each.vals, each.widths)]


def _once(scenery: Scenery, name: str, buffers: list[Tensor]) -> Int64[Tensor, '']:
    """A hash of a scenery's buffers, kept until one is written to."""
    versions = [None if buffer.is_inference() else buffer._version for buffer in buffers]  # which then has none
    kept = vars(scenery).setdefault('_fingerprints', {})
    if name not in kept or kept[name][0] != versions or None in versions:
        if name == 'colours':
            red, green, blue = scenery.albedo.vals.long().unbind(1)
            buffers = [red + (green << 8) + (blue << 16)]
        kept[name] = versions, _hashed(buffers).cpu()
    return kept[name][1]


def _hashed(buffers: list[Tensor]) -> Int64[Tensor, '']:
    """A hash of numbers and their places: a sum of hashes, which is the same in any order that it is added up in."""
    found = torch.zeros((), dtype=torch.int64, device=buffers[0].device)
    for buffer in buffers:
        flat = buffer.reshape(-1)
        words = flat.view(torch.int32).long() if flat.dtype.itemsize == 4 else flat.long()
        places = mixed(torch.arange(len(words), device=words.device))
        found = mixed(found + mixed(words ^ places).sum() + len(words))
    return found
