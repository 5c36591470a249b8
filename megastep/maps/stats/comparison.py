"""Map sets side by side: their first maps to one scale, and how their statistics are spread, beside real homes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

import numpy as np
from jaxtyping import Shaped

from megastep.checks import check_counts
from megastep.maps import gallery, picture
from megastep.maps.geometry import Geometry
from megastep.maps.packing import MapArrays
from megastep.maps.stats import apartments, table
from megastep.maps.words import counted

QUICK = (
    *('rooms', 'walls', 'doors', 'area', 'wall_length', 'width', 'height'),
    *table.ROOM_SHAPES,
    *table.OPENINGS,
)
"""The statistics that are compared unless told otherwise: those that take microseconds a map."""

SHARES = (0.05, 0.5, 0.95)
"""A set's statistics are said by these quantiles."""

STRIP, THICK = 110, 12
"""A strip's width and height, in pixels."""

NAME = 'text-align: right; vertical-align: middle; white-space: nowrap; padding: 2px 8px'
CELL = 'text-align: center; vertical-align: bottom; white-space: nowrap; padding: 2px 12px'
"""The styles of the table's cells: of statistics' names, and of all others."""

SMALLEST = 1 / 3
"""Sets share a scale unless one would be drawn at less than this share of its size."""

REAL = 'real apartments'
"""The name that real ones have beside the sets."""


class Maps(MapArrays, Protocol):
    """Map set, as far as comparing needs it."""


def compare(sets: Mapping[str, Maps] | Sequence[Maps], *names: str, count: int = 3, workers: int = 1) -> Comparison:
    """A comparison of map sets, which draws itself in a notebook: their maps and their statistics side by side.

    >>> maps.compare({'train': train, 'test': test})  # doctest: +SKIP

    Args:
        sets: Map sets by name, or without; then they are numbered.
        names: Which statistics, of `MapSet.stats`; by default those that take microseconds a map.
        count: How many maps of each set are drawn at the most.
        workers: How many threads to use for what is measured map by map.

    Raises:
        ValueError: if there are no sets, one is empty or no map set, there is no such statistic, or count or workers
            is below 1.
    """
    check_counts(count=count, workers=workers)
    if hasattr(sets, 'kinds'):
        raise ValueError('sets must be a dict or a list of map sets, got a single one.')
    if not isinstance(sets, Mapping | Sequence):
        raise ValueError(f'sets must be a dict or a list of map sets, got {type(sets).__name__}.')  # noqa: TRY004
    named = dict(sets) if isinstance(sets, Mapping) else {f'{i}': maps for i, maps in enumerate(sets)}
    if not named:
        raise ValueError('sets must be at least 1 to be compared, got 0.')
    for name, maps in named.items():
        if not isinstance(name, str):
            raise ValueError(f'sets must have names that are texts, got {name!r}.')  # noqa: TRY004
        if not hasattr(maps, 'kinds'):
            raise ValueError(f'sets must be map sets, got {type(maps).__name__} for {name}.')
        if not len(maps):
            raise ValueError(f'{name} has no maps to compare.')
    if hashed := sorted(set(names) & set(table.HASHES)):
        raise ValueError(f'{hashed[0]} has no spread that could be compared.')
    measured = {name: table.measure(maps, names or QUICK, workers=workers) for name, maps in named.items()}
    return Comparison(named, measured, count)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparison of map sets. In a notebook it draws itself; printed, it is a table of medians.

    Args:
        sets: The map sets by name.
        stats: By the name of a set: statistics, a number a map.
        count: How many maps of each set are drawn at the most.
    """

    sets: Mapping[str, Maps]
    stats: Mapping[str, Mapping[str, Shaped[np.ndarray, ' map']]]
    count: int = 3

    def quantiles(self, statistic: str) -> dict[str, tuple[float, float, float]]:
        """The 5 %, 50 % and 95 % quantiles of a statistic by set, NaN where no map has it.

        ``'real apartments'`` has those of 200 real ones, where they are known.
        """
        found = {name: _quantiles(values[statistic]) for name, values in self.stats.items()}
        known = apartments.reference().apartments.get(statistic)
        if known is not None:
            values, shares = np.array(known).T
            found[REAL] = _three(np.interp(SHARES, shares, values))
        return found

    @property
    def statistics(self) -> list[str]:
        """The statistics that are compared."""
        return list(next(iter(self.stats.values())))

    def __repr__(self) -> str:
        rows = [['', *self.sets, REAL]]
        for statistic in self.statistics:
            found = self.quantiles(statistic)
            cells = [_written(found[name][1]) if name in found else '' for name in (*self.sets, REAL)]
            rows.append([statistic.replace('_', ' '), *cells])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return '\n'.join('  '.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)

    def _repr_html_(self) -> str:
        shown = {name: [maps[i] for i in range(min(self.count, len(maps)))] for name, maps in self.sets.items()}
        every = [geometry for geometries in shown.values() for geometry in geometries]
        scales = _scales(shown)
        head = ''.join(
            _cell(f'<b>{escape(name)}</b><br>{counted(len(maps), "map")}') for name, maps in self.sets.items()
        )
        flex = 'display: flex; flex-wrap: wrap; gap: 10px; align-items: flex-end; justify-content: center'
        drawn = ''.join(
            _cell(
                f'<div style="{flex}">{gallery.plans(plans, scales[name])}</div>'
                f'<div style="{gallery.FADED}">{gallery.scale_bar(scales[name])}</div>'
            )
            for name, plans in shown.items()
        )
        rows = ''.join(self._row(statistic) for statistic in self.statistics)
        return (
            f'<div><table style="border-collapse: collapse"><tr><td></td>{head}{_cell(f"<b>{REAL}</b><br>200 of them")}'
            f'</tr><tr><td></td>{drawn}<td></td></tr>{rows}</table>'
            f'<div style="{gallery.FADED}">Statistics: the median (5 % to 95 % of the maps).</div>'
            f'<div style="{gallery.ROW}">{gallery.legend(every)}</div></div>'
        )

    def _row(self, statistic: str) -> str:
        """A statistic's row of the table: a strip and numbers for each set, all strips on one axis."""
        found = self.quantiles(statistic)
        ends = np.array(list(found.values()))
        low, high = np.nanmin(ends[:, 0], initial=np.inf), np.nanmax(ends[:, 2], initial=-np.inf)
        cells = ''.join(_cell(_strip(found.get(name), low, high)) for name in (*self.sets, REAL))
        title = escape(table.STATISTICS[statistic])
        label = f'<td title="{title}" style="{NAME}">{statistic.replace("_", " ")}</td>'
        return f'<tr>{label}{cells}</tr>'


