"""Tables drawn when the site is built: of what was measured, of environments, of families of maps, of commands."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import tables_environments as environments
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from benchmarks.front_page import newest
from benchmarks.report import written
from megastep import mapgen
from megastep.mapgen.parameters import Choice, Parameter


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as Markdown has it."""
    lines = [heads, ['---'] * len(heads), *rows]
    return '\n'.join(f'| {" | ".join(str(cell).replace("|", chr(92) + "|") for cell in line)} |' for line in lines)


def _words(value: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (value or '').split(',') if word.strip())


class Drawn(SphinxDirective):
    """A directive whose content is written in Markdown when the site is built."""

    required_arguments = 1
    final_argument_whitespace = True

    def text(self) -> str:
        """The content."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parses it, and wraps it so that wide tables scroll."""
        box = nodes.container(classes=['wide'])
        box += self.parse_text_to_nodes(self.text())
        return [box]


class BenchmarkTable(Drawn):
    """Benchmark table: the newest report on a subject from each device, in the columns that are named or in all."""

    option_spec = {'columns': _words, 'sweep': directives.unchanged}

    def text(self) -> str:
        """A table a device, with the commit and the day beneath."""
        found = newest(self.arguments[0])
        if not found:
            raise self.error(f'benchmarks/results has no report on {self.arguments[0]!r}.')
        return '\n\n'.join(self._table(report) for report in found.values())

    def _table(self, report: Mapping[str, Any]) -> str:
        rows = report['rows']
        if sweep := self.options.get('sweep'):
            rows = [row for row in rows if row['sweep'] == sweep]
        names = self.options.get('columns') or [
            name for name, value in rows[0].items() if not isinstance(value, (list, dict)) and name != 'sweep'
        ]
        table = markdown(names, [[_cell(row.get(name, '')) for name in names] for row in rows])
        return f'**{report["device"]}**, commit `{report["commit"]}`, {report["date"][:10]}\n\n{table}'


def _cell(value: Any) -> str:
    return f'{value:,.0f}' if isinstance(value, float) and value == round(value) and value < 1e6 else written(value)


class EnvironmentTable(Drawn):
    """An environment's observations, actions and infos, asked of one; its author says what it pays and when it ends."""

    has_content = True

    def text(self) -> str:
        """The table, and what its author says beneath."""
        rows = environments.described(self.arguments[0])
        return markdown(('', 'what', 'shape', 'range'), rows) + '\n\n' + '\n'.join(self.content)


class FamilyTable(Drawn):
    """The parameters of a family of maps, or the options that all of them take."""

    def text(self) -> str:
        """The table."""
        name = self.arguments[0]
        family = mapgen.FAMILIES['house' if name == 'options' else name]
        chosen = [each for each in family.parameters if (each in family.options) == (name == 'options')]
        if not chosen:
            return 'It takes no parameters of its own.'
        rows = [[f'`{each}`', *_parameter(family.parameters[each])] for each in chosen]
        return markdown(('parameter', 'default', 'from', 'to', 'what it says'), rows)


def _parameter(parameter: Parameter | Choice) -> list[str]:
    if isinstance(parameter, Choice):
        return [f"`'{parameter.default}'`", ', '.join(f"`'{each}'`" for each in parameter.options), '', parameter.about]
    default = ', '.join(f'{each:g}' for each in np.atleast_1d(parameter.default))
    unit = f' {parameter.unit}' if parameter.unit else ''
    return [f'{default}{unit}', f'{parameter.least:g}', f'{parameter.most:g}', parameter.about]


class CommandHelp(SphinxDirective):
    """Help text of a command, as `--help` prints it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """A block of text."""
        text = help_of(self.arguments[0])
        return [nodes.literal_block(text, text, language='text', classes=['help'])]


def help_of(command: str) -> str:
    """The help of one of megastep's commands, as it is printed for a screen of 100 columns."""
    import os

    from megastep.cli import main

    said, before = io.StringIO(), os.environ.get('COLUMNS')
    os.environ['COLUMNS'] = '100'
    try:
        with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
            main([command, '--help'])
    finally:
        os.environ.pop('COLUMNS') if before is None else os.environ.update(COLUMNS=before)
    return said.getvalue().strip()


def measured(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = ()
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """The greatest value of a column in devices' newest reports on a subject, or the least: ``step, steps/s``.

    ``step, steps/s, cores, least`` is that of devices whose name has "cores".
    """
    subject, column, device, which = (*text.split(', '), '', '')[:4]
    reports = [report for name, report in newest(subject).items() if device in name]
    values = [row[column] for report in reports for row in report['rows'] if column in row]
    return [nodes.Text(written(min(values) if which == 'least' else max(values)))], []


def setup(app: Sphinx) -> dict[str, bool]:
    """Adds the directives."""
    added: dict[str, Callable[..., Any]] = {
        'benchmark-table': BenchmarkTable,
        'environment-table': EnvironmentTable,
        'family-table': FamilyTable,
        'command-help': CommandHelp,
    }
    for name, directive in added.items():
        app.add_directive(name, directive)  # type: ignore[arg-type]
    app.add_role('measured', measured)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
