"""How training shows itself: a bar in a terminal, curves in a notebook, or not at all."""

import base64
import re
import sys
from types import SimpleNamespace

import pytest
from trainings import TINY, train, unseen

from megastep.learning.run import progress
from megastep.learning.run.progress import TextBar, in_notebook
from megastep.learning.run.run_folder import Run

notebook_curves = pytest.importorskip('megastep.learning.run.notebook_curves', reason='needs IPython')


@pytest.fixture
def shown(monkeypatch):
    """What a notebook's display has shown, while it is one."""
    pictures = []
    handle = SimpleNamespace(update=lambda html: pictures.append(html._repr_html_()))
    monkeypatch.setattr(notebook_curves, 'display', lambda html, display_id: handle.update(html) or handle)
    monkeypatch.setattr(progress, 'in_notebook', lambda: True)
    return pictures


def test_a_notebook_is_a_kernel(monkeypatch):
    for shell, kernel in ((None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel=1), True)):
        monkeypatch.setitem(sys.modules, 'IPython', SimpleNamespace(get_ipython=lambda shell=shell: shell))
        assert in_notebook() is kernel
    monkeypatch.delitem(sys.modules, 'IPython')
    assert not in_notebook()


def test_a_notebook_gets_one_display_that_is_replaced_once_a_second(shown, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(notebook_curves, 'REFRESH', 3600.0)
    train(tmp_path / 'run', 3, bar=True, eval_maps=unseen())
    first, last = shown  # the beginning and the end: all between came within a second
    last = base64.b64decode(re.search('base64,([^"]+)', last)[1]).decode()  # an image: notebooks strip SVG
    total = 3 * TINY.num_envs * TINY.horizon
    assert f'0 of {total} steps' in first and '<polyline' not in first
    assert f'{total} of {total} steps' in last and 'evaluation on other maps' in last
    assert capsys.readouterr() == ('', '')


def test_curves_move_and_a_run_that_goes_on_has_all_of_them(shown, monkeypatch, tmp_path):
    monkeypatch.setattr(notebook_curves, 'REFRESH', 0.0)
    train(tmp_path / 'run', 2, bar=True)
    assert len(shown) == 4  # the beginning, two updates, the end
    assert ' left' in shown[1]
    train(tmp_path / 'run', 3, bar=True, resume=True)
    assert '<polyline' in shown[4] and '<img' in shown[-1]


def test_a_terminal_gets_a_bar(tmp_path, capsys):
    bar = TextBar(['success', 'spl', 'third'], frames=0, total=100)
    bar.add_update(50, {'success': 0.51234, 'spl': 0.25, 'third': 1.0})
    bar.add_evaluation(50, {'success': 0.75})
    bar.close()
    text = capsys.readouterr().err
    assert '50%' in text and 'success=0.512, spl=0.25, test success=0.75' in text and 'third' not in text


@pytest.mark.parametrize('seconds, clock', [(5.4, '0:05'), (750, '12:30'), (3600, '1:00:00')])
def test_a_clock(seconds, clock):
    assert notebook_curves._clock(seconds) == clock


def test_a_run_draws_its_curves(tmp_path):
    ending = train(tmp_path / 'run', 2)
    figure = ending.run.curves()
    assert 'value loss' in [axes.get_title(loc='left') for axes in figure.axes]
    assert len(Run(str(tmp_path / 'run')).curves().axes) == len(figure.axes)


def test_a_run_without_an_update_has_no_curves(tmp_path):
    with pytest.raises(ValueError, match='holds no run'):
        Run(tmp_path).curves()
    train(tmp_path / 'run', 1)
    Run(tmp_path / 'run').log.unlink()
    with pytest.raises(ValueError, match='has no curves yet: its log holds no update'):
        Run(tmp_path / 'run').curves()
