"""The site's configuration: `make docs` builds it, and so does `sphinx-build -b html docs docs/_build`."""

import os
import sys
from collections import defaultdict
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent / 'extensions'))
sys.path.insert(0, str(ROOT))
os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))  # for kernels
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
os.environ.setdefault('OMP_NUM_THREADS', '1')  # pages are executed side by side: there is one for each core
os.environ.setdefault('NUMBA_NUM_THREADS', '1')

import kernels  # noqa: E402, from the folder of extensions

kernel_server = kernels.launch()  # first, for it imports and compiles while this process imports

from sphinx.ext.autodoc.mock import mock  # noqa: E402

import megastep  # noqa: E402
import megastep.envs  # noqa: E402

project, author, copyright = 'megastep', "megastep's authors", "megastep's authors"  # noqa: A001, the name that Sphinx reads
release = version = megastep.__version__
language = 'en'

extensions = [
    'myst_nb',
    'sphinx.ext.autodoc',
    'sphinx.ext.autosummary',
    'sphinx.ext.napoleon',
    'sphinx_copybutton',
    'sphinx_design',
    'kernels',
    'processes',
    'links',
    'notebook_pages',
    'tables',
    'drawings',
    'proofreading',
    'searching',
]
# The first suffix is the one of the pages that autosummary writes.
source_suffix = {'.rst': 'restructuredtext', '.md': 'myst-nb', '.ipynb': 'myst-nb'}
exclude_patterns = ['_build', '_templates', 'extensions', 'jupyter_execute']
templates_path = ['_templates']
default_role = 'py:obj'
toc_object_entries = False
suppress_warnings = ['config.cache']

myst_enable_extensions = ['attrs_block', 'attrs_inline', 'colon_fence', 'deflist']
myst_heading_anchors = 4
nb_execution_mode = 'auto'
nb_execution_excludepatterns = ['notebooks/*.ipynb']  # they are shown as they were saved
nb_execution_timeout = 1200  # seconds: where kernels have changed they are compiled first
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_merge_streams = True

autosummary_generate = ['reference/api.rst']
LISTED = (Path(__file__).parent / 'reference' / 'api.rst').read_text().split()
for written in (Path(__file__).parent / 'reference' / 'generated').glob('*.rst'):
    if written.stem not in LISTED:  # the page of a package that there was once
        written.unlink()
MODULES = [
    module.name
    for package in (megastep, megastep.envs)
    for module in walk_packages(package.__path__, f'{package.__name__}.')
    if not module.ispkg and not module.name.startswith(('megastep.cli', 'megastep.numba', 'megastep.triton'))
]
MODULES_OF: dict[str, list[str]] = defaultdict(list)
for each in MODULES:
    MODULES_OF[each.rpartition('.')[0]].append(each)
autosummary_context = {'modules_of': MODULES_OF}
autodoc_default_options = {'members': True, 'member-order': 'bysource', 'ignore-module-all': True, 'no-value': True}
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented_params'
autodoc_typehints_format = 'short'
autodoc_use_type_comments = False
python_maximum_signature_line_length = 100
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
# What only other extras bring. The site needs none of them but to import the modules that do.
autodoc_mock_imports = [
    name
    for name in (
        'anywidget',
        'ezdxf',
        'pandas',
        'pettingzoo',
        'stable_baselines3',
        'tensordict',
        'torchrl',
        'traitlets',
    )
    if find_spec(name) is None
]
with mock(autodoc_mock_imports):  # here, for processes that read pages are forked from this one
    for each in MODULES:
        import_module(each)

html_theme = 'furo'
html_title = f'megastep {release}'
html_static_path = ['_static']
html_css_files = ['site.css']
html_theme_options = {
    'light_css_variables': {'color-brand-primary': '#8a4b08', 'color-brand-content': '#9a5410'},
    'dark_css_variables': {'color-brand-primary': '#f2b35e', 'color-brand-content': '#f2b35e'},
    'top_of_page_buttons': [],
}
html_show_sourcelink = False
copybutton_exclude = '.linenos, .gp, .go'
