"""Checkpoints are there whole or not at all, and what isn't whole, or is another's, is refused by name."""

import hashlib
import json
import math
import shutil

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from trainings import TINY, boxes, contents, train, weights
from worlds import arenas

from envs import Minimal
from megastep.cli import main
from megastep.learning import Learner, Policy
from megastep.learning.run.checkpoints import Checkpoints, found, last_good, load_weights, verified
from megastep.learning.run.distributed import ProcessGroup
from megastep.learning.run.run_folder import Run
from megastep.world.cameras import Cameras

FILES = ['policy.safetensors', 'optimizer.pt', 'learner-0.pt', 'manifest.json']
ALONE = ProcessGroup(rank=0, size=1, device=torch.device('cpu'))


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    out = tmp_path_factory.mktemp('runs') / 'run'
    train(out, 3, checkpoint_every=0, keep=2)
    return out


@pytest.fixture
def run(original, tmp_path):
    """A run of three updates, with the checkpoints of the last two."""
    return shutil.copytree(original, tmp_path / 'run')


def refused(out, message):
    """Holds if the run can't be resumed, and nothing in its folder changes."""
    before = contents(out)
    with pytest.raises(ValueError, match=message):
        train(out, 5, resume=True)
    assert contents(out) == before


def test_a_checkpoint_has_all_and_says_so(run):
    assert [path.name for path in found(run / 'checkpoints')] == ['000002', '000003']
    path = last_good(run / 'checkpoints')
    assert {file.name for file in path.iterdir()} == set(FILES)
    manifest = verified(path)
    assert (manifest['updates'], manifest['frames'], set(manifest['files'])) == (3, 96, set(FILES[:3]))
    with safe_open(path / 'policy.safetensors', framework='pt') as file:
        assert file.metadata()['width'] == '8'
        assert 'Discrete(7)' in file.metadata()['action_space']
    for name in FILES[1:3]:
        torch.load(path / name, weights_only=True)


@pytest.mark.parametrize('name', FILES)
@pytest.mark.parametrize('damage', ['truncated', 'altered', 'missing'])
def test_a_damaged_checkpoint_is_refused_by_name(run, name, damage):
    path = run / 'checkpoints' / '000003' / name
    content = path.read_bytes()
    if damage == 'missing':
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == 'truncated' else b'x' + content[1:])
    refused(run, rf'000003/{name} is .*; remove .*000003 to go on from 000002, the last good one')
    shutil.rmtree(path.parent)
    assert train(run, 4, resume=True).checkpoint.name == '000004'


def test_where_no_checkpoint_is_good_that_is_said(run):
    for path in found(run / 'checkpoints'):
        (path / 'optimizer.pt').write_bytes(b'')
    refused(run, r'000003/optimizer.pt is damaged: it is not what was written; no other is good')
    shutil.rmtree(run / 'checkpoints')
    refused(run, r'run holds a run that ended before its first checkpoint, so there is nothing to go on from')


def test_a_checkpoint_that_was_being_written_counts_for_nothing(run):
    """As when its process was killed: it hasn't got its name yet."""
    shutil.copytree(run / 'checkpoints' / '000002', run / 'checkpoints' / '.000009')
    (run / 'checkpoints' / '.000009' / 'manifest.json').unlink()
    (run / 'checkpoints' / '.DS_Store').touch()  # which isn't ours
    assert last_good(run / 'checkpoints').name == '000003'
    train(run, 4, resume=True)
    names = sorted(path.name for path in (run / 'checkpoints').iterdir())
    assert names == ['.DS_Store', '000002', '000003', '000004']


def forged(run, name, content):
    """Replaces a file of the last checkpoint, and its digest in the manifest with it."""
    path = found(run / 'checkpoints')[-1]
    (path / name).write_bytes(content)
    manifest = json.loads((path / 'manifest.json').read_text())
    manifest['files'][name] = hashlib.sha256(content).hexdigest()
    (path / 'manifest.json').write_text(json.dumps(manifest))


@pytest.fixture(scope='module')
def other(tmp_path_factory):
    """A run of another task."""
    out = tmp_path_factory.mktemp('runs') / 'other'
    train(out, 1, 'deathmatch', maps=arenas(1))
    return out


