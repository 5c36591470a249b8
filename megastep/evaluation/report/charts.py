"""Charts for a page, in HTML and SVG that take their colours from its style sheet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from megastep.evaluation.analysis.tables import heading
from megastep.evaluation.statistics import Interval

COLOURS = 6
"""The style sheet has so many colours; then they come round again."""

WIDTH, HEIGHT = 340, 220
LEFT, RIGHT, TOP, BOTTOM = 40, 12, 10, 38
"""A chart's measures in SVG's pixels: its sides, and what is left beside the axes."""

Point = tuple[float, Interval]
"""A place on the x axis, and the estimate there."""


def colour(number: int) -> str:
    """The class of an agent's colour."""
    return f'c{number % COLOURS}'


def legend(agents: Sequence[str]) -> str:
    """A legend: the agents' colours; '' for one agent, which needs none."""
    if len(agents) < 2:
        return ''
    dot = '<svg width="10" height="10" class="{}"><circle class="dot" cx="5" cy="5" r="5"/></svg>'
    entries = (f'<li>{dot.format(colour(number))}{escape(agent)}</li>' for number, agent in enumerate(agents))
    return f'<ul class="legend">{"".join(entries)}</ul>'


def forest(rows: Mapping[str, Sequence[Interval | None]], span: tuple[float, float]) -> str:
    """A forest plot: estimates and intervals side by side, a row a set, an agent's in its colour.

    Args:
        rows: Each agent's interval by the row's name; None where there is none.
        span: What the axis begins and ends at, at the least.
    """
    known = [each for row in rows.values() for each in row if each is not None and math.isfinite(each.value)]
    low, high = extent([end for each in known for end in each if math.isfinite(end)], span)
    marks = ticks(low, high)
    grid = ''.join(f'<span class="grid" style="left:{share(mark, low, high):.2f}%"></span>' for mark in marks)
    axis = ''.join(f'<em style="left:{share(mark, low, high):.2f}%">{mark:g}</em>' for mark in marks)
    body = ''.join(
        f'<span>{escape(name or "none")}</span><div class="track">{grid}{_bars(row, low, high)}</div>'
        for name, row in rows.items()
    )
    return f'<div class="forest" role="img" aria-label="Estimates with intervals">{body}<div></div>' + (
        f'<div class="axis">{axis}</div></div>'
    )


def _bars(row: Sequence[Interval | None], low: float, high: float) -> str:
    bars = []
    for number, each in enumerate(row):
        if each is None or not math.isfinite(each.value):
            continue
        ends = [end if math.isfinite(end) else each.value for end in each[1:]]
        left, right = (share(end, low, high) for end in ends)
        line = f'<i style="left:{left:.2f}%;width:{right - left:.2f}%"></i>'
        dot = f'<b style="left:{share(each.value, low, high):.2f}%"></b>'
        bars.append(f'<span class="bar {colour(number)}">{line}{dot}</span>')
    return ''.join(bars)


def lines(curves: Sequence[Sequence[Point]], *, across: str, up: str, span: tuple[float, float]) -> str:
    """A line chart: estimates against a variable, with their intervals as bands.

    Args:
        curves: Each agent's points, in the order of the x axis.
        across: What the x axis shows.
        up: What the y axis shows.
        span: What the y axis begins and ends at, at the least.
    """
    points = [point for curve in curves for point in curve]
    left, right = extent([x for x, _ in points], (math.inf, -math.inf))
    bottom, top = extent([end for _, each in points for end in each if math.isfinite(end)], span)
    place = _Frame(left, right, bottom, top)
    drawn = ''.join(_curve(curve, place, number) for number, curve in enumerate(curves) if curve)
    middle = (LEFT + WIDTH - RIGHT) / 2
    names = (
        f'<text x="{middle:.0f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(across)}</text>'
        f'<title>{escape(heading(up))} against {escape(across)}</title>'
    )
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{_axes(place)}{drawn}{names}</svg>'


class _Frame:
    """The places in a chart of numbers in a range."""

    def __init__(self, left: float, right: float, bottom: float, top: float) -> None:
        self.left, self.right, self.bottom, self.top = left, right, bottom, top

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * share(value, self.left, self.right) / 100

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share(value, self.bottom, self.top) / 100


def _axes(place: _Frame) -> str:
    parts = []
    for mark in ticks(place.bottom, place.top):
        y = place.y(mark)
        parts.append(f'<path class="rule" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    base = HEIGHT - BOTTOM
    for mark in ticks(place.left, place.right):
        x = place.x(mark)
        parts.append(f'<path class="axis" d="M{x:.1f} {base}v4"/>')
        parts.append(f'<text x="{x:.1f}" y="{base + 16}" text-anchor="middle">{mark:g}</text>')
    return ''.join([*parts, f'<path class="axis" d="M{LEFT} {base}H{WIDTH - RIGHT}"/>'])


def _curve(curve: Sequence[Point], place: _Frame, number: int) -> str:
    spots = [(place.x(x), place.y(each.value)) for x, each in curve]
    ends = [[each.low if math.isfinite(each.low) else each.value for _, each in curve]]
    ends += [[each.high if math.isfinite(each.high) else each.value for _, each in curve]]
    lower, upper = ([(place.x(x), place.y(end)) for (x, _), end in zip(curve, each, strict=True)] for each in ends)
    band = f'<path class="band" d="{_path([*upper, *lower[::-1]])}z"/>'
    dots = ''.join(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in spots)
    return f'<g class="{colour(number)}">{band}<path class="line" d="{_path(spots)}"/>{dots}</g>'


def _path(spots: Sequence[tuple[float, float]]) -> str:
    return 'M' + 'L'.join(f'{x:.1f} {y:.1f}' for x, y in spots)


def extent(values: Sequence[float], span: tuple[float, float]) -> tuple[float, float]:
    """The range of numbers, at least a span, and never empty."""
    low, high = min([*values, span[0]]), max([*values, span[1]])
    return (low, high) if low < high else (low - 0.5, low + 0.5)


def share(value: float, low: float, high: float) -> float:
    """A number's place between the ends of a range, in per cent."""
    return 100 * (value - low) / (high - low)


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers within a range: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) + 0.0 for number in range(first, last + 1)]
