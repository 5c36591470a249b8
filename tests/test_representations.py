"""What a notebook shows of an object fits into a line or a few, however much it holds."""

import base64
import io
import re

import gymnasium
import pytest
import torch
from PIL import Image

from envs import PointGoal
from megastep import Cameras, Core, Scenery, learning, load, mapgen, rendering
from megastep.env.navigation import GeodesicField
from megastep.evaluation.playing.recorder import Evaluation

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


def test_an_env_says_what_matters_in_a_few_lines():
    env = PointGoal(MAPS, 4, 'cpu', cameras={'left': Cameras(res=8), 'right': Cameras(res=4)}, time_limit=2)
    assert repr(env).splitlines() == [
        "PointGoal(num_envs=4, num_agents=1, fps=10, device='cpu')",
        '  maps: 2, with 8 walls',
        f'  cameras: left {Cameras(res=8)}, right {Cameras(res=4)}',
        '  observations: rgb {left (1, 3, 8), right (1, 3, 4)}, depth {left (1, 8), right (1, 4)}, imu (3,), goal (3,)',
        '  actions: Discrete(7)',
        '  episodes: NEXT_STEP, of 20 steps at most',
    ]
    made = gymnasium.make_vec('megastep.envs:megastep/Minimal-v0', num_envs=2, device='cpu')
    assert repr(made).startswith('Minimal, megastep/Minimal-v0(num_envs=2')


def test_a_snapshot_is_a_line_and_draws_itself():
    env = PointGoal(MAPS, 4, 'cpu', cameras=Cameras(res=8))
    env.reset(seed=0)
    snapshot = env.snapshot(1)
    assert re.fullmatch(r'EnvSnapshot\(map \d, 1 agents, 4 walls, \d+ overlays; reward=.*\)', repr(snapshot))
    assert '\n' not in repr(snapshot) and len(repr(snapshot)) < 400
    encoded = re.search(r'src="data:image/png;base64,([^"]+)"', snapshot._repr_html_()).group(1)
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).width > 400
    assert repr(env.core.agents) == "Agents(num_envs=4, num_agents=1, device='cpu')"
    view = rendering.render(env.core, env.cameras)
    assert repr(view) == "View(rgb (4, 1, 1, 3, 8), depth (4, 1, 1, 8), device='cpu')"


def test_a_family_is_a_line_and_shows_its_parameters():
    family = mapgen.FAMILIES['house']
    assert re.fullmatch(r"Family\('house', version=\d+, \d+ parameters and \d+ options\)", repr(family))
    page = family._repr_html_()
    assert page.count('<tr>') == len(family.parameters) + 2
    assert '<td style="text-align:left">rooms</td><td style="text-align:left">4 to 14</td>' in page
    assert len(repr(mapgen.FAMILIES)) < 1500


def test_an_evaluation_is_a_line():
    found = Evaluation({'return': torch.tensor([[1.0], [2.0]])}, torch.tensor([[0], [1]]))
    assert repr(found) == 'Evaluation(2 episodes in 2 maps; means: return=1.5)'


def test_a_mixture_picked_down_to_one_family_says_so():
    maps = mapgen.generate(mixture={'box': 0.5, 'arena': 0.5}, count=8, seed=0)
    assert repr(maps) == 'MapSet(8 maps, arena and box)'
    boxes = maps[maps.families == 'box']
    assert repr(boxes) == f'MapSet({len(boxes)} maps, box)'
