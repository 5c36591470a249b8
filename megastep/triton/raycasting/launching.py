"""Launches of the renderers: frames go by intervals, those that are deferred and whatever else ray by ray."""

import math
from functools import cache
from typing import NamedTuple

import torch
import triton

from megastep.triton import buffers
from megastep.triton.ahead import launch
from megastep.triton.bits import LANES
from megastep.triton.raycasting import agent_shading, by_interval, by_ray, deferred
from megastep.triton.raycasting.cameras import Optics, Sizes, View
from megastep.triton.raycasting.culling import RECORD
from megastep.triton.raycasting.headers import HEADER, TICKET_GROUPS, _write_headers
from megastep.triton.raycasting.marking import Seen
from megastep.triton.raycasting.pixels import Unlit

PROGRAMS = 256
"""The programs for each multiprocessor, ray by ray: most wait, so that none that is done early stays idle."""
INTERVAL_PROGRAMS = 28
"""And by intervals: nearly as many as it holds, and each renders many frames."""
REGISTERS = 72
"""And by intervals: what leaves room for so many programs on a multiprocessor. What doesn't fit is seldom used."""
SHADING_PROGRAMS = 28
"""And to shade agents, with as many registers: as many as it holds."""
DEFERRED_PROGRAMS = 4
"""And for frames that are deferred: mostly there are none."""
BLOCK = 128
"""How many headers a program writes."""
SCRATCH = 1 << 29
"""How many bytes the programs' scratch may take, ray by ray."""
BLOCK_RAYS = 128
"""The rays that a program casts at a time: fewer would cull lines more often, more would need more registers."""
MOST_RAYS = 1024
"""Frames of more rays aren't rendered by intervals: that many there are marks for."""
FEWEST_RAYS = 1 << 20
"""Nor are fewer rays in all frames together: a program's start costs as much as several frames by intervals."""
SKIP = True
"""Whether boxes of walls that can't be seen are skipped: it changes no picture, as the tests see by turning it off."""


class Scratch(NamedTuple):
    """Scratch of all programs."""

    words: torch.Tensor
    numbers: torch.Tensor  # the same as float32
    marks: torch.Tensor
    headers: torch.Tensor  # of frames
    tickets: torch.Tensor  # how many each group has drawn, and how many pieces are unlit, each in its own cache line


@buffers.device_guard
def render(core, cameras, view, seen=None):
    """Writes what every camera sees into ``view``: see `megastep.world.rendering.render`."""
    scenery = core.scenery
    half = math.tan(math.radians(cameras.fov) / 2)
    optics = Optics(mounts_on(cameras, core.device), half / cameras.num_rays, core.agent_radius, cameras.max_depth)
    outputs = View(view.rgb, view.depth, view.distances, view.lines, view.locations)
    marks = None if seen is None else Seen(seen.bits, seen.found, seen.bits.shape[1])
    groups = buffers.maps(scenery), buffers.agents(core), buffers.markers(core), optics, outputs, marks
    frames, sizes = core.num_envs * core.num_agents * cameras.num_cameras, sizes_of(core, cameras, view, seen)
    if frames * cameras.num_rays < FEWEST_RAYS or cameras.num_rays > MOST_RAYS:
        render_by_ray(core, frames, sizes, *groups)
    else:
        sets = buffers.visible_walls(scenery, lit=core.num_agents > 1 and sizes.colours)
        waiting = render_by_interval(core, frames, sizes, *groups, sets)
        render_deferred(core, frames, sizes, *groups, waiting)


