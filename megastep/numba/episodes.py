"""Episode statistics: what a step pays, and which episodes it ends. The twin is `megastep.triton.episodes`."""

import numpy as np
from numba import njit


@njit(cache=True, error_model='numpy')
def _tally(rewards, ended, cut, resets, lengths, limits, paid, returns, over, terminated, truncated, seconds, fps):
    for e in range(len(over)):
        begins = resets[e]  # it may be what is over: it is read before that is written
        for a in range(rewards.shape[1]):
            paid[e, a] = np.float32(0) if begins else rewards[e, a]
            returns[e, a] = paid[e, a] if begins else returns[e, a] + paid[e, a]
        terminated[e] = ended[e] and not begins
        truncated[e] = (cut[e] or lengths[e] >= limits[e]) and not begins
        over[e] = terminated[e] or truncated[e]
        seconds[e] = np.float32(lengths[e]) / fps


def tally(core, rewards, ended, cut, resets, limits, paid, returns, terminated, truncated, seconds):
    """Counts a step in its episodes' statistics: see `megastep.env.episode_info.tally`."""
    _tally(
        rewards.numpy(), ended.numpy(), cut.numpy(), resets.numpy(), core.clocks[0].numpy(), limits.numpy(),
        paid.numpy(), returns.numpy(), core.over.numpy(), terminated.numpy(), truncated.numpy(), seconds.numpy(),
        np.float32(core.fps),
    )  # fmt: skip
