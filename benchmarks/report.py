"""Reports of what was measured: a table for people and a JSON file to keep."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from megastep.cli.doctor import requirements, version
from megastep.maps.storage import atomic

FOLDER = Path(__file__).parent
RESULTS = FOLDER / 'results'


@dataclass(frozen=True)
class Report:
    """A benchmark's rows, and what they were measured on.

    Args:
        subject: What was measured: ``'envs'`` or ``'mapgen'``.
        device: The device's name.
        rows: The columns' names and values of each row.
        commit: The commit measured, marked if files had been changed since.
        date: When, in UTC.
        versions: The versions of Python's libraries.
    """

    subject: str
    device: str
    rows: Sequence[Mapping[str, Any]]
    commit: str
    date: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec='seconds'))
    versions: Mapping[str, str] = field(default_factory=lambda: installed_versions())

    def table(self) -> Table:
        """The rows as a table; the headings are the columns' names. Lists and dictionaries are left to the file."""
        table = Table()
        names = [name for name, value in self.rows[0].items() if not isinstance(value, (list, dict))]
        for name in names:
            table.add_column(name, justify='left' if isinstance(self.rows[0][name], str) else 'right')
        for row in self.rows:
            table.add_row(*(written(row[name]) for name in names))
        return table

    def tables(self) -> list[Table]:
        """A table for each sweep, whose rows need not have the others' columns; or one, if nothing is swept."""
        sweeps = dict.fromkeys(row.get('sweep') for row in self.rows)
        parts = ([row for row in self.rows if row.get('sweep') == sweep] for sweep in sweeps)
        return [replace(self, rows=rows).table() for rows in parts]

    def save(self, path: Path) -> None:
        """Writes everything as JSON, in the place of what was there once all is written."""
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.replace(path, (json.dumps(vars(self), indent=2) + '\n').encode())

    @property
    def default_path(self) -> Path:
        """The report's path unless told otherwise: a name of subject, device and date in ``benchmarks/results``."""
        device = re.sub(r'[^a-z0-9]+', '-', self.device.lower()).strip('-')
        return RESULTS / f'{self.subject}-{device}-{self.date[:10]}.json'


def written(value: Any) -> str:
    """A value as a table shows it: three digits and a unit for large numbers."""
    if isinstance(value, float):
        for size, unit in ((1e12, ' T'), (1e9, ' G'), (1e6, ' M'), (1e3, ' k')):
            if value >= size:
                return f'{value / size:.3g}{unit}'
        return f'{value:.3g}'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return f'{value:,}' if isinstance(value, int) else str(value)


def installed_versions() -> dict[str, str]:
    """The installed versions of what megastep needs, and of CUDA if PyTorch has it."""
    names = sorted(requirement.name for requirement in requirements())
    return {name: str(version(name)) for name in names} | {'cuda': str(torch.version.cuda)}


def current_commit() -> str:
    """The commit checked out, with ``-dirty`` after it if files have changed since; ``'unknown'`` outside git."""
    command = ['git', 'describe', '--always', '--dirty', '--exclude=*']
    described = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    return described.stdout.strip() if described.returncode == 0 else 'unknown'
