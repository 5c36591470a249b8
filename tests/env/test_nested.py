"""Copies of nested tensors are new, whole, and of the same form."""

from collections import namedtuple

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rollouts import leaves

from megastep.env.nested import SMALL, PackedTensors, copied

DTYPES = (torch.bool, torch.uint8, torch.int16, torch.int32, torch.int64, torch.float32, torch.float64, torch.complex64)
SHAPES = ((), (0,), (1,), (5,), (7,), (3, 1, 5))
Pair = namedtuple('Pair', 'one other')


def tensor(dtype, shape, seed):
    values = torch.randint(0, 2 if dtype == torch.bool else 100, shape, generator=torch.Generator().manual_seed(seed))
    return values.to(dtype)


def assert_same(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert torch.equal(a, b)


@settings(max_examples=50, deadline=None)
@given(kinds=st.lists(st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES)), max_size=9))
def test_copies_are_equal_and_new(kinds):
    tensors = [tensor(dtype, shape, seed) for seed, (dtype, shape) in enumerate(kinds)]
    copies = PackedTensors(tensors).copied()
    assert_same(copies, tensors)
    expected = [values.clone() for values in tensors]
    for i, copy in enumerate(copies):
        copy.fill_(1)
        assert_same(copies[i + 1 :], expected[i + 1 :])  # they don't overlap
    assert_same(tensors, expected)


def test_form_is_kept():
    values, large = torch.arange(6).reshape(2, 3), torch.zeros(SMALL + 1, dtype=torch.bool)
    nested = ({'a': values.T, 'b': [values[:, 1], 'text', None]}, Pair(large, 1.5), values[0].expand(4, 3))
    packed = PackedTensors(nested)
    for result in (packed.copied(), packed.overwritten(), copied(nested)):
        assert torch.equal(result[0]['a'], values.T) and torch.equal(result[0]['b'][0], values[:, 1])
        assert result[0]['b'][1:] == ['text', None]
        assert isinstance(result[1], Pair) and torch.equal(result[1].one, large) and result[1].other == 1.5
        assert torch.equal(result[2], values[0].expand(4, 3))
        assert result[0] is not nested[0]


def test_only_what_is_not_copied_is_overwritten():
    values, large = torch.zeros(3), torch.zeros(SMALL, dtype=torch.float32)
    packed = PackedTensors({'values': values, 'large': large})
    copies, views, plain = packed.copied(), packed.overwritten(), copied({'values': values, 'large': large})
    values.fill_(1)
    large.fill_(1)
    assert not any(leaf.any() for leaf in leaves(copies) + leaves(plain))
    assert all(leaf.all() for leaf in leaves(views))