def _cell(content: str) -> str:
    return f'<td style="{CELL}">{content}</td>'


def _scales(shown: Mapping[str, Sequence[Geometry]]) -> dict[str, float]:
    """The scale of each set, in metres a pixel: one for all, unless their sizes differ too much."""
    own = {name: gallery.common_scale(plans) for name, plans in shown.items()}
    return dict.fromkeys(own, max(own.values())) if min(own.values()) >= SMALLEST * max(own.values()) else own


def _strip(quantiles: tuple[float, float, float] | None, low: float, high: float) -> str:
    """A bar from the 5 % to the 95 % quantile with a mark at the median, on an axis of its row, and the numbers."""
    if quantiles is None or np.isnan(quantiles).any():
        return ''
    start, middle, end = ((value - low) / ((high - low) or 1) * (STRIP - 6) + 3 for value in quantiles)
    bar = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{STRIP}" height="{THICK}" stroke="#868c97">'
        f'<path d="M0 6h{STRIP}" stroke-opacity=".3"/><path d="M{start:.1f} 6H{end:.1f}" stroke="#2f6fb7" '
        f'stroke-width="4" stroke-linecap="round" stroke-opacity=".55"/>'
        f'<path d="M{middle:.1f} 1v10" stroke="#d9542b" stroke-width="2.5"/></svg>'
    )
    first, median, last = map(_written, quantiles)
    return f'{picture.image(bar, "")}<br><b>{median}</b> <span style="{gallery.FADED}">({first} to {last})</span>'


def _quantiles(values: Shaped[np.ndarray, ' map']) -> tuple[float, float, float]:
    finite = values[np.isfinite(values)]
    return _three(np.quantile(finite, SHARES) if len(finite) else np.full(3, np.nan))


def _three(values: np.ndarray) -> tuple[float, float, float]:
    low, middle, high = values.tolist()
    return low, middle, high


def _written(value: float) -> str:
    """A number with three digits or, if it is above a thousand, all those before the point; a dash for none."""
    return '-' if np.isnan(value) else f'{value:,.0f}' if abs(value) >= 1000 else f'{value:.3g}'
