"""Regular files, opened to be read: no pipe, device or socket."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Opens a regular file to be read, and nothing that may have no end or make its reader wait for ever.

    Raises:
        OSError: if the file isn't there, or can't be opened.
        ValueError: if it is a folder, a pipe, a device or a socket.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # of a pipe, opening alone would wait
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, 'rb')
    os.close(handle)
    kinds = {stat.S_IFDIR: 'a folder', stat.S_IFIFO: 'a pipe', stat.S_IFCHR: 'a device', stat.S_IFBLK: 'a device'}
    raise ValueError(f'must be a regular file, got {kinds.get(stat.S_IFMT(mode), "a socket")}.')
