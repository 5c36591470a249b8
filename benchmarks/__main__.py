"""`python -m benchmarks` prints a table of what was measured and writes it as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
import tyro
from rich.console import Console
from tyro.conf import Positional

from benchmarks import cases, generation, measuring
from benchmarks.report import Report, current_commit
from megastep import machine


def main(
    subject: Positional[Literal['envs', 'mapgen']] = 'envs',
    *,
    device: str | None = None,
    out: Path | None = None,
    commit: str | None = None,
    quick: bool = False,
) -> None:
    """Measure how fast megastep is.

    Args:
        subject: The envs, or the map generator.
        device: Where the envs run; by default the GPU if there is one.
        out: The JSON file to write; by default a name of device and date in benchmarks/results.
        commit: What the report calls the code that was measured; by default what git says.
        quick: Measure next to nothing, to see that it works.
    """
    where = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
    rows = measure_mapgen(quick=quick) if subject == 'mapgen' else measure_envs(where, quick=quick)
    name = machine.device_name('cpu' if subject == 'mapgen' else where)
    report = Report(subject, name, rows, commit or current_commit())
    path = out or report.default_path
    report.save(path)
    print(f'{subject} on {name}, commit {report.commit}')
    Console().print(report.table())
    print(f'Written to {path}.')


def measure_envs(device: torch.device, *, quick: bool) -> list[dict]:
    """A row for each env."""
    effort = {'rounds': 1, 'round_seconds': 0.001} if quick else {}
    return [measuring.measure(case, device, **effort) for case in cases.cases(device, quick=quick)]  # type: ignore[arg-type]


def measure_mapgen(*, quick: bool) -> list[dict]:
    """A row for each family of maps."""
    return [generation.measure(case) for case in (generation.QUICK if quick else generation.CASES)]


if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks')
