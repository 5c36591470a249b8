"""The notebooks run from top to bottom."""

import json
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip('nbformat', reason='needs nbformat')
nbclient = pytest.importorskip('nbclient', reason='needs nbclient')
pytest.importorskip('ipykernel', reason='needs ipykernel')

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel run by the interpreter that runs the tests, whatever others are installed."""
    folder = tmp_path / 'kernels' / 'megastep-tests'
    folder.mkdir(parents=True)
    arguments = [sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    spec = {'argv': arguments, 'display_name': 'megastep tests', 'language': 'python'}
    (folder / 'kernel.json').write_text(json.dumps(spec))
    monkeypatch.setenv('JUPYTER_PATH', str(tmp_path))
    return folder.name


def outputs(notebook):
    """The kinds of output there are: 'image/png', 'text/plain'."""
    cells = (cell for cell in notebook.cells if cell.cell_type == 'code')
    return [kind for cell in cells for output in cell.outputs for kind in output.get('data', {})]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_is_committed_without_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == 'code']
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path, kernel):
    notebook = nbformat.read(path, as_version=4)
    resources = {'metadata': {'path': str(ROOT)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name=kernel, resources=resources).execute()
    assert 'image/png' in outputs(notebook)
