"""Nothing that is read from a file can run code: what could is called nowhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OWN = ROOT / 'megastep' / 'env' / 'pickling.py'
"""Pickles envs, which only their owner unpickles."""

FOLDERS = ('megastep', 'envs', 'benchmarks')
SOURCES = [path for folder in FOLDERS for path in (ROOT / folder).rglob('*.py') if path != OWN]
SAFE = {'torch.load': ('weights_only', True), 'np.load': ('allow_pickle', False)}
FORBIDDEN = {'eval', 'exec', 'yaml.unsafe_load', 'yaml.full_load', 'pickle.load', 'pickle.loads', 'marshal.loads'}


def unsafe(source):
    """The calls in a source that unpickle, evaluate or construct what a text says."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in SAFE:
            keyword, value = SAFE[name]
            given = {each.arg: each.value for each in node.keywords}.get(keyword)
            if not isinstance(given, ast.Constant) or given.value is not value:
                yield f'{name} without {keyword}={value}'
        elif name in FORBIDDEN:
            yield name


def test_no_source_reads_what_runs_code():
    assert not {str(path): found for path in SOURCES if (found := list(unsafe(path.read_text())))}


@pytest.mark.parametrize('source, found', [
    ('torch.load(a)', ['torch.load without weights_only=True']),
    ('torch.load(a, weights_only=False)', ['torch.load without weights_only=True']),
    ('torch.load(a, weights_only=True)', []),
    ('np.load(a)', ['np.load without allow_pickle=False']),
    ('pickle.loads(a)', ['pickle.loads']),
    ('eval(a)', ['eval']),
    ('policy.eval()', []),
])  # fmt: skip
def test_what_would_is_found(source, found):
    assert list(unsafe(source)) == found
