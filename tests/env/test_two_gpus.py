"""An env on another GPU than the current one does what it does on that."""

import pytest
import torch
from rollouts import equal, make, rollout

from envs import Deathmatch, Explorer, PointGoal


@pytest.fixture
def second():
    if torch.cuda.device_count() < 2:
        pytest.skip('needs a second GPU')
    assert torch.cuda.current_device() == 0
    yield 'cuda:1'
    assert torch.cuda.current_device() == 0


@pytest.mark.gpu
@pytest.mark.parametrize('graph', [False, True])
@pytest.mark.parametrize('task', [Explorer, PointGoal, Deathmatch])
def test_an_env_lives_on_the_second_gpu_while_the_first_is_current(task, graph, second):
    options = {'num_envs': 4, 'cuda_graph': graph}
    there, here = (rollout(make(task, device=device, **options), 5) for device in (second, 'cuda:0'))
    assert all(leaf.device == torch.device(second) for step in there for leaf in step)
    for one, other in zip(there, here, strict=True):
        assert equal([leaf.cpu() for leaf in one], [leaf.cpu() for leaf in other])
