"""The page of a report: HTML that needs no other file and no network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape, unescape
from importlib import resources
from pathlib import Path

import numpy as np

import megastep
from megastep.evaluation.analysis.summaries import without_few_runs
from megastep.evaluation.analysis.tables import Table
from megastep.evaluation.episode_table import Columns, distinct
from megastep.evaluation.report.sections import Section
from megastep.maps.words import counted

FOOTER = '<footer>megastep '
"""What follows the sections of a page."""


def files_of(page: Path) -> set[str]:
    """The names of the .csv files that a page of a report has its tables in; none if there is no such page."""
    text = page.read_text(encoding='utf-8', errors='replace') if page.is_file() else ''
    names = re.findall(r'<code>([^<]*)</code>', text.rpartition(FOOTER)[2]) if FOOTER in text else []
    return {name for name in map(unescape, names) if name == Path(name).name and name.endswith('.csv')}


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


def render(title: str, facts: Sequence[str], few: str, sections: Sequence[Section], files: Sequence[str]) -> str:
    """The page.

    Args:
        title: Its title.
        facts: What it is of, in words.
        few: What must not be overlooked: that there are few runs. '' if there aren't.
        sections: What it says.
        files: The names of the files beside it that have its tables.
    """
    style = resources.files(__package__).joinpath('style.css').read_text(encoding='utf-8')
    said: set[str] = set()
    body = ''.join(_section(section, said) for section in sections)
    caution = f'<p class="note few">{escape(few)}</p>' if few else ''
    listed = f'The tables are beside this page: {", ".join(f"<code>{escape(name)}</code>" for name in files)}.'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head><body>'
        f'<header><h1>{escape(title)}</h1><p class="facts">{escape(" · ".join(facts))}</p>{caution}</header>'
        f'<main>{body}</main>{FOOTER}{megastep.__version__}. {listed}</footer></body></html>\n'
    )


def _section(section: Section, said: set[str]) -> str:
    tables = ''.join(_table(each, said) for each in section.tables.values()) if section.shown else ''
    return f'<section><h2>{escape(section.title)}</h2>{section.body}{tables}</section>'


def _table(table: Table, said: set[str]) -> str:
    """A table with those of its notes that haven't been said yet."""
    fresh = tuple(note for note in table.notes if note not in said)
    said.update(fresh)
    plain, _, notes = without_few_runs(replace(table, notes=fresh)).html().partition('</table>')
    return f'<div class="scroll">{plain}</table></div>{notes}'
