"""Memory-mapped files that hold no descriptor: as many may be open at once as there is address space for."""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8

FAILED = ctypes.c_void_p(-1).value


def mapped(file: BinaryIO) -> UInt8[np.ndarray, ' byte']:
    """Memory-mapped file: its bytes, paged in as they are used, which can't be written to. It may be closed then.

    `mmap.mmap` keeps a copy of the file's descriptor as long as the mapping is there, before Python 3.13 at any rate,
    so it is asked of the C library here.

    Raises:
        OSError: if the file can't be mapped.
    """
    size = os.fstat(file.fileno()).st_size
    if not size:
        return np.empty(0, np.uint8)
    address = _library().mmap(None, size, mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno(), 0)
    if address == FAILED:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), file.name)
    content = (ctypes.c_ubyte * size).from_address(address)
    weakref.finalize(content, _library().munmap, address, size)
    return np.frombuffer(memoryview(content).toreadonly(), np.uint8)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None, use_errno=True)
    number, size, place = ctypes.c_int, ctypes.c_size_t, ctypes.c_void_p
    library.mmap.argtypes, library.mmap.restype = (place, size, number, number, number, ctypes.c_int64), place
    library.munmap.argtypes = (place, size)
    return library
