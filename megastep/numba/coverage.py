"""Coverage: accounts of the texels that agents have seen. The twin is `megastep.triton.coverage`."""

import torch


def forget(bits, counts, mask):
    """Forgets what was seen in the envs in a mask: see `megastep.env.coverage.Coverage`."""
    bits.masked_fill_(mask[:, None], 0)
    counts.masked_fill_(mask, 0)


def account(core, found, new, counts, shares, per):
    """Moves what has been found to ``new`` and the counts: see `megastep.env.coverage.Coverage`."""
    new.copy_(found)
    counts += found
    found.zero_()
    if per is not None:
        new /= per
    torch.div(counts, core.scenery.surface.widths[core.map_ids], out=shares)
