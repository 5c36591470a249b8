"""Other libraries' own checks pass, and what the documents show of them runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from gymnasium.vector import AutoresetMode
from optional_libraries import EXTRAS, needs
from walks import Walk

NEXT_STEP, SAME_STEP, DISABLED = AutoresetMode
DOCUMENTS = Path(__file__).parents[2] / 'docs'


@pytest.mark.parametrize('document', ['environments', 'frameworks'])
def test_the_code_shown_runs(document):
    run(document, '')


@pytest.mark.parametrize('library', EXTRAS)
def test_the_code_shown_of_a_library_runs(library):
    needs(library)
    if library != 'jax':
        run('frameworks', EXTRAS[library].replace('-', '_'))
        return
    code = '\n'.join(blocks(DOCUMENTS / 'frameworks.md', 'jax'))  # in a process of its own: JAX's can't be forked
    subprocess.run([sys.executable, '-c', code], check=True)


def run(document, library):
    """Runs the document's Python blocks, those of a library on their own."""
    path, namespace = DOCUMENTS / f'{document}.md', {'__name__': 'document'}
    for block in blocks(path, library):
        exec(compile(block, str(path), 'exec'), namespace)


def blocks(path, library):
    found = re.findall(rf'^```python ?{library}\n(.*?)^```', path.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.mark.parametrize(
    'library, name, mode',
    [
        ('torchrl', 'TorchRLEnv', DISABLED),
        ('pettingzoo', 'PettingZooEnv', DISABLED),
        ('stable_baselines3', 'StableBaselines3Env', SAME_STEP),
    ],
)
def test_an_adapter_says_which_mode_it_needs(library, name, mode):
    needs(library)
    module = pytest.importorskip(f'megastep.adapters.{library}')
    with pytest.raises(ValueError, match=f'env must have autoreset_mode=AutoresetMode.{mode.name}, got NEXT_STEP'):
        getattr(module, name)(Walk(NEXT_STEP))
    with pytest.raises(ValueError, match='env must have copy=True, got False'):
        getattr(module, name)(Walk(mode, copy=False))
    with pytest.raises(ValueError, match='env must be a megastep Env, got int'):
        getattr(module, name)(3)
