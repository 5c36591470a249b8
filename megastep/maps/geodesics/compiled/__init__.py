"""Compiled loops: visibility tests, the visibility graph, shadow casting and the lookup of paths by cell."""

from contextlib import suppress
from pathlib import Path


def _forget_stale_code() -> None:
    """Deletes what Numba has compiled of this folder if it is older than the newest source here.

    Numba compiles a file anew when it changes, but not when one that it calls into does.
    """
    here = Path(__file__).parent
    newest = max(path.stat().st_mtime for path in here.glob('*.py'))
    for index in (here / '__pycache__').glob('*.nbi'):
        with suppress(FileNotFoundError):  # another process may be doing the same
            if index.stat().st_mtime < newest:
                index.unlink()


_forget_stale_code()  # before the modules are imported, which is when Numba looks for what it has compiled
