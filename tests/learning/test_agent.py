"""Agents: loaded from runs, checkpoints and folders that they were saved in; they act, and make their env again."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace

import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Text, Tuple
from rollouts import FEW_RAYS, equal
from trainings import TINY, boxes, contents, train, unseen, weights
from worlds import arenas

import megastep
from envs import Minimal
from megastep.cli import filming
from megastep.evaluation import evaluate_in
from megastep.learning import Agent
from megastep.learning.model.spaces import Spaces, from_json, to_json
from megastep.learning.run import stored_agent
from megastep.learning.run.checkpoints import found
from megastep.learning.run.run_config import fingerprint
from megastep.maps.mapset import MapSet


@pytest.fixture(scope='module')
def original(tmp_path_factory):
    """A run of three updates, with all checkpoints and an evaluation."""
    out = tmp_path_factory.mktemp('runs') / 'run'
    settings = replace(TINY, horizon=32)
    train(out, 3, settings=settings, eval_maps=unseen(1), eval_episodes=1, checkpoint_every=0, options={'fps': 5})
    return out


@pytest.fixture
def run(original, tmp_path):
    return shutil.copytree(original, tmp_path / 'run')


@pytest.fixture
def saved(original, tmp_path):
    return megastep.load(original, device='cpu').save_pretrained(tmp_path / 'deep' / 'saved')


def load(folder, **options):
    return megastep.load(folder, device='cpu', **options)


def acted(agent, steps=4, rows=4):
    """What an agent does at first in an env."""
    env, done = Minimal(boxes(1), rows, 'cpu'), []
    observations, begins = env.reset(seed=0)[0], torch.ones(rows, dtype=torch.bool)
    for _ in range(steps):
        done.append(agent(observations, begins))
        observations, begins = env.step(done[-1])[0], torch.zeros_like(begins)
    return torch.stack(done)


def test_an_agent_is_what_was_trained(original):
    agent = load(original)
    assert (agent.settings, agent.task.name, agent.task.options) == (replace(TINY, horizon=32), 'minimal', {'fps': 5})
    assert fingerprint(agent.maps) == fingerprint(boxes())
    assert set(agent.about['results']) == {'training', 'evaluation'}
    assert (agent.about['frames'], agent.about['results']['evaluation']['length'] > 0) == (3 * 4 * 32, True)
    assert agent.policy.spaces == Spaces.of(Minimal(boxes(1), 1, 'cpu'))


def test_maps_made_by_default_are_in_the_runs_folder(tmp_path):
    megastep.learning.train(Minimal, tmp_path / 'run', TINY, steps=1, device='cpu', bar=False)
    assert fingerprint(load(tmp_path / 'run').maps) == fingerprint(Minimal.default_maps()[:4])


def test_maps_in_the_runs_folder_are_its_own(tmp_path):
    """What becomes of the file that they came from is no matter."""
    file = tmp_path / 'maps.safetensors'
    boxes().save(file)
    train(tmp_path / 'run', 1, maps=file)
    with open(file, 'r+b') as content:
        content.write(b'something else')
    assert fingerprint(load(tmp_path / 'run').maps) == fingerprint(boxes())
    train(tmp_path / 'run', 1, maps=tmp_path / 'run' / 'maps.safetensors', overwrite=True)
    assert fingerprint(MapSet.load(tmp_path / 'run' / 'maps.safetensors')) == fingerprint(boxes())


def test_a_checkpoint_is_loaded_as_it_was_written(original):
    first, *_, last = found(original / 'checkpoints')
    assert torch.equal(acted(load(original)), acted(load(last)))
    state = load(first).policy.state_dict()
    assert not all(torch.equal(value, state[name]) for name, value in load(last).policy.state_dict().items())
    assert load(first).about['frames'] == 4 * 32 * int(first.name)
    assert 'evaluation' not in load(first).about['results']


def test_an_agent_acts_as_its_policy_and_remembers_by_row(original):
    agent = load(original, greedy=True)
    observations = torch.rand(4, 1, 64, generator=torch.Generator().manual_seed(0))
    observations = observations.reshape(4, *agent.policy.spaces.observation.shape)
    begins, actor = torch.tensor([True, False, True, True]), agent.policy.actor(4, greedy=True)
    for begun in (torch.ones_like(begins), begins, ~begins):
        assert torch.equal(agent(observations, begun), actor(observations, begun))
        assert torch.equal(agent._actor._hidden, actor._hidden)
    agent(observations.numpy(), begins.tolist())
    fresh = load(original, greedy=True)
    fresh(observations)
    torch.testing.assert_close(agent._actor._hidden[begins], fresh._actor._hidden[begins])
    fresh(observations)
    assert not torch.equal(agent._actor._hidden[begins], fresh._actor._hidden[begins])


def test_what_is_drawn_depends_on_the_seed(original):
    same, other = acted(load(original, seed=3)), acted(load(original, seed=4))
    assert torch.equal(same, acted(load(original, seed=3)))
    assert not torch.equal(same, other)
    greedy = [acted(load(original, seed=seed, greedy=True)) for seed in (3, 4)]
    assert torch.equal(*greedy)


def test_an_agent_begins_anew_where_there_are_other_rows(original):
    agent = load(original)
    acted(agent)
    assert acted(agent, rows=2).shape == (4, 2)
    with pytest.raises(ValueError, match=r'begins must be bool of shape \(2,\), got torch.bool of \(3,\)'):
        agent(torch.zeros(2, *agent.policy.spaces.observation.shape), torch.ones(3, dtype=torch.bool))
    with pytest.raises(ValueError, match=r'begins must be bool of shape \(2,\), got torch.int64 of \(2,\)'):
        agent(torch.zeros(2, *agent.policy.spaces.observation.shape), [1, 0])


def test_an_agent_makes_its_env_again(original, tmp_path):
    agent = load(original)
    env = agent.env()
    assert (env.num_envs, env.core.fps, env.core.scenery.num_maps) == (64, 5, 2)
    boxes(3).save(tmp_path / 'maps.safetensors')
    env = agent.env(tmp_path / 'maps.safetensors', 6, fps=20, render_mode='rgb_array')
    assert (env.num_envs, env.core.fps, env.core.scenery.num_maps, env.render_mode) == (6, 20, 3, 'rgb_array')
    found = evaluate_in(agent, env, seed=1)
    assert equal(found.scores, evaluate_in(agent.policy, env, seed=1).scores)
    with pytest.raises(ValueError, match=r"the env's observation space must be the agent's, Box\(.*64.*got Box\(.*8"):
        agent.env(cameras=FEW_RAYS)
    with pytest.raises(ValueError, match=r"the env's action space must be the agent's, Discrete\(7\), got Box"):
        agent.env(motion='unicycle')


def test_an_agent_brings_its_opponents(tmp_path):
    maps = arenas(2)
    train(tmp_path / 'run', 1, 'deathmatch', maps=maps, opponents=3)
    agent = load(tmp_path / 'run')
    env = agent.env()
    assert env.num_envs == 64
    assert agent.opponents(env).rows.tolist() == [False, True, True, True] * 16


def rewrite(path, values):
    """Writes a configuration, as one who means it."""
    path.write_text(json.dumps({name: value for name, value in values.items() if name != 'config_sha256'}))


# Saved


def test_a_saved_agent_is_the_same(original, saved):
    assert {path.name for path in saved.iterdir()} == {'config.json', 'model.safetensors', 'README.md'}
    agent, before = Agent.from_pretrained(saved, device='cpu'), load(original)
    assert torch.equal(acted(agent), acted(before))
    assert (agent.settings, agent.task, agent.about) == (before.settings, before.task, before.about)
    assert (saved / 'model.safetensors').read_bytes() == weights(original)
    with pytest.raises(ValueError, match=r'saved must have the maps that were trained in, got none: hand some over'):
        agent.env()
    assert agent.env(boxes(1), 2).core.fps == 5
    again = agent.save_pretrained(saved.parent / 'again')
    assert [path.read_bytes() for path in sorted(again.iterdir())] == [
        path.read_bytes() for path in sorted(saved.iterdir())
    ]


def test_the_card_says_what_the_agent_is(saved):
    card = (saved / 'README.md').read_text()
    assert card.startswith('---\nlibrary_name: megastep\n')
    for line in ('# minimal', '| fps | 5 |', '| opponents | 0 |', '| action space | Discrete |', '| width | 8 |'):
        assert f'\n{line}\n' in card
    assert '\n| score | training | evaluation |\n' in card
    assert 'for 384 steps in 2 maps' in card


def test_a_saved_agent_is_watched(saved, monkeypatch):
    filmed = {}
    monkeypatch.setattr(filming, 'film', lambda act, env, out, **how: filmed.update(env=env) or out)
    filming.film_run(saved, saved / 'film.gif', device='cpu')
    assert isinstance(filmed['env'], Minimal)


def test_a_folder_keeps_what_else_is_in_it_when_an_agent_is_saved(original, saved, tmp_path):
    (saved / '.gitattributes').write_text('mine')
    load(original).save_pretrained(saved)
    assert (saved / '.gitattributes').read_text() == 'mine'
    before = contents(original)
    with pytest.raises(ValueError, match=r'folder must be another than that of a run, got .*run'):
        load(original).save_pretrained(original)
    assert contents(original) == before
    with pytest.raises(ValueError, match=r'to save an agent in, got .*README\.md, a file'):
        load(original).save_pretrained(saved / 'README.md')


def test_nothing_but_a_name_is_needed_to_load(saved):
    """`megastep` imports no torch until something is used."""
    check = f"import sys, megastep; assert 'torch' not in sys.modules; megastep.load({str(saved)!r}, device='cpu')"
    assert subprocess.run([sys.executable, '-c', check]).returncode == 0


@pytest.fixture(scope='module')
def rival(tmp_path_factory):
    """A run that has learnt among trained agents."""
    out = tmp_path_factory.mktemp('runs')
    maps = arenas(2)
    train(out / 'first', 1, 'deathmatch', maps=maps, opponents=3)
    train(out / 'second', 1, 'deathmatch', maps=maps, opponents=3, opponents_from=[out / 'first'])
    return out / 'second'


def opponents_of(folder):
    """The weights of the trained agents that a saved agent brings."""
    return [torch.cat([p.flatten() for p in a.policy('cpu').parameters()]) for a in load(folder)._stored_opponents]


def test_an_agent_is_saved_where_it_is_with_its_opponents_and_beside_what_else_is_there(rival, tmp_path):
    saved = load(rival).save_pretrained(tmp_path / 'saved')
    before = opponents_of(saved)
    assert len(before) == 1
    load(saved).save_pretrained(saved)
    assert torch.equal(*before, *opponents_of(saved))
    mine = saved / 'opponents' / 'of-mine.txt'
    mine.parent.mkdir()
    mine.write_text('mine')
    assert torch.equal(*before, *opponents_of(saved))
    load(rival.parent / 'first').save_pretrained(saved)
    assert opponents_of(saved) == []
    assert mine.read_text() == 'mine'
    assert {path.name for path in saved.iterdir()} == {'config.json', 'model.safetensors', 'README.md', 'opponents'}


def test_opponents_that_are_gone_are_named(rival, tmp_path):
    saved = load(rival).save_pretrained(tmp_path / 'saved')
    (folder,) = saved.glob('opponents.*')
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match=r'opponents\.[0-9a-f]{16} is missing'):
        load(saved)


def test_opponents_that_were_saved_by_version_0_2_are_found(rival, tmp_path):
    saved = load(rival).save_pretrained(tmp_path / 'saved')
    before = opponents_of(saved)
    (folder,) = saved.glob('opponents.*')
    folder.rename(saved / 'opponents')
    values = json.loads((saved / 'config.json').read_text())
    del values['opponents_folder']
    rewrite(saved / 'config.json', values)
    assert torch.equal(*before, *opponents_of(saved))


class Killed(BaseException):
    """What ends a writer."""


@pytest.mark.parametrize('call', range(12))
def test_a_writer_that_is_killed_leaves_the_agent_that_was_there_or_its_own(
    rival, original, tmp_path, monkeypatch, call
):
    """At each place where a file or a folder gets its name; what it leaves goes with the next that is saved."""
    saved = load(rival).save_pretrained(tmp_path / 'saved')
    names, before, count = {path.name for path in saved.iterdir()}, load(saved), []
    replace = os.replace

    def killed(*paths):
        count.append(paths)
        if len(count) > call:
            raise Killed
        replace(*paths)

    monkeypatch.setattr(os, 'replace', killed)
    other = load(rival.parent / 'first')
    other.opponents_from, other.about = (rival.parent / 'first', rival), {**other.about, 'frames': 7}
    with suppress(Killed):
        other.save_pretrained(saved)
    monkeypatch.undo()
    now = load(saved)
    kept = [len(agent.opponents_from) for agent in (before, now)]
    assert kept in ([1, 1], [1, 2])
    assert now.about == (before if kept == [1, 1] else other).about
    assert weights_of(now) == weights_of(before if kept == [1, 1] else other)
    load(rival).save_pretrained(saved)
    assert {path.name for path in saved.iterdir()} == names


def weights_of(agent):
    return [p.tolist() for p in agent.policy.parameters()]


def test_a_reader_between_two_agents_gets_one_of_them(saved, monkeypatch):
    """Its configuration read before another was saved, and its weights after."""
    read, config = stored_agent._config, stored_agent._config(saved)
    first = [{**config, 'weights_sha256': '0' * 64, 'frames': 1}]
    monkeypatch.setattr(stored_agent, '_config', lambda folder: first.pop() if first else read(folder))
    assert load(saved).about['frames'] == config['frames']


# Refused


def test_what_is_no_agent_is_refused_by_name(run, tmp_path):
    for folder, message in (
        (tmp_path, r'holds no run: there is no run\.json in it'),
        (
            tmp_path / 'nowhere',
            'no folder .*nowhere, nor does an agent of that name come with megastep: ',
        ),
        (run / 'run.json', r'run\.json holds no run'),
    ):
        with pytest.raises(ValueError, match=message):
            load(folder)
    with pytest.raises(ValueError, match=r'run holds no saved agent: there is no config\.json in it'):
        Agent.from_pretrained(run)
    alone = shutil.copytree(found(run / 'checkpoints')[-1], tmp_path / 'a' / 'b' / 'alone')
    with pytest.raises(ValueError, match='alone must lie in the folder of its run, which says what its'):
        load(alone)
    with pytest.raises(ValueError, match=r'seed must be an integer from 0 to .*, got -1'):
        load(run, seed=-1)
    with pytest.raises(ValueError, match=r'env must be one of deathmatch, .*, got .chess.'):
        load(run, task='chess')
    with pytest.raises(ValueError, match="device must be such as 'cpu' or 'cuda', got 'abacus'"):
        megastep.load(run, device='abacus')


def test_a_damaged_run_is_refused_by_name(run):
    maps, last = run / 'maps.safetensors', found(run / 'checkpoints')[-1] / 'policy.safetensors'
    boxes(3).save(maps)
    with pytest.raises(ValueError, match=r'maps\.safetensors is damaged, or has other maps than were trained in'):
        _ = load(run).maps
    maps.unlink()
    with pytest.raises(ValueError, match=r'maps\.safetensors must have the maps that were trained in, got none'):
        load(run).env()
    last.write_bytes(b'x' + last.read_bytes()[1:])
    for folder in (run, last.parent):
        with pytest.raises(ValueError, match=r'policy\.safetensors is damaged: it is not what was written'):
            load(folder)
    shutil.rmtree(run / 'checkpoints')
    with pytest.raises(ValueError, match='checkpoints must hold a checkpoint, got none'):
        load(run)


@pytest.mark.parametrize(
    'change, message',
    [
        ({'spaces': None}, r'run\.json is damaged: spaces must be an object, got None'),
        ({'spaces': {}}, 'run is damaged: spaces must have observation, action, auxiliary, got {}'),
        ({'env': 'nowhere:Env'}, r'run is of nowhere:Env, which must be found or handed over as task: .*No module'),
        ({'luck': 7}, r'run was begun by another version: run\.json has luck'),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(run, change, message):
    rewrite(run / 'run.json', {**json.loads((run / 'run.json').read_text()), **change})
    with pytest.raises(ValueError, match=message):
        load(run).env()


@pytest.mark.parametrize(
    'change, message',
    [
        ({'library_name': 'other'}, r'config\.json must be that of an agent which megastep saved, and is none'),
        ({'settings': {'luck': 7}}, r'config\.json is damaged, or of another version: .*luck'),
        ({'weights_sha256': '0'}, r'model\.safetensors is damaged: it is not what was saved'),
        ({'spaces': {'observation': 5, 'action': 5, 'auxiliary': None}}, 'saved is damaged: a space must be as it was'),
        ({'frames': 'many'}, r"config\.json is damaged: frames must be int, got 'many'"),
        ({'options': [1]}, r'config\.json is damaged: options must be dict, got'),
        ({'env': 3}, r'config\.json is damaged: env must be str, got'),
        ({'opponents_folder': '../other'}, r'config\.json is damaged: opponents_folder names no folder of opponents'),
    ],
)
def test_a_damaged_saved_agent_is_refused_by_name(saved, change, message):
    values = json.loads((saved / 'config.json').read_text())
    rewrite(saved / 'config.json', {**values, **change})
    with pytest.raises(ValueError, match=message):
        load(saved)


def test_an_incomplete_saved_agent_is_refused_by_name(saved):
    values = json.loads((saved / 'config.json').read_text())
    del values['maps']
    rewrite(saved / 'config.json', values)
    with pytest.raises(ValueError, match=r'config\.json is damaged, or of another version: it lacks maps'):
        load(saved)
    (saved / 'config.json').write_text('{')
    with pytest.raises(ValueError, match=r'config\.json is damaged: Expecting'):
        load(saved)


HUGE = {
    'wide': ('settings', {'width': 10**5}),
    'wider': ('settings', {'width': 10**18}),
    'one-hot': ('spaces', {'observation': {'type': 'Discrete', 'n': 10**12, 'start': 0}}),
    'actions': ('spaces', {'action': {'type': 'Discrete', 'n': 10**12, 'start': 0}}),
    'overflow': ('spaces', {'action': {'type': 'Discrete', 'n': 2**70, 'start': 0}}),
    'bits': ('spaces', {'action': {'type': 'MultiBinary', 'shape': [10**6, 10**6]}}),
    'box': ('spaces', {'observation': {'type': 'Box', 'shape': [10**6] * 2, 'dtype': 'f4', 'low': 0, 'high': 1}}),
    'text': ('spaces', {'observation': {'type': 'Box', 'shape': [3], 'dtype': 'S1' + 12 * '0', 'low': 0, 'high': 1}}),
}
LOAD_IN_LITTLE = """
import resource, sys, torch, megastep
megastep.load(sys.argv[1] + '/small', device='cpu')
size = next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmSize'))
resource.setrlimit(resource.RLIMIT_AS, 2 * [1024 * size + 2**30])
for name in sys.argv[2:]:
    try:
        megastep.load(f'{sys.argv[1]}/{name}', device='cpu')
    except ValueError as error:
        print(name, f'{sys.argv[1]}/{name}' in str(error))
