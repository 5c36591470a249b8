"""Folders of numbered files, one a map: written whole, and without what an earlier set left there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from megastep.checks import check_paths
from megastep.maps.geometry import Geometry
from megastep.maps.storage import atomic


def write(
    folder: str | os.PathLike, geometries: Iterable[Geometry], contents: Callable[[Geometry, str], dict[str, bytes]]
) -> list[Path]:
    """Writes files of each map, named by its number: ``0000.svg`` and so on.

    Files of such names and the same suffixes with other numbers, which an earlier set left there, are removed.

    Args:
        folder: Where they go; made if it isn't there.
        geometries: The maps.
        contents: The files of a map, by their suffixes, of the map and its number as text. The first is what is named.

    Returns:
        The first file of each map, in order.

    Raises:
        ValueError: if there are no maps.
        FileExistsError: if there is a file of that name.
    """
    check_paths(folder=folder)
    written: list[Path] = []
    suffixes: set[str] = set()
    for i, geometry in enumerate(geometries):
        Path(folder).mkdir(parents=True, exist_ok=True)
        files = contents(geometry, f'{i:04d}')
        suffixes |= files.keys()
        for suffix, content in files.items():
            atomic.replace(Path(folder) / f'{i:04d}{suffix}', content)
        written.append(Path(folder) / f'{i:04d}{next(iter(files))}')
    if not written:
        raise ValueError(f'a map set needs at least 1 map to be written, got 0 for {folder}.')
    kept = {path.stem for path in written}
    for path in Path(folder).iterdir():
        if path.suffix in suffixes and re.fullmatch('[0-9]{4,}', path.stem) and path.stem not in kept:
            path.unlink()
    return written
