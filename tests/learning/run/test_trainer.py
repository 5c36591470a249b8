"""The training loop: statistics are read late, signals are noted, and nobody needs to watch."""

import math
import signal
import time

import pytest
import torch
from trainings import train

from megastep.learning.learner import Learner
from megastep.learning.run.distributed import ProcessGroup
from megastep.learning.run.run_folder import Run
from megastep.learning.run.signals import Signals
from megastep.learning.run.trainer import Timer, Trainer
from megastep.learning.run.update_statistics import MEANS, UpdateStatistics, diverged


def test_a_trainer_needs_nobody_to_watch(tmp_path):
    """As the processes that don't lead have it."""
    calls = []

    class Still:
        updates, frames = 0, 0

        def update(self):
            self.updates += 1
            return {name: torch.zeros(()) for name in ('episodes', 'policy_loss', 'value_loss', 'grad_norm')}

        def scores_by_map(self):
            return {}

    class Kept:
        def write(self):
            calls.append(learner.updates)

    learner = Still()
    group = ProcessGroup(rank=0, size=1, device=torch.device('cpu'))
    assert Trainer(learner, Kept(), group).train(3, Signals()) == 0
    assert calls == [0, 3]


def test_a_second_signal_does_what_it_did_before():
    with pytest.raises(KeyboardInterrupt), Signals() as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.received == signal.SIGTERM
        signal.raise_signal(signal.SIGINT)


def test_statistics_are_read_while_the_next_update_is_under_way(tmp_path, monkeypatch):
    order = []
    update, values = Learner.update, UpdateStatistics.values
    monkeypatch.setattr(Learner, 'update', lambda learner: order.append('update') or update(learner))
    monkeypatch.setattr(UpdateStatistics, 'values', lambda late: order.append(late.updates) or values(late))
    train(tmp_path / 'run', 3)
    assert order == ['update', 'update', 1, 'update', 2, 3]


def test_statistics_keep_what_is_overwritten():
    numbers = {
        'episodes': 4.0,
        'return': 10.0,
        'recent episodes': 2.0,
        'recent return': 3.0,
        'known return': 2.0,
        'policy_loss': 0.5,
    }
    numbers = {name: torch.tensor(value) for name, value in numbers.items()}
    statistics = UpdateStatistics(numbers, updates=3, frames=12)
    for value in numbers.values():
        value.zero_()
    assert statistics.values() == {'episodes': 4, 'return': 1.5, 'policy_loss': 0.5}


def test_where_no_episode_has_ever_ended_there_is_no_mean():
    numbers = {'episodes': 0.0, 'return': 0.0, 'recent episodes': 0.0, 'recent return': 0.0, 'approx_kl': 0.25}
    numbers = {name: torch.tensor(value) for name, value in numbers.items()}
    assert UpdateStatistics(numbers, updates=1, frames=4).values() == {'episodes': 0, 'approx_kl': 0.25}


def test_what_updates_return_is_a_mean_or_a_sum_over_episodes(tmp_path):
    """In PointGoal, which has all there is: what isn't a mean is left out where no episode ended."""
    train(tmp_path / 'run', 1, 'pointgoal')
    (line,) = Run(tmp_path / 'run').lines()
    assert line['episodes'] == 0
    assert set(line) == {'updates', 'frames', 'seconds', 'steps_per_second', 'episodes', *MEANS}


def test_only_losses_and_gradients_must_be_finite():
    fine = {'policy_loss': 0.0, 'value_loss': 1.0, 'grad_norm': 2.0, 'explained_variance': math.nan}
    assert diverged(fine) == []
    assert diverged({**fine, 'value_loss': math.inf}) == ['value_loss is inf']


def test_a_timer_is_due_once_in_its_time(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, 'monotonic', lambda: now[0])
    timer = Timer(5)
    answers = []
    for moment in (104, 105, 106, 109, 111):
        now[0] = moment
        answers.append(timer.due())
    assert answers == [False, True, False, False, True]
