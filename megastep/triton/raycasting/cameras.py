"""Cameras: where they are, which way they look, and the slopes of their rays."""

from typing import NamedTuple, no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.constants import DEGREE

EDGE_ON = tl.constexpr(2e-6)
"""Of a line whose plane comes this close to the camera, rounding leaves nothing of how depth varies along it."""


class Optics(NamedTuple):
    """Optics: what all cameras share."""

    mounts: torch.Tensor
    step: float  # how much less the slope of each ray is than that of the ray half a one to its left
    near: float
    max_depth: float


class View(NamedTuple):
    """Pictures that are written of each frame; None where they aren't asked for."""

    rgb: torch.Tensor | None
    depth: torch.Tensor
    distances: torch.Tensor | None
    lines: torch.Tensor | None
    locations: torch.Tensor | None


class Sizes(NamedTuple):
    """Constants of the kernels."""

    num_agents: int
    num_cameras: int
    num_markers: int
    sides: int  # of an agent's outline
    side_texels: int
    outlines: int  # as many lines as all agents have, or more, to be a power of 2
    per_box: int
    res: int
    subsample: int
    pixels: int  # of a block
    rays: int  # of a pixel, or more, to be a power of 2
    few: int  # pixels: as many as have a ray for each lane, or one
    skip: bool
    centred: bool  # whether each camera is in its agent's middle and looks straight ahead
    colours: bool
    marks: bool
    per_ray: bool
    first_ray: int  # of those whose hits are written
    stop_ray: int  # the one after the last


class Camera(NamedTuple):
    """A camera's position in metres, the cosine and sine of its bearing, and its frustum."""

    x: tl.tensor
    y: tl.tensor
    cos: tl.tensor
    sin: tl.tensor
    leftmost: tl.tensor  # the slopes between which it looks
    rightmost: tl.tensor
    near: tl.tensor


@triton.jit
@no_type_check
def cosine_and_sine(angle):
    """Cosine and sine of an angle in degrees: quarter turns are taken off exactly, and what is left is a short series.

    That is as exact as the functions of radians are, whose argument would have been rounded, in a third of the time.
    """
    quarter = tl.floor(angle * (1 / 90) + 0.5)
    x = (angle - quarter * 90) * DEGREE  # at most an eighth of a turn
    square = x * x
    sin = x + x * square * (-1 / 6 + square * (1 / 120 + square * (-1 / 5040 + square * (1 / 362880))))
    cos = 1 + square * (-1 / 2 + square * (1 / 24 + square * (-1 / 720 + square * (1 / 40320))))
    number = quarter.to(tl.int32)
    odd = (number & 1) != 0
    one, other = tl.where(odd, sin, cos), tl.where(odd, cos, sin)
    return tl.where(((number + 1) & 2) != 0, -one, one), tl.where((number & 2) != 0, -other, other)


@triton.jit
@no_type_check
def forward_and_left(camera, x, y):
    """Rotation into a camera's frame: how far ahead and to the left of it points are, by where they are from it.

    Which products are fused is said, and not left to a compiler: it may fuse others at a line's first end than at its
    second, and a ray would slip between two lines that share an end.
    """
    return tl.fma(camera.cos, x, camera.sin * y), tl.fma(camera.cos, y, -camera.sin * x)


@triton.jit
@no_type_check
def slope(ray, optics, SIZES: tl.constexpr):
    """The slopes of rays: how far to the left they go for each metre forward."""
    NUM_RAYS: tl.constexpr = SIZES.res * SIZES.subsample
    return (NUM_RAYS - 1 - 2 * ray) * optics.step


@triton.jit
@no_type_check
def is_written(ray, valid, SIZES: tl.constexpr):
    """Mask of the rays whose hits are written."""
    if SIZES.stop_ray - SIZES.first_ray < SIZES.res * SIZES.subsample:
        valid &= (ray >= SIZES.first_ray) & (ray < SIZES.stop_ray)
    return valid


@triton.jit
@no_type_check
def has_written(first_pixel, SIZES: tl.constexpr):
    """True if a block of pixels has any ray whose hits are written."""
    first = first_pixel * SIZES.subsample
    return (first < SIZES.stop_ray) & (first + SIZES.pixels * SIZES.subsample > SIZES.first_ray)


@triton.jit
@no_type_check
def camera_of(agents, optics, agent, c, leftmost, rightmost, SIZES: tl.constexpr):
    """A camera that looks between two slopes."""
    bearing = tl.load(agents.angles + agent)
    x, y = tl.load(agents.positions + 2 * agent), tl.load(agents.positions + 2 * agent + 1)
    cos, sin = cosine_and_sine(bearing)
    if not SIZES.centred:
        mount = optics.mounts + 3 * c
        mx, my = tl.load(mount), tl.load(mount + 1)
        x, y = x + cos * mx - sin * my, y + sin * mx + cos * my
        cos, sin = cosine_and_sine(bearing + tl.load(mount + 2))
    return Camera(x, y, cos, sin, leftmost, rightmost, optics.near)
