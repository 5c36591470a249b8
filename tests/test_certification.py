"""The generator's proof: what it draws, and what it counts."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from benchmarks import certification, compatibility, generation
from benchmarks.certification import DRAWS, Outcome, Task, attempt, draw, prove, row
from megastep import mapgen
from megastep.mapgen import Choice, Parameter
from megastep.mapgen.words import Words

PARAMETERS = {
    'whole': Parameter(3, 1, 5, '', 'A whole number.'),
    'real': Parameter(0.5, 0.1, 2.5, 'm', 'A real one.'),
    'wholes': Parameter((2, 3), 0, 9, '', 'Two whole ones.'),
    'reals': Parameter((2.0, 3.0), 0.0, 9.0, '', 'Two real ones.'),
    'word': Choice('a', ('a', 'b', 'c'), 'A word.'),
}


def test_parameters_are_drawn_from_their_whole_ranges():
    drawn = [draw(PARAMETERS, Words(f'test/{i}')) for i in range(300)]
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
    assert first.hashes.tolist() == again.hashes.tolist() != other.hashes.tolist()
    assert first.rooms.tolist() == [1, 1, 1]


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
    assert len(outcome.refusals) == 1 + DRAWS
    assert outcome.refusals[0].startswith("too wide. With {'width': ")
    assert outcome.failures[0].startswith("box, index 1 is not a valid map With {'width': ")
    assert outcome.failures[1] == 'box, index 2: 1000 draws of parameters were refused.'
    assert not row('box', outcome)['holds']


def test_duplicates_are_counted_and_houses_may_have_hardly_any():
    outcome = Outcome(np.array([5, 6, 5, 7, 7], np.uint64), np.array([12, 9, 10, 3, 3]), seconds=2.0)
    figures = row('house', outcome)
    expected = {'certified': 5, 'duplicates': 2, 'of 10 rooms or more': 2, 'duplicates of these': 1, 'holds': False}
    assert {name: figures[name] for name in expected} == expected
    assert figures['maps/s a core'] == 2.5
    assert figures['digest'] == f'{30:016x}'
    assert row('box', outcome)['holds']


def test_every_family_has_its_row(monkeypatch):
    families = {name: mapgen.FAMILIES[name] for name in ('box', 'column')}
    monkeypatch.setattr(mapgen, 'FAMILIES', families)
    monkeypatch.setattr(certification, 'processes', ThreadPoolExecutor)
    rows = prove(35, seed=3, workers=2)
    assert [figures['family'] for figures in rows] == ['box', 'column']
    assert [figures['certified'] + figures['failed'] for figures in rows] == [18, 18]
    assert json.loads(json.dumps(rows)) == rows


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
