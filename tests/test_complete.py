"""With ``--complete``, which continuous integration gives, no test is skipped unseen."""

import os
import re
import shutil
import subprocess
import sys

import pytest

MISSING = "pytest.importorskip('no_such_library', reason='needs an extra')"
WHOLE = f'import pytest; {MISSING}'
SOME = f"""
import pytest

def test_of_a_library():
    {MISSING}

@pytest.mark.skipif(True, reason='not on this system')
def test_of_a_system():
    pass

@pytest.mark.xfail
def test_known_to_fail():
    assert False

@pytest.mark.skipif(True, reason='the real apartments are absent')
def test_of_apartments():
    pass

@pytest.mark.gpu
def test_of_a_gpu():
    pass
"""


@pytest.mark.parametrize(
    'options, counts, reasons',
    [
        ([], {'skipped': 5, 'xfailed': 1}, []),
        (
            ['--complete', '--continue-on-collection-errors'],
            {'failed': 1, 'errors': 2, 'skipped': 2, 'xfailed': 1},
            ['needs an extra', 'needs an extra', 'not on this system'],
        ),
    ],
    ids=['plain', 'complete'],
)
def test_only_a_gpu_and_the_apartments_excuse_a_skip(tmp_path, pytestconfig, options, counts, reasons):
    """A test fails, and before it began, as a whole file's do, it is an error."""
    shutil.copy(pytestconfig.rootpath / 'tests' / 'conftest.py', tmp_path)
    (tmp_path / 'test_some.py').write_text(SOME)
    (tmp_path / 'test_whole.py').write_text(WHOLE)
    line = [sys.executable, '-m', 'pytest', '-o', 'markers=gpu', *options, str(tmp_path)]
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': '', 'PYTEST_ADDOPTS': ''}
    said = subprocess.run(line, env=environment, capture_output=True, text=True).stdout
    assert {outcome: int(count) for count, outcome in re.findall(r'(\d+) (\w+)', said.splitlines()[-1])} == counts
    assert sorted(re.findall(r'^--complete .*Skipped: (.*)$', said, re.MULTILINE)) == reasons
