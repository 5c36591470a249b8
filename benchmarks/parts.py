"""Finished parts of a long run, kept in a file, so that a run which was cut short goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Parts:
    """Finished parts of a run, a line of JSON each. The file's first line says of which run.

    Args:
        path: The file. It need not be there yet.
        run: What parts must have in common to be counted together, as JSON can hold it.

    Raises:
        ValueError: if the file is there and is of another run.
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path = path
        heading = json.dumps({'run': run}, sort_keys=True)
        written = path.read_bytes() if path.exists() else b''
        whole = written[: written.rfind(b'\n') + 1]  # without what was being written when the run was cut short
        lines = whole.decode().splitlines() or [heading]
        if lines[0] != heading:
            raise ValueError(f'{path} holds parts of another run, {lines[0]}: remove it, or go on with that run.')
        self.found: list[Any] = [json.loads(line) for line in lines[1:]]
        """The parts that were in the file at first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('ab') as file:
            file.truncate(len(whole))
            file.write(b'' if whole else f'{heading}\n'.encode())

    def add(self, part: Any) -> None:
        """Writes a part. Of a run that is cut short here the part doesn't count."""
        with self.path.open('a') as file:
            file.write(json.dumps(part) + '\n')

    def remove(self) -> None:
        """Removes the file, once nobody needs it."""
        self.path.unlink()