"""


def test_a_strangers_agent_takes_no_more_memory_than_its_file_is_long(saved, tmp_path):
    """A gigabyte is all that there is."""
    shutil.copytree(saved, tmp_path / 'small')
    for name, (part, change) in HUGE.items():
        path = shutil.copytree(saved, tmp_path / name) / 'config.json'
        values = json.loads(path.read_text())
        values[part].update(change)
        rewrite(path, values)
    command = [sys.executable, '-c', LOAD_IN_LITTLE, str(tmp_path), *HUGE]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.stdout.splitlines() == [f'{name} True' for name in HUGE], run.stderr[-2000:]


@pytest.mark.parametrize(
    'content', [b'[' * 100_000, b' ' * (1 << 24) + b'{}', b'{"library_name": 1, "library_name": 2}']
)
def test_a_configuration_that_is_no_configuration_is_refused(saved, content):
    (saved / 'config.json').write_bytes(content)
    with pytest.raises(ValueError, match=r'config\.json is damaged: '):
        load(saved)


def test_every_byte_of_a_configuration_counts(saved):
    """An agent whose configuration has another byte is refused, or is the one that was saved."""
    path, known = saved / 'config.json', stored_agent.saved(saved)
    content, refused = path.read_bytes(), 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 7]) + content[place + 1 :])
        try:
            found = stored_agent.saved(saved)
        except ValueError as error:
            refused += str(saved) in str(error)
        else:
            assert (found.about, found.settings) == (known.about, known.settings)
    assert refused > 0.5 * len(content)  # blanks, and the name of the hash, say nothing


def test_what_is_no_file_is_no_configuration_and_no_weights(saved):
    for name, message in (('model.safetensors', 'is missing'), ('config.json', 'holds no run')):
        (saved / name).unlink()
        os.mkfifo(saved / name)
        with pytest.raises(ValueError, match=message):
            load(saved)


def test_missing_weights_are_named(saved):
    (saved / 'model.safetensors').unlink()
    with pytest.raises(ValueError, match=r'model\.safetensors is missing'):
        load(saved)


# Spaces


@pytest.mark.parametrize(
    'space',
    [
        Box(-1, 1, (2, 3)),
        Box(float('-inf'), float('inf'), (2,)),
        Box(torch.tensor([0.1, float('-inf')]).numpy(), torch.tensor([0.7, 5.0]).numpy()),
        Box(0, 255, (2,), 'uint8'),
        Box(0, 1, ()),
        Discrete(5, start=-2),
        MultiDiscrete([[2, 3], [4, 5]]),
        MultiBinary((2, 2)),
        Dict(z=Discrete(2), a=Tuple([Box(0, 1, (1,)), Discrete(3)])),
    ],
    ids=str,
)
def test_a_space_reads_back_as_it_was_written(space):
    read = from_json(json.loads(json.dumps(to_json(space), allow_nan=False)))
    assert read == space
    assert str(read) == str(space)


def test_what_is_no_space_is_refused():
    with pytest.raises(ValueError, match=r'a space must be Box, .* or Tuple to be written down, got Text'):
        to_json(Text(3))
    nested = {'type': 'Discrete', 'n': 2, 'start': 0}
    for _ in range(2000):
        nested = {'type': 'Tuple', 'spaces': [nested]}
    for values in (
        5,
        {},
        nested,
        {'type': 'Text'},
        {'type': 'Discrete', 'n': -1, 'start': 0},
        {'type': 'Box', 'shape': [2]},
    ):
        with pytest.raises(ValueError, match='a space must be as it was written down, got'):
            from_json(values)
    wrong = {'type': 'Discrete', 'n': -1, 'start': 0}
    for _ in range(60):
        wrong = {'type': 'Tuple', 'spaces': [wrong]}
    with pytest.raises(ValueError, match='a space must be as it was written down, got') as caught:
        from_json(wrong)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    'observations, message',
    [
        ({}, 'observations must be a torch tensor, got dict'),
        (None, 'observations must be what torch.as_tensor takes, got NoneType'),
        (torch.zeros(4, 1, 3), r'observations must be torch.float32 of shape \(4, 1, 64\) on cpu, got .* \(4, 1, 3\)'),
        (torch.zeros(()), r'observations must be torch.float32 of shape \(1, 1, 64\) on cpu, got .* \(\) on cpu'),
    ],
)
def test_observations_of_another_kind_are_refused(run, observations, message):
    with pytest.raises(ValueError, match=message):
        load(run)(observations)


def test_observations_may_be_of_any_type(run):
    agent = load(run)
    assert agent(torch.zeros(4, 1, 64, dtype=torch.float64)).shape == agent(torch.zeros(4, 1, 64).numpy()).shape == (4,)
