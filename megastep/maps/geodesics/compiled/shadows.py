"""Shadow casting: the middles of a grid's cells that a disc can go to straight from a point, found line by line.

A point looks along its lines of sight in four quadrants. In each the grid's lines of cells are swept from the point
outwards, with a list of the intervals of slopes in which nothing has been met yet. Walls take away the slopes that they
span. Reflex corners take away those at which a line of sight passes nearer to them than the disc's radius; by the
tangents from the point to the disc around them. Nothing else can be in the way: see `walls`. So it costs as much as
there is in sight, and not a search for every pair of points.

A sweep's coordinates are u, along it, and v, along the lines that it meets one after another. Slopes are v over u.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.maps.geodesics.compiled.cells import mark_span
from megastep.maps.geodesics.compiled.strips import STRETCH, has_any, strip_of
from megastep.maps.geodesics.compiled.walls import INLINED, PART

MOST_INTERVALS = 256
"""So many intervals of slopes are told apart in a quadrant. Of more, the narrowest are taken to be in shadow."""

MOST_DARK = 4096
"""So many cells of a line may be in shadows that are about to begin."""

STEEPEST = 1 + 1e-9
"""Quadrants are of slopes from -1 to 1 and, so that none is lost between them, a little more."""

ROUNDING = 1e-9
"""A cell's middle counts as in an interval if it is no further outside, in cells."""


class Sight(NamedTuple):
    """Sight on the way: intervals of slopes, and the corners whose shadow is about to begin."""

    low: np.ndarray  # (interval,)
    high: np.ndarray  # (interval,)
    corners: np.ndarray  # (corner, 4): the lowest and highest slope of the shadow, u and v from the source
    dark: np.ndarray  # (cell,): the cells of a line that are in such a shadow


class Sources(NamedTuple):
    """Points that shadows are cast from: goals, in all directions, and then nodes, in their wedges."""

    points: np.ndarray  # (source, 2)
    along: np.ndarray  # (source, 2, 2): the edges of `Wedges`, zeros for goals
    lines: np.ndarray  # (source, 2, 2)
    goals: int


class Seen(NamedTuple):
    """The cells that a source sees."""

    masks: np.ndarray  # (block,) uint16: bits of its cells
    touched: np.ndarray  # (block + 1,): the blocks whose masks aren't 0, and room for one that is tried
    columns: int  # of blocks


def make_sight() -> Sight:
    """Room for what is in sight."""
    intervals = np.empty(MOST_INTERVALS), np.empty(MOST_INTERVALS), np.empty((MOST_INTERVALS, 4))
    return Sight(*intervals, np.empty(MOST_DARK, np.int64))


@njit(**PART)
def subtract(low, high, count, a, b):
    """Takes the slopes from a to b away from the first intervals of a list, in place; returns how many are left."""
    k = 0
    while k < count and high[k] <= a:
        k += 1
    if k == count or low[k] >= b:
        return count
    if low[k] < a and high[k] > b:
        if count < len(low):
            for m in range(count, k, -1):
                low[m], high[m] = low[m - 1], high[m - 1]
            high[k], low[k + 1] = a, b
            return count + 1
        a, b = (-np.inf, b) if high[k] - b > a - low[k] else (a, np.inf)
    if low[k] < a:
        high[k] = a
        k += 1
    kept = k
    for m in range(k, count):
        if high[m] > b:
            low[kept], high[kept] = max(low[m], b), high[m]
            kept += 1
    return kept


@njit(**PART)
def hide_behind_walls(pieces, highest, k, end, pu, pv, step, near, far, low, high, count):
    """Takes away the slopes of the walls of a strip that face the source; returns how many intervals are left.

    The arrays are those of `Strips` and `Sight`, one by one: to take them out of a tuple costs more than a wall does.
    """
    bottom = pv + min(low[0] * near, low[0] * far)
    top = pv + max(high[count - 1] * near, high[count - 1] * far)
    beyond = end
    while beyond - k > 4:  # bisection: none before k reaches up to the bottom
        half = (k + beyond) // 2
        if highest[half] < bottom:
            k = half + 1
        else:
            beyond = half
    while k < end and count > 0:
        av, bv = pieces[k, 1], pieces[k, 3]
        if min(av, bv) > top:
            break
        au, bu = step * (pieces[k, 0] - pu), step * (pieces[k, 2] - pu)
        av, bv, k = av - pv, bv - pv, k + 1
        if step * (au * bv - av * bu) <= 0 or (au <= 0 and bu <= 0):
            continue
        if au > 0 and bu > 0:
            a, b = av / au, bv / bu
        else:
            crossing = av + (bv - av) * au / (au - bu)
            a, b = (av / au if au > 0 else bv / bu), (np.inf if crossing > 0 else -np.inf)
        count = subtract(low, high, count, min(a, b), max(a, b))
    return count


