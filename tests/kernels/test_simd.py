"""SIMD vectors: sixteen numbers at once come to what each comes to by itself."""

import operator

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from megastep.numba.jit import bits, simd

LANES = simd.LANES
RANDOM = np.random.default_rng(0)
FLOATS = RANDOM.normal(size=(2, 3 * LANES)).astype(np.float32)
INTEGERS = RANDOM.integers(-99, 99, (2, 3 * LANES)).astype(np.int32)
NUMBER = {np.dtype(np.float32): np.float32(0.75), np.dtype(np.int32): 3}


def apply(operation, one, other, out):
    """Writes what an operation makes of two arrays, or of an array and a number, into a third, vector by vector."""

    @njit
    def rows(one, other, out):
        for row in range(len(out) // LANES):
            first, second = simd.load(one, row), other
            simd.store(out, row, operation(first, second))

    @njit
    def pairs(one, other, out):
        for row in range(len(out) // LANES):
            simd.store(out, row, operation(simd.load(one, row), simd.load(other, row)))

    (pairs if isinstance(other, np.ndarray) else rows)(one, other, out)
    return out


ARITHMETIC = [('float32', name) for name in ('add', 'sub', 'mul', 'truediv')]
ARITHMETIC += [('int32', name) for name in ('add', 'sub', 'mul', 'and_', 'or_', 'rshift')]


@pytest.mark.parametrize('kind, name', ARITHMETIC)
def test_arithmetic(kind, name):
    one, other = FLOATS if kind == 'float32' else INTEGERS
    other = np.abs(other) % 31 if name == 'rshift' else other
    function = getattr(operator, name)
    compiled = njit(lambda a, b: function(a, b))
    for second in (other, NUMBER[one.dtype]):
        np.testing.assert_array_equal(apply(compiled, one, second, np.empty_like(one)), function(one, second))


@pytest.mark.parametrize('values', [FLOATS, INTEGERS], ids=['float32', 'int32'])
@pytest.mark.parametrize('name', ['lt', 'le', 'gt', 'ge', 'eq'])
def test_comparisons_choose(values, name):
    one, other = values[0].copy(), values[1].copy()
    other[::5] = one[::5]
    compares, zero = getattr(operator, name), values.dtype.type(0)
    chosen = njit(lambda a, b: simd.where(compares(a, b), a, zero))
    expected = np.where(compares(one, other), one, 0)
    np.testing.assert_array_equal(apply(chosen, one, other, np.empty_like(one)), expected)


def test_masks_are_joined():
    one, other = FLOATS
    zero = np.float32(0)
    joined = njit(lambda a, b: simd.where((a > zero) & ~(b > zero) | (b > a), a, b))
    expected = np.where((one > 0) & ~(other > 0) | (other > one), one, other)
    np.testing.assert_array_equal(apply(joined, one, other, np.empty_like(one)), expected)


def test_nothing_compares_with_what_is_no_number():
    one, other = np.full(LANES, np.nan, np.float32), np.zeros(LANES, np.float32)
    least = njit(lambda a, b: simd.where(a < b, a, b))
    np.testing.assert_array_equal(apply(least, one, other, np.empty_like(one)), other)


@pytest.mark.parametrize('name', ['minimum', 'maximum'])
def test_the_lesser_and_the_greater(name):
    one, other = FLOATS
    choice = getattr(simd, name)
    chosen = njit(lambda a, b: choice(a, b))
    for second in (other, NUMBER[one.dtype]):
        np.testing.assert_array_equal(apply(chosen, one, second, np.empty_like(one)), getattr(np, name)(one, second))


@njit
def spread_out(number, out):
    simd.store(out, 1, simd.spread(number))


def test_spreading():
    out = np.zeros(3 * LANES, np.float32)
    spread_out(np.float32(0.75), out)
    assert out.tolist() == [0] * LANES + [0.75] * LANES + [0] * LANES


@njit
def masked(one, other, chosen):
    """Bits of the lanes in which one is more; writes the other's numbers there, and one's elsewhere."""
    more = bits.bits_of(simd.load(one, 0) > simd.load(other, 0))
    simd.store(chosen, 0, simd.where(bits.mask_of(more), simd.load(other, 0), simd.load(one, 0)))
    return more


def test_masks_are_bits_and_bits_masks():
    one, other = FLOATS[:, :LANES]
    chosen = np.empty(LANES, np.float32)
    more = masked(one, other, chosen)
    assert [bool(more >> lane & 1) for lane in range(64)] == (one > other).tolist() + [False] * (64 - LANES)
    assert 0 < (one > other).sum() < LANES
    np.testing.assert_array_equal(chosen, np.minimum(one, other))


@njit
def counted(number):
    return bits.lowest(number), bits.ones(number)


def test_bits_are_counted():
    assert counted(0b10110_00) == (3, 3)
    assert counted(-1) == (0, 64)
    assert counted(-(1 << 63)) == (63, 1)


@njit
def gathered(values, places, out):
    for row in range(len(out) // LANES):
        simd.store(out, row, simd.gather(values, simd.load(places, row)))


def test_gathering():
    values = RANDOM.normal(size=(7, 2)).astype(np.float32)
    places = RANDOM.integers(0, values.size, 2 * LANES).astype(np.int32)
    out = np.empty(2 * LANES, np.float32)
    gathered(values, places, out)
    np.testing.assert_array_equal(out, values.ravel()[places])


@njit
def rounded_roots(values, whole, roots):
    found = simd.sqrt(simd.load(values, 0))
    simd.store(roots, 0, simd.to_float32(simd.to_int32(found)) + found)
    simd.store(whole, 0, simd.to_int32(found))


def test_roots_and_whole_numbers():
    values, whole, sums = 9 * np.abs(FLOATS[0, :LANES]), np.empty(LANES, np.int32), np.empty(LANES, np.float32)
    rounded_roots(values, whole, sums)
    np.testing.assert_array_equal(whole, np.sqrt(values).astype(np.int32))
    np.testing.assert_array_equal(sums, np.sqrt(values) + whole.astype(np.float32))


@pytest.mark.parametrize('count, expected', [(0, 0), (1, 1), (16, 1), (17, 2)])
def test_rows(count, expected):
    assert simd.rows(count) == expected
    filled = simd.filled(np.arange(count, dtype=np.float32), -1)
    assert len(filled) == expected * LANES
    np.testing.assert_array_equal(filled[:count], np.arange(count))
    assert (filled[count:] == -1).all()


@pytest.mark.parametrize('number', [0.75, 1, True])
def test_numbers_of_another_type_do_not_go_with_floats(number):
    with pytest.raises(TypingError, match='No implementation of function'):
        apply(njit(lambda a, b: a + b), FLOATS[0], number, np.empty_like(FLOATS[0]))


@pytest.mark.parametrize('number', [0.75, 1])
def test_numbers_of_another_type_are_not_chosen_beside_floats(number):
    with pytest.raises(TypingError):
        apply(njit(lambda a, b: simd.where(a > a, a, b)), FLOATS[0], number, np.empty_like(FLOATS[0]))
