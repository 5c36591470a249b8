"""Notebooks as pages: each is shown with the outputs that it was saved with, and isn't executed again."""

from __future__ import annotations

import base64
import json
import re
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NOTEBOOKS = Path(__file__).parents[2] / 'notebooks'


def write_pages(app: Sphinx, config: Any) -> None:
    """Writes the notebooks as pages into the site's folder, where they have changed; others' pages go."""
    folder = app.srcdir / 'notebooks'
    files = {name: data for path in sorted(NOTEBOOKS.glob('*.ipynb')) for name, data in page(path).items()}
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, data in files.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)


def page(path: Path) -> dict[str, bytes]:
    """A notebook as a page and the pictures attached to it: files by name."""
    notebook, files = json.loads(path.read_text()), {}
    for cell in notebook['cells']:
        text = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown':
            for name, data in cell.pop('attachments', {}).items():
                files[f'{path.stem}-{name}'] = base64.b64decode(data['image/png'])
                text = text.replace(f'(attachment:{name})', f'({path.stem}-{name})')
            cell['source'] = re.sub(r'\]\(\.\./docs/', '](../', text)
        for output in cell.get('outputs', ()):
            shown = output.get('data', {})
            if 'text/html' in shown:
                words = f'What is shown by: {text.splitlines()[-1].strip()}'[:80]
                named = f'<img alt="{escape(words)}" '
                shown['text/html'] = re.sub(r'<img (?![^>]*\balt=)', named, ''.join(shown['text/html']))
    first = notebook['cells'][0]
    about = f'*This is the notebook* {{download}}`{path.name} <../../notebooks/{path.name}>` *as it was saved.*'
    title, _, rest = first['source'].partition('\n')
    first['source'] = f'{title}\n\n{about}\n{rest}'
    files[path.name] = json.dumps(notebook).encode()
    return files


class NotebookList(SphinxDirective):
    """The notebooks that come with megastep: their pages, and what their first paragraphs say."""

    def run(self) -> list[nodes.Node]:
        """A list of them."""
        lines = []
        for path in sorted(NOTEBOOKS.glob('*.ipynb')):
            self.env.note_dependency(str(path))
            title, _, rest = ''.join(json.loads(path.read_text())['cells'][0]['source']).partition('\n')
            link = f'[{title.lstrip("# ")}](/notebooks/{path.name})'
            file = f'{{download}}`{path.name} <../../notebooks/{path.name}>`'
            said = ' '.join(rest.strip().split('\n\n')[0].split())
            lines.append(f'- **{link}**, {file}: {said}')
        return self.parse_text_to_nodes('\n'.join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects it, and adds the directive."""
    app.connect('config-inited', write_pages)
    app.add_directive('notebook-list', NotebookList)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
