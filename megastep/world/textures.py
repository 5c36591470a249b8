"""Textures: the albedo of each texel of walls and outlines."""

import math
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, Float32, Int, UInt8
from numpy.typing import ArrayLike
from torch import Tensor

from megastep.checks import check_choice

TEXEL = 0.05
"""The longest a texel may be, in metres."""

CHUNK = 1 << 22
"""How many texels are painted at a time, which bounds the memory painting takes to about a gigabyte."""

# Linear RGB. Light enough that shadows show, far enough apart that two walls can be told from each other.
PALETTE = (
    (0.80, 0.28, 0.18), (0.85, 0.52, 0.16), (0.82, 0.70, 0.22), (0.42, 0.66, 0.20), (0.16, 0.56, 0.34),
    (0.15, 0.58, 0.62), (0.18, 0.40, 0.74), (0.36, 0.28, 0.72), (0.62, 0.26, 0.62), (0.78, 0.34, 0.44),
    (0.72, 0.66, 0.58), (0.40, 0.42, 0.46),
)  # fmt: skip

GREYS = tuple((0.3 + 0.05 * level,) * 3 for level in range(12))

PALETTES = MappingProxyType({'standard': PALETTE, 'grey': GREYS})
"""Walls' colours by name, as linear RGB."""

SIDES = 8
"""An agent's outline is an octagon."""

GREEN, RED, GREY = (0.10, 0.70, 0.20), (0.75, 0.10, 0.08), (0.30, 0.30, 0.34)


def texel_counts(walls: Float[Tensor, 'wall 2 2']) -> Int[Tensor, ' wall']:
    """The number of texels of each wall: as few as keep each within 5 cm, and at least one."""
    lengths = (walls[:, 1] - walls[:, 0]).norm(dim=-1)
    return (lengths / TEXEL - 1e-3).ceil().clamp(min=1).int()


def colours(palette: str | ArrayLike) -> Float32[np.ndarray, 'colour 3']:
    """The colours of a palette: one of `PALETTES` by name, or (colour, 3) linear RGB, 0 to 1.

    Raises:
        ValueError: if there is no palette of that name, or what is given isn't colours.
    """
    if isinstance(palette, str):
        check_choice(tuple(PALETTES), palette=palette)
        return np.array(PALETTES[palette], dtype=np.float32)
    found = np.array(palette, dtype=np.float32)
    if found.ndim != 2 or found.shape[1] != 3 or not len(found):
        raise ValueError(f'palette must be a name or colours of shape (colour, 3), got {found.shape}.')
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f'palette must be linear RGB from 0 to 1, got {found.min():g} to {found.max():g}.')
    return found


def paint(
    walls: Float[Tensor, 'wall 2 2'],
    counts: Int[Tensor, ' wall'],
    *,
    seed: int,
    palette: ArrayLike = PALETTE,
) -> UInt8[Tensor, 'texel 3']:
    """Paints walls: a pair of colours for each straight line, mixed by noise along it.

    A texel's colour depends on where it is rather than on its wall's number, so that cutting a wall in two or giving
    the walls in another order changes nothing.

    Args:
        walls: Endpoints in metres, from the map's lower left corner.
        counts: How many texels each wall carries.
        seed: Other seeds give other colours.
        palette: The colours that there are: (colour, 3) linear RGB, 0 to 1.

    Returns:
        Linear RGB, 255 for 1.
    """
    ends, table = counts.cumsum(0), torch.tensor(np.asarray(palette, np.float32), device=walls.device)
    albedo = torch.empty((int(counts.sum()), 3), dtype=torch.uint8, device=walls.device)
    first = 0
    while first < len(walls):  # as many whole walls at a time as fit a chunk
        done = int(ends[first - 1]) if first else 0
        last = max(int(torch.searchsorted(ends, done + CHUNK, right=True)), first + 1)
        albedo[done : int(ends[last - 1])] = _paint_chunk(walls[first:last], counts[first:last], seed, table)
        first = last
    return albedo


def _paint_chunk(walls: Tensor, counts: Tensor, seed: int, palette: Tensor) -> UInt8[Tensor, 'texel 3']:
    steps = walls[:, 1] - walls[:, 0]
    lengths = steps.norm(dim=-1)
    along = steps / lengths[:, None]
    origins = (walls[:, 0] * along).sum(-1)
    offsets = walls[:, 0, 1] * along[:, 0] - walls[:, 0, 0] * along[:, 1]
    bearings = torch.atan2(along[:, 1], along[:, 0]).rad2deg()
    keys = _hash(_hash((offsets * 100 + 0.37).floor().long()) + (bearings + 0.37).floor().long() + seed)

    wall = torch.repeat_interleave(torch.arange(len(walls), device=walls.device), counts.long())
    number = torch.arange(len(wall), device=walls.device) - (counts.cumsum(0) - counts)[wall]
    place = origins[wall] + (number + 0.5) * (lengths / counts)[wall]
    one, other = palette[keys % len(palette)], palette[(keys >> 8) % len(palette)]
    share, shade = _noise(keys[wall], place), _noise(keys[wall] + 1, place / 0.3)
    colours = torch.lerp(one[wall], other[wall], 0.8 * share[:, None]) * (0.7 + 0.3 * shade[:, None])
    return (255 * colours).round().byte()


def _noise(keys: Int[Tensor, ' texel'], place: Float[Tensor, ' texel']) -> Float[Tensor, ' texel']:
    """Smooth noise in 0 to 1 that varies over about one unit of ``place``."""
    cell = place.floor()
    left, right = (_hash(keys + (cell.long() + i) * 7919).float() / 0xFFFFFFFF for i in (0, 1))
    t = place - cell
    return torch.lerp(left, right, t * t * (3 - 2 * t))


def _hash(x: Int[Tensor, ' key']) -> Int[Tensor, ' key']:
    """Scrambles integers to 32 bits: two rounds of multiply and shift, held in int64 so that nothing overflows."""
    for multiplier in (0x45D9F3B, 0x119DE1F3):
        x = ((x ^ (x >> 16)) * multiplier) & 0xFFFFFFFF
    return x ^ (x >> 16)


def outline(device: torch.device, *, scale: float = 1.0) -> Float[Tensor, 'side 2 2']:
    """An agent's outline: an octagon 15 cm from side to side times a scale, around the origin and facing +x.

    Side k faces 45 k degrees clockwise of forward; going clockwise, what is outside lies to the left.
    """
    corners = torch.arange(SIDES + 1, device=device) * -(2 * math.pi / SIDES) + math.pi / SIDES
    corners = torch.stack([corners.cos(), corners.sin()], dim=-1) * (scale * 0.075 / math.cos(math.pi / SIDES))
    return torch.stack([corners[:-1], corners[1:]], dim=1)


def outline_albedo(device: torch.device) -> UInt8[Tensor, 'texel 3']:
    """An agent's texels, two a side: green in front, red behind, grey at either side."""
    colours = [GREEN, GREEN, GREY, RED, RED, RED, GREY, GREEN]
    texels = torch.tensor(colours, device=device).repeat_interleave(2, dim=0)
    return (255 * texels).round().byte()
