"""Start distributions of fixed episodes: what an env's class says of the episodes that it is evaluated in.

They are drawn on the CPU, map by map, from raw Philox words, so that they are the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from jaxtyping import Float, Int

from megastep.mapgen.rng import Rng

Stratum = tuple[float, float]
"""A range of path lengths, in metres: from the first to below the second."""

STRATA: tuple[Stratum, ...] = ((1, 5), (5, 10), (10, 20), (20, 40), (40, math.inf))
"""The strata that goals are drawn in unless others are given: each as often as the others, where a map has it."""

TRIES = 1000
"""So often agents are put elsewhere, if they come to stand too near each other."""


class Floor(NamedTuple):
    """A map, as far as episodes that begin in it depend on it.

    Args:
        spawns: Its spawns, in metres.
        lengths: The shortest paths between them, in metres, infinite where there is none; None unless they are asked
            for: see `EpisodeStarts.needs_paths`.
        agent_radius: The agents' radius, in metres.
    """

    spawns: Float[np.ndarray, 'spawn 2']
    lengths: Float[np.ndarray, 'spawn spawn'] | None
    agent_radius: float


class Start(NamedTuple):
    """The beginning of an episode.

    Args:
        spawns: The number of the spawn that each agent begins at.
        bearings: The way that it faces, in degrees anticlockwise from +x.
        goal: The number of the spawn to be reached; -1 if there is no goal.
    """

    spawns: Int[np.ndarray, ' agent']
    bearings: Float[np.ndarray, ' agent']
    goal: int = -1


class EpisodeStarts(Protocol):
    """Distribution of the starts, and goals if there are any, of the episodes that a task is evaluated in."""

    @property
    def needs_paths(self) -> bool:
        """True if `Floor.lengths` are needed, which take time."""

    def draw(self, floor: Floor, count: int, num_agents: int, rng: Rng, strata: Sequence[Stratum]) -> list[Start]:
        """Draws the starts of so many episodes in a map.

        Args:
            floor: The map.
            count: How many episodes.
            num_agents: How many agents each has.
            rng: What is drawn from.
            strata: The ranges of path lengths that goals are drawn in.

        Raises:
            ValueError: if the map has no such starts.
        """


@dataclass(frozen=True)
class RandomStarts:
    """Random starts: agents begin at any spawns, no two of them within two diameters, and face anywhere."""

    needs_paths: ClassVar[bool] = False

    def draw(self, floor: Floor, count: int, num_agents: int, rng: Rng, strata: Sequence[Stratum]) -> list[Start]:
        """Draws starts: see `EpisodeStarts.draw`."""
        return [Start(_apart(floor, num_agents, rng), bearings(num_agents, rng)) for _ in range(count)]


@dataclass(frozen=True)
class FarStarts:
    """Far starts: agents begin far from each other, and face the middle of the others.

    The first begins at any spawn, and each other at the spawn that is furthest from the nearest agent, of some drawn.

    Args:
        candidates: How many spawns are drawn to choose the furthest from.
        spread: They face the middle of the others, give or take so many degrees.
    """

    candidates: int = 8
    spread: float = 45.0
    needs_paths: ClassVar[bool] = False

    def draw(self, floor: Floor, count: int, num_agents: int, rng: Rng, strata: Sequence[Stratum]) -> list[Start]:
        """Draws starts: see `EpisodeStarts.draw`."""
        return [self._start(floor, num_agents, rng) for _ in range(count)]

    def _start(self, floor: Floor, num_agents: int, rng: Rng) -> Start:
        chosen = [rng.below(len(floor.spawns))]
        for _ in range(1, num_agents):
            drawn = [rng.below(len(floor.spawns)) for _ in range(self.candidates)]
            distances = _distances(floor.spawns, drawn, chosen).min(axis=1)
            if distances.max() < 4 * floor.agent_radius:  # as may be where there are few spawns: look at all
                drawn, distances = list(range(len(floor.spawns))), _distances(floor.spawns, None, chosen).min(axis=1)
            if distances.max() < 4 * floor.agent_radius:
                raise ValueError(_crowded(floor, num_agents))
            chosen.append(drawn[int(distances.argmax())])
        places = floor.spawns[chosen]
        offsets = places.sum(axis=0) - num_agents * places  # from each to all, summed
        ahead = np.degrees(np.arctan2(offsets[:, 1], offsets[:, 0])).round(3)  # rounded: the same on every machine
        turns = bearings(num_agents, rng) * (self.spread / 180)
        return Start(np.array(chosen), (ahead + turns + 180) % 360 - 180)


@dataclass(frozen=True)
class GoalStarts:
    """Starts with goals: an agent begins at a spawn and is to reach another, so far away along the shortest path.

    Every stratum of path lengths that a map has gets as many episodes as the others, give or take one: which of them
    get one more is drawn, so that none is favoured where there are many maps of few episodes. Within a stratum each
    pair of spawns is as likely as any other, and is taken again only once all have been.
    """

    needs_paths: ClassVar[bool] = True

    def draw(self, floor: Floor, count: int, num_agents: int, rng: Rng, strata: Sequence[Stratum]) -> list[Start]:
        """Draws starts and goals: see `EpisodeStarts.draw`."""
        if num_agents != 1:
            raise ValueError(f'goals are for 1 agent an env, got {num_agents}.')
        pairs = [found for stratum in strata if len(found := _pairs(floor, stratum))]
        if not pairs:
            raise ValueError(f'it has no two spawns {", or ".join(map(named, strata))} apart along the shortest path.')
        decks, first = [_Deck(found, rng) for found in pairs], rng.fork('first stratum').below(len(pairs))
        turns = [decks[(first + k) % len(decks)] for k in range(count)]
        return [self._start(int(deck.next()), len(floor.spawns), rng) for deck in turns]

    @staticmethod
    def _start(pair: int, num_spawns: int, rng: Rng) -> Start:
        return Start(np.array([pair // num_spawns]), bearings(1, rng), pair % num_spawns)


class _Deck:
    """A deck of numbers, each of which is drawn once before any is drawn again."""

    def __init__(self, numbers: np.ndarray, rng: Rng) -> None:
        self._numbers, self._rng = numbers.copy(), rng
        self._left = len(numbers)

    def next(self) -> int:
        self._left = self._left or len(self._numbers)
        chosen = self._rng.below(self._left)
        self._left -= 1
        self._numbers[[chosen, self._left]] = self._numbers[[self._left, chosen]]
        return self._numbers[self._left]


def bearings(count: int, rng: Rng) -> Float[np.ndarray, ' agent']:
    """Random bearings: one of 2^24 angles from -180 degrees to below 180 for each agent, exact in float32."""
    return np.array([(rng.word() >> 40) * (360 / (1 << 24)) - 180 for _ in range(count)])


def stratum_of(lengths: Float[np.ndarray, ' path'], strata: Sequence[Stratum]) -> Int[np.ndarray, ' path']:
    """The number of the stratum that each path's length is in; -1 if it is in none."""
    found = np.full(len(lengths), -1)
    for number, (least, most) in enumerate(strata):
        found[(lengths >= least) & (lengths < most)] = number
    return found


