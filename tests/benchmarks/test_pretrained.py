"""Agents that come with megastep: they are what their cards say."""

import json

import pytest

import megastep
from benchmarks import pretrained as training
from megastep.evaluation import Suite, evaluate
from megastep.learning import pretrained

MOST_BYTES = 3_000_000
FEW = dict.fromkeys(training.PLAYS, 1)
"""A single episode in each map: what is drawn in one doesn't depend on how many there are."""

HOUSES = {'pointgoal': 30, 'explorer': 5, 'deathmatch': 5}
"""As many houses as tell the few goals that aren't reached from none; the other episodes are long and much alike."""


@pytest.mark.parametrize('name', pretrained.names())
def test_a_pretrained_agent_scores_as_its_card_says(name):
    """The card's mean lies in the 95 % confidence interval of a smaller test, widened by half."""
    agent = megastep.load(name, device='cpu')
    suite = training.tests(agent.task, HOUSES[name], plays=FEW)
    results = evaluate(agent, Suite(suite), ways=False, device='cpu')
    for score in results.scores:
        for row in results.summary(score).rows:
            _, low, high = row['mean']
            expected = agent.about['tests'][row['set']][score][0]
            slack = (high - low) / 4
            assert low - slack <= expected <= high + slack, (score, row['set'], row['mean'], expected)


@pytest.mark.parametrize('name', pretrained.names())
def test_a_pretrained_agent_says_how_it_was_made(name):
    folder = pretrained.folder(name)
    assert sum(path.stat().st_size for path in folder.iterdir()) < MOST_BYTES
    config, card = json.loads((folder / 'config.json').read_text()), (folder / 'README.md').read_text()
    assert set(config['tests']) == set(training.PLAYS)
    for text in (config['command'], config['commit'], config['maps']['sha256']):
        assert text in card


def test_there_is_one_for_each_task_that_is_learnt_in_all_families():
    assert sorted(pretrained.names()) == sorted(training.STEPS)
    assert pretrained.folder('nobody') is None
