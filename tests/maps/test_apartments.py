"""Real apartments that ship with megastep: which they are, that they fit, and that their licence goes with them."""

import configparser
import lzma
from fnmatch import fnmatch
from pathlib import Path

import pytest
from apartments import APARTMENTS

from megastep import MapSet
from megastep.maps import apartments
from megastep.maps.apartments import FILE, real_apartments
from megastep.maps.storage import tensor_files

ARRAYS = 'walls', 'spawns', 'lights', 'doors', 'kinds', 'outlines'
DIGEST = '0f677333ca6b6e85878af063647b64404af130509f6c654ff8c99bd74404962b'
SETUP = Path(__file__).parents[2] / 'setup.cfg'


@pytest.fixture(scope='module')
def maps():
    return real_apartments()


def test_they_are_the_same_on_every_machine(maps):
    assert len(maps) == 200
    assert maps.digest(*ARRAYS) == DIGEST
    assert len(set(maps.stats('symmetry_hash')['symmetry_hash'])) == 200  # no two are alike, turned or mirrored


@pytest.mark.skipif(not APARTMENTS.exists(), reason=f'{APARTMENTS} is absent')
def test_they_are_what_the_importer_makes_of_the_annotations(maps):
    read = MapSet.from_geojson(APARTMENTS)
    assert maps.vocabulary == read.vocabulary
    assert maps.digest(*ARRAYS) == read.digest(*ARRAYS)


def test_the_recipe_says_where_they_are_from(maps):
    assert maps.recipe['licence'] == 'MIT'
    assert maps.recipe['source'].endswith('art-programmer/FloorplanTransformation')
    assert len(set(maps.recipe['names'])) == 200
    assert set(maps.families) == {'real apartments'}


def test_they_split_and_are_saved_like_any_others(maps, tmp_path):
    train, test = maps.split(0.5, seed=0)
    assert len(train) + len(test) == 200
    test.save(tmp_path / 'test.safetensors')
    assert MapSet.load(tmp_path / 'test.safetensors').digest(*ARRAYS) == test.digest(*ARRAYS)


def test_the_file_is_small_and_its_licence_lies_beside_it():
    assert FILE.stat().st_size < 400_000
    licence = FILE.with_name('apartments.LICENSE').read_text()
    assert 'MIT License' in licence
    assert 'art-programmer' in licence
    setup = configparser.ConfigParser()
    setup.read(SETUP)
    patterns = setup['options.package_data']['megastep'].split()
    for path in (FILE, FILE.with_name('apartments.LICENSE')):
        assert any(fnmatch(f'maps/{path.name}', pattern) for pattern in patterns)


def test_a_damaged_file_is_refused(tmp_path, monkeypatch):
    content = bytearray(lzma.decompress(FILE.read_bytes()))
    content[-1] ^= 1
    path = tmp_path / 'apartments.safetensors.xz'
    path.write_bytes(lzma.compress(bytes(content)))
    monkeypatch.setattr(apartments, 'FILE', path)
    with pytest.raises(ValueError, match='is damaged'):
        apartments.real_apartments()
    with pytest.raises(ValueError, match='is damaged'):
        tensor_files.read_shipped(path)
