"""A run's configuration: written down, compared, and refused by name where it is of another version."""

import json
import shutil
from dataclasses import replace

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from trainings import TINY, boxes, config, contents, train

from envs import Minimal
from megastep.learning import Policy
from megastep.learning.run.checkpoints import found, load_weights
from megastep.learning.run.run_config import RENAMED, RunConfig, fingerprint
from megastep.learning.run.run_folder import Run
from megastep.maps.mapset import MapSet


@pytest.fixture(scope='module')
def begun(tmp_path_factory):
    """A run of an update."""
    out = tmp_path_factory.mktemp('runs') / 'begun'
    train(out, 1)
    return out


def test_a_configuration_reads_back_as_it_was_written(tmp_path):
    written = config(options={'reach': 0.5, 'reward': 'sparse'}, scores=('success', 'spl'), launch='first')
    assert RunConfig.of_json(json.loads(json.dumps(written.json())), tmp_path / 'run.json') == written


def test_a_configuration_that_can_not_be_is_said_to_be_damaged(tmp_path):
    for change, message in (({'keep': 0}, 'keep must be'), ({'steps': 'many'}, "steps must be a number, got 'many'")):
        with pytest.raises(ValueError, match=f'run.json is damaged: {message}'):
            RunConfig.of_json({**config().json(), **change}, tmp_path / 'run.json')


def test_a_log_is_cut_where_a_run_goes_on(tmp_path):
    run, begun = Run(tmp_path), config(steps=4.0, maps_file='a', weights='w')
    run.begin(begun, boxes(1))
    first, second = (f'{{"updates": {n}, "frames": {4 * n}, "seconds": {n}.5}}\n' for n in (1, 2))
    run.log.write_text(first + second + '{"updates": 3, "fra')
    assert len(run.lines()) == 2
    run.go_on(config(steps=9.0, eval_maps_file='b', weights='v', launch='later'), 1)
    assert run.log.read_text() == first
    assert run.read() == replace(begun, steps=9.0, eval_maps_file='b')


def test_maps_are_told_apart_by_all_that_agents_meet():
    maps = boxes()
    geometries = [replace(geometry, lights=geometry.lights * (1, 1, 0.5)) for geometry in maps]
    assert fingerprint(maps) == fingerprint(boxes()) != fingerprint(MapSet(geometries))


EARLIER = {
    'env': 'minimal', 'options': {}, 'opponents': 0, 'maps': {'count': 2, 'sha256': '0' * 64},
    'settings': {
        'num_envs': 4, 'horizon': 8, 'stagger': 16, 'epochs': 1, 'minibatches': 2, 'learning_rate': 0.0004, 'anneal': 0,
        'discount': 0.99, 'trace': 0.95, 'clip': 0.2, 'value_weight': 0.5, 'entropy_weight': 0.01,
        'auxiliary_weight': 1.0, 'max_grad_norm': 0.5, 'width': 8, 'seed': 0,
    },
    'processes': 1, 'device': 'cpu', 'files': {},
    'course': {'steps': 32, 'eval_every': 60, 'eval_episodes': 4, 'greedy': False, 'checkpoint_every': 300, 'keep': 3},
    'launch': None, 'version': '0.1.0',
}  # fmt: skip
"""What the folder of a run had in it before the settings were called as they are."""


def test_a_run_of_an_earlier_version_is_refused_by_name(tmp_path, begun):
    """Whatever is asked of it, but for beginning anew in its place."""
    out = shutil.copytree(begun, tmp_path / 'run')
    (out / 'run.json').write_text(json.dumps(EARLIER))
    before = contents(out)
    message = (
        r'run was begun by an earlier version: its settings have minibatches, discount, trace, clip, value_weight, '
        r'entropy_weight, auxiliary_weight, which are num_minibatches, gamma, gae_lambda, clip_coef, vf_coef, '
        r'ent_coef, auxiliary_coef now; train anew, or use commit [0-9a-f]{7}\.'
    )
    for attempt in (
        lambda: train(out, 8, resume=True),
        lambda: train(tmp_path / 'on', 1, weights=out),
        lambda: Run(out).read(),
    ):
        with pytest.raises(ValueError, match=message):
            attempt()
    assert contents(out) == before
    assert not (tmp_path / 'on').exists()
    train(out, 1, overwrite=True)
    assert Run(out).read().settings == TINY


def test_a_damaged_configuration_is_refused_or_the_same(tmp_path, begun):
    run = Run(shutil.copytree(begun, tmp_path / 'run'))
    content, whole = run.description.read_bytes(), run.read()
    for place in range(len(content)):
        run.description.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            again = run.read()
        except ValueError as error:
            assert str(run.folder) in str(error)
        else:
            assert again == whole


def test_a_changed_configuration_is_refused_unless_its_hash_is_taken_out(tmp_path, begun):
    run = Run(shutil.copytree(begun, tmp_path / 'run'))
    values = json.loads(run.description.read_text())
    changed = {**values, 'settings': {**values['settings'], 'gamma': 0.5}}
    run.description.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match=r'run\.json is damaged, or was changed, .* once config_sha256 is taken out'):
        run.read()
    del changed['config_sha256']  # as it was before there was one
    run.description.write_text(json.dumps(changed))
    assert run.read().settings.gamma == 0.5
    train(run.folder, 2, settings=run.read().settings, resume=True)
    assert 'config_sha256' in json.loads(run.description.read_text())
    assert run.read().settings.gamma == 0.5


@pytest.mark.parametrize('name', RENAMED)
def test_a_setting_that_had_another_name_is_named(tmp_path, name):
    values = config().json()
    values['settings'][name] = values['settings'].pop(RENAMED[name])
    with pytest.raises(ValueError, match=f'its settings have {name}, which is {RENAMED[name]} now; train anew'):
        RunConfig.of_json(values, tmp_path / 'run.json')


@pytest.mark.parametrize('change, message', [({'luck': 7}, 'have luck'), ({'width': None}, 'lack width')])
def test_settings_of_another_version_are_refused(tmp_path, change, message):
    values = config().json()
    settings = {**values['settings'], **change}
    values['settings'] = {name: value for name, value in settings.items() if value is not None}
    with pytest.raises(ValueError, match=f'run was begun by another version: its settings {message}'):
        RunConfig.of_json(values, tmp_path / 'run' / 'run.json')


def test_weights_of_an_earlier_version_are_refused(tmp_path, begun):
    path = shutil.copytree(found(begun / 'checkpoints')[-1], tmp_path / 'checkpoint') / 'policy.safetensors'
    with safe_open(path, framework='pt') as file:
        metadata = file.metadata()
    del metadata['format']
    save_file(load_file(path), path, metadata)
    env = Minimal(boxes(), 4, 'cpu')
    with pytest.raises(ValueError, match=r'policy\.safetensors is of an earlier version: train anew, or use commit'):
        load_weights(Policy.of(env, 8), path)
