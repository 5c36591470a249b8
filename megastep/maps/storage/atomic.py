"""Atomic writes: files that are never half-written, whatever happens meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from megastep.maps.storage import temporaries


def replace(path: Path, content: bytes) -> None:
    """Writes a file atomically: see `replacing`."""
    with replacing(path) as beside:
        beside.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Atomic replacement of a file: whatever happens, what was there or all that is written is there afterwards.

    What writers that were killed have left beside it goes: see `temporaries.beside`. Of two writers the later wins.

    >>> with replacing(path) as beside:  # doctest: +SKIP
    ...     figure.savefig(beside)

    Yields:
        The path to write to: of the same suffix, in the same folder. If the block fails it is removed.

    Raises:
        FileNotFoundError: if the file's folder isn't there.
        OSError: naming the file, if it can't be written.
    """
    check_folder(path)
    try:
        with temporaries.beside(path) as beside:
            yield beside
            sync(beside)
            os.replace(beside, path)
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)).parent != path.parent:
            raise  # of something else that was done meanwhile
        if error.errno is None:
            raise OSError(f'{path} can not be written: {error}') from error
        raise OSError(error.errno, f'can not be written: {error.strerror}', str(path)) from error


def sync(path: Path) -> None:
    """Waits until a file's content, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_folder(path: Path) -> None:
    """Raises a `FileNotFoundError` unless a file could be put there, a `ValueError` if the path names none."""
    if not path.name:
        raise ValueError(f"{path} must name a file that can be written, got a folder's name.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path.parent} is not a folder, so {path.name} cannot be written there.')
