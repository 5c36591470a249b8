"""The notebooks run from top to bottom, and are kept with what they show, which is little."""

import ast
import json
from pathlib import Path

import pytest
from pages.jupyterlab import write_kernel

ROOT = Path(__file__).parents[1]
MOST_BYTES = 1_000_000
NOTEBOOKS = sorted((ROOT / 'notebooks').glob('*.ipynb'))


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A kernel run by the interpreter that runs the tests, whatever others are installed."""
    folder = tmp_path / 'kernels' / 'megastep-tests'
    write_kernel(folder)
    monkeypatch.setenv('JUPYTER_PATH', str(tmp_path))
    return folder.name


def read(path):
    """As it is in its file: nbformat takes seconds to import, and only who runs a notebook needs it."""
    return json.loads(path.read_text())


def cells_of(notebook):
    return [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']


def kinds(notebook):
    """The kinds of output there are: 'image/png', 'text/html'."""
    return {kind for cell in cells_of(notebook) for output in cell['outputs'] for kind in output.get('data', {})}


def test_there_are_notebooks():
    """What a newcomer reads first among them."""
    assert {'first-light', 'make-maps', 'your-own-task'} <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_is_kept_as_it_ran_and_small(path):
    """`python docs/notebooks.py` runs and keeps them."""
    notebook = read(path)
    cells = cells_of(notebook)
    assert [cell['execution_count'] for cell in cells] == list(range(1, len(cells) + 1))
    assert kinds(notebook) & {'image/png', 'text/html'}
    assert not [output for cell in cells for output in cell['outputs'] if output['output_type'] == 'error']
    assert 'widgets' not in notebook['metadata']
    assert 'application/vnd.jupyter.widget-view+json' not in kinds(notebook)  # JupyterLab says it is an error
    assert path.stat().st_size < MOST_BYTES


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_the_numbers_come_first(path):
    """They are in the first cell, each with the larger one for a GPU where there is one: no later cell is changed."""
    first, *_ = cells_of(read(path))
    assert all(isinstance(statement, ast.Assign) for statement in ast.parse(''.join(first['source'])).body)


@pytest.mark.notebook
@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_runs(path, kernel):
    nbformat = pytest.importorskip('nbformat', reason='needs nbformat')
    nbclient = pytest.importorskip('nbclient', reason='needs nbclient')
    pytest.importorskip('ipykernel', reason='needs ipykernel')
    notebook = nbformat.read(path, as_version=4)
    resources = {'metadata': {'path': str(ROOT)}}
    nbclient.NotebookClient(notebook, timeout=240, kernel_name=kernel, resources=resources).execute()
    assert kinds(notebook) & {'image/png', 'text/html'}


def test_training_has_one_display():
    """Its curves are replaced, so there is one output, however long it takes."""
    notebook = read(ROOT / 'notebooks' / 'first-light.ipynb')
    (cell,) = (cell for cell in cells_of(notebook) if 'learning.train(' in ''.join(cell['source']))
    (output,) = cell['outputs']
    assert output['output_type'] == 'display_data' and 'learning curves' in ''.join(output['data']['text/html'])
