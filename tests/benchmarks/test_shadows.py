"""Proof of lists of lights: ways find what is missing, and on lists as they are built nothing is."""

import torch
import worlds

from benchmarks.proofs import shadows


def test_shadows_are_right():
    row = shadows.look([worlds.halved_box(), worlds.houses(1)[0], worlds.box()], 30_000, torch.device('cpu'))
    assert row['holds']
    assert (row['maps'], row['wrong']) == (3, 0)
    assert row['ways'] >= 20_000


def test_a_wall_and_a_light_that_are_left_out_are_missed():
    walls = torch.tensor([[[1.0, -1], [1, 1]]], dtype=torch.float64)
    lights = torch.tensor([[0.0, 0], [3, 0]], dtype=torch.float64)
    points = torch.tensor([[2.0, 0], [0.5, 0.1]], dtype=torch.float64)
    assert shadows.crosses(walls, lights, points)[..., 0].tolist() == [[True, False], [False, True]]
    everything = torch.ones((2, 2), dtype=torch.bool), torch.ones((2, 2, 1), dtype=torch.bool)
    nothing = torch.zeros((2, 2), dtype=torch.bool), torch.zeros((2, 2, 1), dtype=torch.bool)
    assert shadows.misjudged(walls, lights, points, *everything) == 0
    assert shadows.misjudged(walls, lights, points, everything[0], nothing[1]) == 2
    assert shadows.misjudged(walls, lights, points, nothing[0], everything[1]) == 2
