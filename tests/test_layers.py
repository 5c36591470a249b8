"""The folder listing is the architecture: a module may import only from its own layer and the layers below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = [  # lowest first
    {'ragged', 'geometry', 'freespace', 'geodesics', 'segments', 'svg', 'tints', 'machine'},
    {'mapset', 'exchange', 'columns', 'mapfile', 'recipes', 'splitting', 'symmetry', 'mapgen', 'triton', 'numba'},
    {'scenery', 'groups', 'textures', 'core', 'rigs', 'physics', 'rendering', 'coverage', 'navigation', 'backend'},
    {'motion', 'sensors', 'shooting', 'spawning', 'journeys'}
    | {'env', 'arguments', 'batches', 'capture', 'checkpoint', 'outputs'}
    | {'plotting', 'recording', 'filming', 'snapshot', 'viewer', 'testing', 'adapters'},
    {'envs'},
    {'learning', 'evaluation'},
    {'cli', 'commands', 'comparison', 'demo', 'doctor', 'watching', '__main__'},
    {'benchmarks'},
]
OUTSIDE = {'envs', 'benchmarks'}  # packages of their own, beside megastep
PUBLIC = 2  # `from megastep import Core`: as high as the highest of the public names
RANKS = {
    name if name in OUTSIDE else f'megastep.{name}': rank for rank, names in enumerate(LAYERS) for name in names
} | {'megastep': PUBLIC, 'megastep.__version__': 0}

DRAWING = {'matplotlib', 'PIL', 'imageio', 'imageio_ffmpeg'}
DRAWERS = {'megastep.plotting', 'megastep.recording', 'megastep.viewer'}
DECODERS = {'megastep.mapgen.formats.occupancy': 'PIL'}  # which read pictures, and draw none
KERNELS = {'megastep.triton', 'megastep.numba'}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix('').parts
    return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def parent(name):
    return name.rpartition('.')[0]


def within(name, modules):
    """The module among `modules` that `name` is or lies in."""
    while name and name not in modules:
        name = parent(name)
    return name


def is_typing_only(node):
    return isinstance(node, ast.If) and getattr(node.test, 'id', None) == 'TYPE_CHECKING'


def statements(node):
    """All statements that may run, wherever they stand: imports in a function count, imports for types alone don't."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not is_typing_only(child):
            yield from statements(child)


def imports(source, module, is_package):
    """Everything that a module's source imports, by its full name."""
    for node in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                folder = module if is_package else parent(module)
                for _ in range(node.level - 1):
                    folder = parent(folder)
                base = f'{folder}.{base}'.rstrip('.')
            yield from (f'{base}.{alias.name}' for alias in node.names)
        elif isinstance(node, ast.Call) and is_import_call(node):
            yield node.args[0].value


def is_import_call(node):
    name = getattr(node.func, 'attr', getattr(node.func, 'id', None))
    literal = node.args and isinstance(node.args[0], ast.Constant)
    return name in ('import_module', '__import__') and literal


def violations(source, module, is_package=False):
    """What a module imports that it mustn't, and why."""
    home = within(module, RANKS)
    for name in imports(source, module, is_package):
        target, top = within(name, RANKS), name.partition('.')[0]
        if target and RANKS[target] > RANKS[home]:
            yield f'{module} imports {name}, which sits above it'
        if home in KERNELS and target and target not in {home, 'megastep.ragged'}:
            yield f'{module} imports {name}, and kernels import nothing of megastep but ragged'
        if home == 'megastep.mapgen' and top == 'torch':
            yield f'{module} imports torch, and the map generator does without'
        if top in DRAWING and home not in DRAWERS and DECODERS.get(module) != top:
            yield f'{module} imports {name}, and only {", ".join(sorted(DRAWERS))} draw'


def paths():
    return sorted(path for folder in ('megastep', 'envs', 'benchmarks') for path in (ROOT / folder).rglob('*.py'))


@pytest.mark.parametrize('path', paths(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_only_from_below(path):
    found = list(violations(path.read_text(), module_name(path), path.name == '__init__.py'))
    assert not found, '; '.join(found)


@pytest.mark.parametrize('path', paths(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_has_a_layer(path):
    module = module_name(path)
    home = within(module, RANKS)
    assert home != 'megastep' or module == 'megastep', f'{module} is in no layer: give it one in LAYERS.'


PLANTED = {
    'import megastep.core': 'megastep.core, which sits above',
    'import envs': 'envs, which sits above',
    'from megastep import rendering': 'megastep.rendering, which sits above',
    'from megastep import Core': 'megastep.Core, which sits above',
    'from megastep.core import Core': 'megastep.core.Core, which sits above',
    'from . import physics': 'megastep.physics, which sits above',
    'from .scenery import Scenery': 'megastep.scenery.Scenery, which sits above',
    'def later():\n    from megastep.core import Core': 'megastep.core.Core, which sits above',
    'import importlib\nimportlib.import_module("megastep.env")': 'megastep.env, which sits above',
    'try:\n    import matplotlib.pyplot\nexcept ImportError: pass': 'matplotlib.pyplot, and only',
    'from PIL import Image': 'PIL.Image, and only',
}


@pytest.mark.parametrize('source', PLANTED)
def test_finds_a_planted_violation(source):
    found = list(violations(source, 'megastep.mapset'))
    assert len(found) == 1
    assert PLANTED[source] in found[0]


@pytest.mark.parametrize(
    'source, module, message',
    [
        ('from megastep.geometry import Geometry', 'megastep.triton.baking', 'nothing of megastep but ragged'),
        ('from megastep.numba import shading', 'megastep.triton.baking', 'nothing of megastep but ragged'),
        ('from ..core import Core', 'megastep.numba.baking', 'sits above'),
        ('import torch', 'megastep.mapgen.house', 'does without'),
        ('def build():\n    import torch', 'megastep.mapgen.house', 'does without'),
    ],
)
def test_finds_a_violation_of_a_package(source, module, message):
    assert any(message in found for found in violations(source, module))


@pytest.mark.parametrize(
    'source, module',
    [
        ('from megastep.ragged import Ragged', 'megastep.triton.baking'),
        ('from megastep.triton.light import fall', 'megastep.triton.baking'),
        ('from .light import fall', 'megastep.triton.baking'),
        ('from numba import njit\nimport triton', 'megastep.numba.baking'),
        ('if TYPE_CHECKING:\n    from megastep.core import Core', 'megastep.numba.baking'),
        ('from megastep.mapgen.formats import geojson', 'megastep.exchange'),
        ('from megastep import plotting', 'megastep.env'),
        ('import matplotlib', 'megastep.plotting'),
    ],
)
def test_lets_the_rest_pass(source, module):
    assert not list(violations(source, module))


@pytest.mark.parametrize(
    'module, heavy',
    [
        ('megastep.mapgen', 'torch'),
        ('megastep.cli', 'torch'),
        ('megastep.cli', 'numpy'),
        ('megastep.learning.settings', 'torch'),
    ],
)
def test_starts_without(module, heavy):
    """The map generator's workers and `megastep --help` don't wait for what they don't need."""
    check = f'import sys, {module}; sys.exit({heavy!r} in sys.modules)'
    assert subprocess.run([sys.executable, '-c', check]).returncode == 0
