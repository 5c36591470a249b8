"""Widgets: what a notebook's page and its kernel say to one another."""

import sys

import pytest
import torch
from pages.browser import CHROMIUM, NO_BROWSER, browser
from pages.notebook import json_of, opened, until
from rollouts import FEW_RAYS, make

from envs import Minimal
from megastep.viewer import Replay, drive

pytest.importorskip('anywidget', reason="needs anywidget, of the extra 'notebook'")


def env_of(num_envs=2):
    return make(Minimal, num_envs=num_envs, cameras=FEW_RAYS, shortest=500, longest=500)


def still(observations, begins):
    return torch.zeros(len(begins), dtype=torch.int64)


@pytest.fixture(scope='module')
def tab():
    if CHROMIUM is None:
        pytest.skip(NO_BROWSER)
    with browser() as tab:
        yield tab


def test_a_replay_is_a_widget_with_a_step(tab, tmp_path):
    widget = Replay.record(env_of(), still, 20, envs=[0, 1]).widget()
    assert (widget.step, widget.env, widget.agent) == (0, 0, 0)
    values = f'{{document: {json_of(widget.document)}, step: 3, env: 0, agent: 0}}'
    opened(tab, widget, tmp_path / 'notebook.html', values)
    tab.run(until('window.model?.saved'))
    assert tab.run('model.get("step")') == 3  # as it was set before it was shown
    tab.run('model.set("step", 7); model.hear("change:step")')
    tab.run(until('document.querySelector("input[type=range]").value === "7"'))
    tab.run('model.set("env", 1); model.hear("change:env")')
    tab.run(until('document.querySelector("[aria-label=Env]").value === "1"'))
    tab.run('document.querySelector("[aria-label=\'A step on\']").click()')
    assert tab.run(until('model.get("step") === 8 && model.get("env") === 1'))
    assert tab.errors == []


def test_a_drive_is_a_widget_that_is_asked_by_messages(tab, tmp_path):
    widget = drive(env_of(), still)
    answers = []
    widget.send = answers.append
    opened(tab, widget, tmp_path / 'notebook.html', f'{{document: {json_of(widget.document)}}}')
    for step in range(4):
        if step == 1:
            tab.run(until('document.querySelector("[role=status]").textContent === "click to drive"'))
            tab.run('document.querySelector(".replay").focus()')
        tab.run(until('window.model?.sent.length'))
        message = tab.run('model.sent.shift()')
        widget._answer(widget, message, [])
        tab.run(f'model.hear("msg:custom", {json_of(answers[-1])})')
    assert [answer['number'] for answer in answers] == [1, 2, 3, 4]
    assert [answer['moment']['length'] for answer in answers] == [0, 1, 2, 3]
    assert tab.errors == []


def test_what_is_wrong_with_a_message_is_answered():
    widget, answers = drive(env_of(), still), []
    widget.send = answers.append
    widget._answer(widget, {'number': 5, 'request': {'held': ['fly']}}, [])
    assert answers[0]['number'] == 5
    assert 'keys must be of' in answers[0]['moment']['error']


def test_says_what_is_missing(monkeypatch):
    from megastep.viewer import replay_widget

    replay_widget._widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, 'anywidget', None)
    with pytest.raises(ImportError, match=r'widgets need anywidget: pip install "megastep\[notebook\]"'):
        Replay.record(env_of(), still, 2).widget()
