"""`python -m benchmarks` prints a table of what was measured and writes it as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import torch
import tyro
from rich.console import Console
from tyro.conf import Positional

from benchmarks.parts import Parts
from benchmarks.proofs import certification, growth, proof, shadows, sightlines
from benchmarks.report import RESULTS, Report, current_commit
from benchmarks.speed import cases, evaluation, generation, geodesics, kernels, learning, measuring, recording, scaling
from megastep.world.device import default_device, device_name

ON_A_CPU = ('mapgen', 'mapgen-proof')
"""Subjects that need no device."""

Subject = Literal[
    'envs', 'render', 'physics', 'step', 'scaling', 'learning', 'evaluation', 'recording', 'mapgen', 'geodesics',
    'mapgen-proof', 'proof', 'growth', 'sightlines', 'shadows',
]  # fmt: skip
"""Subjects that there are."""

WIDTH = 160
"""How many letters wide tables are where nobody watches: the widest has so many."""


def main(
    subject: Positional[Subject] = 'envs',
    *,
    device: str | None = None,
    out: Path | None = None,
    commit: str | None = None,
    quick: bool = False,
    maps: int = certification.MAPS,
    workers: int = 2,
    moves: float | None = None,
    steps: float = growth.STEPS,
    envs: tuple[growth.Name, ...] = get_args(growth.Name),
) -> None:
    """Measure how fast megastep is.

    Args:
        subject: An overview of the envs; the renderer or the physics alone; the envs' whole steps; how speed and memory
            depend on how many envs, walls and maps there are; learning end to end; evaluations; recordings for
            replays; the map generator;
            geodesic fields; whether the generator's maps are valid whatever its parameters; whether the physics holds
            what it promises; whether potentially visible sets
            miss a wall; or whether envs that are stepped for long take more and more memory.
        device: Where all but the map generator run; by default the GPU if there is one.
        out: The JSON file to write; by default a name of device and date in benchmarks/results.
        commit: What the report calls the code that was measured; by default what git says.
        quick: Measure next to nothing, to see that it works.
        maps: How many maps mapgen-proof makes. What it or proof has finished is kept beside the JSON file, of the same
            name and ``.parts``, until all is: if the run is cut short, the same command goes on with it.
        workers: How many processes it uses.
        moves: How many moves proof makes, such as 1e10, of soaks alone: by default it makes all of its trials.
        steps: How many steps growth makes of each env.
        envs: Which envs it steps, one after another: of several processes each may take one.
    """
    where = default_device(device)
    commit, parts = commit or current_commit(), None
    found: Iterable[dict[str, Any]]
    beside = (out or RESULTS / subject).with_suffix('.parts')
    if subject == 'mapgen-proof':
        parts = Parts(beside, certification.maker(commit))
        found = certification.prove(1 if quick else maps, workers=1 if quick else workers, parts=parts)
    elif subject == 'proof':
        run = {'commit': commit, 'device': device_name(where), 'moves': moves, 'quick': quick}
        parts = Parts(beside, run)
        found = proof.prove(where, parts, quick=quick) if moves is None else proof.soak_for(where, parts, int(moves))
    else:
        found = measure(subject, where, quick=quick, steps=steps, envs=envs)
    report = Report(subject, device_name('cpu' if subject in ON_A_CPU else where), [], commit)
    path = out or report.default_path
    report = filled(report, found, path)
    if parts:
        parts.remove()
    show(report)
    print(f'Written to {path}.')
    if not all(row.get('holds', True) for row in report.rows):
        raise SystemExit(1)


def filled(report: Report, found: Iterable[dict[str, Any]], path: Path) -> Report:
    """Adds rows to a report, and writes it at every row: a run that is cut short keeps what it has."""
    for row in found:
        report = replace(report, rows=[*report.rows, row])
        report.save(path)
    return report


def show(report: Report) -> None:
    """Prints a report's tables, and what they are of."""
    print(f'{report.subject} on {report.device}, commit {report.commit}')
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH  # a log has room
    console.print(*report.tables())


def measure(
    subject: str,
    device: torch.device,
    *,
    quick: bool,
    steps: float = growth.STEPS,
    envs: Iterable[str] = tuple(growth.TASKS),
) -> Iterable[dict[str, Any]]:
    """The rows of a subject's table, one after another."""
    if subject == 'sightlines':
        return sightlines.prove(device, 2000 if quick else sightlines.RAYS)
    if subject == 'shadows':
        return shadows.prove(device, 2000 if quick else shadows.WAYS)
    if subject == 'growth':
        return growth.prove(device, 200 if quick else int(steps), envs)
    effort: dict[str, Any] = {'rounds': 1, 'round_seconds': 0.001} if quick else {}
    if subject == 'mapgen':
        return map(generation.measure, generation.QUICK if quick else generation.cases())
    if subject == 'geodesics':
        return (geodesics.measure(*each, device) for each in geodesics.cases(quick=quick))
    if subject == 'evaluation':
        return evaluation.measure(device, quick=quick)
    if subject == 'recording':
        return recording.measure(device, quick=quick)
    if subject in ('render', 'physics'):
        return (
            kernels.measure(subject, each, device, **effort) for each in kernels.cases(subject, device, quick=quick)
        )
    if subject == 'scaling':
        return scaling.measure(device, quick=quick, **effort)
    if subject == 'learning':
        return (learning.measure(*each, device, **effort) for each in learning.cases(device, quick=quick))
    if subject == 'step':
        return (measuring.measure_steps(case, device, **effort) for case in cases.steps(device, quick=quick))
    return (measuring.measure(case, device, **effort) for case in cases.overview(device, quick=quick))


if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks')
