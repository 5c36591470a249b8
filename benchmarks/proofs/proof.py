"""Proves on a device that nobody walks through anything, at full size: `python -m benchmarks proof`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import torch

from benchmarks.proofs import adversary, behaviour, course, crowds, maps, soak, time_of_impact
from megastep.maps.geometry import Geometry
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery

Trial = Callable[[], tuple[bool, dict[str, Any]]]
"""Says whether it holds, and its figures."""

SOAK = {'cpu': 10_000_000, 'cuda': 1_000_000_000}
"""How many moves the soaks make together, by the type of device."""

SIZES = {'cpu': (4096, 1), 'cuda': (1 << 18, 16)}
"""How many agents move together, and after how many steps it is looked where they stand, by the type of device."""


def prove(device: torch.device, *, quick: bool = False) -> list[dict[str, Any]]:
    """Makes every trial: a row for each, with its name, whether it holds, how long it took and its figures.

    Args:
        device: Where agents move. Times of impact are always compared on the CPU.
        quick: Try next to nothing, to see that it works.
    """
    return [row(*each) for each in trials(device, 0.001 if quick else 1.0)]


def soak_for(device: torch.device, moves: int) -> Iterator[dict[str, Any]]:
    """Makes so many moves in soaks, a row for each world: those of `prove` for longer.

    Args:
        device: Where agents move.
        moves: How many moves to make in all worlds together.
    """
    known = worlds()
    for name, geometries in known.items():
        yield row(f'soak: {name}', partial(soaked_for, geometries, device, -(-moves // len(known))))


def row(name: str, trial: Trial) -> dict[str, Any]:
    """Makes a trial: its name, whether it holds, how long it took and its figures."""
    start = time.perf_counter()
    holds, figures = trial()
    known = {key: value for key, value in figures.items() if value != math.inf}  # which JSON can't say
    print(name, 'holds' if holds else 'DOES NOT HOLD', figures, flush=True)
    return {'trial': name, 'holds': holds, 'seconds': time.perf_counter() - start, 'figures': known}


def trials(device: torch.device, share: float) -> Iterator[tuple[str, Trial]]:
    """Every trial, each at a share of its full size."""
    yield 'impacts with one wall', partial(impacts_with_one_wall, _share(1_000_000, share))
    yield 'impacts at corners', partial(impacts_among, time_of_impact.corners(), _share(200_000, share))
    yield 'impacts on a curve of 4,096 walls', partial(impacts_among, [maps.polygon(4096)], _share(1000, share, 200))
    for name, geometries in worlds().items():
        yield f'soak: {name}', partial(soaked, geometries, device, share)
        yield f'adversary: {name}', partial(played, geometries, _share(3000, share), device)
    yield 'soak: closed rooms', partial(soaked_in_closed_rooms, device, share)
    yield 'adversary: closed rooms', partial(played_in_closed_rooms, _share(1000, share), device)
    yield 'adversary of a rule with a hole', partial(played_against_a_hole, device)
    for num_agents in range(2, 9):
        yield f'crowds of {num_agents}', partial(crowded, num_agents, _share(430, share), device)
    yield 'freeing', partial(freed, _share(5000, share), device)
    yield 'behaviour', partial(behaved, _share(2000, share, 400), device)
    yield 'digests', partial(digested, 10 if share == 1 else 2, device)


def _share(count: int, share: float, least: int = 20) -> int:
    return max(least, round(count * share))


def worlds() -> dict[str, list[Geometry]]:
    """The worlds that are soaked and played in. The real apartments are left out where they are not."""
    real = {'apartments': maps.apartments()} if maps.APARTMENTS.exists() else {}
    return {'hard rooms': maps.hard(), 'generated maps': maps.families(16), **real}


def impacts_with_one_wall(count: int) -> tuple[bool, dict[str, Any]]:
    """The time of impact against the oracle."""
    agreement = time_of_impact.impact_agreement(time_of_impact.single_walls(count, seed=1))
    return agreement.holds, asdict(agreement)


def impacts_among(geometries: list[Geometry], count: int) -> tuple[bool, dict[str, Any]]:
    """The first of the impacts with many walls against the oracle."""
    agreement = time_of_impact.first_impact_agreement(*time_of_impact.among(geometries, count, seed=1))
    return agreement.holds, asdict(agreement)


def soaked(geometries: list[Geometry], device: torch.device, share: float) -> tuple[bool, dict[str, Any]]:
    """A soak, of a third of the moves of `SOAK`."""
    num_envs, every = SIZES[device.type]
    steps = _share(SOAK[device.type] // (3 * num_envs), share, 4 * every)
    return _soaked(geometries, device, _share(num_envs, share, 500), steps // every * every, every)


def soaked_for(geometries: list[Geometry], device: torch.device, moves: int) -> tuple[bool, dict[str, Any]]:
    """A soak of at least so many moves."""
    num_envs, every = SIZES[device.type]
    num_envs = min(num_envs, max(1, moves // (4 * every)))
    return _soaked(geometries, device, num_envs, -(-moves // (num_envs * every)) * every, every)


def _soaked(
    geometries: list[Geometry], device: torch.device, num_envs: int, steps: int, every: int
) -> tuple[bool, dict[str, Any]]:
    core = Core(Scenery.pack(geometries, device=device), num_envs=num_envs)
    tally = soak.soak(core, steps, every=every, seed=1)
    stuck = int(soak.stuck(core).sum())
    return tally.holds and stuck == 0, {**asdict(tally), 'stuck': stuck}


def soaked_in_closed_rooms(device: torch.device, share: float) -> tuple[bool, dict[str, Any]]:
    """A soak in which every agent has to stay in its own room of a grid."""
    core, checker = soak.in_closed_rooms(4, 6400, device=device)
    tally = soak.soak(core, _share(1000, share), checker=checker, seed=1)
    return tally.holds, asdict(tally)


def played(geometries: list[Geometry], episodes: int, device: torch.device) -> tuple[bool, dict[str, Any]]:
    """Episodes against the adversary."""
    core = adversary.core_for(Scenery.pack(geometries, device=device), episodes)
    outcome = adversary.play(core, seed=1)
    return outcome.holds, asdict(outcome)


def played_in_closed_rooms(episodes: int, device: torch.device) -> tuple[bool, dict[str, Any]]:
    """Episodes against the adversary, in which every agent has to stay in its own room of a grid."""
    core, checker = soak.in_closed_rooms(8, episodes * adversary.TRIES, device=device)
    outcome = adversary.play(core, checker=checker, seed=1)
    return outcome.holds, asdict(outcome)


def played_against_a_hole(device: torch.device) -> tuple[bool, dict[str, Any]]:
    """Episodes in which only moves' ends are checked: holds if the adversary gets out of all of them."""
    core = adversary.core_for(Scenery.pack([maps.box(5, 5), maps.polygon(64)], device=device), 200)
    outcome = adversary.play(core, advance=adversary.naive)
    return outcome.escapes == outcome.episodes, asdict(outcome)


