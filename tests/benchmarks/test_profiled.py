"""What is rendered and moved for profilers."""

import pytest

from benchmarks import profiled
from benchmarks.speed import kernels


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(kernels, 'cases', lambda subject, device, *, quick: kernels.QUICK)


@pytest.mark.parametrize('subject', ['render', 'physics'])
def test_a_case_of_record_is_called_so_often(subject, small, monkeypatch, capsys):
    calls, step = [], {'render': profiled.rendering, 'physics': profiled.physics}[subject]
    name = {'render': 'render', 'physics': 'advance'}[subject]
    called = getattr(step, name)
    monkeypatch.setattr(step, name, lambda core, *args: calls.append(core.num_agents) or called(core, *args))
    profiled.main(subject, 1, calls=3, device='cpu')
    assert calls == [2, 2, 2]
    assert capsys.readouterr().out.startswith('3 times: Case(num_envs=2, num_agents=2')


@pytest.mark.parametrize('number', [-1, 2])
def test_a_case_that_is_not_there_is_refused(number, small):
    with pytest.raises(ValueError, match=f'number must be from 0 to 1, got {number}'):
        profiled.main('render', number, device='cpu')
