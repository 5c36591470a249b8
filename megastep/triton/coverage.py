"""Coverage: marks the texels that agents have seen. The twin is `megastep.numba.coverage`."""

from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.buffers import device_guard


@triton.jit
@no_type_check
def _mark(
    texels, wall_starts, num_texels, map_ids, lines, locations, afresh, seen, counts, found, shares,
    num_rays, num_words, first_marker, OUTLINES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Program e marks the texels that the rays of env e hit, a BLOCK of rays at a time.

    Rays that hit a texel together set its bit one after another, and the one that finds it unset counts.
    """
    e = tl.program_id(0).to(tl.int64)
    m = tl.load(map_ids + e)
    first_wall = tl.load(wall_starts + m)
    before = tl.load(counts + e)
    if afresh is not None:
        if tl.load(afresh + e):
            before *= 0
            for start in range(0, num_words, BLOCK):
                word = start + tl.arange(0, BLOCK)
                tl.store(seen + e * num_words + word, tl.zeros([BLOCK], tl.int32), mask=word < num_words)
            tl.debug_barrier()  # a lane may mark a word that another has cleared
    new = tl.zeros([BLOCK], tl.int32)
    for start in range(0, num_rays, BLOCK):
        ray = start + tl.arange(0, BLOCK)  # [BLOCK]
        line = tl.load(lines + e * num_rays + ray, mask=ray < num_rays, other=-1)
        location = tl.load(locations + e * num_rays + ray, mask=ray < num_rays, other=0.0)
        hit = line >= OUTLINES
        if first_marker is not None:
            hit &= line < first_marker
        wall = first_wall + tl.where(hit, line - OUTLINES, 0)
        first, count = tl.load(texels + 2 * wall, mask=hit, other=0), tl.load(texels + 2 * wall + 1, mask=hit, other=1)
        location = tl.where(hit, location, 0.0)  # it is NaN where nothing is hit
        texel = first + tl.minimum((location * count).to(tl.int32), count - 1)  # a location may be 1
        word, bit = seen + e * num_words + texel // 32, 1 << (texel % 32)
        unseen = hit & ((tl.load(word, mask=hit, other=0) & bit) == 0)  # most have been: this spares their atomics
        held = tl.atomic_or(word, bit, mask=unseen)
        new += (unseen & ((held & bit) == 0)).to(tl.int32)
    number = tl.sum(new, 0)
    tl.store(found + e, number)
    tl.store(counts + e, before + number)
    tl.store(shares + e, tl.div_rn((before + number).to(tl.float32), tl.load(num_texels + m).to(tl.float32)))


@device_guard
def mark(core, view, seen, counts, afresh, found, shares):
    """Marks the texels that a view's rays hit: see `megastep.env.coverage.mark`."""
    scenery = core.scenery
    num_rays = view.lines.shape[1:].numel()
    _mark[(core.num_envs,)](
        scenery.texels, scenery.walls.starts, scenery.surface.widths, core.map_ids,
        view.lines, view.locations, afresh, seen, counts, found, shares,
        num_rays, seen.shape[1], core.first_marker_line if core.num_markers else None,
        OUTLINES=core.num_agents * scenery.lines_per_agent,
        BLOCK=min(256, triton.next_power_of_2(num_rays)), num_warps=1,
    )  # fmt: skip