@njit(**PART)
def meet_corners(corners, first, end, pu, pv, step, radius, low, high, count, shadows, waiting):
    """Adds the corners of a strip whose disc is in sight to those waiting; returns how many intervals and wait."""
    for k in range(first, end):
        u, v = step * (corners[k, 0] - pu), corners[k, 1] - pv
        if u < -radius or abs(v) > u + 3 * radius or count == 0:
            continue
        if u > 4 * radius and not low[0] * u - 4 * radius < v < high[count - 1] * u + 4 * radius:
            continue
        square = u * u + v * v
        sine = min(radius / np.sqrt(square), 1.0)
        cosine = np.sqrt(1 - sine * sine)
        low_u, low_v = u * cosine + v * sine, v * cosine - u * sine
        high_u, high_v = u * cosine - v * sine, v * cosine + u * sine
        if low_u <= 0 and high_u <= 0 and u <= 0:
            continue
        lowest = low_v / low_u if low_u > 0 else -np.inf
        highest = high_v / high_u if high_u > 0 else np.inf
        seen = False
        for m in range(count):
            seen = seen or (lowest < high[m] and highest > low[m])
        if not seen:
            continue
        if waiting == len(shadows):
            count = subtract(low, high, count, lowest, highest)
        else:
            shadows[waiting, 0], shadows[waiting, 1] = lowest, highest
            shadows[waiting, 2], shadows[waiting, 3] = u, v
            waiting += 1
    return count, waiting


@njit(**PART)
def behind_corners(shadows, waiting, dark, far, pv, first, side, length):
    """Writes the cells of a line that are in the shadow of the corners waiting, in order; returns how many are."""
    count = 0
    for k in range(waiting):
        low, high, u, v = shadows[k, 0], shadows[k, 1], shadows[k, 2], shadows[k, 3]
        begin = int(np.ceil((pv + max(low, -STEEPEST) * far - first) / side))
        end = int(np.floor((pv + min(high, STEEPEST) * far - first) / side)) + 1
        for j in range(max(begin, 0), min(end, length)):
            across = first + j * side - pv
            if far * (far - u) + across * (across - v) > 0 and count < len(dark):
                m = count
                while m > 0 and dark[m - 1] > j:
                    dark[m] = dark[m - 1]
                    m -= 1
                dark[m] = j
                count += 1
    return count


