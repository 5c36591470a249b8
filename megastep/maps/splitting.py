"""Splits of map sets, in which maps that are equal up to symmetry stay together, and the check that they did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

import numpy as np
from jaxtyping import Int, UInt64

from megastep.checks import check_seed, is_integer
from megastep.maps.ragged import Ragged
from megastep.maps.symmetry import canonical_hashes, mix

SLACK = 1e-9
"""Shares that come to as much more than 1 come to 1: they are added up in floats."""

NAMED = 3
"""At most so many of the maps that are in two sets are named."""


def firsts(arrays: Sequence[Ragged[np.ndarray]]) -> Int[np.ndarray, ' first']:
    """The rows that are equal, in every array, to no row before them."""
    hashes = mix(np.stack([_row_hashes(rows) for rows in arrays]))
    return np.sort(np.unique(hashes, return_index=True)[1])


def overlap(walls: Ragged[np.ndarray], others: Ragged[np.ndarray]) -> Int[np.ndarray, 'pair 2']:
    """The overlap of two map sets: the maps of the first that are, up to symmetry, in the second too.

    Args:
        walls: The walls of the maps of the first set, in metres: see `MapSet.walls`.
        others: Those of the second.

    Returns:
        The number of each such map, and that of the first map of the second set that equals it.
    """
    hashes, numbers = np.unique(canonical_hashes(others), return_index=True)
    own = canonical_hashes(walls)
    places = np.minimum(np.searchsorted(hashes, own), max(len(hashes) - 1, 0))
    rows = np.flatnonzero(hashes[places] == own) if len(hashes) else np.empty(0, np.int64)
    return np.stack([rows, numbers[places[rows]]], axis=1)


def check_disjoint(
    train: Ragged[np.ndarray], test: Ragged[np.ndarray], *, names: tuple[str, str] = ('train', 'test')
) -> None:
    """Checks that no map, turned, mirrored or moved, is in both of two map sets: ``check_disjoint(a.walls, b.walls)``.

    Args:
        train: The walls of the maps of one set, in metres: see `MapSet.walls`.
        test: Those of the other.
        names: What the two sets are called.

    Raises:
        ValueError: if one is; it says which.
    """
    if len(pairs := overlap(test, train)):
        named = [f'map {one} is map {other} of {names[0]}' for one, other in pairs[:NAMED].tolist()]
        more = [f'and {len(pairs) - NAMED} more'] if len(pairs) > NAMED else []
        raise ValueError(
            f'{names[1]} must have no map of {names[0]}, turned, mirrored or moved, but {", ".join([*named, *more])}: '
            'MapSet.split parts maps so that none is on both sides.'
        )


def _row_hashes(rows: Ragged[np.ndarray]) -> UInt64[np.ndarray, ' row']:
    """Hashes each row to the sum of its values' hashes with their places, so that equal rows have equal hashes."""
    bits = np.ascontiguousarray(rows.vals).view(np.int64).reshape(len(rows.vals), math.prod(rows.vals.shape[1:]))
    places = np.arange(len(bits)) - np.repeat(rows.starts, rows.widths)
    hashes = mix(np.stack([places, *bits.T]))
    sums = np.concatenate([np.zeros(1, np.uint64), hashes.cumsum(dtype=np.uint64)])  # modulo 2^64
    return sums[rows.starts + rows.widths] - sums[rows.starts] + rows.widths.astype(np.uint64)


def groups(walls: Ragged[np.ndarray], seed: int) -> list[Int[np.ndarray, ' member']]:
    """Groups maps that are equal up to symmetry, and shuffles the groups.

    The order is that of a hash of the seed and the map, so no library's random numbers can change it.
    """
    hashes, members = np.unique(canonical_hashes(walls), return_inverse=True)
    sizes = np.bincount(members, minlength=len(hashes))
    found = np.split(np.argsort(members, kind='stable'), sizes.cumsum()[:-1])
    order = np.argsort(mix(np.stack([hashes, np.full_like(hashes, int(seed) % 2**64)])))
    return [found[i] for i in order]


