"""The page of a report: HTML that needs no other file and no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib import resources

import numpy as np

import megastep
from megastep.evaluation.analysis.tables import Table
from megastep.evaluation.episode_table import Columns, distinct
from megastep.evaluation.report.sections import Section
from megastep.maps.words import counted


def title_of(table: Columns) -> str:
    """The title of a report that is given none."""
    agents = distinct(table['agent'])
    shown = ', '.join(agents[:3]) + (f' and {len(agents) - 3} more' if len(agents) > 3 else '')
    return f'Generalisation of {shown}'


def facts(table: Columns, suite_sha256: str) -> list[str]:
    """The numbers of episodes, agents, runs and sets, in words."""
    runs = len(np.unique(np.stack([table['agent'], table['run'].astype(str)]), axis=1).T)
    counts = {
        'episode': len(table['agent']), 'agent': len(distinct(table['agent'])), 'run': runs,
        'set': len(distinct(table['set'])),
    }  # fmt: skip
    said = [counted(count, name) for name, count in counts.items()]
    return [*said, *([f'suite {suite_sha256[:12]}'] if suite_sha256 else [])]


def render(title: str, facts: Sequence[str], sections: Sequence[Section]) -> str:
    """The page."""
    style = resources.files(__package__).joinpath('style.css').read_text(encoding='utf-8')
    said: set[str] = set()
    body = ''.join(_section(section, said) for section in sections)
    files = 'The tables are beside this page: tables.md, tables.tex, and a .csv for each.'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>'
        f'<header><h1>{escape(title)}</h1><p class="facts">{escape(" · ".join(facts))}</p></header>'
        f'<main>{body}</main><footer>megastep {megastep.__version__}. {files}</footer></body></html>\n'
    )


def _section(section: Section, said: set[str]) -> str:
    tables = ''.join(_table(each, said) for each in section.tables.values()) if section.shown else ''
    return f'<section><h2>{escape(section.title)}</h2>{section.body}{tables}</section>'


def _table(table: Table, said: set[str]) -> str:
    """A table with those of its notes that haven't been said yet."""
    fresh = tuple(note for note in table.notes if note not in said)
    said.update(fresh)
    plain, _, notes = Table(table.title, table.columns, fresh).html().partition('</table>')
    notes = notes.replace('class="note">Fewer', 'class="note few">Fewer')  # what must not be overlooked
    return f'<div class="scroll">{plain}</table></div>{notes}'