def render_by_ray(core, frames, sizes, maps, agents, markers, optics, view, seen):
    """Renders all frames ray by ray."""
    units = frames * triton.cdiv(sizes.res, sizes.pixels)
    scratch, capacity = room_for_lines(core, min(units, PROGRAMS * buffers.multiprocessors(core.device)))
    launch(
        by_ray._render, (len(scratch),),
        maps, agents, markers, optics, view, seen, scratch, units, capacity,
        SIZES=sizes, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip


def render_deferred(core, frames, sizes, maps, agents, markers, optics, view, seen, waiting):
    """Renders those frames ray by ray that are deferred."""
    scratch, capacity = room_for_lines(core, min(frames, DEFERRED_PROGRAMS * buffers.multiprocessors(core.device)))
    launch(
        deferred._render_deferred, (len(scratch),),
        maps, agents, markers, optics, view, seen, waiting, scratch, capacity,
        SIZES=sizes, num_warps=1, enable_fp_fusion=True,
    )  # fmt: skip


def render_by_interval(core, frames, sizes, maps, agents, markers, optics, view, seen, sets):
    """Renders frames by intervals. Returns which are deferred: what is written of those isn't what they see.

    That is a list that begins with how many there are.
    """
    programs = min(frames, INTERVAL_PROGRAMS * buffers.multiprocessors(core.device))
    programs = max(programs, triton.cdiv(2 * frames, by_interval.MOST_TURNS.value))  # groups aren't equally large
    words = torch.empty((programs, by_interval.WORDS.value), dtype=torch.int64, device=core.device)
    marks = torch.empty((programs, sizes.res * sizes.subsample), dtype=torch.int32, device=core.device)
    waiting = torch.empty(1 + frames, dtype=torch.int32, device=core.device)
    headers = torch.empty((frames, HEADER.value), dtype=torch.int64, device=core.device)
    tickets = torch.empty((TICKET_GROUPS.value + 1) * LANES.value, dtype=torch.int32, device=core.device)
    unlit = room_for_unlit(frames, sizes, tickets) if sizes.colours and sizes.num_agents > 1 else None
    launch(
        _write_headers, (triton.cdiv(frames, BLOCK),),
        headers, tickets, waiting, maps, sets, agents, optics, frames,
        SIZES=sizes, BLOCK=BLOCK, enable_fp_fusion=True,
    )  # fmt: skip
    scratch = Scratch(words, words.view(torch.float32), marks, headers, tickets)
    launch(
        by_interval._render_by_interval, (programs,),
        maps, sets, agents, markers, optics, view, seen, waiting, unlit, scratch, frames,
        SIZES=sizes, num_warps=1, enable_fp_fusion=True, maxnreg=REGISTERS,
    )  # fmt: skip
    if unlit is not None:
        shade_agents(core, sizes, maps, sets, agents, optics, view, headers, unlit)
    return waiting


def shade_agents(core, sizes, maps, sets, agents, optics, view, headers, unlit):
    """Adds the colours of what of the frames is unlit."""
    programs = min(len(unlit.pieces), SHADING_PROGRAMS * buffers.multiprocessors(core.device))
    launch(
        agent_shading._shade_agents, (programs,),
        unlit, headers, maps, sets, agents, optics, view,
        SIZES=sizes, num_warps=1, enable_fp_fusion=True, maxnreg=REGISTERS,
    )  # fmt: skip


def room_for_unlit(frames, sizes, tickets):
    """Room for every piece of the frames, and for a line's number a ray."""
    rays, lines = frames * sizes.res * sizes.subsample, sizes.num_agents * sizes.sides
    dtype = torch.uint8 if lines <= torch.iinfo(torch.uint8).max else torch.int32
    return Unlit(
        tickets[-LANES.value :],
        torch.empty(frames * triton.cdiv(sizes.res, sizes.few), dtype=torch.int64, device=tickets.device),
        torch.empty(rays, dtype=dtype, device=tickets.device),
    )


def room_for_lines(core, programs):
    """Scratch for so many programs, or as many as there is memory for, and how many lines each has room for."""
    capacity = core.scenery.most_walls + core.num_agents * core.scenery.lines_per_agent
    most = max(SCRATCH // (8 * RECORD.value * capacity), 1)
    shape = (min(programs, most), capacity, RECORD.value)
    return torch.empty(shape, dtype=torch.int64, device=core.device), capacity


def sizes_of(core, cameras, view, seen):
    """The kernels' constants."""
    scenery = core.scenery
    rays = triton.next_power_of_2(cameras.subsample)
    pixels = min(triton.next_power_of_2(cameras.res), max(BLOCK_RAYS // rays, 1))
    return Sizes(
        num_agents=core.num_agents,
        num_cameras=cameras.num_cameras,
        num_markers=core.num_markers,
        sides=scenery.lines_per_agent,
        side_texels=len(scenery.outline_albedo) // scenery.lines_per_agent,
        outlines=triton.next_power_of_2(core.num_agents * scenery.lines_per_agent),
        per_box=scenery.walls_per_box,
        res=cameras.res,
        subsample=cameras.subsample,
        pixels=pixels,
        rays=rays,
        few=min(pixels, max(LANES.value // rays, 1)),
        skip=SKIP,
        centred=not any(any(mount) for mount in cameras.mounts),
        colours=view.rgb is not None,
        marks=seen is not None,
        per_ray=view.lines is not None,
        first_ray=view.first_ray,
        stop_ray=view.first_ray + (0 if view.lines is None else view.lines.shape[3]),
    )


@cache
def mounts_on(cameras, device):
    """The cameras' mounts on a device: copied once, since a copy from the host waits for the GPU."""
    return torch.tensor(cameras.mounts, dtype=torch.float32, device=device)
