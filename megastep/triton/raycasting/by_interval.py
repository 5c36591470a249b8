"""Ray casting by intervals: what is nearest is found where lines begin and end, and not ray by ray.

A frame is a camera of an agent of an env, and one warp's work:

- `headers`: where the camera is, and the list of the walls that may be seen from there, for all frames beforehand;
- `intervals`: a wall of the list a lane, those that are in view, and the rays that each covers;
- `winners`: a beginning or an end a lane, the line that is nearest from there on; and so that of each ray;
- `pixels`: colours and depths;
- `agent_shading`: the colours of agents, once all frames are done.

Lines don't cross, or this wouldn't do. Frames for which it doesn't are deferred to `by_ray`: the camera's list isn't
known, a line comes within the near distance or is seen edge-on, or too many are in view. What is
seen is specified by `megastep.numba.raycasting.by_ray`.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES
from megastep.triton.raycasting.headers import TICKET_GROUPS, load_camera, load_header, load_listed, load_places
from megastep.triton.raycasting.intervals import (
    CAPACITY,
    FIELD,
    FIELDS,
    FIRST_ENDS,
    NAMES,
    PLACES,
    SECOND_ENDS,
    SPANS,
    Found,
    Room,
    append_agents,
    append_nothing,
    append_walls,
)
from megastep.triton.raycasting.occlusion import CROWD, drop_hidden
from megastep.triton.raycasting.pixels import Frame, rays_of, write_pixels
from megastep.triton.raycasting.winners import FEW, STAMP, mark_winners, nearest

WORDS = tl.constexpr(FIELD * FIELDS + 16)
"""A program's scratch: the last ones keep programs out of each other's way in the cache."""
NOTHING = tl.constexpr(0x26901D7D)
"""A record's inverse depth for rays that meet nothing: the bits of 1e-15, whose inverse's square is a float32."""
MOST_TURNS = tl.constexpr((1 << 31) // STAMP - 2)
"""So many frames a program renders at most: that many marks there are."""


@triton.jit
@no_type_check
def prepare(scratch, program, SIZES: tl.constexpr):
    """A program's scratch, in which there are no marks yet, and the record of rays that meet nothing."""
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    records, marks = scratch.words + program * WORDS, scratch.marks + program * NUM_RAYS
    ray = tl.arange(0, SIZES.pixels * SIZES.rays)
    for some in range(0, NUM_RAYS, SIZES.pixels * SIZES.rays):
        tl.store(marks + some + ray, ray * 0, mask=some + ray < NUM_RAYS)
    tl.store(records + SPANS, 0)
    tl.store(records + SPANS + 1, NOTHING)
    tl.store(records + PLACES, 0)
    tl.store(records + PLACES + 1, 0)
    tl.store(records + NAMES, 0xFFFFFFFF << 32)  # no line's number
    if SIZES.per_ray:
        tl.store(records + FIRST_ENDS, 0)
        tl.store(records + SECOND_ENDS, 0)
    return Room(records, scratch.numbers + program * (2 * WORDS), marks)


@triton.jit
@no_type_check
def find_winners(room, count, stamp, optics, SIZES: tl.constexpr):
    """The records of the lines that few rays meet first, and their inverse depths; those that many meet are marked."""
    if SIZES.res * SIZES.subsample > FEW:
        if count > CROWD:
            count = tl.minimum(drop_hidden(room, count, optics, SIZES), count)
        mark_winners(room, count, stamp, optics, SIZES)
        return stamp, stamp
    else:  # of two types
        return nearest(room, count, rays_of(0, SIZES.pixels, SIZES)[1], optics, SIZES)


@triton.jit
@no_type_check
def group_of(program):
    """The group of a program, and how many groups there are: each draws tickets of its own. Few programs are one."""
    groups = tl.where(tl.num_programs(0) < TICKET_GROUPS, 1, TICKET_GROUPS)
    return program & (groups - 1), groups