def cut(groups: Sequence[np.ndarray], shares: Sequence[float]) -> list[Int[np.ndarray, ' member']]:
    """Cuts a list of groups into parts, each end as near as can be to the shares of the members up to there.

    Args:
        groups: The groups.
        shares: The parts' shares. One alone stands for two parts, of which the other gets the rest; of several that
            come to less than 1, the rest is in no part.

    Raises:
        ValueError: if a share isn't between 0 and 1, they come to more than 1, or there are fewer groups than parts.
    """
    for share in shares:
        if not isinstance(share, Real) or isinstance(share, bool) or not 0 < share < 1:
            raise ValueError(f'the share of maps to split off must be between 0 and 1, got {share!r}.')
    if sum(shares) > 1 + SLACK:
        raise ValueError(f'the shares of a split must come to 1 at most, got {" + ".join(map(str, shares))}.')
    shares = [*shares, 1 - shares[0]] if len(shares) == 1 else list(shares)
    if len(groups) < len(shares):
        raise ValueError(
            f'a split needs at least {len(shares)} maps that differ by more than symmetry, got {len(groups)}.'
        )
    sizes = np.cumsum([len(group) for group in groups])
    ends, whole = [0], abs(sum(shares) - 1) <= SLACK
    for number, wanted in enumerate(np.cumsum(shares), start=1):
        last = len(groups) - (len(shares) - number)  # a group is left for each part to come
        nearest = int(np.abs(sizes[ends[-1] : last] - wanted * sizes[-1]).argmin()) + ends[-1] + 1
        ends.append(len(groups) if whole and number == len(shares) else nearest)
    return [np.sort(np.concatenate(groups[begin:end])) for begin, end in pairwise(ends)]


def by_name(groups: Sequence[np.ndarray], parts: Mapping[str, float]) -> dict[str, Int[np.ndarray, ' member']]:
    """The members of each part by its name: by shares as `cut` has them, if one is a float, else by numbers: `deal`."""
    if any(isinstance(share, float) for share in parts.values()):
        dealt = cut(groups, list(parts.values()))  # of one share alone, also the rest
        return dict(zip(parts, dealt, strict=False))
    counts: dict[str, Any] = {name: int(count) if is_integer(count) else count for name, count in parts.items()}
    return deal(groups, counts)


def deal(groups: Sequence[np.ndarray], counts: Mapping[str, int]) -> dict[str, Int[np.ndarray, ' member']]:
    """Gives each part its number of members, each group going whole to the first part that has room for it.

    Raises:
        ValueError: if a number isn't a whole one or is below 1, or the parts can't all be filled.
    """
    dealt: dict[str, list[np.ndarray]] = {name: [] for name in counts}
    room = dict(counts)
    for part, count in room.items():
        if not isinstance(count, Integral) or isinstance(count, bool):
            raise ValueError(f'{part} must be a whole number of maps, got {count!r}.')  # noqa: TRY004
    if min(room.values(), default=0) < 1:
        raise ValueError(f'each part of a split needs at least 1 map, got {room}.')
    for group in groups:
        name = next((name for name, left in room.items() if len(group) <= left), None)
        if name is not None:
            dealt[name].append(group)
            room[name] -= len(group)
    if any(room.values()):
        total = sum(len(group) for group in groups)
        raise ValueError(
            f'{total} maps in {len(groups)} groups of equal ones, which are not parted, cannot be split into '
            f'{dict(counts)}: {room} are left to fill.'
        )
    return {name: np.sort(np.concatenate(members)) for name, members in dealt.items()}


def drawn(count: int, number: int, seed: int) -> Int[np.ndarray, ' chosen']:
    """A sample of so many of the numbers below a count, in order; by a hash, so the same on every machine.

    Raises:
        ValueError: if there aren't as many, or the seed is none.
    """
    check_seed(seed)
    if not is_integer(number) or not 1 <= number <= count:
        raise ValueError(f'a sample must be of 1 to {count} maps, got {number!r}.')
    keys = mix(np.stack([np.arange(count, dtype=np.uint64), np.full(count, int(seed), np.uint64)]))
    return np.sort(np.argsort(keys, kind='stable')[: int(number)])
