"""Temporary files beside what they will replace: locked while they are written, and cleared where their writer died."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LONGEST = 150
"""A temporary file's name has so many bytes of its target's, so that it isn't too long where that isn't."""


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Temporary file: makes an empty one beside a path, locked for as long as the block runs, and removes what is left.

    First it removes those that are there for the same path and whose writers are dead, killed while they wrote: nobody
    holds their locks. Where a file system can't lock files they stay.

    Yields:
        The file, of the path's suffix.
    """
    clear_abandoned(path)
    temporary, handle = _made(path)
    try:
        yield temporary
    finally:
        os.close(handle)
        temporary.unlink(missing_ok=True)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Mutual exclusion: one writer of a folder at a time, for as long as the block runs. The others wait.

    A writer that is killed is waited for no longer. Where a file system can't lock folders nobody waits.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _made(path: Path) -> tuple[Path, int]:
    """A new temporary file, open and locked. One that another writer takes for abandoned meanwhile is let go."""
    while True:
        temporary = path.with_name(f'{_beginning(path)}{uuid.uuid4().hex[:16]}{path.suffix}')
        handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        if _lock(handle) is not False and temporary.exists():
            return temporary, handle
        os.close(handle)


def clear_abandoned(path: Path) -> None:
    """Removes the temporary files beside a path whose writers are dead."""
    clear_matching(path.parent, re.compile(re.escape(_beginning(path)) + '[0-9a-f]{16}' + re.escape(path.suffix)))


def clear_matching(folder: Path, pattern: re.Pattern[str]) -> None:
    """Removes the files of a folder whose whole names match a pattern, but for those that living writers hold."""
    with os.scandir(folder) as entries:
        found = [entry.path for entry in entries if pattern.fullmatch(entry.name)]
    for name in found:
        try:
            _clear(name)
        except OSError:  # another writer was first, or it is another user's
            continue


def _clear(name: str) -> None:
    handle = os.open(name, os.O_RDWR | os.O_CLOEXEC)
    try:
        if _lock(handle):
            os.unlink(name)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool | None:
    """Locks an open file for as long as it is open. False if another process has; None if the file system can't."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno == errno.EWOULDBLOCK else None
    return True


def _beginning(path: Path) -> str:
    return f'.{os.fsencode(path.name)[:LONGEST].decode(errors="ignore")}.'
