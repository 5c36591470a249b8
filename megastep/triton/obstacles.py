"""Obstacles: which walls agents may reach, the broad phase, and what they touch and how far is safe, the narrow phase.

A team is a row of a few lanes, all of which do for one agent what is done once, and each of which takes a wall of its
own where walls are tried. So everything here is as wide as the teams and their lanes. The comments of the twin,
`megastep.numba.obstacles`, which looks at one wall after another, hold here too.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import halves
from megastep.triton.impacts import NEVER, away, chord_clearance, clearance_at, impact

SKIN = tl.constexpr(1e-4)
HALVINGS = tl.constexpr(3)
FAR = tl.constexpr(-1e6)
BLOCK = tl.constexpr(32)
"""So many walls are marked in one word."""
FIRST_AGENT, FIRST_MARKER = tl.constexpr(1 << 29), tl.constexpr(1 << 30)
"""What may be touched is numbered: the walls first, in the order of their boxes, then the agents and the markers."""


class NearWalls(NamedTuple):
    """Walls that teams' agents may touch: those that a cell lists, or for a long move all those of a map."""

    walls: tl.tensor
    boxes: tl.tensor
    numbers: tl.tensor
    first_wall: tl.tensor
    first_box: tl.tensor
    first_number: tl.tensor
    count: tl.tensor
    listed: tl.tensor


class Obstacles(NamedTuple):
    """Obstacles: what each team's agent may touch."""

    walls: NamedTuple  # those near it
    num_blocks: tl.tensor  # of walls: the most that any team has
    positions: tl.tensor  # all agents'
    first_agent: tl.tensor  # the env's first
    agent: tl.tensor  # the one that moves
    crowded: tl.tensor  # whether it may come to touch another
    radius: tl.tensor  # an agent's
    markers: NamedTuple  # all that are solid
    first_marker: tl.tensor  # the env's first


@triton.jit
@no_type_check
def any_of(flags):
    """True if a flag of any team is set."""
    return tl.max(flags.to(tl.int32)) > 0


