"""What is lent is known to be held as long as anything reaches it; copies are new, whole, and of the same form."""

from __future__ import annotations

import copy
import pickle
from collections import namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rollouts import leaves
from torch.utils._pytree import tree_flatten

from megastep.env.cuda_graph import Capture, handed_out
from megastep.env.cuda_graph.attributes import Assigned
from megastep.env.cuda_graph.outputs import SMALL, Outputs, flattened, own
from megastep.env.nested import copied

DTYPES = (torch.bool, torch.uint8, torch.int16, torch.int32, torch.int64, torch.float32, torch.float64, torch.complex64)
SHAPES = ((), (0,), (1,), (5,), (7,), (3, 1, 5))
Pair = namedtuple('Pair', 'one other')


def tensor(dtype, shape, seed):
    values = torch.randint(0, 2 if dtype == torch.bool else 100, shape, generator=torch.Generator().manual_seed(seed))
    return values.to(dtype)


def outputs_of(nested):
    return Outputs(*flattened(lambda: nested))


def assert_same(one, other):
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert torch.equal(a, b)


@settings(max_examples=50, deadline=None)
@given(kinds=st.lists(st.tuples(st.sampled_from(DTYPES), st.sampled_from(SHAPES)), max_size=9))
def test_copies_are_equal_and_new_and_what_is_lent_is_the_memory_itself(kinds):
    tensors = [tensor(dtype, shape, seed) for seed, (dtype, shape) in enumerate(kinds)]
    outputs = outputs_of(tensors)
    copies, lent = outputs.copied(), outputs.lent()
    assert_same(copies, tensors)
    expected = [values.clone() for values in tensors]
    for i, each in enumerate(copies):
        each.fill_(1)
        assert_same(copies[i + 1 :], expected[i + 1 :])  # they don't overlap
    assert_same(tensors, expected)
    assert_same(lent, expected)
    assert all(a.data_ptr() == b.data_ptr() and a is not b for a, b in zip(lent, tensors, strict=True))


def test_form_is_kept():
    values, large = torch.arange(6).reshape(2, 3), torch.zeros(SMALL + 1, dtype=torch.bool)
    nested = ({'a': values.T, 'b': [values[:, 1], 'text', None]}, Pair(large, 1.5), values[0].expand(4, 3))
    outputs = outputs_of(nested)
    for result in (outputs.copied(), outputs.lent(), copied(nested)):
        assert torch.equal(result[0]['a'], values.T) and torch.equal(result[0]['b'][0], values[:, 1])
        assert result[0]['b'][1:] == ['text', None]
        assert isinstance(result[1], Pair) and torch.equal(result[1].one, large) and result[1].other == 1.5
        assert torch.equal(result[2], values[0].expand(4, 3))
        assert result[0] is not nested[0]


def test_only_what_is_lent_is_overwritten():
    values, large = torch.zeros(3), torch.zeros(SMALL, dtype=torch.float32)
    outputs = outputs_of({'values': values, 'large': large})
    copies, lent = outputs.copied(), outputs.lent()
    values.fill_(1)
    large.fill_(1)
    assert not any(leaf.any() for leaf in leaves(copies))
    assert all(leaf.all() for leaf in leaves(lent))


def differentiated(values):
    weights = torch.ones_like(values, requires_grad=True)
    return (weights * values).sum()


WAYS = {
    'itself': lambda values: values,
    'a view': lambda values: values[1:].view(-1, 1),
    'a view of a view': lambda values: values.view(2, 3).T[0],
    'an iterator': iter,
    'an array': lambda values: values.numpy(),
    "an array's buffer": lambda values: memoryview(values.numpy()),
    'an array of its items': lambda values: values.numpy()[2:].reshape(2, 2),
    'a capsule': torch.utils.dlpack.to_dlpack,
    'another library': lambda values: torch.from_dlpack(values),
    'its storage': lambda values: values.untyped_storage(),
    'gradients': differentiated,
    'a detached tensor': lambda values: values.detach(),
    'a parameter': torch.nn.Parameter,
    'a shallow copy': copy.copy,
    'a closure': lambda values: lambda: values,
    'a cycle': lambda values: (cycle := [values]).append(cycle) or cycle,
}


@pytest.mark.parametrize('way', WAYS.values(), ids=WAYS)
def test_is_held_as_long_as_something_reaches_it(way):
    outputs = outputs_of({'one': torch.arange(6.0), 'other': (torch.zeros(3), 'text')})
    for _ in range(3):
        assert not outputs.are_held
        holder = way(outputs.lent()['one'])
        assert outputs.are_held
        if isinstance(holder, list):
            holder.clear()
        del holder


@pytest.mark.parametrize('way', [copy.deepcopy, pickle.dumps, torch.clone, torch.Tensor.tolist, repr])
def test_a_copy_holds_nothing(way):
    outputs = outputs_of([torch.arange(6.0)])
    kept = [way(outputs.lent()[0])]
    assert kept and not outputs.are_held