def crowded(num_agents: int, steps: int, device: torch.device) -> tuple[bool, dict[str, Any]]:
    """A soak of a crowd in small rooms, at whose end whoever has a free way must be able to go it."""
    core = crowds.crowded(num_agents, 300, device=device, seed=1)
    tally = soak.soak(core, steps, top_speed=20, seed=1)
    freedom = crowds.freedom(core)
    return tally.holds and freedom.holds, {**asdict(tally), **asdict(freedom)}


def freed(num_envs: int, device: torch.device) -> tuple[bool, dict[str, Any]]:
    """Agents that begin inside walls and each other."""
    freeing = crowds.freeing(crowds.overlapping(num_envs, device=device, seed=1), seed=1)
    return freeing.holds, asdict(freeing)


def behaved(steps: int, device: torch.device) -> tuple[bool, dict[str, Any]]:
    """A sticky random policy that slides against one that stops."""
    slide, stop = (behaviour.walk(response=response, steps=steps, device=device) for response in physics.RESPONSES)
    holds = slide.still < 0.35 and slide.entered >= 2 * stop.entered
    return holds, {'slide': asdict(slide), 'stop': asdict(stop)}


def digested(processes: int, device: torch.device) -> tuple[bool, dict[str, Any]]:
    """The digests of a course of 1,000 steps that some processes come to."""
    digests = course.digests(processes, device.type)
    return len(set(digests)) == 1, {'processes': processes, 'digests': sorted(set(digests))}
