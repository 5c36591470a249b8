"""Suites: sets of episodes by name, in a folder, known by a hash; what doesn't go together is refused."""

import json

import numpy as np
import pytest
from worlds import box, houses, turned

from megastep import MapSet
from megastep.evaluation import Episodes, Suite
from megastep.evaluation import suite as module
from megastep.evaluation.registry import Task
from megastep.maps.storage import digests


def drawn(maps, task='pointgoal', per_map=2, seed=0, **options):
    return Episodes.draw(maps, task, per_map, seed, **({'strata': [(1, 5)]} if task == 'pointgoal' else {}), **options)


def suite(**options):
    return Suite({'near': drawn(houses(2)), 'far': drawn(houses(4)[2:], seed=1)}, **options)


def test_is_a_mapping_from_names_to_episodes():
    found = suite(name='ours', version='2')
    assert list(found) == ['near', 'far']
    assert len(found['far']) == 4
    assert found.num_episodes == 8
    assert found.task == 'pointgoal'
    assert 'near: 4 episodes in 2 maps, shortest paths' in found.describe()
    assert found.sha256 in found.describe()
    with pytest.raises(KeyError, match='none of the sets near, far'):
        found['else']


def test_packs_all_episodes_into_one_list_and_all_maps_into_one_set():
    found = suite()
    packed = found.packed
    assert len(found.maps) == 4
    assert packed.episodes.map_ids.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert packed.sets.tolist() == [0] * 4 + [1] * 4
    assert packed.numbers.tolist() == [0, 1, 2, 3] * 2
    assert np.array_equal(packed.episodes.starts[4:], found['far'].starts)
    assert np.array_equal(packed.episodes.goal_positions[4:], found['far'].goal_positions)


def test_is_saved_and_loaded(tmp_path):
    found = suite(name='ours', version='2')
    found.save(tmp_path / 'suite')
    again = Suite.load(tmp_path / 'suite')
    assert (again.sha256, again.name, again.version, list(again)) == (found.sha256, 'ours', '2', ['near', 'far'])
    assert again['far'].sha256 == found['far'].sha256
    assert Suite.of(tmp_path / 'suite').sha256 == found.sha256


def test_keeps_the_geodesic_field_of_its_maps_in_its_folder(tmp_path):
    found = suite()
    assert found.geodesic_field('cpu') is found.geodesic_field('cpu')
    found.save(tmp_path)
    again = Suite.load(tmp_path)
    field = again.geodesic_field('cpu')
    assert len(field) == len(again.maps) == 4
    (path,) = tmp_path.glob('geodesics.*.safetensors')
    kept = Suite.load(tmp_path).geodesic_field('cpu')
    assert (kept.fingerprints == field.fingerprints).all()
    found.save(tmp_path)
    assert path.is_file()
    Suite({'near': found['near']}).save(tmp_path)
    assert not path.exists() and len(Suite.load(tmp_path).geodesic_field('cpu')) == 2


def test_nothing_but_a_suite_s_own_files_goes_when_another_takes_its_place(tmp_path):
    found, others = suite(), {'notes.txt', 'mine.safetensors', 'near.maps.safetensors', '.hidden'}
    for name in others:
        (tmp_path / name).touch()
    found.save(tmp_path)
    Suite({'near': found['far']}).save(tmp_path)
    sha256 = found['far'].sha256[:16]
    ours = {'suite.json', f'near.{sha256}.maps.safetensors', f'near.{sha256}.episodes.safetensors'}
    assert {path.name for path in tmp_path.iterdir()} == ours | others


def test_a_suite_that_another_takes_the_place_of_while_it_is_read_is_the_other(tmp_path, monkeypatch):
    found, read = suite(), module._set
    other = Suite({'near': found['far']}, name='other')
    found.save(tmp_path)

    def late(folder, *of):
        monkeypatch.setattr(module, '_set', read)
        other.save(tmp_path)
        return read(folder, *of)

    monkeypatch.setattr(module, '_set', late)
    assert Suite.load(tmp_path).name == 'other'


def test_the_hash_is_of_names_and_episodes():
    found = suite()
    again = Suite({'far': found['far'], 'near': found['near']}, name='else')
    assert again.sha256 == found.sha256  # whatever the order, and what it is called
    assert Suite({'near': found['near']}).sha256 != found.sha256
    assert Suite({'near': found['near'], 'further': found['far']}).sha256 != found.sha256


def test_what_may_stand_for_a_suite():
    episodes = drawn(houses(2))
    assert list(Suite.of(episodes)) == ['episodes']
    assert list(Suite.of({'a': episodes})) == ['a']
    found = suite()
    assert Suite.of(found) is found
    message = 'suite must be a Suite, the folder of one, Episodes, or these by name, got MapSet'
    with pytest.raises(ValueError, match=message):
        Suite.of(houses(1))


