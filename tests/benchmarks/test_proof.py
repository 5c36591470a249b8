"""The proof at full size; its trials are those of the other tests."""

import json
import math

import pytest
import torch

from benchmarks.parts import Parts
from benchmarks.proofs import maps, proof

CPU = torch.device('cpu')


@pytest.fixture
def parts(tmp_path):
    return Parts(tmp_path / 'proof.parts', {'commit': 'abc'})


def test_a_row_says_what_was_tried_whether_it_holds_and_the_figures(monkeypatch, capsys, parts):
    made = [('good', lambda: (True, {'moves': 3, 'gap': math.inf})), ('bad', lambda: (False, {'moves': 4}))]
    monkeypatch.setattr(proof, 'trials', lambda device, share: made)
    good, bad = proof.prove(CPU, parts, quick=True)
    assert (good['trial'], good['holds'], good['figures']) == ('good', True, {'moves': 3})
    assert (bad['trial'], bad['holds'], bad['figures']) == ('bad', False, {'moves': 4})
    assert good['seconds'] >= 0
    assert json.loads(json.dumps(good, allow_nan=False)) == good
    assert 'bad DOES NOT HOLD' in capsys.readouterr().out


def test_the_first_trial_holds_at_any_size():
    name, trial = next(proof.trials(CPU, 0.001))
    holds, figures = trial()
    assert name == 'impacts with one wall'
    assert holds, figures
    assert figures['cases'] == 1000


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(proof, 'worlds', lambda: {'one': [maps.box(5, 5)], 'other': [maps.polygon(16)]})
    monkeypatch.setattr(proof, 'SIZES', {'cpu': 10})
    monkeypatch.setattr(proof, 'SLICE', 40)


def test_soaks_may_be_as_long_as_one_likes(small, parts):
    found = list(proof.soak_for(CPU, parts, 201))
    assert [row['trial'] for row in found] == ['soak: one', 'soak: other']
    assert all(row['holds'] for row in found)
    assert all(row['figures']['moves'] == 101 for row in found)
    assert all(row['figures']['stuck'] == 0 for row in found)
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_a_soak_that_is_cut_short_goes_on_where_it_was(small, parts, monkeypatch):
    """Of a slice that didn't end nothing is kept, and those that did aren't made again."""
    whole = [row['figures'] for row in proof.soak_for(CPU, parts, 201)]
    again, made, soaked = Parts(parts.path.with_name('again'), {}), [], proof.soaked_for

    def cut_short(scenery, moves, seed):
        made.append(seed)
        if len(made) == 5:
            raise KeyboardInterrupt
        return soaked(scenery, moves, seed)

    monkeypatch.setattr(proof, 'soaked_for', cut_short)
    with pytest.raises(KeyboardInterrupt):
        list(proof.soak_for(CPU, again, 201))
    found = proof.soak_for(CPU, Parts(again.path, {}), 201)
    assert [row['figures'] for row in found] == whole
    assert made == [1, 2, 3, 1, 2, 2, 3]


def test_a_proof_that_is_cut_short_goes_on_where_it_was(monkeypatch, parts):
    made = []

    def trial():
        made.append(len(made))
        if len(made) == 2:
            raise KeyboardInterrupt
        return True, {'made': made[-1]}

    monkeypatch.setattr(proof, 'trials', lambda device, share: [('first', trial), ('second', trial)])
    with pytest.raises(KeyboardInterrupt):
        list(proof.prove(CPU, parts))
    rows = list(proof.prove(CPU, Parts(parts.path, {'commit': 'abc'})))
    assert [row['figures']['made'] for row in rows] == [0, 2]
