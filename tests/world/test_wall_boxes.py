"""Bounding volumes of walls: each wall is there once, in its box, and near the others in it."""

import itertools

import numpy as np
import pytest
import torch
from worlds import houses

from megastep.maps.ragged import Ragged
from megastep.world import wall_boxes


def shuffled(walls, seed=0):
    rows = [row[torch.randperm(len(row), generator=torch.Generator().manual_seed(seed))] for row in walls]
    return Ragged(torch.cat(rows), walls.widths)


@pytest.fixture
def walls():
    maps = houses(3)
    return Ragged(torch.from_numpy(maps.walls.vals).float(), torch.from_numpy(maps.walls.widths))


def test_each_wall_is_there_once_and_known_by_its_number(walls):
    found = wall_boxes.build(walls)
    numbers = Ragged(found.numbers, walls.widths)
    for number, row, boxed in zip(numbers, walls, Ragged(found.walls, walls.widths), strict=True):
        assert sorted(number.tolist()) == list(range(len(row)))
        assert torch.equal(boxed, row[number.long()])


def test_boxes_are_those_of_their_walls(walls):
    found = wall_boxes.build(walls)
    for row, boxes in zip(Ragged(found.walls, walls.widths), found.boxes, strict=True):
        parts = row.split(wall_boxes.WALLS_PER_BOX)
        assert len(parts) == len(boxes)
        for part, box in zip(parts, boxes, strict=True):
            assert torch.equal(box, torch.cat([part.amin(dim=(0, 1)), part.amax(dim=(0, 1))]))


def test_boxes_are_as_small_whatever_the_order_of_the_walls(walls):
    extents = []
    for each in (walls, shuffled(walls)):
        boxes = wall_boxes.build(each).boxes.vals
        extents.append((boxes[:, 2:] - boxes[:, :2]).prod(-1).mean())
    spans = walls.vals.amax(dim=(0, 1)) - walls.vals.amin(dim=(0, 1))
    assert extents[1] == pytest.approx(float(extents[0]), rel=0.05)
    assert extents[1] < spans.prod() / 3


def test_the_curve_goes_through_every_cell_from_neighbour_to_neighbour(monkeypatch):
    monkeypatch.setattr(wall_boxes, 'CELLS', 16)
    cells = torch.tensor(list(itertools.product(range(16), range(16))))
    distances = wall_boxes.along_curve(cells)
    assert sorted(distances.tolist()) == list(range(256))
    steps = np.abs(np.diff(cells[distances.argsort()].numpy(), axis=0)).sum(-1)
    assert (steps == 1).all()
