"""Proves on a device that nobody walks through anything, at full size: `python -m benchmarks proof`."""

from __future__ import annotations

import functools
import math
import operator
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

import torch

from benchmarks.parts import Parts
from benchmarks.proofs import adversary, behaviour, course, crowds, maps, soak, time_of_impact
from megastep.maps.apartments import real_apartments
from megastep.maps.geometry import Geometry
from megastep.world import physics
from megastep.world.core import Core
from megastep.world.scenery import Scenery

Trial = Callable[[], tuple[bool, dict[str, Any]]]
"""Says whether it holds, and its figures."""

SOAK = {'cpu': 10_000_000, 'cuda': 1_000_000_000}
"""How many moves the soaks make together, by the type of device."""

SIZES = {'cpu': 4096, 'cuda': 1 << 20}
"""How many agents move together, by the type of device."""

SLICE = 500_000_000
"""How many moves a long soak makes of a world before it writes down what it has found, and begins anew."""


def prove(device: torch.device, parts: Parts, *, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Makes every trial: a row for each, with its name, whether it holds, how long it took and its figures.

    Args:
        device: Where agents move. Times of impact are always compared on the CPU.
        parts: The file of what is finished, now and before.
        quick: Try next to nothing, to see that it works.
    """
    for name, trial in trials(device, 0.001 if quick else 1.0):
        yield kept(parts, name, partial(row, name, trial))


def soak_for(device: torch.device, parts: Parts, moves: int) -> Iterator[dict[str, Any]]:
    """Makes so many moves in soaks, a row for each world: those of `prove` for longer.

    Args:
        device: Where agents move.
        parts: The file of what is finished, now and before: of each world slice after slice.
        moves: How many moves to make in all worlds together, at least.
    """
    known = worlds()
    slices = slices_of(-(-moves // len(known)))
    for world, geometries in known.items():
        scenery = Scenery.pack(geometries, device=device)
        rows = []
        for seed, size in enumerate(slices, 1):
            name = f'soak: {world}, {seed} of {len(slices)}'
            rows.append(kept(parts, name, partial(row, name, partial(soaked_for, scenery, size, seed))))
        yield merged(f'soak: {world}', rows)


def slices_of(moves: int) -> list[int]:
    """The sizes of the fewest slices, as even as may be, of so many moves."""
    count = -(-moves // SLICE)
    return [moves * (i + 1) // count - moves * i // count for i in range(count)]


def merged(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A world's row of those of its slices."""
    tallies = [soak.Tally(**{'gap': math.inf, **_without(each['figures'], 'stuck')}) for each in rows]
    figures = {
        **asdict(functools.reduce(operator.add, tallies)),
        'stuck': sum(each['figures']['stuck'] for each in rows),
    }
    seconds = sum(each['seconds'] for each in rows)
    return {
        'trial': name,
        'holds': all(each['holds'] for each in rows),
        'seconds': seconds,
        'figures': _finite(figures),
    }


def kept(parts: Parts, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The row of a name that is among the parts; if it isn't, it is made and added to them."""
    for other, found in parts.found:
        if other == name:
            return found
    made = make()
    parts.add((name, made))
    return made


def _without(figures: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in figures.items() if key != name}


def _finite(figures: dict[str, Any]) -> dict[str, Any]:
    """Without what is infinite, which JSON can't say."""
    return {key: value for key, value in figures.items() if value != math.inf}


def row(name: str, trial: Trial) -> dict[str, Any]:
    """Makes a trial: its name, whether it holds, how long it took and its figures."""
    start = time.perf_counter()
    holds, figures = trial()
    print(name, 'holds' if holds else 'DOES NOT HOLD', figures, flush=True)
    return {'trial': name, 'holds': holds, 'seconds': time.perf_counter() - start, 'figures': _finite(figures)}


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
    """The worlds that are soaked and played in."""
    return {'hard rooms': maps.hard(), 'generated maps': maps.families(16), 'apartments': list(real_apartments())}


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
    return soaked_for(Scenery.pack(geometries, device=device), _share(SOAK[device.type] // 3, share), 1)


def soaked_for(scenery: Scenery, moves: int, seed: int) -> tuple[bool, dict[str, Any]]:
    """A soak of at least so many moves, and of at least a hundred steps."""
    num_envs = min(SIZES[scenery.device.type], max(1, moves // 100))
    core = Core(scenery, num_envs=num_envs, seed=seed)
    tally = soak.soak(core, -(-moves // num_envs), seed=seed)
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
