"""Compilation cache: what Numba has compiled, which it keeps beside the source or in a folder of the user's."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FunctionType

from numba.core.caching import FunctionCache

STAMP = 'megastep-sources.sha256'
"""The file that says of which sources a folder's compiled code is."""


def forget_stale_code(folder: Path) -> None:
    """Deletes what Numba has compiled of a folder, unless it is of the very sources that are there, and here.

    Numba compiles a file anew when it changes, but not when one that it calls into does. So this is called before any
    kernel is, which is when Numba looks for what it has compiled. Where that is, Numba says: beside the source, in the
    user's cache where that can't be written, or where ``NUMBA_CACHE_DIR`` says.
    """
    found = sorted(sources(folder, Path(__file__).parent))
    digest = hashlib.sha256(b'\0'.join(path.read_bytes() for path in found)).hexdigest()
    for part in {path.parent for path in sources(folder)}:
        kept = kept_in(part)
        stamp = kept / STAMP
        with suppress(OSError):  # another process may be doing the same
            if stamp.exists() and stamp.read_text() == digest:
                continue
            for index in kept.glob('*.nbi'):
                index.unlink(missing_ok=True)
            stamp.write_text(digest)


def kept_in(folder: Path) -> Path:
    """The folder in which Numba keeps what it compiles of a folder's modules."""
    nothing = compile('', str(folder / '__init__.py'), 'exec')
    return Path(FunctionCache(FunctionType(nothing, {})).cache_path)


def sources(*folders: Path) -> Iterable[Path]:
    """All modules in some folders, and in those within."""
    return (path for folder in folders for path in folder.rglob('*.py'))
