"""What a notebook shows of an object fits into a line, however much it holds."""

import re

import pytest

from envs import PointGoal
from megastep import Core, Scenery, learning, load, mapgen
from megastep.env.navigation import GeodesicField

MAPS = mapgen.generate('box', 2, seed=0)


def trained(folder):
    """An agent that has learnt next to nothing."""
    shape = {'num_envs': 4, 'horizon': 2, 'num_minibatches': 1, 'width': 8}
    learning.train(PointGoal, folder, maps=MAPS, steps=8, bar=False, device='cpu', **shape)
    return load(folder)


@pytest.mark.parametrize(
    'make, text',
    [
        (lambda folder: Scenery.pack(MAPS, device='cpu'), r"Scenery\(2 maps, 8 walls, num_agents=1, device='cpu'\)"),
        (lambda folder: Scenery.pack(MAPS, device='cpu').spawns, r'Ragged\(2 rows, \d+ vals\)'),
        (
            lambda folder: Core(Scenery.pack(MAPS, device='cpu'), 5),
            r"Core\(num_envs=5, num_agents=1, num_maps=2, fps=10, device='cpu'\)",
        ),
        (
            lambda folder: GeodesicField.pack(MAPS, 'cpu'),
            r"GeodesicField\(2 maps, \d+ spawns, agent_radius=0\.106, device='cpu'\)",
        ),
        (trained, r"Agent\(pointgoal, 8 steps, [\d,]+ weights, '.*run'\)"),
    ],
)
def test_is_a_line(make, text, tmp_path):
    assert re.fullmatch(text, repr(make(tmp_path / 'run')))
