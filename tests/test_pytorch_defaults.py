"""What a program has set PyTorch to changes nothing here, or is refused by its name."""

import pytest
import torch
from rollouts import FEW_RAYS, equal, make
from trainings import train

import megastep
from envs import Deathmatch, Explorer, Foraging, Minimal, PointGoal, Racing, Waypoint
from megastep import mapgen, viewer
from megastep.cli import filming
from megastep.evaluation import Episodes, evaluate

TASKS = (Minimal, Explorer, PointGoal, Waypoint, Foraging, Racing, Deathmatch)
ELSEWHERE = torch.device('meta')
"""A device that holds no values: where it is the default, what is made there by mistake can't be read."""


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def played(task, default):
    """What comes out of an env that is made and played where PyTorch has this default device."""
    with default:
        env = make(task, num_envs=8, maps=mapgen.generate('track', 2) if task is Racing else None, cameras=FEW_RAYS)
        env.action_space.seed(0)
        return [env.reset(seed=0)[:1], *(env.step(env.action_space.sample())[:4] for _ in range(3))]


@pytest.mark.parametrize('task', TASKS)
def test_envs_are_the_same_whatever_the_default_device_is(task):
    assert equal(played(task, ELSEWHERE), played(task, torch.device('cpu')))


def test_agents_learn_and_are_evaluated_whatever_the_default_device_is(tmp_path):
    with ELSEWHERE:
        train(tmp_path / 'a', updates=2, name='pointgoal', maps=mapgen.generate('house', 2))
        agent = megastep.load(tmp_path / 'a', device='cpu')
        episodes = Episodes.draw(mapgen.generate('house', 1, seed=1), 'pointgoal', per_map=2, strata=[(1, 5)])
        assert len(evaluate(agent, episodes, device='cpu').table['spl']) == 2
        env = make(Deathmatch, num_envs=8, cameras=FEW_RAYS)
        replay = viewer.Replay.record(env, lambda observations, begins: env.action_space.sample(), steps=2)
    assert 'camera' in replay.html()


def test_films_are_made_whatever_the_default_device_is(tmp_path):
    with ELSEWHERE:
        film = filming.film_random(
            'minimal', mapgen.generate('box', 2), tmp_path / 'film.gif', map_id=1, steps=2, size=(320, 180), workers=1
        )
    assert film.read_bytes()[:3] == b'GIF'


@pytest.mark.parametrize('context', [torch.no_grad, torch.inference_mode])
def test_agents_learn_where_gradients_are_off(context, tmp_path):
    with context():
        assert train(tmp_path / 'a', updates=1).frames


def test_other_default_dtypes_are_refused(double):
    with pytest.raises(ValueError, match=r'default dtype must be torch.float32, got torch.float64: torch.set_default'):
        make(Minimal)
    with pytest.raises(ValueError, match=r'default dtype must be torch.float32, got torch.float64'):
        megastep.load('explorer')
