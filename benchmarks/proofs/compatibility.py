"""Makes the same maps under other versions of Python and NumPy: `python -m benchmarks.proofs.compatibility`.

What is compared is the golden tests' hashes, and a hash of maps of every family: some by default, byte for byte, and
some with parameters from their whole ranges.

Each pair gets a virtual environment of its own, for the time of the run, with what the generator needs and no more: no
PyTorch. A Python is one that is on the PATH (`python3.12`) or that pyenv has. NumPy's versions are old and new ones
that PyPI has for that Python; the other libraries' are what pip chooses with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import tyro

ROOT = Path(__file__).parents[2]

NEEDED = ('scipy', 'shapely>=2.1', 'networkx', 'safetensors', 'jaxtyping', 'tqdm', 'pytest', 'hypothesis')
"""What the generator and its golden tests import, beside NumPy."""

SAMPLE = """
import hashlib, sys
from pathlib import Path
from benchmarks.proofs.certification import Task, attempt
from megastep import mapgen

families = dict.fromkeys(mapgen.FAMILIES, 1)
mapgen.generate(mixture=families, count=4 * len(families), out=sys.argv[1])
sha = hashlib.sha256(Path(sys.argv[1]).read_bytes())
for family in families:
    _, outcome = attempt(Task(family, 0, 0, 4))
    sha.update(f'{outcome.hashes} {outcome.failures}'.encode())
print(sha.hexdigest()[:16])
"""
"""Prints a hash of maps of every family. It writes a file, which its argument names."""

PAIRS: dict[str, tuple[str, ...]] = {
    '3.10': ('1.26.*', '2.0.*', '2.2.*'),
    '3.11': ('1.26.*', '2.0.*', '2.*'),
    '3.12': ('1.26.*', '2.0.*', '2.*'),
    '3.13': ('2.1.*', '2.*'),
}
"""The versions of NumPy to try with each Python."""


def main(pythons: tuple[str, ...] = tuple(PAIRS)) -> None:
    """Make maps under each Python that is here, with several versions of NumPy, and compare them.

    Args:
        pythons: The versions of Python to try.
    """
    results = []
    for version in pythons:
        for result in tried(version):
            results.append(result)
            print(f'{result.name:<48}golden tests {result.golden or "-":<52}maps {result.maps or "-"}', flush=True)
    hashes = {result.maps for result in results if result.maps}
    if len(hashes) != 1 or not all(result.golden.startswith('passed') for result in results if result.maps):
        raise SystemExit(f'NOT the same everywhere: {len(hashes)} hashes, and see above which golden tests failed.')


class Result(NamedTuple):
    """Result of one pair of Python and NumPy."""

    name: str
    golden: str = ''
    """What the tests said at last."""
    maps: str = ''
    """The hash of the maps, or the error."""


def tried(version: str) -> Iterator[Result]:
    """Runs everything under one Python with each NumPy."""
    python = find(version)
    if python is None:
        yield Result(f'Python {version}, which is not here')
        return
    for numpy in PAIRS[version]:
        with tempfile.TemporaryDirectory() as folder:
            yield attempt(python, numpy, Path(folder))


def find(version: str) -> str | None:
    """The program that is this version of Python, if it is on this machine."""
    programs = sorted(Path.home().glob(f'.pyenv/versions/{version}.*/bin/python'))
    candidates = [str(program) for program in programs] + [shutil.which(f'python{version}') or '']
    return next((program for program in candidates if program and reported(program).startswith(version)), None)


def reported(program: str) -> str:
    """The version that a Python says it is, or nothing if it doesn't start."""
    command = [program, '-c', 'import platform; print(platform.python_version())']
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ''


def attempt(python: str, numpy: str, folder: Path) -> Result:
    """Runs everything under one Python and NumPy, in an environment made in a folder."""
    run([python, '-m', 'venv', str(folder)])
    program = str(folder / 'bin' / 'python')
    install = [program, '-m', 'pip', 'install', '--quiet', '--only-binary=:all:', f'numpy=={numpy}', *NEEDED]
    if run(install).returncode:
        return Result(f'Python {reported(python)}, NumPy {numpy}, which is not to be had')
    versions = run(
        [program, '-c', 'import numpy, shapely; print(numpy.__version__, shapely.__version__)']
    ).stdout.split()
    files = sorted(str(path) for path in (ROOT / 'tests' / 'mapgen').glob('*.py'))
    golden = ['-m', 'pytest', '--noconftest', '-p', 'no:cacheprovider', '-k', 'golden or always', *files]
    tests, sample = run([program, *golden]), run([program, '-c', SAMPLE, str(folder / 'maps')])
    return Result(
        f'Python {reported(python)}, NumPy {versions[0]}, shapely {versions[1]}',
        ('passed: ' if tests.returncode == 0 else 'FAILED: ') + last_line(tests.stdout),
        last_line(sample.stdout or sample.stderr),
    )


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs a command from the root of the project, which it can import."""
    environment = {**os.environ, 'PYTHONPATH': str(ROOT), 'PYTHONDONTWRITEBYTECODE': '1'}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip(' =')), '')


if __name__ == '__main__':
    sys.exit(tyro.cli(main, prog='python -m benchmarks.proofs.compatibility'))
