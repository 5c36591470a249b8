"""Shading: the colour of each ray, and of each pixel.

A ray's colour is albedo * light * (1 - c²), c the cosine between the ray and the line. That isn't Lambert's law: for it
light would count by the cosine at which it falls on the line, and the line would look alike from everywhere. Here light
counts alike from all sides, and 1 - c² is the squared cosine between the ray and the line's normal: walls seen edge-on
are dark, so that corners show. The twin is `megastep.triton.raycasting.shading`.

Each function loops over a frame's rays itself: handing a tuple of arrays on for every ray would cost more than shading.
"""

import numpy as np
from numba import njit

from megastep.numba import lanes
from megastep.numba.constants import DEGREE, HALF, KERNEL, ONE, ZERO
from megastep.numba.lanes import load, store, where
from megastep.numba.light import brightness
from megastep.numba.raycasting.markers import colour_markers

WHITE = np.float32(255)


@njit(**KERNEL)
def neighbours(location, count):
    """The two texels whose middles a location lies between, and how far it is to the second, 0 to 1."""
    at = min(max(location * np.float32(count) - HALF, ZERO), np.float32(count - 1))
    near = int(at)
    return near, min(near + 1, count - 1), at - np.float32(near)


@njit(**KERNEL)
def mix(near, far, share):
    """A value ``share`` of the way from one to another."""
    return np.float32(near) + share * (np.float32(far) - np.float32(near))


@njit(**KERNEL)
def slant(ux, uy, vx, vy):
    """1 - c², c the cosine between a ray and a line."""
    cosine_square = (ux * vx + uy * vy) ** 2 / ((ux * ux + uy * uy) * (vx * vx + vy * vy))
    return ONE - cosine_square


@njit(**KERNEL)
def colour_walls(maps, m, first_wall_line, first_marker_line, camera, optics, hits, colours):
    """Writes the colours of the rays that meet a wall: albedo * baked light * (1 - c²)."""
    walls, texels, albedo, light = maps.walls, maps.texels, maps.albedo, maps.light
    slopes, lines, locations = optics.slopes, hits.lines, hits.locations
    first_wall, first_texel = maps.wall_starts[m], maps.texel_starts[m]
    _, _, cos, sin = camera
    for r in range(len(slopes)):
        if not first_wall_line <= lines[r] < first_marker_line:
            continue
        w = first_wall + lines[r] - first_wall_line
        vx, vy = walls[w, 1, 0] - walls[w, 0, 0], walls[w, 1, 1] - walls[w, 0, 1]
        near, far, share = neighbours(locations[r], texels[w, 1])
        near, far = first_texel + texels[w, 0] + near, first_texel + texels[w, 0] + far
        scale = (
            slant(cos - slopes[r] * sin, sin + slopes[r] * cos, vx, vy)
            * mix(light[near], light[far], share)
            / (WHITE * WHITE)
        )
        for channel in range(3):
            colours[channel, r] = scale * mix(albedo[near, channel], albedo[far, channel], share)


@njit(**KERNEL)
def colour_agents(maps, agents, e, camera, optics, hits, colours):
    """Writes the colours of the rays that meet an agent: albedo * light there * (1 - c²)."""
    sides, albedo = len(maps.outline), maps.outline_albedo
    count = len(albedo) // sides
    x, y, cos, sin = camera
    for r in range(len(optics.slopes)):
        if not 0 <= hits.lines[r] < agents.positions.shape[1] * sides:
            continue
        b, k = hits.lines[r] // sides, hits.lines[r] % sides
        bcos, bsin = np.cos(agents.angles[e, b] * DEGREE), np.sin(agents.angles[e, b] * DEGREE)
        dx, dy = maps.outline[k, 1, 0] - maps.outline[k, 0, 0], maps.outline[k, 1, 1] - maps.outline[k, 0, 1]
        slope = optics.slopes[r]
        ux, uy = cos - slope * sin, sin + slope * cos
        forward = hits.depths[r]
        light = brightness(maps, agents.map_ids[e], x + forward * ux, y + forward * uy, ZERO, ZERO)
        near, far, share = neighbours(hits.locations[r], count)
        scale = slant(ux, uy, bcos * dx - bsin * dy, bsin * dx + bcos * dy) * light / WHITE
        for channel in range(3):
            colours[channel, r] = scale * mix(
                albedo[k * count + near, channel], albedo[k * count + far, channel], share
            )


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
    for row in range(len(optics.slopes) // lanes.COUNT):
        distance = load(hits.depths, row) * load(optics.norms, row)
        away = (distance - optics.near) / optics.max_depth
        away = where(away > ZERO, where(away < ONE, away, ONE), ZERO)
        store(closeness, row, ONE - away)
    show_means(closeness, optics.subsample, depth)


@njit(**KERNEL)
def show_colours(maps, agents, markers, e, camera, optics, hits, colours, rgb):
    """Writes the colours of what is seen, black where that is nothing."""
    colours[:] = ZERO
    m, first_wall_line = agents.map_ids[e], agents.positions.shape[1] * len(maps.outline)
    colour_walls(maps, m, first_wall_line, markers.first_line, camera, optics, hits, colours)
    if agents.positions.shape[1] > 1:
        colour_agents(maps, agents, e, camera, optics, hits, colours)
    if markers.visible.shape[1]:
        colour_markers(maps, m, markers, e, camera, optics, hits, colours)
    for channel in range(3):
        show_means(colours[channel], optics.subsample, rgb[channel])


@njit(**KERNEL)
def shade(maps, agents, markers, e, camera, optics, hits, shades, rgb, depth):
    """Writes a frame's pixels, each the mean of its rays; a ray that meets nothing is black and furthest away.

    A frame that is to have no colours has no channels in ``rgb``.
    """
    show_depths(optics, hits, shades[3], depth)
    if len(rgb):
        show_colours(maps, agents, markers, e, camera, optics, hits, shades[:3], rgb)
