"""Coverage: marks the texels that agents have seen. The twin is `megastep.triton.coverage`."""

import numpy as np
import torch
from numba import njit, prange


@njit(cache=True, error_model='numpy')
def mark_env(texels, first_wall, outlines, first_marker, lines, locations, seen):
    """Marks the texels that one env's rays hit, bit k % 32 of word k // 32 for texel k; returns how many are new."""
    new = 0
    for r in range(len(lines)):
        if not outlines <= lines[r] < first_marker:  # an agent, a marker or nothing
            continue
        first, count = texels[first_wall + lines[r] - outlines]
        texel = first + min(int(locations[r] * np.float32(count)), count - 1)  # a location may be 1
        bit = np.uint32(1) << np.uint32(texel % 32)
        if not seen[texel // 32] & bit:
            seen[texel // 32] |= bit
            new += 1
    return new


@njit(cache=True, parallel=True, error_model='numpy')
def _mark(texels, wall_starts, map_ids, lines, locations, seen, found, first_marker, outlines):
    for e in prange(len(map_ids)):
        first_wall = wall_starts[map_ids[e]]
        found[e] = mark_env(texels, first_wall, outlines, first_marker, lines[e], locations[e], seen[e])


def mark(core, view, seen, counts, afresh, found, shares):
    """Marks the texels that a view's rays hit: see `megastep.env.coverage.mark`."""
    scenery = core.scenery
    if afresh is not None:
        seen.masked_fill_(afresh[:, None], 0)
        counts.masked_fill_(afresh, 0)
    _mark(
        scenery.texels.numpy(),
        scenery.walls.starts.numpy(),
        core.map_ids.numpy(),
        view.lines.flatten(1).numpy(),
        view.locations.flatten(1).numpy(),
        seen.numpy().view(np.uint32),
        found.numpy(),
        core.first_marker_line,
        core.num_agents * scenery.lines_per_agent,
    )
    counts += found
    torch.div(counts, scenery.surface.widths[core.map_ids], out=shares)
