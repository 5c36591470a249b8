"""What is shipped hangs together: versions, dependencies, data, commands, and the code in the documents."""

import ast
import configparser
import re
import shutil
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import megastep

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md')),
    *(path for path in sorted((ROOT / 'docs').rglob('*.md')) if '_build' not in path.parts),
]


def called(path):
    return path.relative_to(ROOT).as_posix()


SYSTEMS = [{'python_version': version, 'platform_system': 'Linux'} for version in ('3.10', '3.11', '3.12', '3.13')]

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / 'setup.cfg')


def listed(section, option):
    return [Requirement(line) for line in SETUP[section][option].split('\n') if line.strip()]


def extras():
    return {name: listed('options.extras_require', name) for name in SETUP['options.extras_require']}


def pins():
    lines = (ROOT / 'constraints.txt').read_text().splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith('#')]


def bounds():
    """Every requirement of setup.cfg, extras' too, but for the extra that names the others."""
    every = listed('options', 'install_requires') + [r for name, rs in extras().items() if name != 'all' for r in rs]
    return [requirement for requirement in every if requirement.name != 'megastep']


def applies(requirement, system):
    return requirement.marker is None or requirement.marker.evaluate(system)


def test_version_is_the_same_everywhere():
    changes = re.findall(r'^## (\S+)', (ROOT / 'CHANGELOG.md').read_text(), re.MULTILINE)
    released = [version for version in changes if version != 'Unreleased']
    (cited,) = re.findall(r'^version: (\S+)$', (ROOT / 'CITATION.cff').read_text(), re.MULTILINE)
    assert metadata.version('megastep') == megastep.__version__ == released[0] == cited


@pytest.mark.parametrize('pin', pins(), ids=str)
def test_pin_is_exact_and_within_bounds(pin):
    (specifier,) = pin.specifier
    assert specifier.operator == '=='
    for bound in bounds():
        if bound.name == pin.name:
            assert bound.specifier.contains(specifier.version), f'{pin} is outside {bound}'


@pytest.mark.parametrize('system', SYSTEMS, ids=lambda system: system['python_version'])
def test_pins_everything_make_installs_once(system):
    pinned = [pin.name for pin in pins() if applies(pin, system)]
    missing = {requirement.name for requirement in bounds() if applies(requirement, system)} - set(pinned)
    assert not missing, f'constraints.txt pins no version of {sorted(missing)}'
    assert len(pinned) == len(set(pinned)), f'constraints.txt pins a version twice: {sorted(pinned)}'


def test_all_covers_the_other_extras():
    (everything,) = extras()['all']
    assert everything.name == 'megastep'
    assert everything.extras == set(extras()) - {'all'}


