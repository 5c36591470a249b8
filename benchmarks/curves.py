"""`python -m benchmarks.curves` draws what was measured last on each device, as curves: see benchmarks/README.md."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tyro
from jaxtyping import Float

from benchmarks.report import FOLDER, RESULTS, written
from megastep.plotting.figures import Picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGES = FOLDER / 'images'

PAPER, INK, FADED, GRID = '#ffffff', '#2d323d', '#868c97', '#e6e8ec'
COLOURS = ('#1f6fb2', '#d2691e', '#2f8f5b', '#8b4fa8')
"""One for each device, over again if there are more."""
STYLES = ('-', '--')
"""One for each line of a device, over again if there are more."""

PLOT, HEIGHT, LEFT, RIGHT, BELOW, ABOVE, FOOTER = 3.1, 2.4, 0.75, 1.5, 0.65, 0.45, 0.4
"""A panel's measures in inches: its plot's width and height, and what is left free around it and below them all."""

ABREAST = 2
"""The number of panels side by side."""

SUBJECTS = ('render', 'physics', 'scaling')


class Panel(NamedTuple):
    """A pair of axes.

    Args:
        subject: Whose rows it shows.
        column: What is upwards.
        title: What that is in words.
        by: The column that tells a device's lines apart.
    """

    subject: str
    column: str
    title: str
    by: str | None = None


class Sketch(NamedTuple):
    """A picture to draw: what one sweep found.

    Args:
        sweep: The sweep, and the picture's name.
        column: What goes to the right.
        label: What that is in words.
        panels: What is shown.
    """

    sweep: str
    column: str
    label: str
    panels: tuple[Panel, ...]


SKETCHES = (
    Sketch(
        'rays',
        'rays',
        'rays a frame',
        (Panel('render', 'render/s', 'Frames a second', 'maps'),),
    ),
    Sketch(
        'agents',
        'agents',
        'agents an env',
        (
            Panel('render', 'render/s', "Agents' frames a second, 512 rays"),
            Panel('physics', 'physics/s', "Agents' moves a second"),
        ),
    ),
    Sketch(
        'envs',
        'envs',
        'envs',
        (
            Panel('scaling', 'steps/s', 'Whole steps a second', 'env'),
            Panel('render', 'render/s', 'Frames a second, 256 rays'),
            Panel('physics', 'physics/s', 'Moves a second'),
        ),
    ),
    Sketch(
        'walls',
        'walls',
        'walls a map',
        (
            Panel('scaling', 'render/s', 'Frames a second, 256 rays'),
            Panel('scaling', 'physics/s', 'Moves a second'),
        ),
    ),
    Sketch(
        'maps',
        'maps',
        'maps',
        (
            Panel('scaling', 'steps/s', "Explorer's steps a second"),
            Panel('scaling', 'bytes', 'Bytes once packed'),
            Panel('scaling', 'peak bytes', 'Bytes at the most on the way'),
            Panel('scaling', 'seconds to pack', 'Seconds to pack'),
        ),
    ),
)


class Line(NamedTuple):
    """Points to join, from left to right, and what they are labelled and drawn with."""

    label: str
    points: list[tuple[float, float]]
    colour: str
    style: str


Reports = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The report on each subject by each device."""


def main(*, results: Path = RESULTS, images: Path = IMAGES) -> None:
    """Draw how speed depends on rays, agents, envs, walls and maps.

    Args:
        results: Where the reports are: of each device's on a subject the newest is taken.
        images: Where the pictures go.
    """
    paths = list(draw_all(newest(results), images))
    for path in paths:
        print(f'Drawn: {path}')
    if missing := {sketch.sweep for sketch in SKETCHES} - {path.stem for path in paths}:
        print(f'Not drawn, since nobody measured it: {", ".join(sorted(missing))}')


def newest(results: Path) -> Reports:
    """The last report on each subject by each device, from the JSON files in a folder.

    Raises:
        ValueError: if there are none that vary anything.
    """
    files = (path for subject in SUBJECTS for path in results.glob(f'{subject}-*.json'))
    reports = [report for path in files if 'sweep' in (report := json.loads(path.read_text()))['rows'][0]]
    if not reports:
        raise ValueError(f'{results} must hold a report with sweeps on {", ".join(SUBJECTS)}; it holds none.')
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for report in sorted(reports, key=lambda report: report['date']):
        found.setdefault(report['device'], {})[report['subject']] = report
    return dict(sorted(found.items()))


def draw_all(reports: Reports, images: Path) -> Iterator[Path]:
    """Draws a picture for each sweep that was made, and says where it is."""
    images.mkdir(parents=True, exist_ok=True)
    for sketch in SKETCHES:
        shown = {panel: found for panel in sketch.panels if (found := lines(reports, sketch, panel))}
        if shown:
            path = images / f'{sketch.sweep}.png'
            draw(sketch, shown, sources(reports)).savefig(path, dpi=150)
            yield path


