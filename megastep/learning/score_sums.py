"""Sums of ended episodes' scores: in PyTorch here, in one kernel in `megastep.triton.network.score_sums`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


def add(
    ended: Bool[Tensor, ' row'],
    excluded: Bool[Tensor, ' row'],
    map_ids: Int[Tensor, ' row'],
    scores: Sequence[Shaped[Tensor, ' row']],
    sums: Float[Tensor, 'place column'],
    num_lanes: int,
) -> None:
    """Adds the scores of episodes that have ended to those of others in the same maps.

    Args:
        ended: In which rows an episode has.
        excluded: Those whose episodes don't count.
        map_ids: The map that each row's episode is in.
        scores: Each score of all rows; where it is NaN, it isn't known.
        sums: Added to: how many episodes there were, then the sums of scores, then how many episodes had each. A map
            has so many places, one after another, as there are lanes: rows go by turns to these.
        num_lanes: How many those are.
    """
    found = torch.stack([each.to(sums.dtype) for each in scores], dim=-1)
    columns = torch.cat([torch.ones_like(found[:, :1]), found.nan_to_num(0.0), ~found.isnan()], dim=-1)
    values = torch.where((ended & ~excluded)[:, None], columns, 0)
    lane = torch.arange(len(ended), device=ended.device) % num_lanes
    sums.index_add_(0, torch.add(lane, map_ids, alpha=num_lanes), values)
