"""Agents are trained among agents that have been trained: those of runs, of checkpoints, and of saved agents."""

import json
import shutil

import pytest
import torch
from trainings import STEPS, TINY, config, contents, train, weights
from worlds import arenas

from envs import Deathmatch
from megastep import learning
from megastep.cli import main
from megastep.evaluation import evaluate_in
from megastep.evaluation.league import league
from megastep.learning import Learner, Policy
from megastep.learning.run.run_folder import Run

ARENA, OTHER = arenas(1), arenas(1, seed=1)
DUEL = {'name': 'deathmatch', 'maps': ARENA, 'options': {'num_agents': 2, 'time_limit': 1.0, 'motion': 'simple'}}


@pytest.fixture(scope='module')
def rivals(tmp_path_factory):
    """A run of two checkpoints, and a saved agent of another seed."""
    folder = tmp_path_factory.mktemp('rivals')
    train(folder / 'run', 2, checkpoint_every=0, **DUEL)
    train(folder / 'other', 1, seed=1, **DUEL)
    learning.load(folder / 'other', device='cpu').save_pretrained(folder / 'saved')
    return folder


def named(rivals):
    return [rivals / 'run', rivals / 'run' / 'checkpoints' / '000001', rivals / 'saved']


def same(policy, other):
    weights, others = policy.state_dict(), other.state_dict()
    return all(torch.equal(weights[name], others[name]) for name in weights)


def test_agents_are_trained_and_evaluated_among_trained_agents(tmp_path, rivals):
    out = tmp_path / 'run'
    train(out, 2, opponents_from=named(rivals)[:2], eval_maps=OTHER, eval_episodes=2, **DUEL)
    config = Run(out).read()
    assert config.opponents == 1
    assert config.opponents_from == tuple(str(path) for path in named(rivals)[:2])
    assert 'evaluation' in Run(out).lines()[-1]
    agent = learning.load(out, device='cpu')
    env = agent.env(OTHER, num_envs=8)
    opponents = agent.opponents(env)
    assert opponents.rows.tolist() == [False, True] * 4
    assert [memory.rows.tolist() for memory in opponents.memories] == [[1, 5], [3, 7]]
    assert evaluate_in(agent, env, opponents=opponents).scores['kills'].shape == (4, 1)


def test_a_run_keeps_its_opponents_as_they_were(tmp_path, rivals):
    """So it goes on among them, though theirs has gone on too, or has gone altogether."""
    before, out = shutil.copytree(rivals / 'run', tmp_path / 'before'), tmp_path / 'run'
    train(out, 2, opponents_from=before, **DUEL)
    kept = learning.load(out / 'opponents' / '000', device='cpu')
    assert same(kept.policy, learning.load(before, device='cpu').policy)
    shutil.rmtree(before)
    train(out, 3, resume=True, **DUEL)
    assert Run(out).read().opponents_from == (str(before),)
    train(tmp_path / 'whole', 3, opponents_from=rivals / 'run', **DUEL)
    assert weights(out) == weights(tmp_path / 'whole')


def test_a_saved_agent_takes_its_opponents_along(tmp_path, rivals):
    train(tmp_path / 'run', 1, opponents_from=named(rivals), settings=replaced(num_envs=6), **DUEL)
    saved = learning.load(tmp_path / 'run', device='cpu').save_pretrained(tmp_path / 'saved')
    shutil.rmtree(tmp_path / 'run')
    agent = learning.load(saved, device='cpu')
    assert len(agent.opponents(agent.env(ARENA, num_envs=6)).memories) == 3


def replaced(**changes):
    return TINY.__class__(**{**vars(TINY), **changes})


def test_a_run_that_begins_in_anothers_place_forgets_its_opponents(tmp_path, rivals):
    train(tmp_path / 'run', 1, opponents_from=rivals / 'run', **DUEL)
    train(tmp_path / 'run', 1, overwrite=True, **DUEL)
    assert not (tmp_path / 'run' / 'opponents').exists()


