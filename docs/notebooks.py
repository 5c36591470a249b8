"""Runs the notebooks and keeps what they show, small: `python docs/notebooks.py first-light`, or all without a name."""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path
from typing import Any

import nbformat
import tyro
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).parents[1]

WIDGET = 'application/vnd.jupyter.widget-view+json'

COLOURS = 255
"""Pictures are kept with so many colours: a quarter of their size, and nobody sees it."""


def main(names: tyro.conf.Positional[tuple[str, ...]] = (), *, timeout: int = 600) -> None:
    """Runs notebooks from the repository's root and writes them back with what they show.

    Args:
        names: Which, without their suffix; by default all.
        timeout: How many seconds a cell may take.
    """
    paths = [ROOT / 'notebooks' / f'{name}.ipynb' for name in names] or sorted((ROOT / 'notebooks').glob('*.ipynb'))
    os.environ.setdefault('PYTHONPATH', str(ROOT))
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        resources = {'metadata': {'path': str(ROOT)}}
        NotebookClient(notebook, timeout=timeout, resources=resources, store_widget_state=False).execute()
        notebook.metadata = {
            'kernelspec': {'display_name': 'Python 3', 'language': 'python', 'name': 'python3'},
            'language_info': {'name': 'python'},
        }
        for cell in notebook.cells:
            cell.metadata = {}
            for output in cell.get('outputs', []):
                _shrink(output)
        nbformat.write(notebook, path)
        print(f'{path.relative_to(ROOT)}: {path.stat().st_size / 1000:,.0f} kB')


def _shrink(output: dict[str, Any]) -> None:
    """Makes an output's picture small, and says what a widget's is, whose kernel is gone: there would be an error."""
    data = output.get('data', {})
    if data.pop(WIDGET, None):
        words = 'A widget, which needs a kernel: run the notebook.'
        data |= {'text/markdown': f'*{words}*', 'text/plain': words}
    if 'image/png' in data:
        with Image.open(io.BytesIO(base64.b64decode(data['image/png']))) as image:
            buffer = io.BytesIO()
            octree = Image.Quantize.FASTOCTREE  # which keeps rare colours, as of a goal: the default loses them
            few = image.convert('RGBA').quantize(COLOURS, method=octree, dither=Image.Dither.NONE)
            few.save(buffer, 'PNG', optimize=True)
        data['image/png'] = base64.b64encode(buffer.getvalue()).decode() + '\n'


if __name__ == '__main__':
    tyro.cli(main)
