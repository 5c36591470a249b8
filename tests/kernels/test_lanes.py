"""Lanes: sixteen numbers at once come to what each comes to by itself."""

import operator

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from megastep.numba import lanes

COUNT = lanes.COUNT
RANDOM = np.random.default_rng(0)
FLOATS = RANDOM.normal(size=(2, 3 * COUNT)).astype(np.float32)
INTEGERS = RANDOM.integers(-99, 99, (2, 3 * COUNT)).astype(np.int32)
NUMBER = {np.dtype(np.float32): np.float32(0.75), np.dtype(np.int32): 3}


def apply(operation, one, other, out):
    """Writes what an operation makes of two arrays, or of an array and a number, into a third, lanes by lanes."""

    @njit
    def rows(one, other, out):
        for row in range(len(out) // COUNT):
            first, second = lanes.load(one, row), other
            lanes.store(out, row, operation(first, second))

    @njit
    def pairs(one, other, out):
        for row in range(len(out) // COUNT):
            lanes.store(out, row, operation(lanes.load(one, row), lanes.load(other, row)))

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
@pytest.mark.parametrize('name', ['lt', 'le', 'gt', 'ge'])
def test_comparisons_choose(values, name):
    one, other = values[0].copy(), values[1].copy()
    other[::5] = one[::5]
    compares, zero = getattr(operator, name), values.dtype.type(0)
    chosen = njit(lambda a, b: lanes.where(compares(a, b), a, zero))
    expected = np.where(compares(one, other), one, 0)
    np.testing.assert_array_equal(apply(chosen, one, other, np.empty_like(one)), expected)


def test_masks_are_joined():
    one, other = FLOATS
    zero = np.float32(0)
    joined = njit(lambda a, b: lanes.where((a > zero) & ~(b > zero) | (b > a), a, b))
    expected = np.where((one > 0) & ~(other > 0) | (other > one), one, other)
    np.testing.assert_array_equal(apply(joined, one, other, np.empty_like(one)), expected)


def test_nothing_compares_with_what_is_no_number():
    one, other = np.full(COUNT, np.nan, np.float32), np.zeros(COUNT, np.float32)
    least = njit(lambda a, b: lanes.where(a < b, a, b))
    np.testing.assert_array_equal(apply(least, one, other, np.empty_like(one)), other)


@njit
def gathered(values, places, out):
    for row in range(len(out) // COUNT):
        lanes.store(out, row, lanes.gather(values, lanes.load(places, row)))


def test_gathering():
    values = RANDOM.normal(size=(7, 2)).astype(np.float32)
    places = RANDOM.integers(0, values.size, 2 * COUNT).astype(np.int32)
    out = np.empty(2 * COUNT, np.float32)
    gathered(values, places, out)
    np.testing.assert_array_equal(out, values.ravel()[places])


@njit
def rounded_roots(values, whole, roots):
    found = lanes.roots(lanes.load(values, 0))
    lanes.store(roots, 0, lanes.real(lanes.whole(found)) + found)
    lanes.store(whole, 0, lanes.whole(found))


def test_roots_and_whole_numbers():
    values, whole, sums = 9 * np.abs(FLOATS[0, :COUNT]), np.empty(COUNT, np.int32), np.empty(COUNT, np.float32)
    rounded_roots(values, whole, sums)
    np.testing.assert_array_equal(whole, np.sqrt(values).astype(np.int32))
    np.testing.assert_array_equal(sums, np.sqrt(values) + whole.astype(np.float32))


@pytest.mark.parametrize('count, expected', [(0, 0), (1, 1), (16, 1), (17, 2)])
def test_rows(count, expected):
    assert lanes.rows(count) == expected
    filled = lanes.filled(np.arange(count, dtype=np.float32), -1)
    assert len(filled) == expected * COUNT
    np.testing.assert_array_equal(filled[:count], np.arange(count))
    assert (filled[count:] == -1).all()


@pytest.mark.parametrize('number', [0.75, 1, True])
def test_numbers_of_another_type_do_not_go_with_floats(number):
    with pytest.raises(TypingError, match='No implementation of function'):
        apply(njit(lambda a, b: a + b), FLOATS[0], number, np.empty_like(FLOATS[0]))