def test_a_run_whose_place_another_was_to_take_keeps_its_opponents(tmp_path, rivals, monkeypatch):
    """A run that overwrites it and is killed before it begins."""
    out, (first, second, *_) = tmp_path / 'run', named(rivals)
    train(out, 1, opponents_from=first, **DUEL)
    kept = out / 'opponents' / '000' / 'model.safetensors'
    before = kept.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(Run, 'begin', lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(out, 1, opponents_from=second, overwrite=True, **DUEL)
    train(out, 2, opponents_from=first, resume=True, **DUEL)
    assert kept.read_bytes() == before
    assert not (out / '.opponents').exists()


def test_trained_agents_play_against_one_another(rivals):
    one, other = (learning.load(rivals / name, device='cpu', greedy=True) for name in ('run', 'saved'))
    env = one.env(OTHER, num_envs=8)
    found = evaluate_in(one, env, 2, opponents=league(env, [other]))
    assert found.scores['kills'].shape == (4, 2)


def test_the_command_takes_opponents_from_runs(tmp_path, rivals, capsys):
    ARENA.save(tmp_path / 'arena.safetensors')
    line = ['train', 'deathmatch', '--out', str(tmp_path / 'run'), '--maps', str(tmp_path / 'arena.safetensors')]
    small = [
        f'--{name.replace("_", "-")}={getattr(TINY, name)}' for name in ('num_envs', 'horizon', 'width', 'stagger')
    ]
    line += [
        *small,
        '--num-minibatches=2',
        '--device',
        'cpu',
        '--options',
        'num_agents=2',
        'time_limit=1.0',
        'motion=simple',
    ]
    assert main([*line, '--steps', str(STEPS), '--opponents-from', *map(str, named(rivals)[:2])]) == 0
    assert main(['train', 'deathmatch', '--out', str(tmp_path / 'run'), '--resume', '--steps', str(2 * STEPS)]) == 0
    assert len(Run(tmp_path / 'run').read().opponents_from) == 2


def test_the_command_evaluates_agents_against_one_another(tmp_path, rivals, capsys):
    OTHER.save(tmp_path / 'arena.safetensors')
    line = ['evaluate', str(rivals / 'run'), '--maps', str(tmp_path / 'arena.safetensors'), '--per-map', '2']
    assert main([*line, '--device', 'cpu', '--opponents-from', str(rivals / 'saved')]) == 0
    assert 'kills' in capsys.readouterr().out
    assert main([*line, '--device', 'cpu', '--opponents-from', str(tmp_path)]) == 2
    assert 'holds no run' in capsys.readouterr().err


def test_runs_of_before_have_no_such_opponents(tmp_path):
    train(tmp_path / 'run', 1)
    path = Run(tmp_path / 'run').description
    values = json.loads(path.read_text())
    del values['opponents_from'], values['config_sha256']
    path.write_text(json.dumps(values))
    assert Run(tmp_path / 'run').read().opponents_from == config().opponents_from == ()


@pytest.mark.parametrize(
    'options, message',
    [
        ({'opponents_from': 'nowhere'}, 'there is no folder .*nowhere'),
        ({'opponents_from': ['run', 'run', 'run']}, 'policies must be from 1 to 2, one a world, got 3'),
        ({'opponents_from': 'run', 'opponents': 2}, 'opponents must be an integer from 0 to 1 in deathmatch, got 2'),
        ({'opponents_from': 'walker'}, r"the observation space of .*walker must be the env's, Dict\(.*, got Box"),
        ({'opponents_from': 'run', 'name': 'minimal', 'options': {}}, 'the observation space of .*run must be the env'),
    ],
)
def test_refuses_what_is_no_opponent(tmp_path, rivals, options, message):
    if not (rivals / 'walker').exists():
        train(rivals / 'walker', 1)
    folders = options['opponents_from']
    given = [rivals / name for name in ([folders] if isinstance(folders, str) else folders)]
    before = contents(rivals)
    with pytest.raises(ValueError, match=message):
        train(tmp_path / 'run', 1, **{**DUEL, **options, 'opponents_from': given})
    assert not (tmp_path / 'run' / 'run.json').exists() and contents(rivals) == before


@pytest.mark.gpu
def test_graphs_learn_among_trained_agents_as_eager_updates_do():
    """Opponents that remember and draw, and scores by map, are captured with the rollout."""
    learners = []
    for eager in (False, True):
        env = Deathmatch(ARENA, 64, 'cuda', num_agents=2, time_limit=1.0, cuda_graph=False, copy=False)
        policies = [Policy.of(env, 16, seed=seed) for seed in (1, 2)]
        settings = replaced(num_envs=64, num_minibatches=2)
        learners.append(Learner(env, settings, league(env, policies)))
        if eager:
            learners[-1].close()
    graphs, eager = learners
    for _ in range(5):
        torch.testing.assert_close(graphs.update(), eager.update(), rtol=1e-2, atol=1e-2)
    torch.testing.assert_close(graphs.scores_by_map(), eager.scores_by_map(), rtol=1e-2, atol=1e-2, equal_nan=True)
    assert graphs.scores_by_map()['episodes'].sum() > 0
