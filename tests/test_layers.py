"""The folder listing is the architecture: data flows one way, and no import goes against it or around in a circle.

The tree is read from the folders. Imports inside functions and those for types alone count like any others.
"""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A module imports from its own storey and those above it in this list, and only a house that stands here may be built.
STOREYS = """
    checks maps triton numba
    mapgen world
    plotting
    env viewer
    adapters testing evaluation envs
    learning
    cli
    __main__ benchmarks
"""
MAPGEN = """
    plan rng parameters mixture parallel shards
    geometry
    layout variations finishing
    family edits
    families
    generation mutation
"""
KERNELS, COMPILER = ('megastep.triton', 'megastep.numba'), 'megastep.numba.jit'
WITHOUT_TORCH = (COMPILER, 'megastep.maps', 'megastep.mapgen')
DRAWING = {'matplotlib', 'PIL', 'imageio', 'imageio_ffmpeg'}
DRAWERS = ('megastep.plotting', 'megastep.viewer', 'megastep.maps.formats', 'benchmarks')
MOST_MODULES, MOST_ENTRIES = 20, 18


def ranks(text):
    return {name: rank for rank, line in enumerate(text.split('\n')) for name in line.split()}


HOUSES, ROOMS = ranks(STOREYS), ranks(MAPGEN)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def read():
    """Each module's source by its name."""
    paths = [path for folder in ('megastep', 'envs', 'benchmarks') for path in (ROOT / folder).rglob('*.py')]
    return {module_name(path): path.read_text() for path in paths}


def homes(sources):
    """Where the names live that `megastep` hands on, as its table says."""
    tables = (node for node in ast.parse(sources['megastep']).body if isinstance(node, ast.Assign))
    tables = {node.targets[0].id: node.value for node in tables}
    named = {**ast.literal_eval(tables['_HOMES']), **ast.literal_eval(tables['_MODULES'])}
    return {f'megastep.{name}': f'megastep.{home}' for name, home in named.items()}


@cache
def statements(source):
    """What a source imports, by its full name. The project writes every import out in full."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f'{"." * node.level}{node.module or ""}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.Call) and getattr(node.func, 'attr', '') == 'import_module':
            names += [part.value for part in node.args[:1] if isinstance(part, ast.Constant)]
    return names


def imports(sources):
    """For each module, the modules it imports. Those of `megastep` itself aren't its own: it only hands names on."""
    known, found = homes(sources), {}
    for module, source in sources.items():
        found[module] = set()
        for name in statements(source) if module != 'megastep' else ():
            name = known.get(name, name)
            while name and name not in sources:
                name = name.rpartition('.')[0]
            found[module] |= {name} - {'', module, 'megastep'}
    return found


def within(module, folder):
    return module == folder or module.startswith(f'{folder}.')


def rank(module):
    """How high a module's house stands, and, of one in mapgen, its room. A house that no storey has is a KeyError."""
    top, *rest = module.split('.')
    house = top if top != 'megastep' else rest[0]
    return HOUSES[house], ROOMS[rest[1]] if house == 'mapgen' and len(rest) > 1 else len(ROOMS)


def violations(sources):
    """Every import that goes up, every module in no house, and every library in a house that does without it."""
    for module, targets in imports(sources).items():
        if module == 'megastep':
            continue
        try:
            own = rank(module)
            yield from (f'{module} imports {t}, which sits above it' for t in targets if rank(t) > own)
        except KeyError as unknown:
            yield f'{module}: there is no house called {unknown.args[0]!r}'
        for name in statements(sources[module]):
            top = name.partition('.')[0]
            if name.startswith('.'):
                yield f'{module} imports {name}: write it out in full'
            if top == 'torch' and any(within(module, house) for house in WITHOUT_TORCH):
                yield f'{module} imports torch, and maps do without'
            if top == 'megastep' and any(within(module, house) and not within(name, house) for house in KERNELS):
                yield f'{module} imports {name}, and kernels import nothing of megastep'
            kernel = any(within(name, house) for house in KERNELS) and not within(name, COMPILER)
            if kernel and within(module, 'megastep.maps'):
                yield f'{module} imports {name}, and maps need no kernels but only {COMPILER}'
            if top in DRAWING and not any(within(module, house) for house in DRAWERS):
                yield f'{module} imports {name}, and only {", ".join(DRAWERS)} draw or read pictures'


def circles(sources):
    """A circle of imports for each folder that has one: among its modules, each folder in it taken as one."""
    inside = lambda module: module.removeprefix('megastep.').split('.')  # noqa: E731, since houses stand side by side
    found = {tuple(inside(m)): [tuple(inside(t)) for t in ts] for m, ts in imports(sources).items() if m != 'megastep'}
    for folder in sorted({module[:depth] for module in found for depth in range(len(module))}):
        depth, graph = len(folder), {}
        for module, targets in found.items():
            if module[:depth] == folder and len(module) > depth:
                near = {target[depth] for target in targets if target[:depth] == folder and len(target) > depth}
                graph.setdefault(module[depth], set()).update(near - {module[depth]})
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            yield f'in {".".join(folder) or "the project"}: {" -> ".join(reversed(error.args[1]))}'


