"""Small multiples: a grid of panels of one size, with a legend above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from megastep.plotting.figures import INK, Picture


class Measures(NamedTuple):
    """Measures of a grid of panels, in inches."""

    width: float
    """A panel's."""
    height: float
    across: float
    """The gap between panels side by side."""
    up: float
    """The gap between panels one above another."""
    margin: float
    legend: float
    """The height of the legend."""
    below: float
    """Room for the scales of the lowest panels."""


def small_multiples(
    names: Sequence[str], columns: int, measures: Measures, *, dpi: float
) -> tuple[Picture, dict[str, Axes]]:
    """A picture with a panel for each name, row by row, and the panels' axes by name."""
    width, height, across, up, margin, legend, below = measures
    columns = min(columns, len(names))
    rows = -(-len(names) // columns)
    page = 2 * margin + legend + rows * (height + up) - up + below
    figure = Picture(width=2 * margin + columns * (width + across) - across, height=page, dpi=dpi)
    axes = {}
    for i, name in enumerate(names):
        left, top = margin + i % columns * (width + across), page - margin - legend - i // columns * (height + up)
        axes[name] = figure.panel_at(left, top - height, width, height, name)
    return figure, axes


def draw_legend(figure: Picture, entries: Sequence[tuple[str, str]], margin: float) -> tuple[float, float]:
    """Draws a legend of names and their colours; returns where in its line there is room for more."""
    left, top = margin, float(figure.get_size_inches()[1]) - margin / 2
    for name, colour in entries:
        figure.write(left, top, '▬', va='center', color=colour, fontsize=9)
        figure.write(left + 0.2, top, name, va='center', color=INK, fontsize=9)
        left += 0.5 + 0.085 * len(name)
    return left, top