@njit(**PART)
def cast(strips, pu, pv, step, radius, sight, count, seen, used):
    """Sweeps a quadrant and marks the cells that are seen.

    Args:
        strips: What stands in the way.
        pu: The source.
        pv: And its v.
        step: 1 to sweep towards higher u, -1 towards lower.
        radius: The disc's, in metres.
        sight: The intervals of slopes to look in; used up.
        count: How many there are.
        seen: Where to mark cells.
        used: How many blocks have cells that are marked already.

    Returns:
        How many blocks have such cells then.
    """
    axis, side, lines, length, first = strips.axis, strips.side, strips.lines, strips.length, strips.low
    pieces, highest, piece_firsts = strips.pieces, strips.highest, strips.piece_firsts
    corners, corner_firsts = strips.corners, strips.corner_firsts
    has_piece, has_corner, has_near = strips.has_piece, strips.has_corner, strips.has_near
    low, high, shadows, dark = sight.low, sight.high, sight.corners, sight.dark
    masks, touched, columns = seen.masks, seen.touched, seen.columns
    ahead, waiting, start, scale = int(np.ceil(radius / side)), np.int64(0), (pv - first) / side, 1 / side
    in_stretches, margin, beyond = scale / STRETCH, 4 * radius * scale / STRETCH, ahead * side
    base = start / STRETCH
    s = strip_of(strips.first, side, lines, pu)
    met = max(s - step * ahead, 0) if step > 0 else min(s + ahead, lines)
    while 0 <= s <= lines and count > 0:
        line = s if step > 0 else s - 1
        if not 0 <= line < lines:
            break
        far = step * (strips.first + line * side - pu)
        near = max(far - side, 0.0)
        bottom, top = slopes_span(low[0], high[count - 1], near * in_stretches, (far + beyond) * in_stretches, base)
        if far < 5 * radius + side or has_any(has_near, s, bottom, top):
            bottom, top = slopes_span(low[0], high[count - 1], near * in_stretches, far * in_stretches, base)
            if has_any(has_piece, s, bottom, top):
                k, end = piece_firsts[s], piece_firsts[s + 1]
                count = hide_behind_walls(pieces, highest, k, end, pu, pv, step, near, far, low, high, count)
            while count > 0 and 0 <= met <= lines and step * met <= step * s + ahead:
                away = far + step * (met - s) * side
                bottom, top = slopes_span(
                    low[0], high[count - 1], (away - side) * in_stretches, away * in_stretches, base
                )
                if away < 5 * radius + side or has_any(has_corner, met, bottom - margin, top + margin):
                    k, end = corner_firsts[met], corner_firsts[met + 1]
                    count, waiting = meet_corners(
                        corners, k, end, pu, pv, step, radius, low, high, count, shadows, waiting
                    )
                met += step
        else:
            met += step
        hidden = np.int64(0)
        if waiting > 0:
            count, waiting = end_waiting(shadows, waiting, far - 1.5 * radius, low, high, count)
            hidden = behind_corners(shadows, waiting, dark, far, pv, first, side, length)
        for k in range(count):
            begin = int(max(start + low[k] * far * scale + (1 - ROUNDING), 0.0))
            end = int(max(min(start + high[k] * far * scale + (1 + ROUNDING), length), 0.0))
            for m in range(hidden):
                if begin <= dark[m] < end:
                    used = mark_span(axis, line, begin, dark[m], masks, touched, columns, used)
                    begin = dark[m] + 1
            used = mark_span(axis, line, begin, end, masks, touched, columns, used)
        s += step
    return used


@njit(**INLINED)
def end_waiting(shadows, waiting, far, low, high, count):
    """Takes away the slopes of shadows whose corners are no further; how many intervals and shadows are left."""
    k = 0
    while k < waiting and count > 0:
        if far >= shadows[k, 2]:
            count = subtract(low, high, count, shadows[k, 0], shadows[k, 1])
            waiting -= 1
            for m in range(4):
                shadows[k, m] = shadows[waiting, m]
        else:
            k += 1
    return count, waiting


@njit(**INLINED)
def slopes_span(lowest, highest, near, far, base):
    """The lowest and the highest that slopes come to between two distances from a base."""
    return base + min(lowest * near, lowest * far), base + max(highest * near, highest * far)


@njit(**PART)
def cast_all(strips, sources, i, radius, sight, seen, used):
    """Casts shadows from a source in the two quadrants along an axis, in its wedges: see `cast`."""
    axis, points = strips.axis, sources.points
    pu, pv = points[i, axis], points[i, 1 - axis]
    for step in (1, -1):
        count = wedge_slopes(axis, sources, i, step, sight)
        if count > 0:
            used = cast(strips, pu, pv, step, radius, sight, count, seen, used)
    return used


@njit(**PART)
def wedge_slopes(axis, sources, i, step, sight):
    """Writes the intervals of a quadrant's slopes that are in a source's wedges; returns how many there are."""
    if i < sources.goals:
        sight.low[0], sight.high[0] = -STEEPEST, STEEPEST
        return 1
    along, lines, count = sources.along, sources.lines, 0
    for side in range(2):
        along_u, along_v = step * along[i, side, axis], along[i, side, 1 - axis]
        line_u, line_v = step * lines[i, side, axis], lines[i, side, 1 - axis]
        if along_u <= 0 and line_u <= 0:
            continue
        first = along_v / along_u if along_u > 0 else np.copysign(np.inf, along_v)
        second = line_v / line_u if line_u > 0 else np.copysign(np.inf, line_v)
        low, high = max(min(first, second), -STEEPEST), min(max(first, second), STEEPEST)
        if low < high:
            sight.low[count], sight.high[count] = low, high
            count += 1
    return count