def test_maps_trained_in_are_refused_up_to_symmetry():
    found = suite()
    found.check_disjoint(houses(6)[4:])
    seen = MapSet([*list(houses(6)[4:]), turned(houses(4)[3])])
    with pytest.raises(
        ValueError, match=r"set 'far' must have no map of .*, turned, mirrored or moved, but map 1 is map 2"
    ):
        found.check_disjoint(seen)
    found.check_disjoint(seen, apart_from=['far'])
    found.check_disjoint([box()])


@pytest.mark.parametrize(
    'change, message',
    [
        (
            lambda folder: (folder / 'suite.json').unlink(),
            r'the folder of a suite: there is no suite\.json in it',
        ),
        (lambda folder: (folder / 'suite.json').write_text('{'), r'suite\.json is damaged'),
        (lambda folder: (folder / 'suite.json').write_text('[]'), r'suite\.json is damaged'),
        (lambda folder: maps_of(folder).unlink(), r'far\.[0-9a-f]{16}\.maps\.safetensors is missing'),
        (lambda folder: houses(1).save(maps_of(folder)), 'must be of the 1 maps .*, got'),
        (lambda folder: changed(folder, suite='0'), "must be of version 2, got '0'"),
        (lambda folder: changed(folder, sha256='0'), 'is damaged: the suite hashes to'),
        (lambda folder: changed(folder, sets={'../up': ''}), "is damaged: '../up' names no set"),
        (lambda folder: changed(folder, sets={'far': '../up'}), "is damaged: set 'far' has no hash"),
    ],
)
def test_a_damaged_folder_is_refused_by_name(tmp_path, change, message):
    suite().save(tmp_path)
    change(tmp_path)
    with pytest.raises(ValueError, match=message):
        Suite.load(tmp_path)


def test_every_byte_of_a_manifest_counts(tmp_path):
    """A suite whose manifest has another byte is refused, or is the one that was saved."""
    Suite({'near': drawn(houses(1), 'minimal')}, name='ours', version='2').save(tmp_path)
    path, known = tmp_path / 'suite.json', Suite.load(tmp_path)
    content, refused = path.read_bytes(), 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 7]) + content[place + 1 :])
        try:
            found = Suite.load(tmp_path)
        except ValueError as error:
            refused += str(tmp_path) in str(error)
        else:
            assert (found.name, found.version, found.sha256) == (known.name, known.version, known.sha256)
            refused += json.loads(path.read_bytes()) == json.loads(content)  # blanks alone were changed
    assert refused > len(content) - 20  # the others are in the name of the hash


def test_a_manifest_of_version_0_2_is_read(tmp_path):
    suite(name='ours').save(tmp_path)
    path = tmp_path / 'suite.json'
    manifest = json.loads(path.read_text())
    del manifest['manifest_sha256']
    path.write_text(json.dumps(manifest))
    assert Suite.load(tmp_path).name == 'ours'


def test_names_of_sets_are_no_longer_than_those_of_files(tmp_path):
    name = 'ä' * 75
    Suite({name: drawn(houses(1), 'minimal')}).save(tmp_path)
    assert list(Suite.load(tmp_path)) == [name]
    with pytest.raises(ValueError, match=r"a set must have a name .* of at most 150 bytes, got 'ä"):
        Suite({'ä' * 76: drawn(houses(1), 'minimal')})
    changed(tmp_path, sets={'a' * 300: '0' * 64})
    with pytest.raises(ValueError, match=r"suite\.json is damaged: 'aaa.* names no set"):
        Suite.load(tmp_path)


def maps_of(folder):
    (path,) = folder.glob('far.*.maps.safetensors')
    return path


def changed(folder, **changes):
    """Changes a manifest, as one who knows how to hash."""
    path = folder / 'suite.json'
    manifest = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({**manifest, 'manifest_sha256': digests.entries_digest(manifest, 'manifest_sha256')}))


@pytest.mark.parametrize(
    'sets, message',
    [
        (dict, 'a suite must have at least 1 set of episodes, got 0'),
        (lambda: {'a/b': drawn(houses(1))}, "a set must have a name of letters, digits and .*, got 'a/b'"),
        (lambda: {'a': houses(1)}, "set 'a' must be Episodes, got MapSet"),
        (
            lambda: {'a': drawn(houses(1)), 'b': drawn(houses(1), 'explorer')},
            "set 'b' must have the task of 'a', pointgoal, got explorer",
        ),
        (
            lambda: {'a': drawn(houses(1)), 'b': drawn(houses(1), agent_radius=0.08)},
            "set 'b' must have the agent_radius of 'a', 0.10.*, got 0.08",
        ),
        (
            lambda: {
                'a': drawn(houses(1), Task.of('foraging')),
                'b': drawn(houses(1), Task.of('foraging', {'num_agents': 2})),
            },
            "set 'b' must have the num_agents of 'a', 1, got 2",
        ),
    ],
)
def test_sets_that_do_not_go_together_are_refused(sets, message):
    with pytest.raises(ValueError, match=message):
        Suite(sets())
