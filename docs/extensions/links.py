"""Links of documents that are read in a repository and on the site alike, and names that docstrings mention."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

PAGES = {
    'README.md': 'index.md',
    'CHANGELOG.md': 'changelog.md',
    'CONTRIBUTING.md': 'contributing.md',
    'benchmarks/README.md': 'benchmarks.md',
}
"""Documents outside the site's folder, and the pages that show them."""


LINK = re.compile(r'\[([^\]\n]*)\]\(([^)#:\s]+)(#[^)\s]*)?\)')
INCLUDE = re.compile(r'^```\{include\} (\S+)\n(?::section: (.+)\n)?```$', re.MULTILINE)


def rewrite(app: Sphinx, name: str, source: list[str]) -> None:
    """Turns links that lead out of the documents' folder into links to the site's pages, in included documents too."""
    path, folder = Path(app.env.doc2path(name)), Path(app.srcdir)
    if path.suffix != '.md':
        return
    text = LINK.sub(lambda found: _inside(folder, path.parent, found), source[0])

    def included(found: re.Match[str]) -> str:
        other = (path.parent / found[1]).resolve()
        app.env.note_dependency(str(other))
        text = _section(other.read_text(), found[2]) if found[2] else other.read_text()
        return LINK.sub(lambda link: _inside(folder, other.parent, link), text)

    source[0] = INCLUDE.sub(included, text)


def _section(text: str, heading: str) -> str:
    """What a document says under a heading, without it."""
    found = re.search(rf'^(#+) {re.escape(heading)}\n(.*?)(?=^#{{1,2}} |\Z)', text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f'section must be a heading of the document, got {heading!r}.')
    return found[2].strip()


def _inside(folder: Path, beside: Path, found: re.Match[str]) -> str:
    """A link of a document beside which other documents lie, as the site has it."""
    text, link, fragment = found[1], found[2], found[3] or ''
    target = (beside / link).resolve()
    if not target.is_relative_to(folder.parent) or (target.is_relative_to(folder) and beside.is_relative_to(folder)):
        return found[0]
    path = target.relative_to(folder.parent)
    if path.as_posix() in PAGES:
        return f'[{text}](/{PAGES[path.as_posix()]}{fragment})'
    if target.is_relative_to(folder):
        return f'[{text}](/{target.relative_to(folder).as_posix()}{fragment})'
    if path.parts[0] == 'notebooks':
        return f'[{text}](/{path.as_posix()})'
    if path.suffix == '.png':
        return f'[{text}](/../{path.as_posix()})'
    if path.suffix == '.py':
        name = '.'.join(path.with_suffix('').parts)
        return f'{{py:mod}}`{text.strip("`")} <{name}>`'
    return text


def tidy(app: Sphinx, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Escapes what docstrings say and reStructuredText takes for markup: plurals, a shape's star, an absolute value."""
    for number, line in enumerate(lines):
        line = re.sub(r'(?<!`)(`[^`\n]+`)(?=\w)', r'\1\\ ', line)
        line = re.sub(r'(?<=\()\*(?=\w)', r'\\*', line)
        lines[number] = re.sub(r'(?<![`|\w])\|(\w+)\|', r'\\|\1\\|', line)


def foreign(app: Sphinx, kind: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:
    """Leaves out what other libraries have put into our classes."""
    return True if (getattr(thing, '__module__', None) or '').startswith('matplotlib') else None


def whole(app: Sphinx, kind: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Keeps Napoleon from taking what an attribute's docstring says before a colon for its type."""
    if kind in {'attribute', 'data', 'property'}:
        lines.insert(0, '')


def settle(app: Sphinx, document: nodes.document) -> None:
    """Has names of types stand for what their module means by them, not for anything of that name."""
    for node in document.findall(pending_xref):
        if node.get('refdomain') == 'py' and 'refspecific' in node:
            del node['refspecific']


class FullNames:
    """Names of objects, by what may be said for them: their last part, their last two, and so on."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def collect(self, app: Sphinx, env: BuildEnvironment) -> None:
        """Collects them, once all pages are read."""
        objects, self._names = env.get_domain('py').objects, defaultdict(list)  # type: ignore[attr-defined]
        for name in (each for each in objects if not objects[each].aliased):
            parts = name.split('.')
            for first in range(1, len(parts)):
                self._names['.'.join(parts[first:])].append(name)

    def resolve(
        self, app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
    ) -> nodes.Element | None:
        """Resolves a name that is mentioned without its module: as its module means it, or if there is only one."""
        if node.get('refdomain') != 'py':
            return None
        target, objects = node['reftarget'].lstrip('.~'), env.get_domain('py').objects  # type: ignore[attr-defined]
        name = _meant(node.get('py:module'), target)
        if name not in objects:
            if node.get('reftype') == 'class':  # a type of another library may have the name of one of ours
                return None
            names = self._names.get(target, ())
            if len(names) != 1:
                return None
            (name,) = names
        entry = objects[name]
        return make_refnode(app.builder, node['refdoc'], entry.docname, entry.node_id, content, name)


def _meant(module: str | None, target: str) -> str | None:
    """The full name of what a module means by a name, where it was defined."""
    for owner in (module, 'megastep', *(target.rpartition('.')[:1])):
        thing: Any = sys.modules.get(owner or '')
        for part in target.rpartition('.')[2:] if owner and target.startswith(owner) else target.split('.'):
            try:
                thing = getattr(thing, part, None)
            except ImportError:  # asked for, it imports something that isn't installed
                thing = None
        if hasattr(thing, '__qualname__') and hasattr(thing, '__module__'):
            return f'{thing.__module__}.{thing.__qualname__}'
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects them."""
    app.connect('source-read', rewrite)
    app.connect('autodoc-process-docstring', whole, priority=100)
    app.connect('autodoc-process-docstring', tidy, priority=900)
    app.connect('autodoc-skip-member', foreign)
    app.connect('doctree-read', settle)
    names = FullNames()
    app.connect('env-updated', names.collect)
    app.connect('missing-reference', names.resolve)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
