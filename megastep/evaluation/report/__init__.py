"""A report of results: a page that needs nothing else, and the same tables for papers and programs."""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from megastep.checks import check_paths
from megastep.evaluation.analysis.summaries import few_runs, without_few_runs
from megastep.evaluation.analysis.worst import Way
from megastep.evaluation.episode_table import Columns
from megastep.evaluation.report import page, sections
from megastep.maps.mapset import MapSet
from megastep.maps.storage import atomic

__all__ = ['check_folder', 'file_names', 'write']

LONGEST = 200
"""The most bytes of a name in a file's, which has 255 at the most."""


def write(
    folder: str | os.PathLike,
    table: Columns,
    scores: Sequence[str],
    *,
    suite_sha256: str = '',
    maps: Mapping[str, MapSet] | None = None,
    ways: Mapping[int, Way] | None = None,
    title: str | None = None,
    lower_is_better: Collection[str] = (),
) -> Path:
    """Writes a report. See `Results.report`. Tables that one written there before had, and this hasn't, are removed.

    Returns:
        The page's path.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = sections.sections(table, scores, maps or {}, ways or {}, lower_is_better)
    titled, few = title or page.title_of(table), few_runs(table)
    named = [(name, each) for section in found for name, each in section.tables.items()]
    tables = dict(zip(file_names([name for name, _ in named]), (each for _, each in named), strict=True))
    listed = [without_few_runs(each).markdown() for each in tables.values()]
    texts = {
        'tables.md': '\n'.join([f'# {titled}', '', *([few, ''] if few else []), *listed]),
        'tables.tex': '\n'.join(each.latex() for each in tables.values()),
        **{f'{name}.csv': each.csv() for name, each in tables.items()},
    }
    texts['index.html'] = page.render(titled, page.facts(table, suite_sha256), few, found, list(texts))
    before = page.files_of(folder / 'index.html')
    for name, text in texts.items():  # the page last
        atomic.replace(folder / name, text.encode())
    for name in sorted(before - set(texts)):
        (folder / name).unlink(missing_ok=True)
    return folder / 'index.html'


def file_names(names: Sequence[str]) -> list[str]:
    """Names for files, one for each name, no two of which are one to a system that tells apart no capitals.

    Letters and digits stay; what agents or scores are called may have anything else. A name that is taken by one before
    it gets a number.
    """
    found: dict[str, str] = {}
    for name in names:
        kept = ''.join(letter if letter.isalnum() or letter in '-_.' else '_' for letter in name)
        stem = kept.encode()[:LONGEST].decode(errors='ignore')
        tries = (stem, *(f'{stem}_{number}' for number in range(2, len(names) + 2)))
        free = next(each for each in tries if _folded(each) not in found)
        found[_folded(free)] = free
    return list(found.values())


def _folded(name: str) -> str:
    """The same for names that some file system doesn't tell apart: by capitals, or by how accents are encoded."""
    return unicodedata.normalize('NFD', name).casefold()


def check_folder(folder: str | os.PathLike) -> None:
    """Raises unless a report could be written to a folder, which need not be there yet.

    Raises:
        ValueError: if it isn't one, or lies in a file.
        PermissionError: if it can't be written.
    """
    check_paths(folder=folder)
    there = next(path for path in (Path(folder), *Path(folder).absolute().parents) if path.exists())
    if not there.is_dir():
        raise ValueError(f'{folder} must be a folder for a report, but {there} is none.')
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, 'can not be written', str(there))
