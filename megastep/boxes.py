"""Boxes around groups of a map's walls, so that a group that is out of reach can be skipped as one."""

import torch
from jaxtyping import Float
from torch import Tensor

from megastep.ragged import Ragged

GROUP = 32
"""How many walls share a box: neighbours in the map's order, which along an outline are neighbours in space too."""


def bound(walls: Ragged[Tensor]) -> Ragged[Tensor]:
    """Bounds each map's walls, a group at a time: ragged (box, 4), each the least x and y and the greatest x and y."""
    counts = (walls.widths + GROUP - 1) // GROUP
    firsts = counts.cumsum(0) - counts
    device = walls.vals.device
    rows = torch.repeat_interleave(torch.arange(len(walls), device=device), walls.widths.long())
    groups = firsts[rows] + (torch.arange(len(rows), device=device) - walls.starts[rows]) // GROUP
    shape = (int(counts.sum()), 2)
    return Ragged(torch.cat([_reduce(walls.vals, groups, shape, how) for how in ('amin', 'amax')], dim=-1), counts)


def _reduce(walls: Float[Tensor, 'wall 2 2'], groups: Tensor, shape: tuple[int, int], how: str) -> Tensor:
    ends = walls.amin(dim=1) if how == 'amin' else walls.amax(dim=1)
    start = torch.full(shape, torch.inf if how == 'amin' else -torch.inf, device=walls.device)
    return start.scatter_reduce(0, groups[:, None].expand(-1, 2), ends, how)
