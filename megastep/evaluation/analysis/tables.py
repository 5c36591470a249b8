"""Tables of statistics, with intervals: as text, HTML, CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from megastep.evaluation.statistics import Interval

DASH, MINUS = '\N{EN DASH}', '\N{MINUS SIGN}'

ACRONYMS = {'iqm': 'IQM', 'cvar': 'CVaR', 'spl': 'SPL'}

STYLE = ' '.join(
    f'.megastep-table {rule}'
    for rule in (
        'th, .megastep-table td { text-align: left !important; padding: .25em .8em .25em 0; }',
        '.number { text-align: right !important; }',
        'caption { text-align: left; font-weight: bold; }',
        'small { opacity: .65; white-space: nowrap; }',
        'p { max-width: 50em; margin: .4em 0 0; font-size: .85em; opacity: .75; }',
    )
)
"""The style of a table in a notebook, whose colours are the notebook's."""

LARGE = 1e7
"""Numbers from here on are written with a power of ten."""

SPECIAL = {'\\': r'\textbackslash{}', '~': r'\textasciitilde{}', '^': r'\textasciicircum{}'}
"""What LaTeX writes for characters that mean something to it; others of those get a backslash."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of statistics: columns of text, numbers and intervals, with a title and notes on how to read it.

    Args:
        title: What it shows.
        columns: Each column's cells by its heading, all as many.
        notes: What a reader must know of it, each a sentence.
    """

    title: str
    columns: Mapping[str, Sequence[Any]]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values()), ()))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Each row's cells by their headings."""
        return [dict(zip(self.columns, cells, strict=True)) for cells in zip(*self.columns.values(), strict=True)]

    def frame(self) -> Any:
        """The table as pandas has it, an interval in three columns. Needs the extra ``evaluation``."""
        return pandas().DataFrame(self._flat())

    def csv(self) -> str:
        """Comma-separated values, an interval in three columns."""
        file, flat = io.StringIO(), self._flat()
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(flat)
        writer.writerows(zip(*flat.values(), strict=True))
        return file.getvalue()

    def markdown(self) -> str:
        """The table in Markdown, under its title, above its notes."""
        lines = [f'### {self.title}', '', _pipes(map(heading, self.columns)), _pipes(_rules(self.columns))]
        lines += [_pipes(text(cell).replace('|', r'\|') for cell in row.values()) for row in self.rows]
        return '\n'.join([*lines, *(f'\n{note}' for note in self.notes), ''])

    def latex(self) -> str:
        r"""The table in LaTeX, for the package booktabs."""
        heads = [_escaped(heading(name)) for name in self.columns]
        aligned = ''.join('r' if _is_numeric(cells) else 'l' for cells in self.columns.values())
        body = [' & '.join(_latex(cell) for cell in row.values()) + r' \\' for row in self.rows]
        notes = [rf'\par\smallskip\footnotesize {_escaped(" ".join(self.notes))}'] if self.notes else []
        lines = [r'\begin{table}', r'\centering', rf'\caption{{{_escaped(self.title)}}}']
        lines += [rf'\begin{{tabular}}{{{aligned}}}', r'\toprule', ' & '.join(heads) + r' \\', r'\midrule', *body]
        return '\n'.join([*lines, r'\bottomrule', r'\end{tabular}', *notes, r'\end{table}', ''])

    def html(self) -> str:
        """The table in HTML, without any style. Rows that begin alike are under one heading."""
        groups = self._groups()
        grouped = len(groups) < len(self)
        body = ''.join(map(_group, groups)) if grouped else f'<tbody>{"".join(map(_row, self.rows))}</tbody>'
        heads = ''.join(
            f'<th scope="col" class="{_class(name, cells)}">{html.escape(heading(name))}</th>'
            for name, cells in list(self.columns.items())[grouped:]
        )
        notes = ''.join(f'<p class="note">{html.escape(note)}</p>' for note in self.notes)
        caption = f'<caption>{html.escape(self.title)}</caption>'
        return f'<table>{caption}<thead><tr>{heads}</tr></thead>{body}</table>{notes}'

    def _groups(self) -> list[list[dict[str, Any]]]:
        """The rows, those together that follow one another and begin alike."""
        return [list(group) for _, group in groupby(self.rows, key=lambda row: text(next(iter(row.values()))))]

    def _repr_html_(self) -> str:
        return f'<div class="megastep-table"><style>{STYLE}</style>{self.html()}</div>'

    def __repr__(self) -> str:
        cells = [list(map(heading, self.columns)), *([text(cell) for cell in row.values()] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        numeric = [_is_numeric(column) for column in self.columns.values()]
        lines = [
            '  '.join(
                each.rjust(width) if right else each.ljust(width)
                for each, width, right in zip(row, widths, numeric, strict=True)
            ).rstrip()
            for row in cells
        ]
        return '\n'.join([self.title, *lines, *self.notes])

    def _flat(self) -> dict[str, list[Any]]:
        """Columns without intervals: those have three, the statistic's, its lower and its upper bound's."""
        flat: dict[str, list[Any]] = {}
        for name, cells in self.columns.items():
            if any(isinstance(cell, Interval) for cell in cells):
                for end, suffix in enumerate(('', '_low', '_high')):
                    flat[name + suffix] = [cell[end] for cell in cells]
            else:
                flat[name] = list(cells)
        return flat


def heading(name: str) -> str:
    """A column's name as it is read."""
    return ' '.join(ACRONYMS.get(word, word) for word in name.split('_'))


def text(cell: Any) -> str:
    """A cell as it is read: ``0.912 [0.890, 0.930]`` for an interval, a dash for what there isn't."""
    if isinstance(cell, Interval):
        bounds = '' if math.isnan(cell.low) else f' [{number(cell.low)}, {number(cell.high)}]'
        return number(cell.value) + bounds
    return number(cell) if isinstance(cell, float) else str(cell)


def number(value: float) -> str:
    """A number as it is read: three places behind the point where it is small, a power of ten where it is large."""
    if math.isnan(value):
        return DASH
    if abs(value) >= LARGE:
        return f'{value:.3e}'.replace('e+', 'e').replace('-', MINUS)
    written = f'{value:.3f}' if abs(value) < 10 else f'{value:.1f}' if abs(value) < 1000 else f'{value:,.0f}'
    return written.replace('-', MINUS)


def pandas() -> Any:
    """The library, or an error that says how to get it.

    Raises:
        ImportError: if it isn't installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError("data frames need pandas: pip install 'megastep[evaluation]'.") from error
    return pandas


def _is_numeric(cells: Sequence[Any]) -> bool:
    return all(isinstance(cell, int | float | Interval) for cell in cells)


def _class(name: str, cells: Sequence[Any]) -> str:
    """A cell's class to style sheets: its column's name, and if it is a number."""
    return f'{name.replace(" ", "-")}{" number" if _is_numeric(cells) else ""}'


def _group(rows: Sequence[Mapping[str, Any]]) -> str:
    """A body of rows, under what their first cells all say."""
    said, *columns = rows[0]
    title = f'<tr><th scope="rowgroup" colspan="{len(columns)}">{html.escape(text(rows[0][said]))}</th></tr>'
    body = ''.join(_row({name: row[name] for name in columns}) for row in rows)
    return f'<tbody>{title}{body}</tbody>'


def _row(row: Mapping[str, Any]) -> str:
    return f'<tr>{"".join(_html(name, cell) for name, cell in row.items())}</tr>'


def _html(name: str, cell: Any) -> str:
    written = html.escape(text(cell))
    if isinstance(cell, Interval) and not math.isnan(cell.low):
        value, low, high = map(number, cell)
        written = f'{value} <small>[{low}, {high}]</small>'
    return f'<td class="{html.escape(_class(name, [cell]))}">{written}</td>'


def _latex(cell: Any) -> str:
    if isinstance(cell, Interval) and not math.isnan(cell.low):
        value, low, high = (number(each).replace(MINUS, '-') for each in cell)
        return rf'${value}$ {{\scriptsize $[{low}, {high}]$}}'
    written = text(cell)
    return f'${written.replace(MINUS, "-")}$' if isinstance(cell, float) and written != DASH else _escaped(written)


def _escaped(words: str) -> str:
    escaped = ''.join(SPECIAL.get(letter, f'\\{letter}' if letter in '&%$#_{}' else letter) for letter in words)
    return escaped.replace(DASH, '--').replace(MINUS, '$-$')


def _pipes(cells: Any) -> str:
    return f'| {" | ".join(cells)} |'


def _rules(columns: Mapping[str, Sequence[Any]]) -> list[str]:
    return ['---:' if _is_numeric(cells) else '---' for cells in columns.values()]
