"""Training's scores are means by map, of the last episodes in each: the same as a test's."""

import pytest
import torch
from trainings import TINY

from envs import Minimal
from megastep import learning, load, mapgen
from megastep.evaluation import evaluate_in
from megastep.learning import score_sums
from megastep.learning.map_scores import EPISODES, KNOWN, RECENT, MapScores
from megastep.learning.run.run_folder import Run
from megastep.learning.run.update_statistics import UpdateStatistics
from megastep.triton.network import score_sums as kernels

ROWS, NAN = 50, float('nan')
NONE = torch.zeros(ROWS, dtype=torch.bool)


def finished(scores, lengths, map_ids, ended=None):
    """What comes of a rollout of one step, in which episodes of these lengths ended in the first rows."""
    rest = ROWS - len(lengths)
    ended = torch.tensor([*([True] * len(lengths) if ended is None else ended), *[False] * rest])
    scores.begin()
    found = {'length': torch.tensor([*lengths, *[7.0] * rest]), 'other': None}
    scores.add(ended, torch.tensor([*map_ids, *[0] * rest]), found)
    return {name: value.item() for name, value in scores.finish().items()}


@pytest.mark.parametrize('rows, num_maps, num_lanes', [(1, 1, 1), (300, 3, 5)])  # more than one program
def test_the_kernel_adds_up_what_is_written(rows, num_maps, num_lanes, device):
    generator = torch.Generator().manual_seed(0)
    ended, excluded = (torch.rand((2, rows), generator=generator) < 0.5).unbind()
    map_ids = torch.randint(num_maps, (rows,), generator=generator)
    scores = [10 * torch.randn(rows, generator=generator), torch.randint(9, (rows,), generator=generator), ended]
    scores[0][::7], scores[0][::11] = torch.nan, torch.inf
    sums = torch.randn((num_maps * num_lanes, 7), generator=generator)
    found, expected = sums.to(device, copy=True), sums.clone()
    given = [tensor.to(device) for tensor in (ended, excluded, map_ids)], [score.to(device) for score in scores]
    kernels.add(*given[0], given[1], found, num_lanes)
    score_sums.add(ended, excluded, map_ids, scores, expected, num_lanes)
    torch.testing.assert_close(found.cpu(), expected, atol=1e-4, rtol=1e-5)


def test_rows_that_are_excluded_do_not_count():
    excluded = torch.arange(ROWS) == 1
    found = finished(MapScores(excluded, 1, ['length']), [2.0, 5.0, 4.0], [0, 0, 0])
    assert (found['episodes'], found['length']) == (2, 6)


def logged(found):
    """What an update's line has of it."""
    tensors = {name: torch.tensor(float(value)) for name, value in found.items()}
    return UpdateStatistics(tensors, updates=1, frames=1).values()


def test_maps_count_alike_however_many_episodes_end_in_them():
    found = finished(MapScores(NONE, 3, ['length']), [2.0, 4.0, 2.0, 4.0, 90.0], [0, 0, 0, 0, 2])
    assert (found['episodes'], found['length']) == (5, 102)
    assert (found[f'{RECENT}episodes'], found[f'{RECENT}length']) == (2, 3 + 90)


def test_only_episodes_that_end_count():
    found = finished(MapScores(NONE, 1, ['length']), [2.0, float('nan')], [0, 0], [True, False])
    sums = {'episodes': 1, 'length': 2}
    assert found == {**sums, f'{RECENT}episodes': 1, f'{RECENT}length': 2, f'{KNOWN}length': 1}


def test_a_score_that_is_nan_is_left_out_of_its_mean():
    """And of the mean over maps where none is known; the map's other scores and the number of episodes count."""
    scores = MapScores(NONE, 3, ['length'])
    assert finished(scores, [NAN, 6.0, NAN], [0, 1, 1])[f'{KNOWN}length'] == 1
    torch.testing.assert_close(scores.by_map()['length'], torch.tensor([NAN, 6.0, NAN]), equal_nan=True)
    found = finished(scores, [4.0, NAN], [0, 1])
    assert (found['length'], found[f'{RECENT}episodes'], found[f'{KNOWN}length']) == (4, 2, 2)
    assert found[f'{RECENT}length'] == pytest.approx(4 + 6)
    assert logged(found) == pytest.approx({'episodes': 2, 'length': 5})


def test_a_map_keeps_its_mean_until_other_episodes_end_there():
    scores = MapScores(NONE, 2, ['length'])
    finished(scores, [10.0, 50.0], [0, 1])
    for _ in range(100):
        found = finished(scores, [20.0], [0])
    assert found[f'{RECENT}episodes'] == 2
    assert found[f'{RECENT}length'] == pytest.approx(20 + 50, rel=1e-3)


def test_older_episodes_are_forgotten_by_how_many_came_after_them():
    scores, once = MapScores(NONE, 1, ['length']), MapScores(NONE, 1, ['length'])
    for each in (scores, once):
        finished(each, [100.0] * 50, [0] * 50)
    for _ in range(EPISODES):
        found = finished(scores, [0.0], [0])
    again = finished(once, [0.0] * EPISODES, [0] * EPISODES)
    kept = (1 - 1 / EPISODES) ** EPISODES
    assert again[f'{RECENT}length'] == pytest.approx(100 * 50 * kept / (50 * kept + EPISODES))
    assert found[f'{RECENT}length'] == pytest.approx(100 * 50 * kept / (50 * kept + EPISODES * (1 - kept)))


def test_means_of_each_map():
    scores = MapScores(NONE, 3, ['length'])
    finished(scores, [2.0, 4.0, 90.0], [0, 0, 2])
    found = scores.by_map()
    assert found['episodes'].tolist() == [2, 0, 1]
    torch.testing.assert_close(found['length'], torch.tensor([3.0, torch.nan, 90.0]), equal_nan=True)


class Uneven(Minimal):
    """Episodes have 2 steps in the first map and 30 in the others; only the former succeed."""

    scores = ('success',)

    def _outcome(self):
        self._success = self.core.map_ids == 0
        return self.returns * 0, self._nobody, self.lengths >= torch.where(self._success, 2, 30)

    def _info(self):
        return {'success': self._success}


def test_the_log_has_the_scores_that_a_test_in_the_same_maps_has(tmp_path):
    """As means over the episodes that end, it would have a success of 0.84."""
    maps = mapgen.generate('box', 3)
    options = {'settings': TINY, 'num_envs': 6, 'horizon': 30, 'learning_rate': 0.0, 'device': 'cpu', 'bar': False}
    learning.train(Uneven, tmp_path / 'run', maps=maps, steps=6 * 30 * 4, **options)
    logged = Run(tmp_path / 'run').lines()[-1]
    agent = load(tmp_path / 'run', task=Uneven, device='cpu')
    tested = evaluate_in(agent, agent.env(num_envs=6)).means()
    assert tested['success'] == pytest.approx(1 / 3)
    assert {name: logged[name] for name in tested} == pytest.approx(tested)
