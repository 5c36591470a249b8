"""Lists of nodes, each kept once a map, one after another: what a geodesic field has of them."""

import torch

from megastep.triton.geodesics.choice import Lists
from megastep.triton.geodesics.plans import Floorplans


def kept_once(plans: Floorplans, lists: Lists) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Keeps every list of a map once.

    Cells are sorted by their lists' keys, and a list that is that of the cell before isn't kept again.

    Returns:
        Where among its map's lists each cell's begins, (cell,) int32; the lists, each its length and then its nodes,
        (value,) int32; and how many values are each map's, (map,) int32.
    """
    owners, device = plans.cell_rows.owners, lists.keys.device
    order = torch.sort(lists.keys, stable=True).indices
    nodes, maps = lists.nodes[order], owners[order]
    new = torch.ones(len(order), dtype=torch.bool, device=device)
    new[1:] = (nodes[1:] != nodes[:-1]).any(1) | (maps[1:] != maps[:-1])
    kept = torch.cat([lists.widths[order][:, None].to(nodes.dtype), nodes], 1)[new].int()
    sizes, owners = kept[:, 0].long() + 1, maps[new].long()
    widths = torch.zeros(len(plans.words), dtype=torch.int64, device=device).scatter_add(0, owners, sizes)
    begins = sizes.cumsum(0) - sizes - (widths.cumsum(0) - widths)[owners]
    entries = torch.empty(len(order), dtype=torch.int32, device=device)
    entries[order] = begins[new.cumsum(0) - 1].int()
    return entries, kept[torch.arange(kept.shape[1], device=device) < sizes[:, None]], widths.int()
