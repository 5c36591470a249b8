"""Caches of compiled kernels, in a place that can be written: also of a read-only installation, and without a home."""

from __future__ import annotations

import getpass
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def provide() -> None:
    """Gives Numba and Triton a temporary folder of the user's own, where they would find none that can be written.

    Numba keeps what it compiles beside the source or in the user's cache, Triton in the user's home, and both fail
    where they can't. Whoever names a folder (``NUMBA_CACHE_DIR``, ``TRITON_CACHE_DIR``) is left to it.
    """
    home = Path(os.path.expanduser('~'))
    cache = Path(os.environ.get('XDG_CACHE_HOME') or home / '.cache')
    wanted = {
        'NUMBA_CACHE_DIR': (PACKAGE / 'numba' / '__pycache__', cache / 'numba'),
        'TRITON_CACHE_DIR': (Path(os.environ.get('TRITON_HOME') or home) / '.triton' / 'cache',),
    }
    for variable, places in wanted.items():
        if variable not in os.environ and not any(map(can_write, places)):
            os.environ[variable] = str(temporary() / f'{variable.partition("_")[0].lower()}-{newest():x}')
            if variable == 'NUMBA_CACHE_DIR' and 'numba' in sys.modules:  # it has looked already
                sys.modules['numba'].config.CACHE_DIR = os.environ[variable]


def newest() -> int:
    """The time of the kernels' last change, in nanoseconds.

    Numba looks at the file that it has compiled, and not at those which that calls into.
    """
    return max(path.stat().st_mtime_ns for path in PACKAGE.rglob('*.py'))


def can_write(folder: Path) -> bool:
    """True if files can be written to a folder, which may have to be made first: tries it, as root may do anything."""
    try:
        with tempfile.TemporaryFile(dir=next(part for part in (folder, *folder.parents) if part.exists())):
            return True
    except OSError:
        return False


def temporary() -> Path:
    """A temporary folder of the user's own, the same each time, if nobody else has taken its name."""
    with suppress(OSError, KeyError):  # a user may have no name
        folder = Path(tempfile.gettempdir()) / f'megastep-{getpass.getuser()}'
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
        # what lies there is run: it must be nobody else's
        if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() and not about.st_mode & 0o077:
            return folder
    return Path(tempfile.mkdtemp(prefix='megastep-'))