@pytest.mark.parametrize('part', ['one', 'other', 'flag'])
def test_every_part_counts(part):
    outputs = outputs_of({'one': torch.arange(6.0), 'other': torch.zeros(()), 'flag': torch.ones(2, dtype=torch.bool)})
    kept = outputs.lent()[part]
    assert kept.numel() and outputs.are_held
    outputs.copied()
    del kept
    assert not outputs.are_held


def test_what_is_lent_cannot_be_resized_and_has_a_version_of_its_own():
    outputs = outputs_of([torch.zeros(3)])
    (lent,) = outputs.lent()
    with pytest.raises(RuntimeError, match='not resizable'):
        lent.resize_(1000)
    lent = outputs.lent()[0]
    loss = (torch.ones(3, requires_grad=True) * lent).sum()
    outputs.lent()[0].add_(1)  # of one memory: who writes into it knows what for
    loss.backward()


def test_what_is_lent_in_inference_mode_can_be_used_outside_it():
    found = flattened(lambda: [torch.zeros(3), torch.ones(2)])
    with torch.inference_mode():
        outputs = Outputs(*found)
        lent = outputs.lent()
    assert not any(leaf.is_inference() for leaf in lent + outputs.lent() + outputs.copied())


def test_what_nothing_else_has_is_left_where_it_is():
    class Owner:
        kept, array = torch.zeros(2, 3), np.zeros(3)

        def run(self):
            self.made, fresh, rows = torch.ones(4), torch.arange(3), torch.arange(6.0).view(2, 3)
            self.view = self.made[1:]
            doubled, left = torch.arange(5), torch.zeros(3, 2)
            self.where = [each.data_ptr() for each in (fresh, *rows)]
            foreign = torch.from_numpy(self.array)
            others = self.kept, self.kept[0], self.view, doubled, doubled[1:], left.T, foreign
            return fresh, *rows, *others, 'text', None

    owner = Owner()
    leaves = own(flattened(owner.run)[0])
    assert [each.data_ptr() for each in leaves[:3]] == owner.where
    assert_same(leaves[:10], tree_flatten(owner.run())[0][:10])
    expected = [each.clone() for each in leaves[:10]]
    for i in range(10):
        leaves[i].fill_(7)
        assert_same(leaves[i + 1 : 10], expected[i + 1 :])
    assert not owner.kept.any() and owner.made.eq(1).all() and not owner.array.any() and leaves[10:] == ['text', None]


# Several captures


class Replays:
    """Stands in for graphs: each replay writes its number over all that a capture returns."""

    def __init__(self, count):
        self.number = 0
        self.memory = [{'a': torch.zeros(3), 'b': (torch.zeros(2, dtype=torch.int64),)} for _ in range(count)]
        self.captures = [Capture(Replay(self, nested), outputs_of(nested), Assigned({}, {})) for nested in self.memory]

    def step(self, **options):
        self.number += 1
        return handed_out(self.captures, **{'copy': True, **options})

    def is_lent(self, leaf):
        return any(leaf.data_ptr() == each['a'].data_ptr() for each in self.memory)


class Replay:
    def __init__(self, replays, nested):
        self.replays, self.nested = replays, nested

    def replay(self):
        for leaf in leaves(self.nested):
            leaf.fill_(self.replays.number)


def test_who_drops_what_came_before_gets_no_copies():
    replays = Replays(3)
    for number in range(1, 8):
        outputs = replays.step()
        assert replays.is_lent(outputs['a']) and outputs['a'].eq(number).all() and outputs['b'][0].eq(number).all()
    assert sum(int(nested['a'].max()) > 5 for nested in replays.memory) == 2  # by turns, so that a cache holds them


@pytest.mark.parametrize('count, lent', [(1, 0), (2, 1), (3, 2), (4, 3)])
def test_who_keeps_everything_gets_copies_once_the_memory_is_lent(count, lent):
    replays = Replays(count)
    kept = [replays.step()['a'] for _ in range(6)]
    assert [replays.is_lent(each) for each in kept] == [True] * lent + [False] * (6 - lent)
    assert [int(each[0]) for each in kept] == [1, 2, 3, 4, 5, 6]
    kept.clear()
    assert replays.is_lent(replays.step()['a']) == (count > 1)


@settings(max_examples=60, deadline=None)
@given(kept=st.lists(st.tuples(st.sampled_from(['all', 'a', 'b', 'a view', '']), st.integers(0, 5)), max_size=25))
def test_what_is_held_never_changes_whatever_is_kept_and_dropped(kept):
    replays, held = Replays(3), []
    for way, age in kept:
        outputs = replays.step()
        parts = {'all': leaves, 'a': lambda o: [o['a']], 'b': lambda o: [o['b'][0]], 'a view': lambda o: [o['a'][1:]]}
        number = replays.number
        held = [each for each in held if each[2] > number]
        held.append((parts[way](outputs) if way else [], number, number + age))
        del outputs
        assert all(leaf.eq(known).all() for values, known, _ in held for leaf in values)


def test_without_copies_the_same_memory_is_handed_out_every_time():
    replays = Replays(1)
    first = replays.step(copy=False)['a']
    second = replays.step(copy=False)['a']
    assert first is not second and first.eq(2).all() and second.eq(2).all()
