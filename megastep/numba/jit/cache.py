"""Compilation cache: what Numba has compiled, which it keeps beside the source."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def forget_stale_code(folder: Path) -> None:
    """Deletes what Numba has compiled of a folder if it is older than the newest source there, or here.

    Numba compiles a file anew when it changes, but not when one that it calls into does. So this is called before the
    folder's modules are imported, which is when Numba looks for what it has compiled.
    """
    newest = max(path.stat().st_mtime for path in sources(folder, Path(__file__).parent))
    for index in folder.rglob('__pycache__/*.nbi'):
        with suppress(FileNotFoundError):  # another process may be doing the same
            if index.stat().st_mtime < newest:
                index.unlink()


def sources(*folders: Path) -> Iterable[Path]:
    """All modules in some folders, and in those within."""
    return (path for folder in folders for path in folder.rglob('*.py'))