@triton.jit
@no_type_check
def walls_near(maps, m, px, py, length, moves):
    """The walls that agents at p in maps m may touch on moves of a length, however they slide."""
    corner_x, corner_y, scale = (
        tl.load(maps.grids + 3 * m, mask=moves, other=0.0),
        tl.load(maps.grids + 3 * m + 1, mask=moves, other=0.0),
        tl.load(maps.grids + 3 * m + 2, mask=moves, other=0.0),
    )
    columns, rows = (
        tl.load(maps.shapes + 2 * m, mask=moves, other=0),
        tl.load(maps.shapes + 2 * m + 1, mask=moves, other=0),
    )
    x, y = (px - corner_x) * scale, (py - corner_y) * scale
    listed = moves & (length <= maps.furthest) & (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
    cell = tl.where(listed, y, 0.0).to(tl.int32) * columns + tl.where(listed, x, 0.0).to(tl.int32)
    at = maps.firsts + tl.load(maps.first_starts + m, mask=moves, other=0) + cell
    first, last = tl.load(at, mask=listed, other=0), tl.load(at + 1, mask=listed, other=0)
    first_wall = tl.load(maps.wall_starts + m, mask=moves, other=0)
    first_number = tl.load(maps.number_starts + m, mask=listed, other=0) + first
    first_box, count = first_wall, last - first
    if any_of(moves & ~listed):
        first_box = tl.load(maps.box_starts + m, mask=moves, other=0)
        count = tl.where(listed, count, tl.load(maps.wall_widths + m, mask=moves, other=0))
    return NearWalls(
        maps.boxed_walls, maps.boxes, maps.near_numbers, first_wall, first_box, first_number, count, listed
    )


@triton.jit
@no_type_check
def load_near(near, k, there):
    """The ends of each lane's k-th wall, far away if it has none, and its number in the order of boxes."""
    number = tl.load(near.numbers + near.first_number + k, mask=there & near.listed, other=0).to(tl.int32)
    number = tl.where(near.listed, number, k)
    wall = near.walls + 2 * (near.first_wall + number)
    ax, ay = halves(tl.load(wall, mask=there, other=0))
    bx, by = halves(tl.load(wall + 1, mask=there, other=0))
    ax, ay = tl.where(there, ax, FAR), tl.where(there, ay, FAR)
    return ax, ay, tl.where(there, bx, FAR), tl.where(there, by, FAR + 1), number


@triton.jit
@no_type_check
def in_box_met(near, block, left, bottom, right, top, moves):
    """True for the teams that needn't leave out a block of walls: it is listed, or its box meets the one given."""
    asks = moves & ~near.listed
    meets = moves
    if any_of(asks):
        at = near.boxes + 4 * (near.first_box + block)
        meets &= ~asks | (right >= tl.load(at, mask=asks, other=0.0))
        meets &= ~asks | (top >= tl.load(at + 1, mask=asks, other=0.0))
        meets &= ~asks | (left <= tl.load(at + 2, mask=asks, other=0.0))
        meets &= ~asks | (bottom <= tl.load(at + 3, mask=asks, other=0.0))
    return meets


@triton.jit
@no_type_check
def marked(near, block, left, bottom, right, top, moves, SIZES: tl.constexpr):
    """A bit for each of a block of a team's walls, in order: whether the wall's own box meets the one given."""
    lane = tl.broadcast_to(tl.arange(0, SIZES.lanes)[None, :], left.shape)
    count = tl.minimum(near.count - block * BLOCK, BLOCK)
    count = tl.where(moves & (count > 0), count, 0)
    count = tl.where(in_box_met(near, block, left, bottom, right, top, count > 0), count, 0)
    marks = tl.zeros_like(count)
    for start in range(0, tl.max(count), SIZES.lanes):
        k = start + lane
        ax, ay, bx, by, _ = load_near(near, block * BLOCK + k, k < count)
        meets = (right >= tl.minimum(ax, bx)) & (left <= tl.maximum(ax, bx))
        meets &= (top >= tl.minimum(ay, by)) & (bottom <= tl.maximum(ay, by))
        marks |= tl.where(meets, 1, 0) << (k & (BLOCK - 1))
    return tl.broadcast_to(tl.sum(marks, 1, keep_dims=True), marks.shape)


@triton.jit
@no_type_check
def dealt(marks, SIZES: tl.constexpr):
    """Deals the first walls marked to a team's lanes: each lane's place, whether it has one, and the other marks."""
    LANES: tl.constexpr = SIZES.lanes
    lane = tl.broadcast_to(tl.arange(0, LANES)[None, :], marks.shape)
    own = marks
    for i in tl.static_range(LANES):
        marks = marks & (marks - 1)
        own = tl.where(lane > i, marks, own)
    place = (((own & -own).to(tl.float32).to(tl.int32, bitcast=True) >> 23) & 255) - 127
    return place, own != 0, marks


@triton.jit
@no_type_check
def finite(x):
    """True where a number is neither NaN nor infinite."""
    return tl.abs(x) <= 3.4028234663852886e38


@triton.jit
@no_type_check
def first_of(time, into, number, nx, ny, other_time, other_into, other_number, other_nx, other_ny):
    """The first of two impacts; at the same time the one led into more; and else the one whose number is lower."""
    ties = (time == other_time) & ((into < other_into) | ((into == other_into) & (number <= other_number)))
    first = (time < other_time) | ties
    time, into = tl.where(first, time, other_time), tl.where(first, into, other_into)
    number = tl.where(first, number, other_number)
    return time, into, number, tl.where(first, nx, other_nx), tl.where(first, ny, other_ny)


@triton.jit
@no_type_check
def other_agents(obstacles, start, moves, SIZES: tl.constexpr):
    """An agent of the same env for each lane, from number ``start`` on: where it is, which, and if it is another."""
    lane = tl.broadcast_to(tl.arange(0, SIZES.lanes)[None, :], moves.shape)
    other = obstacles.first_agent + start + lane
    there = moves & obstacles.crowded & (start + lane < SIZES.num_agents) & (other != obstacles.agent)
    at = obstacles.positions + 2 * other
    return tl.load(at, mask=there, other=0.0), tl.load(at + 1, mask=there, other=0.0), start + lane, there


@triton.jit
@no_type_check
def solid_discs(obstacles, start, moves, SIZES: tl.constexpr):
    """A solid marker for each lane: where it is, how far agents' middles must keep, which, and if it's there."""
    lane = tl.broadcast_to(tl.arange(0, SIZES.lanes)[None, :], moves.shape)
    markers, at = obstacles.markers, obstacles.first_marker + start + lane
    there = moves & (start + lane < SIZES.num_markers)
    there &= tl.load(markers.visible + at, mask=there, other=0) != 0
    radii = tl.load(markers.radii + at, mask=there, other=0.0)
    xs, ys = (
        tl.load(markers.positions + 2 * at, mask=there, other=0.0),
        tl.load(markers.positions + 2 * at + 1, mask=there, other=0.0),
    )
    there &= (radii > 0) & finite(radii) & finite(xs) & finite(ys)
    return xs, ys, radii + obstacles.radius, start + lane, there


@triton.jit
@no_type_check
def swept(px, py, qx, qy, margin):
    """The box around the way from p to q and a margin: its left, bottom, right and top."""
    left, bottom = tl.minimum(px, qx) - margin, tl.minimum(py, qy) - margin
    return left, bottom, tl.maximum(px, qx) + margin, tl.maximum(py, qy) + margin


@triton.jit
@no_type_check
def first_impact(obstacles, px, py, dx, dy, moves, SIZES: tl.constexpr):
    """The first thing each agent touches on its move d: when, as a share of d; its normal; and its number, -1 for none.

    Last come the marks of the walls near the way, those of the last block; and whether anything is near it at all:
    else the move needs no other check.
    """
    time, into, nx, ny = tl.zeros_like(px) + NEVER, tl.zeros_like(px), tl.zeros_like(px), tl.zeros_like(px)
    number, near, marks = tl.zeros_like(moves.to(tl.int32)), tl.zeros_like(moves), tl.zeros_like(moves.to(tl.int32))
    walls, radius = obstacles.walls, obstacles.radius
    left, bottom, right, top = swept(px, py, px + dx, py + dy, radius + 2 * SKIN)
    for block in range(obstacles.num_blocks):
        marks = marked(walls, block, left, bottom, right, top, moves, SIZES)
        near |= marks != 0
        rest = marks
        while any_of(rest != 0):
            place, there, rest = dealt(rest, SIZES)
            ax, ay, bx, by, wall = load_near(walls, block * BLOCK + place, there)
            at, x, y = impact(px, py, dx, dy, ax, ay, bx, by, radius + SKIN)
            time, into, number, nx, ny = first_of(time, into, number, nx, ny, at, dx * x + dy * y, wall, x, y)
    if SIZES.num_agents > 1:
        near |= obstacles.crowded
        if any_of(moves & obstacles.crowded):
            for start in range(0, SIZES.num_agents, SIZES.lanes):
                xs, ys, k, there = other_agents(obstacles, start, moves, SIZES)
                at, x, y = impact(px, py, dx, dy, xs, ys, xs, ys, 2 * radius + SKIN)
                at, k = tl.where(there, at, NEVER), k + FIRST_AGENT
                time, into, number, nx, ny = first_of(time, into, number, nx, ny, at, dx * x + dy * y, k, x, y)
    if SIZES.num_markers > 0:
        near |= moves
        for start in range(0, SIZES.num_markers, SIZES.lanes):
            xs, ys, reaches, k, there = solid_discs(obstacles, start, moves, SIZES)
            at, x, y = impact(px, py, dx, dy, xs, ys, xs, ys, reaches + SKIN)
            at, k = tl.where(there, at, NEVER), k + FIRST_MARKER
            time, into, number, nx, ny = first_of(time, into, number, nx, ny, at, dx * x + dy * y, k, x, y)
    time, into, number, nx, ny = tl.reduce((time, into, number, nx, ny), 1, first_of, keep_dims=True)
    time, number = tl.broadcast_to(time, px.shape), tl.broadcast_to(number, px.shape)
    touches = time <= 1
    nx, ny = (
        tl.where(touches, tl.broadcast_to(nx, px.shape), 0.0),
        tl.where(touches, tl.broadcast_to(ny, px.shape), 0.0),
    )
    return tl.minimum(time, 1.0), nx, ny, tl.where(touches, number, -1), marks, near & moves


@triton.jit
@no_type_check
def safe(obstacles, px, py, qx, qy, marks, moves, SIZES: tl.constexpr):
    """True if the way from p to q keeps clear of everything by the radius, or as clear as p is if that is less."""
    ok = tl.zeros_like(moves.to(tl.int32)) + 1
    walls, radius = obstacles.walls, obstacles.radius
    left, bottom, right, top = swept(px, py, qx, qy, radius + 2 * SKIN)
    for block in range(obstacles.num_blocks):
        if obstacles.num_blocks > 1:
            marks = marked(walls, block, left, bottom, right, top, moves, SIZES)
        rest = tl.where(moves, marks, 0)
        while any_of(rest != 0):
            place, there, rest = dealt(rest, SIZES)
            ax, ay, bx, by, _ = load_near(walls, block * BLOCK + place, there)
            clearance = chord_clearance(px, py, qx, qy, ax, ay, bx, by)
            doubtful = clearance < radius + SKIN / 2
            if any_of(doubtful):
                before = clearance_at(px, py, ax, ay, bx, by)
                ok = tl.where(doubtful & (clearance < before), 0, ok)
    if SIZES.num_agents > 1:
        if any_of(moves & obstacles.crowded):
            for start in range(0, SIZES.num_agents, SIZES.lanes):
                xs, ys, _, there = other_agents(obstacles, start, moves, SIZES)
                before, clearance = away(xs, ys, px, py, px, py)[2], away(xs, ys, px, py, qx, qy)[2]
                keeps = clearance >= tl.minimum(2 * radius + SKIN / 2, before)
                ok = tl.where(there & ~keeps, 0, ok)
    if SIZES.num_markers > 0:
        for start in range(0, SIZES.num_markers, SIZES.lanes):
            xs, ys, reaches, _, there = solid_discs(obstacles, start, moves, SIZES)
            before, clearance = away(xs, ys, px, py, px, py)[2], away(xs, ys, px, py, qx, qy)[2]
            keeps = clearance >= tl.minimum(reaches + SKIN / 2, before)
            ok = tl.where(there & ~keeps, 0, ok)
    return tl.broadcast_to(tl.min(ok, 1, keep_dims=True), ok.shape) != 0


@triton.jit
@no_type_check
def committed(obstacles, px, py, dx, dy, marks, moves, SIZES: tl.constexpr):
    """The share of each move d that is safe to make, 1, a half, a quarter, an eighth or 0; and where it leads."""
    share, ok, tries = tl.where(moves, 2.0, 1.0), ~moves, 0
    while any_of(~ok) & (tries <= HALVINGS):
        share, tries = tl.where(ok, share, share * 0.5), tries + 1
        ok |= safe(obstacles, px, py, px + share * dx, py + share * dy, marks, moves & ~ok, SIZES)
    return tl.where(ok, share, 0.0), tl.where(ok, px + share * dx, px), tl.where(ok, py + share * dy, py)
