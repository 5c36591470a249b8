"""The proof at full size; its trials are those of the other tests."""

import json
import math

import torch

from benchmarks.proofs import maps, proof

CPU = torch.device('cpu')


def test_a_row_says_what_was_tried_whether_it_holds_and_the_figures(monkeypatch, capsys):
    made = [('good', lambda: (True, {'moves': 3, 'gap': math.inf})), ('bad', lambda: (False, {'moves': 4}))]
    monkeypatch.setattr(proof, 'trials', lambda device, share: made)
    good, bad = proof.prove(CPU, quick=True)
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


def test_soaks_may_be_as_long_as_one_likes(monkeypatch):
    monkeypatch.setattr(proof, 'worlds', lambda: {'one': [maps.box(5, 5)], 'other': [maps.polygon(16)]})
    monkeypatch.setattr(proof, 'SIZES', {'cpu': (10, 4)})
    found = list(proof.soak_for(CPU, 201))
    assert [row['trial'] for row in found] == ['soak: one', 'soak: other']
    assert all(row['holds'] for row in found)
    assert [row['figures']['moves'] for row in found] == [120, 120]  # 3 times 4 steps of 10 agents
    assert [row['figures']['checked'] for row in found] == [30, 30]
