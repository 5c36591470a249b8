"""Standard streams that are closed, full or of few letters: what is lost is said, and no file takes their place."""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, TextIO

UNWRITTEN = {errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF}
"""Errors of writing. Where they name no file it was standard output, for all that is written elsewhere is named."""


class LostOutputError(Exception):
    """Output that could not be written."""


class Nowhere:
    """A text stream that forgets, and remembers whether there was anything to forget."""

    encoding = 'utf-8'

    def __init__(self) -> None:
        self.lost = False

    def write(self, text: str) -> int:
        """Forgets a text."""
        self.lost |= bool(text)
        return len(text)

    def flush(self) -> None:
        """Does nothing."""

    def isatty(self) -> bool:
        """Nobody looks."""
        return False


@contextmanager
def open_streams() -> Iterator[None]:
    """Has standard output and error be there meanwhile, and what is written to standard output be written in the end.

    Letters that its encoding lacks are written as question marks: in some places it has ASCII alone, and names of files
    may be of bytes that are no letters.

    Raises:
        LostOutputError: if something was, and couldn't.
    """
    fill()
    kept = sys.stdout, sys.stderr
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors='replace')
    out: TextIO | Nowhere = sys.stdout or Nowhere()
    sys.stdout, sys.stderr = out, sys.stderr or Nowhere()
    try:
        yield
    except SystemExit:  # as after --help
        _finish(out)
        raise
    except OSError as error:
        if error.filename is None and error.errno in UNWRITTEN:
            raise _unwritten(error) from error
        raise
    else:
        _finish(out)
    finally:
        sys.stdout, sys.stderr = kept


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Has warnings for the user be lines of their own meanwhile, without the place in the code."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **named: Any) -> None:
            if category is UserWarning:
                print(f'megastep: {message}', file=sys.stderr)
            else:
                shown(message, category, *where, **named)

        warnings.simplefilter('always', UserWarning)
        warnings.showwarning = show
        yield


def fill() -> None:
    """Opens those of the first three descriptors that are closed, or the next files would be standard streams."""
    for handle in range(3):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free


def _finish(out: TextIO | Nowhere) -> None:
    if isinstance(out, Nowhere):
        if out.lost:
            raise LostOutputError('standard output is closed, so what there was to say is lost')
        return
    try:
        out.flush()
    except OSError as error:
        raise _unwritten(error) from error


def _unwritten(error: OSError) -> LostOutputError:
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more as it ends
    return LostOutputError(f'standard output can not be written: {error.strerror}')
