"""Geodesic fields that have been computed once are found beside their maps, or handed over, and not computed again."""

import pytest
from trainings import TINY, boxes, train, unseen, weights

from megastep import learning
from megastep.env.navigation import GeodesicField, kept_beside

OPTIONS = {'name': 'waypoint', 'options': {'time_limit': 2.0}, 'eval_episodes': 1, 'settings': TINY}


@pytest.fixture
def uncomputed(monkeypatch):
    def pack(*given, **options):
        raise AssertionError('a field is computed')

    return lambda: monkeypatch.setattr(GeodesicField, 'pack', pack)


@pytest.fixture
def files(tmp_path):
    """Files of maps to train in and to be evaluated in, with their fields beside them."""
    paths = {'maps': tmp_path / 'train.safetensors', 'eval_maps': tmp_path / 'test.safetensors'}
    for path, maps in zip(paths.values(), (boxes(2), unseen(2)), strict=True):
        maps.save(path)
        GeodesicField.kept(kept_beside(path), maps, 'cpu')
    return paths


def test_a_field_beside_the_file_of_the_maps_is_found(tmp_path, files, uncomputed):
    train(tmp_path / 'computed', 2, maps=boxes(2), **OPTIONS)
    uncomputed()
    train(tmp_path / 'run', 2, **files, **OPTIONS)
    assert weights(tmp_path / 'run') == weights(tmp_path / 'computed')
    agent = learning.load(tmp_path / 'run', device='cpu')
    assert agent.env(files['eval_maps'], num_envs=2).num_envs == 2


def test_a_field_is_handed_over(tmp_path, uncomputed):
    """With the maps that are evaluated in, or without them."""
    whole = GeodesicField.pack(unseen(2) + boxes(3), 'cpu')
    uncomputed()
    train(tmp_path / 'run', 1, maps=boxes(2), eval_maps=unseen(2), geodesic_field=whole, **OPTIONS)
    with pytest.raises(AssertionError, match='a field is computed'):
        train(tmp_path / 'other', 1, maps=boxes(2), eval_maps=unseen(2), geodesic_field=whole[2:], **OPTIONS)
    with pytest.raises(ValueError, match='geodesic_field must hold the geodesic field of all the 2 maps'):
        train(tmp_path / 'none', 1, maps=boxes(2), geodesic_field=whole[:2], **OPTIONS)


@pytest.mark.parametrize('field, message', [('other maps', 'of all the 2 maps'), ('other agents', 'agents of radius')])
def test_a_field_of_something_else_is_not_used_and_says_why(tmp_path, files, field, message):
    path = kept_beside(files['maps'])
    path.unlink()
    if field == 'other maps':
        GeodesicField.kept(path, unseen(1), 'cpu')
    else:
        GeodesicField.kept(path, boxes(2), 'cpu', agent_radius=0.2)
    with pytest.warns(UserWarning, match=f'train.geodesics.safetensors must hold .*{message}.*; it is computed anew'):
        train(tmp_path / 'run', 1, maps=files['maps'], **OPTIONS)


def test_envs_that_take_no_field_get_none(tmp_path, files):
    train(tmp_path / 'run', 1, maps=files['maps'], geodesic_field=GeodesicField.pack(boxes(1), 'cpu'))
