"""The generator's proof: what it draws, and what it counts."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks.parts import Parts
from benchmarks.proofs import certification, compatibility
from benchmarks.proofs.certification import MOST_EXAMPLES, PARAMETER_DRAWS, Outcome, Task, attempt, draw, prove, row
from benchmarks.speed import generation
from megastep import mapgen
from megastep.mapgen import Choice, Parameter
from megastep.mapgen.rng import Rng

PARAMETERS = {
    'whole': Parameter(3, 1, 5, '', 'A whole number.'),
    'real': Parameter(0.5, 0.1, 2.5, 'm', 'A real one.'),
    'wholes': Parameter((2, 3), 0, 9, '', 'Two whole ones.'),
    'reals': Parameter((2.0, 3.0), 0.0, 9.0, '', 'Two real ones.'),
    'word': Choice('a', ('a', 'b', 'c'), 'A word.'),
}


def test_parameters_are_drawn_from_their_whole_ranges():
    drawn = [draw(PARAMETERS, Rng(f'test/{i}')) for i in range(300)]
    family = mapgen.Family('test', 1, '', PARAMETERS, lambda words: None)
    assert all({name: family.complete(values)[name] for name in values} == values for values in drawn)
    assert {values['whole'] for values in drawn} == set(range(1, 6))
    assert {values['word'] for values in drawn} == {'a', 'b', 'c'}
    for name, ends in {'real': (0.1, 2.5), 'wholes': (0, 9), 'reals': (0.0, 9.0)}.items():
        values = np.array([values[name] for values in drawn])
        assert (values.min(), values.max()) == ends
        assert ((values > ends[0]) & (values < ends[1])).any()


def test_the_same_seed_draws_the_same():
    (_, first), (_, again), (_, other) = (attempt(Task('box', seed, 0, 3)) for seed in (0, 0, 1))
    assert first.hashes == again.hashes != other.hashes
    assert first.rooms == [1, 1, 1]


def test_refusals_and_failures_are_counted(monkeypatch):
    make, calls = mapgen.make, []

    def unreliable(family, index, *, seed, **parameters):
        calls.append(index)
        if index == 1:
            raise mapgen.CertificateError('box, index 1 is not a valid map')
        if index == 2 or calls == [0]:
            raise ValueError('too wide.')
        return make(family, index, seed=seed, **parameters)

    monkeypatch.setattr(mapgen, 'make', unreliable)
    _, outcome = attempt(Task('box', 0, 0, 4))
    assert len(outcome.hashes) == 2
    assert outcome.refused == 1 + PARAMETER_DRAWS
    assert len(outcome.refusals) == MOST_EXAMPLES
    assert outcome.refusals[0].startswith("too wide. With {'width': ")
    assert outcome.failures[0].startswith("box, index 1 is not a valid map With {'width': ")
    assert outcome.failures[1] == 'box, index 2: 1000 draws of parameters were refused.'
    assert not row('box', outcome)['holds']


def test_duplicates_are_counted_and_houses_may_have_hardly_any():
    outcome = Outcome([5, 6, 5, 7, 7], [12, 9, 10, 3, 3], seconds=2.0)
    figures = row('house', outcome)
    expected = {'certified': 5, 'duplicates': 2, 'of 10 rooms or more': 2, 'duplicates of these': 1, 'holds': False}
    assert {name: figures[name] for name in expected} == expected
    assert figures['maps/s a core'] == 2.5
    assert figures['digest'] == f'{30:016x}'
    assert row('box', outcome)['holds']


@pytest.fixture
def two_families(monkeypatch):
    """The proof of two families alone, in threads."""
    monkeypatch.setattr(mapgen, 'FAMILIES', {name: mapgen.FAMILIES[name] for name in ('box', 'column')})
    monkeypatch.setattr(certification, 'processes', ThreadPoolExecutor)


def test_every_family_has_its_row(two_families):
    rows = prove(35, seed=3, workers=2)
    assert [figures['family'] for figures in rows] == ['box', 'column']
    assert [figures['certified'] + figures['failed'] for figures in rows] == [18, 18]
    assert json.loads(json.dumps(rows)) == rows


def without_speed(rows):
    return [{name: value for name, value in row.items() if name != 'maps/s a core'} for row in rows]


class CutShort(Parts):
    """Parts of a run that is killed while it writes the fourth."""

    def add(self, part):
        if len(self.path.read_text().splitlines()) == 1 + 3:
            with self.path.open('a') as file:
                file.write('[["box", 0, 4')
            raise KeyboardInterrupt
        super().add(part)


def test_a_run_that_was_cut_short_goes_on_and_says_the_same(two_families, monkeypatch, tmp_path):
    path, maker, called = tmp_path / 'new' / 'a.parts', certification.maker('abc'), []
    monkeypatch.setattr(certification, 'attempt', lambda task: called.append(task) or attempt(task))
    expected = without_speed(prove(80, workers=1))
    every, called[:] = set(called), []
    with pytest.raises(KeyboardInterrupt):
        prove(80, workers=1, parts=CutShort(path, maker))
    parts, called[:] = Parts(path, maker), []
    assert without_speed(prove(80, workers=1, parts=parts)) == expected
    done = {Task(*task) for task, _ in parts.found}
    assert (len(done), len(every), set(called)) == (3, 6, every - done)
    whole, called[:] = Parts(path, maker), []
    assert without_speed(prove(80, parts=whole)) == expected
    assert called == []


def test_parts_of_other_code_are_not_counted(tmp_path):
    Parts(tmp_path / 'a.parts', {'commit': 'abc'}).add([1])
    message = r'a\.parts holds parts of another run, {"run": {"commit": "abc"}}: remove it, or go on with that run\.'
    with pytest.raises(ValueError, match=message):
        Parts(tmp_path / 'a.parts', {'commit': 'def'})
    assert Parts(tmp_path / 'a.parts', {'commit': 'abc'}).found == [[1]]


def test_a_file_that_was_hardly_begun_is_begun_again(tmp_path):
    (tmp_path / 'a.parts').write_text('{"run": {"comm')
    Parts(tmp_path / 'a.parts', {'commit': 'abc'}).add([1])
    assert Parts(tmp_path / 'a.parts', {'commit': 'abc'}).found == [[1]]


def test_the_command_keeps_its_parts_until_it_has_written_its_report(two_families, monkeypatch, tmp_path, capsys):
    from benchmarks.__main__ import main

    def save(report, path):
        assert len(path.with_suffix('.parts').read_text().splitlines()) == 1 + 2  # those of both families
        path.write_text(json.dumps(report.rows))

    monkeypatch.setattr('benchmarks.report.Report.save', save)
    main('mapgen-proof', out=tmp_path / 'report.json', commit='abc', quick=True)
    assert [path.name for path in tmp_path.iterdir()] == ['report.json']
    assert capsys.readouterr().out.startswith('mapgen-proof on ')


def test_what_is_timed_is_there():
    for case in generation.cases():
        mapgen.FAMILIES[case.family].complete(case.parameters)


@pytest.mark.parametrize('version', ['2.7', '3.99'])
def test_a_python_that_is_not_here_is_said_not_to_be(monkeypatch, version, tmp_path):
    monkeypatch.setattr(compatibility.Path, 'home', lambda: tmp_path)
    monkeypatch.setattr(compatibility.shutil, 'which', lambda name: None)
    assert list(compatibility.tried(version)) == [(f'Python {version}, which is not here', '', '')]


def test_a_python_is_found_on_the_path(monkeypatch, tmp_path):
    program = tmp_path / 'python3.12'
    program.write_text('#!/bin/sh\necho 3.12.9\n')
    program.chmod(0o755)
    monkeypatch.setattr(compatibility.Path, 'home', lambda: tmp_path)
    monkeypatch.setenv('PATH', f'{tmp_path}:/bin:/usr/bin')
    assert compatibility.find('3.12') == str(program)
    assert compatibility.last_line('one\n two \n====\n\n') == 'two'


def test_lists_are_left_to_the_file():
    from benchmarks.report import Report

    table = Report('mapgen-proof', 'cpu', [row('box', Outcome())], 'abc').table()
    assert [column.header for column in table.columns][:3] == ['family', 'version', 'holds']
    assert not {'refusals', 'failures'} & {column.header for column in table.columns}
