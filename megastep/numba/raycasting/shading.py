"""Shading: the colour of each ray, and of each pixel.

A ray's colour is albedo * light * (1 - c²), c the cosine between the ray and the line. That isn't Lambert's law: for it
light would count by the cosine at which it falls on the line, and the line would look alike from everywhere. Here light
counts alike from all sides, and 1 - c² is the squared cosine between the ray and the line's normal: walls seen edge-on
are dark, so that corners show. The twin is `megastep.triton.raycasting.shading`.
"""

import numpy as np
from numba import njit

from megastep.numba.constants import HALF, KERNEL, ONCE, ONE, ZERO
from megastep.numba.jit import simd
from megastep.numba.jit.simd import gather, load, store, to_float32, to_int32, where
from megastep.numba.light import brightness
from megastep.numba.raycasting.markers import colour_markers

WHITE, WHITE_IN_FULL_LIGHT = np.float32(255), np.float32(255 * 255)


@njit(**KERNEL)
def neighbours(location, count):
    """Linear texture filtering: the texels whose middles a location is between, and the share of the second, 0 to 1."""
    at, last = location * to_float32(count) - HALF, to_float32(count - 1)
    at = where(at > ZERO, where(at < last, at, last), ZERO)
    near = to_int32(at)
    return near, where(near + 1 < count, near + 1, near), at - to_float32(near)


@njit(**KERNEL)
def byte_between(near, far, share, shift):
    """A byte of two words that hold texels, as a number ``share`` of the way from one to the other."""
    low, high = to_float32((near >> shift) & 255), to_float32((far >> shift) & 255)
    return low + share * (high - low)


@njit(**KERNEL)
def colour_walls(maps, m, first_wall_line, first_marker_line, optics, lines, hits, colours):
    """Writes the colours of the rays that meet a wall, black for the others: albedo * baked light * (1 - c²).

    1 - c² is the square of how far from the camera the wall's own straight line passes, over that of the distance.
    """
    texels, surface = maps.texels[maps.wall_starts[m] :], maps.surface[maps.texel_starts[m] :]
    for row in range(len(optics.slopes) // simd.LANES):
        number = load(hits.lines, row)
        hit = (number >= first_wall_line) & (number < first_marker_line)
        line = where(hit, number, first_wall_line)
        place = (line - first_wall_line) * 2  # of its first texel; how many it has comes next
        near, far, share = neighbours(load(hits.locations, row), gather(texels, place + 1))
        first = gather(texels, place)
        near, far = gather(surface, first + near), gather(surface, first + far)
        distance = load(hits.depths, row) * load(optics.norms, row)
        slant = gather(lines.heights, line) / (distance * distance)
        light = where(slant < ONE, slant, ONE) * byte_between(near, far, share, 24)
        for channel in range(3):
            colour = light * byte_between(near, far, share, 8 * channel) / WHITE_IN_FULL_LIGHT
            store(colours[channel], row, where(hit, colour, ZERO))


@njit(**KERNEL)
def blend(texels, first, count, location, channel):
    """A channel of texels, linear between their middles and constant beyond."""
    at = min(max(location * np.float32(count) - HALF, ZERO), np.float32(count - 1))
    near = int(at)
    low, high = np.float32(texels[first + near, channel]), np.float32(texels[first + min(near + 1, count - 1), channel])
    return low + (at - np.float32(near)) * (high - low)


@njit(**KERNEL)
def colour_agents(maps, agents, e, camera, optics, lines, hits, colours):
    """Writes the colours of the rays that meet an agent: albedo * light there * (1 - c²)."""
    sides, albedo = len(maps.outline), maps.outline_albedo
    count = len(albedo) // sides
    x, y, cos, sin = camera
    for r in range(optics.num_rays):
        line, depth, slope = hits.lines[r], hits.depths[r], optics.slopes[r]
        if not 0 <= line < agents.positions.shape[1] * sides:
            continue
        ahead, beside = depth * (cos - slope * sin), depth * (sin + slope * cos)
        light = brightness(maps, agents.map_ids[e], x + ahead, y + beside, ZERO, ZERO)
        slant = min(lines.heights[line] / (ahead * ahead + beside * beside), ONE)
        for channel in range(3):
            texel = blend(albedo, line % sides * count, count, hits.locations[r], channel)
            colours[channel, r] = slant * light * texel / WHITE


@njit(**KERNEL)
def show_means(values, subsample, pixels):
    """Writes the mean of each pixel's rays."""
    share = ONE / np.float32(subsample)
    for p in range(len(pixels)):
        total = ZERO
        for r in range(p * subsample, (p + 1) * subsample):
            total += values[r]
        pixels[p] = total * share


@njit(**KERNEL)
def show_depths(optics, hits, closeness, depth):
    """Writes how near things are: 1 at the agent's rim, 0 at the cameras' furthest."""
    for row in range(len(optics.slopes) // simd.LANES):
        distance = load(hits.depths, row) * load(optics.norms, row)
        away = (distance - optics.near) / optics.max_depth
        away = where(away > ZERO, where(away < ONE, away, ONE), ZERO)
        store(closeness, row, ONE - away)
    show_means(closeness, optics.subsample, depth)


@njit(**ONCE)
def show_colours(maps, agents, markers, e, camera, optics, lines, hits, colours, rgb):
    """Writes the colours of what is seen, black where that is nothing."""
    m, first_wall_line = agents.map_ids[e], agents.positions.shape[1] * len(maps.outline)
    colour_walls(maps, m, first_wall_line, markers.first_line, optics, lines, hits, colours)
    if agents.positions.shape[1] > 1:
        colour_agents(maps, agents, e, camera, optics, lines, hits, colours)
    if markers.visible.shape[1]:
        colour_markers(maps, m, markers, e, camera, optics, hits, colours)
    for channel in range(3):
        show_means(colours[channel], optics.subsample, rgb[channel])


@njit(**ONCE)
def shade(maps, agents, markers, e, camera, optics, lines, hits, shades, rgb, depth):
    """Writes a frame's pixels, each the mean of its rays; a ray that meets nothing is black and furthest away.

    A frame that is to have no colours has no channels in ``rgb``.
    """
    show_depths(optics, hits, shades[3], depth)
    if len(rgb):
        show_colours(maps, agents, markers, e, camera, optics, lines, hits, shades[:3], rgb)
