import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep.mapgen.rng import BATCH_WORDS, Rng

WORD = (1 << 64) - 1


def philox(counter, key):
    """Philox4x64-10 as Salmon and others define it in "Parallel random numbers: as easy as 1, 2, 3", 2011."""
    c, k = [counter & WORD, counter >> 64, 0, 0], [key & WORD, key >> 64]
    for _ in range(10):
        a, b = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(b >> 64) ^ c[1] ^ k[0], b & WORD, (a >> 64) ^ c[3] ^ k[1], a & WORD]
        k = [(k[0] + 0x9E3779B97F4A7C15) & WORD, (k[1] + 0xBB67AE8584CAA73B) & WORD]
    return c


def scripted(*values):
    """A stream with these words ahead."""
    rng = Rng('scripted')
    rng._ahead = list(values[::-1])
    return rng


def test_philox_gives_its_authors_known_answer():
    assert philox(0, 0) == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]


def test_words_are_philox_keyed_by_the_hash_of_the_name():
    key = int.from_bytes(hashlib.blake2b(b'house/1/0/3', digest_size=16).digest(), 'little')
    rng = Rng('house/1/0/3')
    drawn = [rng.word() for _ in range(BATCH_WORDS + 8)]
    assert drawn == [word for block in range(1, len(drawn) // 4 + 1) for word in philox(block, key)]


def test_known_numbers():
    rng = Rng('megastep')
    assert [rng.word() for _ in range(2)] == [14135377714460772895, 16667371296318031677]
    assert [rng.below(100) for _ in range(8)] == [11, 2, 44, 19, 35, 13, 32, 72]
    assert rng.shuffled(range(8)) == [0, 2, 6, 7, 1, 5, 4, 3]


def test_streams_of_other_names_differ_and_forks_do_not_depend_on_what_was_drawn():
    parent = Rng('a')
    before = parent.fork('b').word()
    parent.word()
    assert parent.fork('b').word() == before == Rng('a/b').word()
    assert len({Rng(name).word() for name in ('a', 'b', 'a/b', 'a/c')}) == 4


@pytest.mark.parametrize('count', [2, 3, 7, 10, 64, 100])
def test_numbers_below_a_bound_are_evenly_spread(count):
    """Chi-square of 20,000 draws, less than 5 standard deviations above what chance gives."""
    rng = Rng(f'even/{count}')
    seen = np.bincount([rng.below(count) for _ in range(20_000)], minlength=count)
    expected = 20_000 / count
    assert ((seen - expected) ** 2 / expected).sum() < (count - 1) + 5 * (2 * (count - 1)) ** 0.5
    assert len(seen) == count


def test_pairs_of_successive_numbers_are_evenly_spread():
    rng = Rng('pairs')
    seen = np.bincount([8 * rng.below(8) + rng.below(8) for _ in range(20_000)], minlength=64)
    assert ((seen - 312.5) ** 2 / 312.5).sum() < 63 + 5 * 126**0.5


def test_words_that_would_favour_a_number_are_thrown_away():
    """2^64 words can't be dealt out evenly to 3 numbers: one word has to go, and it is word 0."""
    assert scripted(0, 0, WORD).below(3) == 2
    assert scripted(1).below(3) == 0


def test_bounds_near_2_to_the_64th_are_even_too():
    """Without throwing words away, numbers under half of this bound would come up twice as often as the others."""
    rng, bound = Rng('huge'), 3 << 62
    low = sum(rng.below(bound) < bound // 3 for _ in range(6_000))
    assert abs(low - 2_000) < 5 * (6_000 * 2 / 9) ** 0.5


@settings(deadline=None, max_examples=50)
@given(st.integers(-(10**6), 10**6), st.integers(0, 10**6), st.integers(0, 99))
def test_numbers_lie_between_their_bounds(low, span, name):
    assert low <= Rng(str(name)).between(low, low + span) <= low + span


def test_between_takes_both_ends():
    rng = Rng('ends')
    assert {rng.between(-1, 1) for _ in range(100)} == {-1, 0, 1}


def test_chances():
    rng = Rng('chance')
    assert not any(rng.chance(0, 100) for _ in range(100))
    assert all(rng.chance(100, 100) for _ in range(100))
    assert 200 < sum(rng.chance(1, 4) for _ in range(1_000)) < 300


def test_shuffles_are_permutations_and_each_is_as_likely():
    rng = Rng('shuffle')
    seen = [tuple(rng.shuffled('abc')) for _ in range(6_000)]
    counts = np.array([seen.count(order) for order in set(seen)])
    assert len(counts) == 6
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 5 + 5 * 10**0.5