def imported(path):
    """The outside packages that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        yield from (name.partition('.')[0] for name in names)


def test_everything_imported_is_declared():
    distributions = metadata.packages_distributions()
    declared = {canonicalize_name(bound.name) for bound in bounds()}
    ours = {'megastep', 'envs', *sys.stdlib_module_names}
    files = [path for folder in ('megastep', 'envs') for path in (ROOT / folder).rglob('*.py')]
    names = {name for path in files for name in imported(path)} - ours
    providers = {name: distributions.get(name, [name]) for name in names}  # Python 3.10 doesn't list them all
    undeclared = {name for name in names if declared.isdisjoint(map(canonicalize_name, providers[name]))}
    assert not undeclared, f'setup.cfg does not name what provides {sorted(undeclared)}'


def test_types_and_every_package_are_shipped():
    assert (ROOT / 'megastep' / 'py.typed').is_file()
    assert 'py.typed' in SETUP['options.package_data']['megastep']
    folders = {path.parent for folder in ('megastep', 'envs') for path in (ROOT / folder).rglob('*.py')}
    assert not [folder for folder in folders if not (folder / '__init__.py').is_file()]


def test_the_console_script_is_the_command():
    from megastep.cli import main

    (script,) = (entry for entry in metadata.entry_points(group='console_scripts') if entry.name == 'megastep')
    assert script.load() is main


def fenced(path, language):
    return re.findall(rf'^```{language}\n(.*?)^```', path.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_opens_with_commands_of_the_makefile():
    targets = set(re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.MULTILINE))
    text = (ROOT / 'README.md').read_text()
    assert set(re.findall(r'^make (\w+)', text, re.MULTILINE)) <= targets
    first, second = re.findall(r'^make (\w+)', '\n'.join(text.splitlines()[:8]), re.MULTILINE)
    assert (first, second) == ('demo', 'test')


@pytest.mark.parametrize('path', DOCUMENTS, ids=called)
def test_the_links_lead_somewhere(path):
    links = re.findall(r'\]\(([^)#]+)[^)]*\)', path.read_text())
    broken = [link for link in links if '://' not in link and not (path.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize('path', DOCUMENTS, ids=called)
def test_the_commands_shown_exist(path):
    """Every `megastep ...` line of a document is one that the command line takes."""
    from megastep.cli.app import app

    for block in fenced(path, 'sh'):
        for command in re.findall(r'^megastep (\w+)', block, re.MULTILINE):
            assert command in app._subcommands


def test_the_reference_has_every_package():
    """But for the command, which has a page of its own, and Triton's kernels, whose twins are there."""
    folders = [path.parent.relative_to(ROOT) for path in (ROOT / 'megastep').rglob('__init__.py')]
    packages = {'.'.join(folder.parts) for folder in folders} - {'megastep', 'megastep.cli'}
    packages = {package for package in packages if not package.startswith('megastep.triton')}
    listed = (ROOT / 'docs' / 'reference' / 'api.rst').read_text().split()
    assert packages - set(listed) == set()


def run_elsewhere(path):
    """Whether the code of a document is run by other tests, or as the site is built."""
    return path.name in {'environments.md', 'frameworks.md'} or fenced(path, r'\{code-cell\}')


RUN = [path for path in DOCUMENTS if fenced(path, 'python') and not run_elsewhere(path)]


def test_all_code_of_pages_that_are_executed_is_in_cells():
    executed = [path for path in DOCUMENTS if fenced(path, r'\{code-cell\}')]
    assert not [called(path) for path in executed if fenced(path, 'python')]
    assert all('file_format: mystnb' in path.read_text() for path in executed)


@pytest.mark.parametrize('path', RUN, ids=called)
def test_the_code_shown_runs(path, tmp_path, monkeypatch):
    """A document's Python blocks run, one after the other, in one namespace."""
    monkeypatch.chdir(tmp_path)
    namespace = {'__name__': 'document'}
    for block in fenced(path, 'python'):
        exec(compile(block, str(path), 'exec'), namespace)


def test_a_source_distribution_has_what_its_tests_need(tmp_path):
    """Every file that the tests and `make` take, but nothing that running them leaves behind."""
    left = shutil.ignore_patterns('.git', '.venv', '__pycache__', '*.egg-info', 'out', 'runs', '_build', '.*_cache')
    shutil.copytree(ROOT, tmp_path / 'copy', ignore=left)
    code = "from setuptools import build_meta; build_meta.build_sdist('..')"
    subprocess.run([sys.executable, '-c', code], cwd=tmp_path / 'copy', check=True, capture_output=True)
    (archive,) = tmp_path.glob('megastep-*.tar.gz')
    with tarfile.open(archive) as opened:
        names = {name.partition('/')[2] for name in opened.getnames()}
    sources = [ROOT / name for name in ('megastep', 'envs', 'benchmarks', 'tests', 'notebooks', '.ci')]
    kept = [path for folder in sources for path in folder.rglob('*') if path.is_file() and path.suffix != '.pyc']
    kept = [path for path in kept if '__pycache__' not in path.parts and not path.name.endswith('.parts')]
    needed = {str(path.relative_to(ROOT)) for path in kept}
    needed |= {'Makefile', 'constraints.txt', 'CHANGELOG.md', 'README.md', 'docs/environments.md', 'pyproject.toml'}
    assert not needed - names
    assert not [name for name in names if '__pycache__' in name or name.endswith(('.pyc', '.nbi', '.nbc'))]


def test_the_command_says_its_version(capsys):
    from megastep.cli import main

    assert main(['--version']) == 0
    assert capsys.readouterr().out == f'megastep {megastep.__version__}\n'
