"""Proofreading of the finished pages: every link leads somewhere, and every picture says what it shows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError

LINK = re.compile(r'<[^>]*\s(?:href|src)="([^":#?]*)(?:\?[^"#]*)?(?:#([^"]*))?"')
FRAME = re.compile(r'srcdoc="[^"]*"')


def name_drawn(app: Sphinx, document: nodes.document) -> None:
    """Gives pictures that cells draw and that have no words of their own the line of code that draws them."""
    for cell in document.findall(lambda node: isinstance(node, nodes.container) and 'cell' in node['classes']):
        code = next(cell.findall(nodes.literal_block), None)
        if code is not None:
            for image in cell.findall(nodes.image):
                image.setdefault('alt', f'What is drawn by: {code.astext().splitlines()[-1].strip()}')


def proofread(app: Sphinx, error: Exception | None) -> None:
    """Reads all pages once they are written.

    Raises:
        SphinxError: if a link leads nowhere, or a picture has no words.
    """
    if error is not None or app.builder.name != 'html':
        return
    folder = Path(app.outdir)
    paths = [path for path in folder.rglob('*.html') if '_static' not in path.parts]
    pages = {path: FRAME.sub('', path.read_text(errors='replace')) for path in paths}
    for subject, found in (('links that lead nowhere', lost_links(pages)), ('pictures without words', mute(pages))):
        if lines := sorted({f'{path.relative_to(folder)}: {what}' for path, what in found}):
            raise SphinxError(f'the site has {len(lines)} {subject}: {", ".join(lines)[:3000]}')


def lost_links(pages: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Links to pages, to places in them and to files that aren't there, and the pages that have them."""
    ids = {str(path): set(re.findall(r'\sid="([^"]+)"', text)) for path, text in pages.items()}
    is_there = cache(os.path.exists)
    for path, text in pages.items():
        for link, place in set(LINK.findall(text)):
            target = os.path.normpath(path.parent / unquote(link)) if link else str(path)
            if not is_there(target) or (place and target in ids and unquote(place) not in ids[target]):
                yield path, f'{link}#{place}'


def mute(pages: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Pictures whose alternative text is missing, or is the name of their file.

    Empty words are the author's: such a picture, a bar in a table, says what stands beside it.
    """
    for path, text in pages.items():
        for image in re.findall(r'<img[^>]*>', text):
            said, within = re.search(r'alt="([^"]*)"', image), ' src="data:' in image
            if said is None or said[1].endswith(('.png', '.svg')) or not (said[1] or within):
                yield path, image[:200]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects them."""
    app.connect('doctree-read', name_drawn)
    app.connect('build-finished', proofread)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