SOURCES = read()


def test_nothing_is_imported_from_above():
    assert not list(violations(SOURCES))


def test_no_imports_go_in_a_circle():
    assert not list(circles(SOURCES))


def test_what_no_name_stands_for_has_left_the_rule():
    """A house or room that was moved or deleted isn't left in the list."""
    parts = {tuple(module.split('.')) for module in SOURCES}
    houses = {part[1] if part[0] == 'megastep' else part[0] for part in parts if part != ('megastep',)}
    assert set(HOUSES) == houses
    assert set(ROOMS) == {part[2] for part in parts if part[:2] == ('megastep', 'mapgen') and len(part) > 2}


@pytest.mark.parametrize('folder', ['megastep', 'envs', 'benchmarks', 'tests'])
def test_no_folder_is_a_heap(folder):
    folders = [ROOT / folder, *(path for path in (ROOT / folder).rglob('*') if path.is_dir())]
    counts = {path: sum(module.name != '__init__.py' for module in path.glob('*.py')) for path in folders}
    assert {path: count for path, count in counts.items() if count > MOST_MODULES} == {}


def test_the_listing_fits_on_a_page():
    entries = [path for path in (ROOT / 'megastep').iterdir() if path.name != '__pycache__']
    assert len(entries) <= MOST_ENTRIES


PLANTED = {  # a module, its source, and what is found
    ('megastep.maps.planted', 'import megastep.world.core'): 'megastep.maps.planted imports megastep.world.core, which',
    ('megastep.maps.planted', 'from megastep import Core'): 'imports megastep.world.core, which sits above it',
    ('megastep.env.planted', 'from megastep import learning'): 'imports megastep.learning, which sits above it',
    (
        'megastep.world.planted',
        'def later():\n    import envs',
    ): 'megastep.world.planted imports envs, which sits above',
    ('megastep.world.planted', 'if TYPE_CHECKING:\n    from megastep.env import Env'): 'imports megastep.env, which',
    ('megastep.world.planted', 'import importlib\nimportlib.import_module("megastep.env")'): 'imports megastep.env, wh',
    ('megastep.mapgen.layout.planted', 'from megastep.mapgen.families import house'): 'megastep.mapgen.families.house',
    ('megastep.planted', ''): "megastep.planted: there is no house called 'planted'",
    ('megastep.mapgen.planted', ''): "megastep.mapgen.planted: there is no house called 'planted'",
    ('megastep.maps.planted', 'def later():\n    import torch'): 'imports torch, and maps do without',
    ('megastep.maps.planted', 'from megastep.numba import collisions'): 'maps need no kernels',
    ('megastep.numba.planted', 'from megastep.maps.ragged import Ragged'): 'kernels import nothing of megastep',
    ('megastep.numba.planted', 'from megastep.triton import light'): 'kernels import nothing of megastep',
    ('megastep.env.planted', 'from PIL import Image'): 'imports PIL.Image, and only',
    ('megastep.env.planted', 'from . import motion'): 'imports ..motion: write it out in full',
}


@pytest.mark.parametrize('module, source', PLANTED, ids=lambda text: text.replace('\n', ' '))
def test_finds_a_planted_violation(module, source):
    found = list(violations({**SOURCES, module: source}))
    assert len(found) == 1
    assert PLANTED[module, source] in found[0]


CIRCLES = [  # modules with their sources, and where they are found to go in a circle
    ({'megastep.maps.a': 'import megastep.maps.b', 'megastep.maps.b': 'import megastep.maps.a'}, 'in maps: '),
    ({'megastep.maps.ragged': 'def later():\n    from megastep.maps import mapset'}, 'in maps: '),
    (
        {'megastep.viewer.a': 'import megastep.env', 'megastep.env.a': 'import megastep.viewer'},
        'in the project: ',
    ),
]


@pytest.mark.parametrize('planted, circle', CIRCLES)
def test_finds_a_planted_circle(planted, circle):
    found = list(circles({**SOURCES, **planted}))
    assert len(found) == 1
    assert found[0].startswith(circle)


@pytest.mark.parametrize(
    'module, heavy',
    [
        ('megastep.mapgen', 'torch'),
        ('megastep.maps.mapset', 'torch'),
        ('megastep.maps.geodesics.compiled.entries.filling', 'torch'),
        ('megastep.cli', 'torch'),
        ('megastep.cli', 'numpy'),
        ('megastep.learning.settings', 'torch'),
    ],
)
def test_starts_without(module, heavy):
    """The map generator's workers and `megastep --help` don't wait for what they don't need."""
    check = f'import sys, {module}; sys.exit({heavy!r} in sys.modules)'
    assert subprocess.run([sys.executable, '-c', check]).returncode == 0
