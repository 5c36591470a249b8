"""A replay assigns what a call of the function would have assigned."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from megastep.env.cuda_graph.attributes import Assigned, places


@dataclass(frozen=True)
class Seen:
    pixels: torch.Tensor


class Part:
    def __init__(self):
        self.shares, self.kept, self.count = torch.zeros(2), torch.zeros(2), 0
        self.by_name, self.rows = {'a': torch.zeros(2), 'b': torch.ones(2)}, [torch.zeros(2), torch.ones(2)]


class Task:
    def __init__(self):
        self.part, self.seen, self.pair, self.mode = Part(), None, (Part(), 1), 'slow'
        self.part.owner = self  # around in a circle

    def step(self, number):
        fresh = torch.full((2,), float(number))
        self.part.shares, self.part.by_name['a'], self.part.rows[1] = fresh, fresh + 1, fresh + 2
        self.seen, self.pair[0].shares, self.late = Seen(fresh + 3), fresh + 4, [fresh + 5]
        self.part.kept.add_(1)
        self.part.count += 1
        self.mode = 'fast'

    @property
    def assigned(self):
        part = self.part
        values = part.shares, part.by_name['a'], part.rows[1], self.seen.pixels, self.pair[0].shares, self.late[0]
        return [value[0].item() for value in values]


def test_what_calls_assigned_is_assigned_again_and_nothing_else():
    task, calls = Task(), []
    for number in (10, 20):
        before = places(task)
        task.step(number)
        calls.append(Assigned(before, places(task)))
    untouched, kept = task.part.by_name['b'], task.part.kept
    for number, call in ((10, calls[0]), (20, calls[1]), (10, calls[0])):
        task.part.shares, task.seen, task.part.count, task.mode = None, None, 7, 'faster'
        call.restore()
        assert task.assigned == [number + i for i in range(6)]
        assert task.part.by_name['b'] is untouched and task.part.kept is kept
        assert (task.part.count, task.mode) == (7, 'faster')  # no tensors: what Python made of them isn't replayed


def test_what_is_passed_over_and_what_has_no_attributes():
    task = Task()
    assert places(None) == places(3) == places(torch.zeros(2)) == {}
    before = places(task, task.part)
    task.step(1)
    task.part.shares = None
    Assigned(before, places(task, task.part)).restore()
    assert task.part.shares is None
