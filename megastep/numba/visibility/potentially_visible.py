"""Potentially visible sets: finds the walls that can be seen from somewhere in a cell, and maybe a few more.

Rays from a cell are looked at by quarter turns: after a turn each goes along ``y = slope * x + offset`` as seen from
the cell's middle, towards +x, with a slope of -1 to 1. Lines whose slope and offset lie in a rectangle are a *beam*
(Heckbert and Hanrahan, "Beam tracing polygonal objects", 1984). In the plane of slopes and offsets a point is a
straight line, so it lies to the left of a whole beam if it does at the rectangle's four corners. Beams are halved until
nothing in them is in doubt, or they are narrow.

Why no wall is missed that can be seen:

- A wall *touches* the cell, or else lies beyond one of its sides, or the cell lies in front of it or behind it: the
  separating axes of a rectangle and a segment. Touching walls are listed. Of the others each axis tells whether lines
  that go through the cell, and meet the wall from its front, do so *ahead*, after the cell, or before it; if the axes
  tell both there are no such lines. So only walls that are ahead by all their axes can be seen, and all of those are in
  the list that each quarter and sense of slope begins with.
- A beam hands on to its halves each wall that a line of it may meet, unless a *chain* hides it: walls each of which
  begins where the last one ends, from a point to the right of all the beam to one to its left. Along the chain a line's
  right side changes to its left once more than back, and each such change is a meeting from the front; as all of the
  chain's walls that lines of the beam may meet so are ahead, the meeting is too. So every line of the beam ends at the
  chain at the latest. Signs alone are compared, and those of a shared end are alike: rounding opens no gap.
- Lines that meet a wall of the chain and another wall, both from the front, meet the first sooner if the other is
  altogether behind the first's line, or the first altogether in front of the other's: a line passes from front to back.
  Only what all the chain's walls are before in this sense is hidden. (Of two walls that don't cross one is altogether
  on one side of the other's line, so this tells which is sooner; where walls do cross, none hides the other.)
- Beams that no line through the cell is in are left out. What a narrow beam still has is listed.

The slack around beams is more than rounding moves a line in the pictures. The twin is
`megastep.triton.visibility.potentially_visible`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED, PART
from megastep.numba.jit.parallel import in_blocks
from megastep.numba.visibility.beams import (
    AHEAD,
    TOUCHES,
    aside,
    beam_of,
    following,
    hides,
    meets,
    role,
    width,
)
from megastep.numba.visibility.walls import walls_of

DEPTH = 11
"""How often a beam is halved at most: by turns its slopes and its offsets."""

HITS = 3
"""How many of the walls that a beam's middle line meets are tried for a chain, the nearest first."""

LONGEST = 8
"""How many walls a chain has at most to either side of the first."""


class Map(NamedTuple):
    """A map's walls as seen from a cell's middle, after a turn, and what they are to a quarter's lines."""

    ends: np.ndarray  # (wall, 4): the first's x and y and the second's
    nexts: np.ndarray  # the wall that begins where a wall ends, -1 for none
    previous: np.ndarray  # and the wall that ends where it begins
    roles: np.ndarray


@njit(**PART)
def nearest(beam, ends, listed, count, last, last_wall):
    """The nearest wall that a beam's middle line meets after a distance and wall, and how far that is."""
    best, wall = np.inf, -1
    for k in range(count):
        w = listed[k]
        right, left = aside(beam, ends[w, 0], ends[w, 1]), aside(beam, ends[w, 2], ends[w, 3])
        if right <= 0 <= left and right < left:
            x = ends[w, 0] + (ends[w, 2] - ends[w, 0]) * (right / (right - left))
            if (x > last or (x == last and w > last_wall)) and x < best:
                best, wall = x, w
    return best, wall


@njit(**PART)
def extend(beam, m, wall, chain, length, to_left):
    """Extends a chain from a wall to one side, until its end lies beyond all the beam.

    Returns:
        Whether it got there, and how many walls the chain has whose fronts the beam may meet.
    """
    links, sense, end = (m.nexts, 1, 2) if to_left else (m.previous, -1, 0)
    for _ in range(LONGEST):
        x, y = m.ends[wall, end], m.ends[wall, end + 1]
        if sense * aside(beam, x, y) > width(beam, x):
            return True, length
        wall = links[wall]
        if wall < 0:
            return False, length
        if meets(beam, m.ends, wall):
            if m.roles[wall] != AHEAD:
                return False, length
            chain[length] = wall
            length += 1
    return False, length


@njit(**PART)
def kept(m, listed, count, chain, length):
    """Keeps those walls of a list that a chain doesn't hide; returns how many there are."""
    some = 0
    for k in range(count):
        hidden = True
        for i in range(length):
            if chain[i] == listed[k] or not hides(m.ends, chain[i], listed[k]):
                hidden = False
                break
        if not hidden:
            listed[some] = listed[k]
            some += 1
    return some


