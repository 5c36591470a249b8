"""Learning curves as SVG, drawn in a millisecond: for a picture that is brought up to date while an agent learns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np
from jaxtyping import Float
from matplotlib.ticker import MaxNLocator

from megastep.plotting.curves import axis_range, ordered, written
from megastep.plotting.distributions import COLOURS
from megastep.plotting.figures import FADED, FAINT, INK, RULE

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 236, 132, 38, 14, 26, 18
"""A panel's measures in pixels: its width and height, and what around the plot there is room for numbers in."""

EDGE, HEAD, BAR = 14, 42, 5
"""The picture's edge, what is above the panels, and the bar's height, in pixels."""

PANELS, ACROSS = 8, 4
"""The most panels, and how many to a row."""

Points = Float[np.ndarray, 'point 2']


def live_curves(
    trained: Mapping[str, Points],
    tested: Mapping[str, Points],
    scores: Sequence[str] = (),
    *,
    share: float,
    caption: str,
) -> str:
    """Learning curves as an SVG document: a bar, and a panel a statistic over the steps made, at most eight.

    Panels are where they are from the beginning on, when nothing is known of most.

    Args:
        trained: Steps and values of each statistic of training, by its name.
        tested: The same of evaluations.
        scores: The env's scores, the most telling first: see `Env.scores`.
        share: The share of all steps that have been made.
        caption: What is written over the bar.
    """
    names = ordered(['return', *scores, 'length', *trained, *tested], scores)[:PANELS]
    width, height = 2 * EDGE + ACROSS * WIDTH, HEAD + PANELS // ACROSS * HEIGHT + EDGE  # the same from the beginning on
    last = max((each[-1, 0] for each in [*trained.values(), *tested.values()]), default=1.0)
    parts = [_header(width, share, caption, tested=bool(tested))]
    for i, name in enumerate(names):
        panel = _panel(name, trained.get(name), tested.get(name), last)
        parts.append(f'<g transform="translate({EDGE + i % ACROSS * WIDTH} {HEAD + i // ACROSS * HEIGHT})">{panel}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(caption)}" style="max-width:100%;height:auto" font-family="sans-serif" '
        f'font-size="10">{"".join(parts)}</svg>'
    )


def _header(width: float, share: float, caption: str, *, tested: bool) -> str:
    """The caption, the legend, and the bar below them."""
    long, done = width - 2 * EDGE, (width - 2 * EDGE) * min(max(share, 0.0), 1.0)
    entries = [('training', COLOURS[0])] + ([('evaluation on other maps', COLOURS[1])] if tested else [])
    legend = ''.join(f'<tspan fill="{colour}">  ●</tspan> {name}' for name, colour in entries)
    return (
        f'<text x="{EDGE}" y="21" fill="{INK}" font-size="12">{escape(caption)}</text>'
        f'<text x="{width - EDGE}" y="21" fill="{FADED}" text-anchor="end" xml:space="preserve">{legend}</text>'
        f'<rect x="{EDGE}" y="29" width="{long}" height="{BAR}" rx="2" fill="{RULE}" fill-opacity="{FAINT}"/>'
        f'<rect x="{EDGE}" y="29" width="{done:.1f}" height="{BAR}" rx="2" fill="{COLOURS[0]}"/>'
    )


def _panel(name: str, trained: Points | None, tested: Points | None, last: float) -> str:
    """One statistic: its name, its last values, a few lines across, and the curves."""
    title = f'<text x="{LEFT}" y="16" fill="{INK}" font-weight="bold">{escape(name.replace("_", " "))}</text>'
    curves = [(each, colour) for each, colour in zip((trained, tested), COLOURS, strict=False) if each is not None]
    if not curves:
        return title
    low, high = axis_range([each[:, 1] for each, _ in curves])
    size = np.array([WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM])
    origin, scale = np.array([LEFT, HEIGHT - BOTTOM]), size / [last, high - low] * [1, -1]
    values = '  '.join(f'<tspan fill="{colour}">{each[-1, 1]:.3g}</tspan>' for each, colour in curves)
    parts = [
        title,
        f'<text x="{WIDTH - RIGHT}" y="16" text-anchor="end" xml:space="preserve">{values}</text>',
        *(_line_across(value, origin[1] + scale[1] * (value - low)) for value in _ticks(low, high)),
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" fill="{FADED}" font-size="9" text-anchor="end">'
        f'{written(float(f"{last:.3g}"), 0)} steps</text>',
    ]
    for each, colour in curves:
        places = origin + scale * (each - [0, low])
        plain = colour == COLOURS[0] and len(places) > 1  # one point is no line
        dots = '' if plain else ''.join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in places)
        line = ' '.join(f'{x:.1f},{y:.1f}' for x, y in places)
        parts.append(
            f'<g fill="{colour}"><polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.4" '
            f'stroke-linejoin="round"/>{dots}</g>'
        )
    return ''.join(parts)


def _ticks(low: float, high: float) -> list[float]:
    """A few round numbers between two."""
    return [float(value) for value in MaxNLocator(3).tick_values(low, high) if low <= value <= high]


def _line_across(value: float, y: float) -> str:
    """A thin line at a value, which is written to its left."""
    return (
        f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{RULE}" stroke-opacity="{FAINT}"/>'
        f'<text x="{LEFT - 4}" y="{y + 3:.1f}" fill="{FADED}" font-size="9" text-anchor="end">'
        f'{written(value, 0)}</text>'
    )
