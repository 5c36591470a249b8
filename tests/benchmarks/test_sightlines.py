"""Proof of potentially visible sets: rays find what is missing, and on sets as they are built nothing is."""

from dataclasses import replace

import torch
import worlds

from benchmarks.proofs import sightlines
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.ragged import Ragged
from megastep.world import visible_walls


def test_nothing_is_missed():
    row = sightlines.cast([worlds.cluttered(4), worlds.halved_box()], 20_000, torch.device('cpu'))
    assert row['holds']
    assert (row['maps'], row['rays'], row['missed']) == (2, 20_000, 0)


def test_a_wall_that_is_left_out_is_missed():
    walls = sightlines.packed([worlds.box()], torch.device('cpu'))
    sets = visible_walls.build(walls, AGENT_RADIUS)
    numbers = torch.where(sets.numbers.vals == 2, 1, sets.numbers.vals)
    generator = torch.Generator().manual_seed(0)
    without = replace(sets, numbers=Ragged(numbers, sets.numbers.widths))
    assert 1000 < sightlines.missing(walls, without, 0, 10_000, generator) < 5000
    assert sightlines.missing(walls, sets, 0, 10_000, generator) == 0


def test_the_first_wall_is_the_nearest_that_faces_the_ray():
    walls = torch.tensor([[[3.0, 0], [3, 2]], [[2, 2], [2, 0]], [[4, 0], [4, 2]]], dtype=torch.float64)
    origins = torch.tensor([[0.0, 1], [3.5, 1], [3, 1]], dtype=torch.float64)
    rays = torch.tensor([[1.0, 0], [-1, 0], [0, 1]], dtype=torch.float64)
    found = sightlines.first_walls(walls, origins, rays)
    assert found.tolist() == [[True, False, False], [False, True, False], [False, False, False]]