@njit(**PART)
def unseen(listed, count, seen):
    """The number of walls of a list that haven't been seen yet."""
    some = 0
    for k in range(count):
        some += seen[listed[k]] == 0
    return some


@njit(**PART)
def examine(beam, m, listed, count, chain, half_x, half_y, seen):
    """Takes out of a beam's list what a chain across it hides, and marks the wall that its middle line sees.

    Returns:
        How many walls are left: 0 if all of them have been seen.
    """
    best, wall = -np.inf, -1
    for hit in range(HITS):
        best, wall = nearest(beam, m.ends, listed, count, best, wall)
        if wall < 0:
            break
        if hit == 0 and abs(beam.offset) <= half_y + abs(beam.slope) * half_x:
            seen[wall] = 1
        chain[0] = wall
        covers, length = extend(beam, m, wall, chain, 1, True)
        if covers:
            covers, length = extend(beam, m, wall, chain, length, False)
        if covers:
            count = kept(m, listed, count, chain, length)
            break
    return count if unseen(listed, count, seen) else 0


@njit(**PART)
def look(m, half_x, half_y, rising, lists, counts, chain, seen):
    """Marks the walls that may be seen along lines of one sense of slope, by halving beams depth first.

    ``lists[d]`` is what beams of depth d begin with, and ``counts[d]`` how many walls that are.
    """
    counts[0] = 0
    for w in range(len(m.ends)):
        if m.roles[w] == AHEAD:
            lists[0, counts[0]] = w
            counts[0] += 1
    widest = half_x + half_y
    depth, slope, offset = 0, 0, 0
    while True:
        beam = beam_of(depth, slope, offset, rising, widest)
        count = 0
        if abs(beam.offset) <= half_y + (abs(beam.slope) + beam.slopes) * half_x + beam.offsets:
            for k in range(counts[depth]):
                if meets(beam, m.ends, lists[depth, k]):
                    lists[depth + 1, count] = lists[depth, k]
                    count += 1
        if unseen(lists[depth + 1], count, seen):
            count = examine(beam, m, lists[depth + 1], count, chain, half_x, half_y, seen)
            if count and depth < DEPTH:
                counts[depth + 1] = count
                depth, slope, offset = (depth + 1, slope, 2 * offset) if depth % 2 else (depth + 1, 2 * slope, offset)
                continue
            for k in range(count):
                seen[lists[depth + 1, k]] = 1
        depth, slope, offset = following(depth, slope, offset)
        if depth == 0:
            return


@njit(**PART)
def turn(walls, x, y, quarter, ends):
    """Writes walls' ends as seen from a point, after so many quarter turns to the right."""
    forward, left = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarter]
    for w in range(len(walls)):
        for end in range(2):
            dx, dy = walls[w, end, 0] - x, walls[w, end, 1] - y
            ends[w, 2 * end], ends[w, 2 * end + 1] = forward * dx + left * dy, forward * dy - left * dx


@njit(**PART)
def find_from(walls, nexts, previous, part, seen):
    """Marks the walls that may be seen from a part of a cell: its middle, and half its width and height."""
    lists, counts = np.empty((DEPTH + 2, len(walls)), np.int32), np.empty(DEPTH + 2, np.int64)
    chain = np.empty(2 * LONGEST + 1, np.int32)
    m = Map(np.empty((len(walls), 4)), nexts, previous, np.empty(len(walls), np.int8))
    for quarter in range(4):
        turn(walls, part[0], part[1], quarter, m.ends)
        half_x, half_y = (part[2], part[3]) if quarter % 2 == 0 else (part[3], part[2])
        for rising in (True, False):
            for w in range(len(walls)):
                m.roles[w] = role(m.ends, w, half_x, half_y, rising)
                seen[w] |= m.roles[w] == TOUCHES
            look(m, half_x, half_y, rising, lists, counts, chain, seen)


@njit(**PART)
def find_some(walls, nexts, previous, map_of_cell, parts, seen_starts, seen, first, last):
    """Marks the walls that may be seen from some parts of cells."""
    for cell in range(first, last):
        start, width = walls.starts[map_of_cell[cell]], walls.widths[map_of_cell[cell]]
        own = slice(start, start + width)
        marks = seen[seen_starts[cell] : seen_starts[cell] + width]
        find_from(walls.ends[own], nexts[own], previous[own], parts[cell], marks)


@njit(**LAUNCHED)
def _find_visible(walls, nexts, previous, map_of_cell, parts, seen_starts, seen):
    in_blocks(find_some, (walls, nexts, previous, map_of_cell, parts, seen_starts, seen), len(parts), 1)


def find_visible(map_of_cell, walls, nexts, previous, parts, seen_starts, seen):
    """Marks the walls that may be seen from parts of cells: see `megastep.world.visible_walls`."""
    arrays = (tensor.numpy() for tensor in (nexts, previous, map_of_cell, parts, seen_starts, seen))
    _find_visible(walls_of(walls), *arrays)
