"""Rooms as tiles and the doors wanted between them, on their way to a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from megastep.mapgen.geometry.lattice import Rect, Stretch, floor, shared
from megastep.mapgen.layout.assembly import Space
from megastep.mapgen.layout.doors import JAMB, place
from megastep.mapgen.rng import Rng


class Draft(NamedTuple):
    """A room: what it is for, and the tiles it is made of, in lattice units."""

    kind: str
    tiles: Sequence[Rect]


class Link(NamedTuple):
    """A door that is wanted between two rooms, which are given by their numbers."""

    one: int
    other: int
    wide: int = 0
    """The chance in a hundred that it is a wide one, where that fits and suits."""
    gap: int = 0
    """If it is an opening in the middle of the wall rather than a door: how wide it is at most, in lattice units."""
    open: bool = False
    """Whether all walls between the rooms go."""
    tile: int | None = None
    """Which tile of the other room it is at, if not any."""


def linked(rng: Rng, rooms: Sequence[Draft], links: Sequence[Link], wall: int) -> list[Stretch]:
    """Says where doors are.

    Args:
        rng: Drawn from.
        rooms: As they will be built: not to be turned any more.
        links: The doors. Each pair of rooms shares a wall that a door fits in.
        wall: How thick walls are, in lattice units.
    """
    return [door for link in links for door in _doors(rng, rooms[link.one], rooms[link.other], link, wall)]


def _doors(rng: Rng, one: Draft, other: Draft, link: Link, wall: int) -> list[Stretch]:
    tiles = other.tiles if link.tile is None else [other.tiles[link.tile]]
    stretches = shared_walls(one.tiles, tiles, wall)
    if link.open:
        return stretches
    longest = max(stretches, key=lambda stretch: stretch.length)
    if not link.gap:
        return [place(rng, longest, (one.kind, other.kind), wide=link.wide)]
    width = min(link.gap, longest.length - 2 * JAMB)
    low = longest.low + (longest.length - width) // 2
    return [longest._replace(low=low, high=low + width)]


def shared_walls(one: Sequence[Rect], other: Sequence[Rect], wall: int) -> list[Stretch]:
    """The walls that two rooms share."""
    return [found for a in one for b in other if (found := shared(a, b, wall))]


def nearest(rooms: Sequence[Draft], room: Draft, wall: int) -> int:
    """Which of some rooms shares the longest wall with another."""
    lengths = [sum(found.length for found in shared_walls(other.tiles, room.tiles, wall)) for other in rooms]
    return lengths.index(max(lengths))


def space(room: Draft, wall: int, solids: Sequence[Rect] = ()) -> Space:
    """What is clear of a room, around what stands in it."""
    parts = floor(room.tiles, wall)
    return Space(room.kind, tuple(without(parts, solids) if solids else parts))


def without(rects: Sequence[Rect], solids: Sequence[Rect]) -> list[Rect]:
    """Rectangles that cover what solid ones leave of a union of others, and don't overlap."""
    xs = sorted({x for rect in (*rects, *solids) for x in (rect.left, rect.right)})
    ys = sorted({y for rect in (*rects, *solids) for y in (rect.bottom, rect.top)})
    column, row = ({at: i for i, at in enumerate(places)} for places in (xs, ys))
    free = np.zeros((len(ys) - 1, len(xs) + 1), dtype=np.int8)
    for group, value in ((rects, 1), (solids, 0)):
        for left, bottom, right, top in group:
            free[row[bottom] : row[top], column[left] + 1 : column[right] + 1] = value
    steps = np.diff(free, axis=1)
    rows, starts = np.nonzero(steps == 1)
    stops = np.nonzero(steps == -1)[1]
    runs = zip(rows.tolist(), starts.tolist(), stops.tolist(), strict=True)
    return [Rect(xs[start], ys[k], xs[stop], ys[k + 1]) for k, start, stop in runs]