@triton.jit
@no_type_check
def draw_ticket(tickets, turn):
    """Draws the ticket of a program's turn: what the first lane gets."""
    lane, group = tl.arange(0, LANES), group_of(tl.program_id(0))[0]
    return tl.atomic_add(tickets + group * LANES + lane, 1, mask=(lane == 0) & (turn < MOST_TURNS), sem='relaxed')


@triton.jit
@no_type_check
def frame_of(ticket, turn, num_frames):
    """The number of a frame by its ticket, after those that are dealt out; beyond all after a program's last turn."""
    group, groups = group_of(tl.program_id(0))
    number = 2 * tl.num_programs(0) + groups * tl.sum(tl.where(tl.arange(0, LANES) == 0, ticket, 0), 0) + group
    return tl.where(turn < MOST_TURNS, number, num_frames)


@triton.jit
@no_type_check
def defer(deferred, number):
    """Appends a frame to the list of those that are deferred, which begins with how many there are."""
    tl.store(deferred + 1 + tl.atomic_add(deferred, 1, sem='relaxed'), number)


@triton.jit
@no_type_check
def _render_by_interval(
    maps, sets, agents, markers, optics, view, seen, deferred, unlit, scratch, num_frames, SIZES: tl.constexpr
):
    """Renders frames, a program one after another: two are dealt out, and for the others tickets are drawn.

    Some frames take five times as long as others: so no program is left to work on alone. What the next frame begins
    with is loaded while this one is worked on, and the ticket of the one after that is drawn, where what is waited for
    next comes late: a warp has few scoreboards, and waits for whatever shares one. ``deferred`` lists the frames that
    are left to `by_ray`; whatever is written of them here is written over there. What of the others meets agents is
    left ``unlit``.
    """
    NUM_AGENTS: tl.constexpr = SIZES.num_agents
    MANY: tl.constexpr = SIZES.res * SIZES.subsample > FEW  # rays
    room = prepare(scratch, tl.program_id(0).to(tl.int64), SIZES)
    turn, number, after = 0, tl.program_id(0), tl.program_id(0) + tl.num_programs(0)
    header = load_header(scratch.headers, number, num_frames)
    words = load_listed(maps, sets, header, load_places(sets, header, 0), 0, SIZES)
    more = load_places(sets, header, LANES)
    while number < num_frames:
        agent = number // SIZES.num_cameras
        camera, header = load_camera(scratch.headers, number, optics), load_header(scratch.headers, number, num_frames)
        header_after = load_header(scratch.headers, after, num_frames)
        found = Found(0, tl.where(header.count > 0, 0, 1))
        if NUM_AGENTS > 1:
            first, a = agent // NUM_AGENTS * NUM_AGENTS, agent % NUM_AGENTS
            found = append_agents(room, found, maps, agents, first, a, camera, optics, SIZES)
        found = append_walls(room, found, maps, sets, header, words, more, camera, optics, SIZES)
        is_deferred = (found.doubts > 0) | (found.count >= CAPACITY)
        count = tl.minimum(found.count, CAPACITY - 1)
        append_nothing(room, count)
        places, more = load_places(sets, header_after, 0), load_places(sets, header_after, LANES)
        if not MANY:
            ticket = draw_ticket(scratch.tickets, turn + 2)
        tl.debug_barrier()  # the records
        before = (turn + 1) * STAMP
        winners = find_winners(room, count, before, optics, SIZES)
        if MANY:
            ticket = draw_ticket(scratch.tickets, turn + 2)
        words = load_listed(maps, sets, header_after, places, 0, SIZES)
        tl.debug_barrier()  # the marks
        e = (agent // NUM_AGENTS).to(tl.int64)
        frame = Frame(number.to(tl.int64), e, header.m, header.first_texel, is_deferred)
        for pixel in range(0, SIZES.res, SIZES.pixels):
            before = write_pixels(
                room, view, seen, maps, markers, unlit, frame, camera, optics, pixel, before, winners, SIZES
            )
        tl.debug_barrier()  # the records are read before the next frame's are written
        if is_deferred:
            defer(deferred, number)
        turn += 1
        number, after = after, frame_of(ticket, turn + 1, num_frames)
