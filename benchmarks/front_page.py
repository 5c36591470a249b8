"""`python -m benchmarks.front_page` draws the README's table from what was measured last on each device."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import FOLDER, RESULTS, written

README = FOLDER.parent / 'README.md'

HEADS = ('device', 'env', 'envs', 'walls', 'rays', 'steps/s', 'commit', 'render/s', 'physics/s')

AGENTS = {'Deathmatch': 4}
"""How many agents a world has where it isn't one."""

PLACE = re.compile(r'(?<=<!-- benchmarks: begin -->\n).*?(?=<!-- benchmarks: end -->)', re.DOTALL)


def newest(subject: str, folder: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Each device's newest report on a subject."""
    reports = [json.loads(path.read_text()) for path in folder.glob('*.json')]
    of_subject = sorted((each for each in reports if each['subject'] == subject), key=lambda each: each['date'])
    return {each['device']: each for each in of_subject}


def newest_steps(folder: Path = RESULTS) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Each device's rows of each env's steps, of the newest report that has the env, with its commit.

    A report whose run was cut short lacks some.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    reports = [json.loads(path.read_text()) for path in folder.glob('step-*.json')]
    for report in sorted(reports, key=lambda each: each['date']):
        of_envs: dict[str, list[dict[str, Any]]] = {}
        for row in report['rows']:
            of_envs.setdefault(row['env'], []).append({**row, 'commit': report['commit']})
        device = found.setdefault(report['device'], {})
        device.update(of_envs)
    return found


def rows(folder: Path = RESULTS) -> Iterable[Sequence[str]]:
    """Each env's fastest steps on each device, beside the renderer and the physics alone in as many envs of houses.

    The fastest device comes first.
    """
    alone = {name: newest(name, folder) for name in ('render', 'physics')}
    fastest = {
        device: [max(some, key=lambda row: row['steps/s']) for some in of_envs.values()]
        for device, of_envs in newest_steps(folder).items()
    }
    for device, best in sorted(fastest.items(), key=lambda each: -max(row['steps/s'] for row in each[1])):
        for row in best:
            agents = AGENTS.get(row['env'], 1)
            envs = f'{row["envs"]:,}' + (f' x {agents}' if agents > 1 else '')
            of_steps = [_short(device), row['env'], envs, f'{row["walls"]:,.0f}', str(row['rays'])]
            others = [_alone(alone[name].get(device), f'{name}/s', row, agents) for name in alone]
            speeds = [each if isinstance(each, str) else written(each) for each in (row['steps/s'], *others)]
            yield [*of_steps, speeds[0], row['commit'], *speeds[1:]]


def _alone(report: Mapping[str, Any] | None, column: str, step: Mapping[str, Any], agents: int) -> float | str:
    """Speed of the renderer or the physics alone, in the same houses with as many agents; nothing if unmeasured."""
    same = {'sweep': 'record', 'maps': 'houses', 'envs': step['envs'], 'agents': agents, 'walls': step['walls']}
    for row in report['rows'] if report else ():
        if all(row[name] == value for name, value in same.items()) and row.get('rays', step['rays']) == step['rays']:
            return row[column]
    return ''


def _short(device: str) -> str:
    """A device's name; of a processor, how many cores."""
    cores = re.search(r'(\d+) cores$', device)
    return f'{cores[1]} CPU cores' if cores else device


def drawn(folder: Path = RESULTS) -> str:
    """The table, in Markdown."""
    lines = [HEADS, ['---'] * len(HEADS), *rows(folder)]
    return ''.join(f'| {" | ".join(line)} |\n' for line in lines)


def main(path: Path = README) -> None:
    """Puts the table between the marks in a file."""
    path.write_text(PLACE.sub(lambda _: drawn(), path.read_text()))


if __name__ == '__main__':
    main()
