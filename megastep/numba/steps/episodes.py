"""Episode statistics: what a step pays, and which episodes it ends. The twin is `megastep.triton.steps.episodes`."""

from typing import NamedTuple

import numpy as np
from numba import njit

from megastep.numba.constants import LAUNCHED


class Rows(NamedTuple):
    """Rows of a step's episode statistics: the buffers of a `megastep.env.episode_info.Tally`."""

    terminated: np.ndarray
    truncated: np.ndarray
    ended: np.ndarray
    seconds: np.ndarray
    lengths: np.ndarray
    map_ids: np.ndarray
    rewards: np.ndarray
    returns: np.ndarray


@njit(**LAUNCHED)
def _tally(rewards, ended, cut, resets, lengths, map_ids, limits, paid, returns, over, rows, fps):
    num_agents = rewards.shape[1]
    for e in range(len(over)):
        begins = resets[e]  # it may be what is over: it is read before that is written
        terminates = ended[e] and not begins
        truncates = (cut[e] or lengths[e] >= limits[e]) and not begins
        over[e] = terminates or truncates
        for a in range(num_agents):
            paid[e, a] = np.float32(0) if begins else rewards[e, a]
            returns[e, a] = paid[e, a] if begins else returns[e, a] + paid[e, a]
            row = e * num_agents + a
            rows.terminated[row], rows.truncated[row], rows.ended[row] = terminates, truncates, over[e]
            rows.seconds[row] = np.float32(lengths[e]) / fps
            rows.lengths[row], rows.map_ids[row] = lengths[e], map_ids[e]
            rows.rewards[row], rows.returns[row] = paid[e, a], returns[e, a]


def tally(core, rewards, ended, cut, resets, limits, paid, returns, rows):
    """Counts a step in its episodes' statistics: see `megastep.env.episode_info.tally`."""
    _tally(
        np.ascontiguousarray(rewards.numpy()), ended.numpy(), cut.numpy(), resets.numpy(), core.clocks[0].numpy(),
        core.map_ids.numpy(), limits.numpy(), paid.numpy(), returns.numpy(), core.over.numpy(),
        Rows(*(values.numpy() for values in rows)), np.float32(core.fps),
    )  # fmt: skip


@njit(**LAUNCHED)
def _tick(resets, clocks):
    for e in range(len(resets)):
        clocks[0, e] = 0 if resets[e] else clocks[0, e] + 1
        clocks[1, e] += 1


def tick(core, resets):
    """Counts a step in all envs: see `megastep.world.core.Core.tick`."""
    _tick(resets.numpy(), core.clocks.numpy())


@njit(**LAUNCHED)
def _clean(numbers, low, high, cleaned):
    for i in range(len(numbers)):
        known = low <= numbers[i] <= high
        cleaned[i] = numbers[i] if known else low - 1


def clean(numbers, low, high, cleaned):
    """Makes numbers that stand for no action harmless: see `megastep.env.interface.actions.ActionBatch`."""
    _clean(numbers.view(-1).numpy(), np.int64(low), np.int64(high), cleaned.view(-1).numpy())


@njit(**LAUNCHED)
def _count_down(left, expired):
    for e in range(len(left)):
        left[e] -= 1
        expired[e] = left[e] <= 0


def count_down(left, expired):
    """Counts a step of each env's life: see `megastep.env.spawning.RandomLifespans`."""
    _count_down(left.numpy(), expired.numpy())


@njit(**LAUNCHED)
def _spend(lengths, counts, steps, each, spent):
    for e in range(len(counts)):
        spent[e] = np.float32(lengths[e]) >= steps + each * np.float32(counts[e])


def spend(core, counts, steps, each, spent):
    """Finds the envs that have had their time: see `megastep.env.spawning.TimeBudget`."""
    _spend(core.clocks[0].numpy(), counts.numpy(), np.float32(steps), np.float32(each), spent.numpy())