def lines(reports: Reports, sketch: Sketch, panel: Panel) -> list[Line]:
    """A panel's lines: one for each device, or for each value of ``panel.by`` on it."""
    found = []
    for (device, subjects), colour in zip(reports.items(), cycle(COLOURS), strict=False):
        series: dict[str, list[tuple[float, float]]] = {}
        for row in subjects.get(panel.subject, {}).get('rows', []):
            if row.get('sweep') == sketch.sweep and panel.column in row:
                name = str(row[panel.by]) if panel.by else ''
                series.setdefault(name, []).append((row[sketch.column], row[panel.column]))
        for (name, points), style in zip(series.items(), cycle(STYLES), strict=False):
            label = ', '.join(filter(None, (name, short(device))))
            found.append(Line(label, sorted(points), colour, style))
    return found


def short(device: str) -> str:
    """The label of a line: a GPU without its maker, and how many cores a CPU has."""
    name, _, cores = device.rpartition(', ')
    return cores.replace('cores', 'CPU cores') if name else device.removeprefix('NVIDIA ')


def sources(reports: Reports) -> str:
    """The sources of the curves: each device, and the commits and days of its reports, a line each."""
    parts = []
    for device, subjects in reports.items():
        taken = {f'{report["commit"]} of {report["date"][:10]}' for report in subjects.values()}
        parts.append(f'{device}: {", ".join(sorted(taken))}')
    return '\n'.join(parts)


def draw(sketch: Sketch, shown: Mapping[Panel, Sequence[Line]], source: str) -> Picture:
    """Draws the panels of one picture, from left to right and from the top down."""
    across, up, rows = LEFT + PLOT + RIGHT, BELOW + HEIGHT + ABOVE, math.ceil(len(shown) / ABREAST)
    picture = Picture(width=across * min(len(shown), ABREAST), height=FOOTER + up * rows, colour=PAPER)
    for number, (panel, found) in enumerate(shown.items()):
        row, column = divmod(number, ABREAST)
        bottom = FOOTER + (rows - 1 - row) * up + BELOW
        axes = picture.axes_at(column * across + LEFT, bottom, PLOT, HEIGHT)
        axes.set_axis_on()
        axes.set_title(panel.title, loc='left', color=INK, fontsize=10)
        axes.set_xlabel(sketch.label, color=INK, fontsize=9)
        _draw_lines(axes, found)
    picture.write(0.15, 0.12, source, color=FADED, fontsize=7)
    return picture


def _draw_lines(axes: Axes, found: Sequence[Line]) -> None:
    for line in found:
        axes.plot(
            *zip(*line.points, strict=True), line.style, color=line.colour, marker='o', markersize=3, linewidth=1.3
        )
    points = np.array([point for line in found for point in line.points])
    axes.set_xscale('log')
    values = np.unique(points[:, 0]).tolist()
    across = values if len(values) <= 6 else ticks(values[0], values[-1])
    axes.set_xticks(across, [f'{value:,.0f}' for value in across])
    low, high = _reach(points[:, 1])
    axes.set(yscale='log', ylim=(low, high))
    axes.set_yticks(ticks(low, high), map(written, ticks(low, high)))
    axes.minorticks_off()
    make_plain(axes)
    _label(axes, found)


def make_plain(axes: Axes) -> None:
    """Draws axes as a faint grid with small numbers beside it."""
    axes.tick_params(colors=FADED, labelsize=8, length=0)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)


def _reach(values: Float[np.ndarray, ' value']) -> tuple[float, float]:
    """From where to where an axis goes: a decade or more, with room around the values."""
    middle = math.sqrt(values.min() * values.max())
    half = max(1.6 * values.max() / middle, math.sqrt(10))
    return middle / half, middle * half


def ticks(low: float, high: float) -> list[float]:
    """Powers of ten from one number to another; also twice and five times those, if that is less than two decades."""
    steps = (1, 2, 5) if high < 100 * low else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [tick for power in powers for step in steps if low <= (tick := float(f'{step}e{power}')) <= high]


def _label(axes: Axes, found: Sequence[Line], gap: float = 0.075) -> None:
    """Writes each line's label to its right, at its end's height or as little above it as keeps labels apart."""
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = [to_axes.transform(line.points[-1])[1] for line in found]
    height = -gap
    for number in np.argsort(ends):
        height = max(ends[number], height + gap)
        line = found[number]
        axes.text(1.03, height, line.label, color=line.colour, fontsize=8, va='center', transform=axes.transAxes)


if __name__ == '__main__':
    tyro.cli(main, prog='python -m benchmarks.curves')