def named(stratum: Stratum) -> str:
    """A stratum, as messages have it: ``'5 to 10 m'`` or ``'40 m or more'``."""
    least, most = stratum
    return f'{least:g} m or more' if math.isinf(most) else f'{least:g} to {most:g} m'


def _pairs(floor: Floor, stratum: Stratum) -> Int[np.ndarray, ' pair']:
    """The pairs of spawns whose shortest path is in a stratum: start * number of spawns + goal."""
    assert floor.lengths is not None, 'needs_paths asks for them'
    lengths, (least, most) = floor.lengths.reshape(-1), stratum
    return np.flatnonzero((lengths >= least) & (lengths < most) & np.isfinite(lengths))


def _apart(floor: Floor, num_agents: int, rng: Rng) -> Int[np.ndarray, ' agent']:
    """Random spawns, no two within two diameters of each other."""
    for _ in range(TRIES):
        chosen = [rng.below(len(floor.spawns)) for _ in range(num_agents)]
        distances = _distances(floor.spawns, chosen, chosen) + np.diag(np.full(num_agents, np.inf))
        if distances.min() >= 4 * floor.agent_radius:
            return np.array(chosen)
    raise ValueError(_crowded(floor, num_agents))


def _distances(spawns: np.ndarray, these: list[int] | None, those: list[int]) -> Float[np.ndarray, 'this that']:
    """Distances of spawns, by default of all, from some others, in metres."""
    from_these = spawns if these is None else spawns[these]
    return np.hypot(*np.moveaxis(from_these[:, None] - spawns[those], -1, 0))


def _crowded(floor: Floor, num_agents: int) -> str:
    return f'{num_agents} agents must have spawns {4 * floor.agent_radius:.2f} m apart, it has {len(floor.spawns)}.'
