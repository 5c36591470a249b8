"""Headers: what the rendering of a frame begins with, found for all frames beforehand, one a lane.

That is where the camera is and which way it looks, and where the list begins of the walls that may be seen from there:
a chain of six loads, for which a warp with one frame would wait.
"""

from typing import NamedTuple, no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, halves, joined
from megastep.triton.raycasting.cameras import Camera, camera_of

HEADER = tl.constexpr(8)
"""A header is so many words."""
TICKET_GROUPS = tl.constexpr(16)
"""So many groups of programs draw tickets of their own: one counter for all would have them wait for one another."""


class Header(NamedTuple):
    """A frame's list: where it begins, and how many walls it has; 0 if it isn't known."""

    first: tl.tensor
    count: tl.tensor
    first_wall: tl.tensor
    first_texel: tl.tensor
    m: tl.tensor


class Listed(NamedTuple):
    """The words of 32 of the walls that are listed."""

    first: tl.tensor  # their ends
    second: tl.tensor
    texels: tl.tensor
    number: tl.tensor


@triton.jit
@no_type_check
def cell_of(sets, m, x, y):
    """The cells that places are in, counted as ends of lists are; in which 16ths of them; and whether there are any."""
    left, bottom, scale = tl.load(sets.grids + 3 * m), tl.load(sets.grids + 3 * m + 1), tl.load(sets.grids + 3 * m + 2)
    columns, rows = tl.load(sets.shapes + 2 * m), tl.load(sets.shapes + 2 * m + 1)
    fine_x, fine_y = ((x - left) * scale * 16).to(tl.int32), ((y - bottom) * scale * 16).to(tl.int32)
    column, row = fine_x >> 4, fine_y >> 4
    inside = (column < columns) & (row < rows) & (x >= left) & (y >= bottom)
    cell = tl.load(sets.first_starts + m) + tl.where(inside, row * columns + column, 0)
    return cell, fine_x & 15, fine_y & 15, inside


@triton.jit
@no_type_check
def known_cell(sets, m, x, y):
    """The cells that places are in, counted as ends of lists are; and whether lists hold for those places."""
    cell, fine_x, fine_y, inside = cell_of(sets, m, x, y)
    extent = tl.load(sets.extents + cell - m, mask=inside, other=0)  # the map's lists have one more end than cells
    known = inside & (fine_x >= extent & 255) & (fine_x < (extent >> 16) & 255)
    return cell, known & (fine_y >= (extent >> 8) & 255) & (fine_y < extent >> 24)


@triton.jit
@no_type_check
def list_of(sets, m, camera):
    """The beginnings of the lists that have all that cameras may see, and how long they are; 0 where none is known.

    They are loaded before it is known whether they hold: that is another load, which they needn't wait for.
    """
    cell, _, _, inside = cell_of(sets, m, camera.x, camera.y)
    first = tl.load(sets.firsts + cell, mask=inside, other=0)
    last = tl.load(sets.firsts + cell + 1, mask=inside, other=0)
    _, known = known_cell(sets, m, camera.x, camera.y)
    return tl.where(known, first, 0), tl.where(known, last - first, 0)


@triton.jit
@no_type_check
def _write_headers(
    headers, tickets, deferred, maps, sets, agents, optics, num_frames, SIZES: tl.constexpr, BLOCK: tl.constexpr
):
    """Each lane finds a frame's header; and no frame's ticket has been drawn yet, nor is any deferred, or unlit.

    Headers are written as a table, whose words are dealt out anew, so that neighbouring lanes write neighbouring words.
    """
    number = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    frame = tl.minimum(number, num_frames - 1)
    agent = frame // SIZES.num_cameras
    m = tl.load(agents.map_ids + agent // SIZES.num_agents)
    camera = camera_of(agents, optics, agent, frame % SIZES.num_cameras, 0.0, 0.0, SIZES)
    first, count = list_of(sets, m, camera)
    first = tl.load(sets.place_starts + m) + first
    places, bearings = joined(camera.x, camera.y), joined(camera.cos, camera.sin)
    walls, texels = tl.load(maps.wall_starts + m), tl.load(maps.texel_starts + m)
    evens = tl.join(tl.join(places, walls), tl.join(first, walls))  # the last is a word that nobody reads
    odds = tl.join(tl.join(bearings, texels), tl.join((m << 32) | count.to(tl.int64), texels))
    table = tl.reshape(tl.join(evens, odds), [BLOCK, HEADER])
    at = headers + number.to(tl.int64)[:, None] * HEADER + tl.arange(0, HEADER)[None, :]
    tl.store(at, table, mask=number[:, None] < num_frames)
    if tl.program_id(0) == 0:  # if all wrote to the same places they would wait for each other
        tl.store(tickets + tl.arange(0, TICKET_GROUPS) * LANES, 0)
        tl.store(tickets + TICKET_GROUPS * LANES, 0)
        tl.store(deferred, 0)


@triton.jit
@no_type_check
def load_header(headers, number, num_frames):
    """A frame's header; the last one's, where there are no more."""
    at = headers + tl.minimum(number, num_frames - 1).to(tl.int64) * HEADER
    word = tl.load(at + 3)
    return Header(tl.load(at + 2), word.to(tl.int32), tl.load(at + 4), tl.load(at + 5), word >> 32)


@triton.jit
@no_type_check
def load_camera(headers, number, optics):
    """A frame's camera."""
    at = headers + number.to(tl.int64) * HEADER
    x, y = halves(tl.load(at))
    cos, sin = halves(tl.load(at + 1))
    return Camera(x, y, cos, sin, 0.0, 0.0, optics.near)


@triton.jit
@no_type_check
def load_places(sets, header, some):
    """The places of 32 of the walls that are listed, from number ``some`` on."""
    k = some + tl.arange(0, LANES)
    return tl.load(sets.places + header.first + k, mask=k < header.count, other=0).to(tl.int32)


@triton.jit
@no_type_check
def load_listed(maps, sets, header, places, some, SIZES: tl.constexpr):
    """The words of those walls in the list, from number ``some`` on, that are in those places."""
    there, place = tl.arange(0, LANES) + some < header.count, header.first_wall + places
    ends = (maps.boxed_walls + 2 * place)[:, None] + tl.arange(0, 2)[None, :]
    first, second = tl.split(tl.load(ends, mask=there[:, None], other=0))
    number = places
    if SIZES.per_ray:
        number = tl.load(maps.numbers + place, mask=there, other=0)
    return Listed(first, second, tl.load(sets.texels + place, mask=there, other=0), number)