@pytest.mark.parametrize('name', FILES[:3])
def test_a_file_of_something_else_is_refused_by_name(run, other, name):
    forged(run, name, (other / 'checkpoints' / '000001' / name).read_bytes())
    refused(run, f'000003/{name} ')


def test_nothing_is_run_that_a_file_asks_for(run, tmp_path):
    """A pickle may name any function to be called when it is read."""

    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath('sprung').touch, ())

    torch.save({'state': Trap()}, tmp_path / 'trap.pt')
    forged(run, 'optimizer.pt', (tmp_path / 'trap.pt').read_bytes())
    refused(run, 'optimizer.pt is of another run, or of no run')
    assert not (tmp_path / 'sprung').exists()


def minimal(**options):
    return Minimal(boxes(), 4, 'cpu', **options)


@pytest.mark.parametrize(
    'shape, env, message',
    [
        ({'width': 16}, {}, 'must be for width 16, got 8'),
        ({'width': 8, 'action_bins': 5}, {}, 'must be for action_bins 5, got 0'),
        ({'width': 8}, {'cameras': Cameras(res=8)}, r'must be for observation_space Box\(.*\(1, 8\).*, got Box'),
    ],
)
def test_weights_of_another_architecture_are_refused(run, shape, env, message):
    env = minimal(**env)
    policy = Policy(env.single_observation_space, env.single_action_space, **shape)
    with pytest.raises(ValueError, match=rf'000003/policy.safetensors {message}'):
        load_weights(policy, run / 'checkpoints' / '000003' / 'policy.safetensors')


def test_weights_with_other_names_are_refused(run):
    path = run / 'checkpoints' / '000003' / 'policy.safetensors'
    with safe_open(path, framework='pt') as file:
        metadata = file.metadata()
    values = load_file(path)
    values['stranger'] = values.pop('value.bias')
    save_file(values, path, metadata)
    env = minimal()
    policy = Policy(env.single_observation_space, env.single_action_space, 8)
    with pytest.raises(ValueError, match=r'another architecture: stranger must be of shape None, got \(1,\)'):
        load_weights(policy, path)


def test_weights_that_are_no_numbers_are_refused(run):
    path = run / 'checkpoints' / '000003' / 'policy.safetensors'
    with safe_open(path, framework='pt') as file:
        metadata = file.metadata()
    save_file({**load_file(path), 'value.bias': torch.tensor([math.nan])}, path, metadata)
    env = minimal()
    policy = Policy(env.single_observation_space, env.single_action_space, 8)
    with pytest.raises(ValueError, match=r'000003/policy.safetensors must hold finite weights alone; value.bias has'):
        load_weights(policy, path)


def test_checkpoints_are_in_the_order_of_their_updates(tmp_path):
    for name in ('999999', '1000000', '000100', '.000200', 'notes'):
        (tmp_path / name).mkdir()
    assert [path.name for path in found(tmp_path)] == ['000100', '999999', '1000000']


def test_what_is_saved_already_is_left_alone(run):
    path = run / 'checkpoints' / '000003'
    before = {file: file.stat().st_mtime_ns for file in path.iterdir()}
    train(run, 3, resume=True)
    assert {file: file.stat().st_mtime_ns for file in path.iterdir()} == before


def test_saving_the_same_twice_writes_the_same_weights(tmp_path):
    env = minimal()
    learner = Learner(env, TINY)
    for name in ('a', 'b'):
        Checkpoints(tmp_path / name / 'checkpoints', learner, ALONE).write()
    assert weights(tmp_path / 'a') == weights(tmp_path / 'b')


@pytest.mark.parametrize(
    'content, message',
    [('{', 'run.json is damaged: '), ('[]', 'run.json does not say how'), ('{"env": "x"}', 'does not say how')],
)
def test_a_damaged_description_is_refused(run, content, message):
    (run / 'run.json').write_text(content)
    refused(run, message)


@pytest.mark.parametrize('name', ['options', 'settings', 'maps'])
def test_a_description_of_something_else_is_refused(run, name, capsys):
    begun = Run(run).read()
    (run / 'run.json').write_text(json.dumps({**begun.json(), name: None}))
    refused(run, f'run.json is damaged: {name} must be an object, got None')
    assert main(['train', 'minimal', '--resume', '--out', str(run)]) == 2
    assert f'damaged: {name} must be an object' in capsys.readouterr().err
