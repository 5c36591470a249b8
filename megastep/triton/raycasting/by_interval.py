"""Ray casting by intervals: what is nearest is found where lines begin and end, and not ray by ray.

A frame is a camera of an agent of an env, and one warp's work:

- `headers`: where the camera is, and the list of the walls that may be seen from there, for 32 frames at once;
- `intervals`: a wall of the list a lane, those that are in view, and the rays that each covers;
- `winners`: a beginning or an end a lane, the line that is nearest from there on; and so that of each ray;
- `pixels`: colours and depths.

Lines don't cross, or this wouldn't do. Frames for which it doesn't are deferred to `by_ray`: the camera's list isn't
known, a line comes within the near distance or is seen edge-on, or too many are in view. What is
seen is specified by `megastep.numba.raycasting.by_ray`.
"""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES
from megastep.triton.raycasting.headers import (
    HEADER,
    load_camera,
    load_header,
    load_listed,
    load_places,
    write_headers,
)
from megastep.triton.raycasting.intervals import (
    CAPACITY,
    FIELDS,
    FIRST_ENDS,
    INVERSES,
    NAMES,
    PLACES,
    SECOND_ENDS,
    SHAPES,
    Found,
    Room,
    append_agents,
    append_walls,
)
from megastep.triton.raycasting.pixels import Frame, write_pixels
from megastep.triton.raycasting.winners import STAMP, mark_winners

WORDS = tl.constexpr(LANES * HEADER + CAPACITY * FIELDS + 16)
"""A program's scratch: the last ones keep programs out of each other's way in the cache."""
NOTHING = tl.constexpr(0x26901D7D)
"""A record's inverse depth for rays that meet nothing: the bits of 1e-15, whose inverse's square is a float32."""


@triton.jit
@no_type_check
def prepare(scratch, program, SIZES: tl.constexpr):
    """A program's scratch, in which there are no marks yet, and the record of rays that meet nothing."""
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    words, marks = scratch.words + program * WORDS, scratch.marks + program * NUM_RAYS
    ray = tl.arange(0, SIZES.pixels * SIZES.rays)
    for some in range(0, NUM_RAYS, SIZES.pixels * SIZES.rays):
        tl.store(marks + some + ray, ray * 0, mask=some + ray < NUM_RAYS)
    records = words + LANES * HEADER
    tl.store(records + INVERSES, NOTHING)
    tl.store(records + PLACES, 0)
    tl.store(records + SHAPES, 0)
    tl.store(records + NAMES, 0xFFFFFFFF << 32)  # no line's number
    if SIZES.per_ray:
        tl.store(records + FIRST_ENDS, 0)
        tl.store(records + SECOND_ENDS, 0)
    return Room(words, records, scratch.numbers + program * (2 * WORDS) + 2 * LANES * HEADER, marks)


@triton.jit
@no_type_check
def _render_by_interval(
    maps, sets, agents, markers, optics, view, seen, deferred, scratch, num_frames, SIZES: tl.constexpr
):
    """Program p renders frames p, p + the number of programs, and so on, 32 of them at a time.

    What the next frame begins with is loaded while this one is worked on. ``deferred`` says of each frame whether it is
    left to `by_ray`; whatever is written of it here is written over there.
    """
    NUM_AGENTS: tl.constexpr = SIZES.num_agents
    program, programs = tl.program_id(0), tl.num_programs(0)
    room = prepare(scratch, program.to(tl.int64), SIZES)
    turns = (num_frames - program + programs - 1) // programs
    for some in range(0, turns, LANES):
        write_headers(room.headers, maps, sets, agents, optics, program + some * programs, programs, num_frames, SIZES)
        tl.debug_barrier()  # what one lane has written, all read
        header = load_header(room.headers, 0)
        words = load_listed(maps, sets, header, load_places(sets, header, 0), SIZES)
        for turn in range(tl.minimum(turns - some, LANES)):
            number = program + (some + turn) * programs
            agent = number // SIZES.num_cameras
            camera, header = load_camera(room.headers, turn, optics), load_header(room.headers, turn)
            found = Found(0, tl.where(header.count > 0, 0, 1))
            if NUM_AGENTS > 1:
                first, a = agent // NUM_AGENTS * NUM_AGENTS, agent % NUM_AGENTS
                found = append_agents(room, found, maps, agents, first, a, camera, optics, SIZES)
            found = append_walls(room, found, maps, sets, header, words, camera, optics, SIZES)
            is_deferred = (found.doubts > 0) | (found.count >= CAPACITY)
            tl.store(deferred + number, is_deferred)
            header_after = load_header(room.headers, tl.minimum(turn + 1, LANES - 1))
            places = load_places(sets, header_after, 0)
            tl.debug_barrier()  # the records
            before = (some + turn + 1) * STAMP
            mark_winners(room, tl.minimum(found.count, CAPACITY - 1), before, optics, SIZES)
            words = load_listed(maps, sets, header_after, places, SIZES)
            tl.debug_barrier()  # the marks
            e = (agent // NUM_AGENTS).to(tl.int64)
            frame = Frame(number.to(tl.int64), e, header.m, header.first_texel, is_deferred)
            for pixel in range(0, SIZES.res, SIZES.pixels):
                before = write_pixels(
                    room, view, seen, maps, sets, agents, markers, frame, camera, optics, pixel, before, SIZES
                )
            tl.debug_barrier()  # the records are read before the next frame's are written
