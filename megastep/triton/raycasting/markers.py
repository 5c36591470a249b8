"""Ray casting of markers, discs, and their shading.

The twin, `megastep.numba.raycasting.markers`, says where a ray meets a disc. Here those out of view are culled, 32 at
once.
"""

import math
from typing import no_type_check

import triton
import triton.language as tl

from megastep.triton.bits import LANES, bits, lowest
from megastep.triton.light import disc_brightness, lights_of
from megastep.triton.raycasting.cameras import forward_and_left
from megastep.triton.raycasting.culling import NONE, REACH
from megastep.triton.raycasting.shading import next_met

FIRST_SLOT = tl.constexpr(-2)
"""In the place of a record, marker k has the number -2 - k."""
OUTER = tl.constexpr(1.01)
"""Times a marker's radius: in this distance of its middle any point of it is found, rounding included."""
TURNS = tl.constexpr(0.5 / math.pi)
"""In a radian."""


@triton.jit
@no_type_check
def in_frame(markers, k, there, camera):
    """Markers in a camera's frame: how far forward and left their middles are, and their radii."""
    dx = tl.load(markers.positions + 2 * k, mask=there, other=0.0) - camera.x
    dy = tl.load(markers.positions + 2 * k + 1, mask=there, other=0.0) - camera.y
    radius = tl.load(markers.radii + k, mask=there, other=1.0)
    forward, left = forward_and_left(camera, dx, dy)
    return forward, left, radius


@triton.jit
@no_type_check
def markers_in_view(markers, first, some, camera, SIZES: tl.constexpr):
    """Frustum test of up to 32 of an env's markers from number ``some`` on: a bit for each that may reach into it."""
    k = some + tl.arange(0, LANES)
    there = k < SIZES.num_markers
    there &= tl.load(markers.visible + first + k, mask=there, other=0) != 0
    forward, left, radius = in_frame(markers, first + k, there, camera)
    leftmost, rightmost, wide = camera.leftmost, camera.rightmost, radius * OUTER + REACH
    seen = there & (radius > 0) & (forward + wide > 0)
    seen &= left - leftmost * forward < wide * tl.sqrt(1 + leftmost * leftmost)
    seen &= rightmost * forward - left < wide * tl.sqrt(1 + rightmost * rightmost)
    return bits(seen)


@triton.jit
@no_type_check
def near_side(forward, left, radius, rays):
    """The depths at which rays meet the near sides of discs, how far they pass their middles by, and which meet any.

    How far that is is a share of the radius, to the left.
    """
    aside, reach = left - rays.slopes * forward, rays.norms * radius
    chord = tl.sqrt(tl.maximum((reach - aside) * (reach + aside), 0.0))
    depth = (forward + rays.slopes * left - chord) / (rays.norms * rays.norms)
    return depth, aside / reach, tl.abs(aside) < reach


@triton.jit
@no_type_check
def draw_markers(markers, e, camera, rays, inverses, slots, SIZES: tl.constexpr):
    """Draws an env's markers over the rays that they are nearest to."""
    first, limits = e * SIZES.num_markers, rays.norms / camera.near
    for some in range(0, SIZES.num_markers, LANES):
        seen = markers_in_view(markers, first, some, camera, SIZES)
        while seen != 0:
            k = some + lowest(seen)
            seen &= seen - 1
            forward, left, radius = in_frame(markers, first + k, k >= 0, camera)
            depth, _, meets = near_side(forward, left, radius, rays)
            inverse = 1 / tl.where(depth > 0, depth, float('inf'))
            hit = meets & (inverse > inverses) & (inverse < limits)
            inverses, slots = tl.where(hit, inverse, inverses), tl.where(hit, -k + FIRST_SLOT, slots)
    return inverses, slots


@triton.jit
@no_type_check
def turn_to(x, y):
    """The way to (x, y), in turns anticlockwise from +x, 0 to 1: to 1e-7 (Abramowitz and Stegun, 4.4.49)."""
    low, high = tl.minimum(tl.abs(x), tl.abs(y)), tl.maximum(tl.abs(x), tl.abs(y))
    t = low / tl.maximum(high, 1e-30)
    s = t * t
    series = -0.0161657367 + s * 0.0028662257
    series = 0.1065626393 + s * (-0.0752896400 + s * (0.0429096138 + s * series))
    turn = t * (1 + s * (-0.3333314528 + s * (0.1999355085 + s * (-0.1420889944 + s * series)))) * TURNS
    turn = tl.where(tl.abs(y) > tl.abs(x), 0.25 - turn, turn)
    turn = tl.where(x < 0, 0.5 - turn, turn)
    return tl.where(y < 0, 1 - turn, turn)


@triton.jit
@no_type_check
def markers_met(slots, rays):
    """Mask of the rays that meet a marker first, and its number in its env."""
    return rays.valid & (slots <= FIRST_SLOT), tl.maximum(-slots + FIRST_SLOT, 0)


@triton.jit
@no_type_check
def depths_of_markers(markers, e, k, there, camera, rays, SIZES: tl.constexpr):
    """Forward distances at which rays meet their markers."""
    forward, left, radius = in_frame(markers, e * SIZES.num_markers + k, there, camera)
    return near_side(forward, left, radius, rays)[0]


@triton.jit
@no_type_check
def locations_on_markers(markers, e, k, there, depth, camera, rays, SIZES: tl.constexpr):
    """Locations on their markers of rays that go so far forward."""
    forward, left, _ = in_frame(markers, e * SIZES.num_markers + k, there, camera)
    ahead, beside = depth - forward, rays.slopes * depth - left  # from the marker's middle
    return turn_to(camera.cos * ahead - camera.sin * beside, camera.sin * ahead + camera.cos * beside)


@triton.jit
@no_type_check
def light_on_markers(maps, m, walls, markers, first, k, there, x, y, SIZES: tl.constexpr):
    """The light at the points of markers that rays meet."""
    lights, light = lights_of(maps, m), tl.zeros_like(x)
    one = next_met(k, there, -1)
    while one < NONE:
        centre, girth = markers.positions + 2 * (first + one), tl.load(markers.radii + first + one) * OUTER + REACH
        falls = disc_brightness(walls, lights, tl.load(centre), tl.load(centre + 1), girth, x, y, SIZES)
        light = tl.where(there & (k == one), falls, light)
        one = next_met(k, there, one)
    return light


@triton.jit
@no_type_check
def colour_markers(
    red, green, blue, slant, maps, m, walls, markers, e, k, there, depth, camera, rays, SIZES: tl.constexpr
):
    """The colours, before slant, and slants given, with those of the rays that meet a marker put in."""
    x = camera.x + depth * (camera.cos - rays.slopes * camera.sin)
    y = camera.y + depth * (camera.sin + rays.slopes * camera.cos)
    first = e * SIZES.num_markers
    light = light_on_markers(maps, m, walls, markers, first, k, there, x, y, SIZES)
    colour = markers.colours + 3 * (first + k)
    red = tl.where(there, light * tl.load(colour, mask=there, other=0.0), red)
    green = tl.where(there, light * tl.load(colour + 1, mask=there, other=0.0), green)
    blue = tl.where(there, light * tl.load(colour + 2, mask=there, other=0.0), blue)
    forward, left, radius = in_frame(markers, first + k, there, camera)
    passed = near_side(forward, left, radius, rays)[1]
    return red, green, blue, tl.where(there, tl.maximum(1 - passed * passed, 0.0), slant)
