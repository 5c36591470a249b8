"""Pages are read and written by as many processes as there are cores, and what is slow is shared out among them."""

from __future__ import annotations

import os

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.parallel import make_chunks

MOST = 8
"""The most processes that there are: each takes half a gigabyte."""


def share(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Orders the pages so that each chunk of them, which one process reads, has its share of the slow ones.

    Those that are executed come last in it: what they run is compiled while the others are read.
    """
    slowest_first = sorted(names, key=lambda name: slowness(env, name), reverse=True)
    sizes = [len(chunk) for chunk in make_chunks(names, app.parallel)]
    chunks: list[list[str]] = [[] for _ in sizes]
    for name in slowest_first:
        emptiest = min(range(len(sizes)), key=lambda number: len(chunks[number]) / sizes[number])
        chunks[emptiest].append(name)
    names[:] = [name for chunk in chunks for name in sorted(chunk, key=lambda name: slowness(env, name)[0])]


def slowness(env: BuildEnvironment, name: str) -> tuple[bool, int]:
    """Sort key of a page: if it is executed, and the size of its text or of the modules that it documents."""
    path = env.doc2path(name)
    return path.read_text().startswith('---\nfile_format: mystnb'), path.stat().st_size


def setup(app: Sphinx) -> dict[str, bool]:
    """Connects it."""
    app.parallel = max(app.parallel, min(os.cpu_count() or 1, MOST))
    app.connect('env-before-read-docs', share)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
