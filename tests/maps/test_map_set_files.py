"""Files of map sets: written whole, read as they are used, and refused where they are damaged."""

import gc
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from floorplans.small_maps import ARRAYS, GEOMETRIES, assert_same, l_shape, make
from safetensors.numpy import save_file

from megastep import mapgen
from megastep.maps.geometry import Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.storage import atomic, digests, tensor_files
from megastep.world.scenery import Scenery


@pytest.fixture
def maps():
    return MapSet(GEOMETRIES, recipe={'family': 'test', 'seed': 3})


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'maps.safetensors'


class TestFile:
    def test_round_trip(self, maps, path):
        maps.save(path)
        loaded = MapSet.load(str(path))
        loaded.verify()
        assert loaded.recipe == {'family': 'test', 'seed': 3}
        for geometry, original in zip(loaded, GEOMETRIES, strict=True):
            assert_same(geometry, original)

    def test_a_part_keeps_its_numbers(self, maps, path):
        maps[[5, 2]].save(path)
        assert MapSet.load(path).indices.tolist() == [5, 2]
        assert_same(MapSet.load(path)[0], GEOMETRIES[5])

    def test_maps_without_rooms_lights_or_doors(self, path):
        MapSet([Geometry(walls=l_shape(3, 4), spawns=[[2, 2]])]).save(path)
        assert MapSet.load(path)[0].rooms == ()

    def test_is_mapped_rather_than_read(self, maps, path):
        maps.save(path)
        loaded = MapSet.load(path)
        assert str(path) in Path('/proc/self/maps').read_text()
        assert not loaded.walls.vals.flags.owndata
        with pytest.raises(ValueError, match='cannot set WRITEABLE'):
            loaded.walls.vals.setflags(write=True)
        vals = loaded.walls.vals
        del loaded
        assert vals.max() > 1
        del vals
        gc.collect()
        assert str(path) not in Path('/proc/self/maps').read_text()

    def test_no_descriptor_stays_open(self, maps, path):
        maps.save(path)
        before = os.listdir('/proc/self/fd')
        kept = [MapSet.load(path) for _ in range(50)]
        assert [len(each.walls) for each in kept] == [12] * 50
        assert len(os.listdir('/proc/self/fd')) == len(before)

    def test_cannot_be_written_to(self, maps, path):
        maps.save(path)
        with pytest.raises(ValueError, match='read-only'):
            MapSet.load(path).walls.vals[:] = 0

    def test_the_same_maps_give_the_same_hash(self, maps, path, tmp_path):
        maps.save(path)
        MapSet.load(path).save(tmp_path / 'again')
        assert tensor_files.read(tmp_path / 'again')[1] == tensor_files.read(path)[1]

    def test_can_be_saved_over_itself(self, maps, path):
        maps.save(path)
        loaded = MapSet.load(path)
        loaded[3:5].save(path)
        assert_same(loaded[11], GEOMETRIES[11])
        assert len(MapSet.load(path)) == 2

    @pytest.mark.parametrize('step', ['fsync', 'replace'])
    def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(self, maps, path, monkeypatch, step):
        maps.save(path)
        before = path.read_bytes()

        def fail(*_):
            assert len(os.listdir(path.parent)) == 2  # it was being written beside
            raise OSError('no space left on device')

        monkeypatch.setattr(atomic.os, step, fail)
        with pytest.raises(OSError, match='no space left'):
            maps[:3].save(path)
        assert path.read_bytes() == before
        assert os.listdir(path.parent) == [path.name]

    def test_what_is_written_beside_a_file_takes_its_place(self, tmp_path):
        path = tmp_path / 'picture.png'
        path.write_bytes(b'old')
        with atomic.replacing(path) as beside:
            assert (beside.parent, beside.suffix) == (tmp_path, '.png')
            beside.write_bytes(b'new')
            assert path.read_bytes() == b'old'
        assert path.read_bytes() == b'new'
        assert os.listdir(tmp_path) == [path.name]

    def test_what_could_not_be_written_leaves_the_old_file_and_nothing_else(self, tmp_path):
        path = tmp_path / 'picture.png'
        path.write_bytes(b'old')
        with pytest.raises(OSError, match='no space left'), atomic.replacing(path) as beside:
            beside.write_bytes(b'n')
            raise OSError('no space left on device')
        assert path.read_bytes() == b'old'
        assert os.listdir(tmp_path) == [path.name]

    def test_a_digest_tells_arrays_and_maps_apart(self, maps, path):
        maps.save(path)
        for same in (MapSet.load(path), maps[:], MapSet(GEOMETRIES)):
            assert same.digest('walls', 'spawns') == same.digest('spawns', 'walls') == maps.digest('walls', 'spawns')
        others = {maps.digest('walls'), maps.digest('spawns'), maps[1:].digest('walls'), maps[::-1].digest('walls')}
        assert len(others) == 4

    def test_others_may_read_it(self, maps, path):
        maps.save(path)
        (path.parent / 'plain').touch()
        assert path.stat().st_mode == (path.parent / 'plain').stat().st_mode

    def test_a_missing_folder_is_missing(self, maps, path):
        for write in (maps.save, maps.to_geojson):
            with pytest.raises(FileNotFoundError, match=r'none is not a folder, so .* cannot be written there'):
                write(path.parent / 'none' / path.name)

    def test_an_empty_set_cannot_be_saved(self, maps, path):
        with pytest.raises(ValueError, match=f'a map set needs at least 1 map to be saved, got 0 for {path}'):
            maps[:0].save(path)
        assert not path.exists()

    def test_a_missing_file_is_missing(self, path):
        with pytest.raises(FileNotFoundError):
            MapSet.load(path)


class TestBrokenFiles:
    """Each test breaks a whole file in one way."""

    def test_a_file_replaced_while_it_is_opened_is_the_old_one_or_the_new(self, tmp_path, monkeypatch):
        small, large, path = mapgen.generate('box', 1), mapgen.generate('house', 2), tmp_path / 'maps.safetensors'
        large.save(tmp_path / 'large.safetensors')
        small.save(path)
        memmap = np.memmap

        def replaced(*arguments, **options):
            (tmp_path / 'large.safetensors').replace(path)
            return memmap(*arguments, **options)

        monkeypatch.setattr(np, 'memmap', replaced)
        loaded = MapSet.load(path)
        assert loaded.recipe == small.recipe
        assert loaded.digest('walls') == small.digest('walls')

    @pytest.fixture
    def whole(self, maps, path):
        maps.save(path)
        return path

    def rewrite(self, path, metadata=None, **tensors):
        """Writes the file with some arrays or metadata replaced, or left out where the replacement is None."""
        old, header = tensor_files.read(path)
        new = {name: value for name, value in {**old, **tensors}.items() if value is not None}
        header = {name: value for name, value in {**header, **(metadata or {})}.items() if value is not None}
        header[digests.HEADER_HASH] = digests.header_digest(header)
        save_file({name: value.copy() for name, value in new.items()}, path, header)

    @pytest.mark.parametrize('content', [b'', b'gibberish', b'{"walls": []}', pickle.dumps([1, 2, 3]), bytes(100)])
    def test_not_safetensors(self, path, content):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f'{path} is not a map set, or is truncated'):
            MapSet.load(path)

    @pytest.mark.parametrize('part', [0.02, 0.5, 0.999])
    def test_truncated(self, whole, part):
        content = whole.read_bytes()
        whole.write_bytes(content[: int(part * len(content))])
        with pytest.raises(ValueError, match=f'{whole} is not a map set, or is truncated'):
            MapSet.load(whole)

    def test_too_long(self, whole):
        whole.write_bytes(whole.read_bytes() + b'more')
        with pytest.raises(ValueError, match=f'{whole} is not a map set, or is truncated'):
            MapSet.load(whole)

    def test_offsets_that_do_not_fit(self, whole):
        content = whole.read_bytes()
        size = int.from_bytes(content[:8], 'little')
        header = json.loads(content[8 : 8 + size])
        header['walls']['data_offsets'][1] += 64
        lying = json.dumps(header).encode()
        whole.write_bytes(len(lying).to_bytes(8, 'little') + lying + content[8 + size :])
        with pytest.raises(ValueError, match=f'{whole} is not a map set, or is truncated'):
            MapSet.load(whole)

    @pytest.mark.parametrize('schema', ['2', 'one', None])
    def test_of_another_schema(self, whole, schema):
        self.rewrite(whole, {'schema': schema})
        with pytest.raises(ValueError, match=f'{whole} must have schema 1, got {schema}'):
            MapSet.load(whole)

    @pytest.mark.parametrize('name', [*ARRAYS, *(f'{name}.widths' for name in ARRAYS), 'indices', 'origins'])
    def test_missing_arrays(self, whole, name):
        self.rewrite(whole, **{name: None})
        with pytest.raises(ValueError, match=f'{whole} contradicts itself: {name} is missing; there are'):
            MapSet.load(whole)

    @pytest.mark.parametrize('name', ['kinds', 'recipe', 'sha256'])
    def test_missing_metadata(self, whole, name):
        self.rewrite(whole, {name: None})
        with pytest.raises(
            ValueError, match=rf"{whole} must have kinds, recipe and sha256 in its header; missing: \['{name}'\]"
        ):
            MapSet.load(whole)

    @pytest.mark.parametrize(
        'tensors, message',
        [
            ({'walls': np.ones((72, 4))}, r'walls must be float64 of shape \(n, 2, 2\), got float64 of \(72, 4\)'),
            ({'walls': np.ones((72, 2, 2), np.int64)}, r'walls must be float64 of shape .*, got int64 of'),
            ({'walls': np.ones((71, 2, 2))}, "walls's widths sum to 72, but there are 71 vals"),
            ({'walls.widths': np.array([-6, 78], np.int32)}, "walls's widths must be at least 0, got -6"),
            ({'walls.widths': np.array([72], np.int32)}, 'walls has 1 maps, but there are 12 indices'),
            (
                {'walls.widths': np.array([0, 12] + [6] * 10, np.int32)},
                'walls must be at least 1 a map, got 0 in map 0',
            ),
            ({'indices': np.arange(3)}, 'walls has 12 maps, but there are 3 indices'),
            ({'origins': np.zeros(3, np.int32)}, 'origins has 3 maps, but there are 12 indices'),
            ({'origins': np.full(12, 1, np.int32)}, 'origins must be from 0 to 0, for the recipe has 1 parts, got 1'),
            ({'indices': np.array(3)}, r'indices must be int64 of shape \(n\), got int64 of \(\)'),
            ({'kinds': np.full(16, 5, np.int32)}, 'kinds must be from 0 to 4, got 5'),
            ({'kinds': np.full(16, -1, np.int32)}, 'kinds must be from 0 to 4, got -1'),
            ({'outlines.widths': np.array([56], np.int32)}, 'outlines has 1 rooms, but kinds has 16'),
        ],
    )
    def test_arrays_that_contradict_each_other(self, whole, tensors, message):
        self.rewrite(whole, **tensors)
        with pytest.raises(ValueError, match=f'{whole} contradicts itself: {message}'):
            MapSet.load(whole)

    @pytest.mark.parametrize('kinds', ['[1, 2, 3, 4]', '{}', 'gibberish'])
    def test_a_vocabulary_that_is_none(self, whole, kinds):
        self.rewrite(whole, {'kinds': kinds})
        with pytest.raises(ValueError, match=f'{whole} contradicts itself: (the vocabulary must be|Expecting value)'):
            MapSet.load(whole)

    def test_numbers_of_a_strange_type(self, whole):
        self.rewrite(whole, walls=np.ones((72, 2, 2), np.float16))
        with pytest.raises(
            ValueError, match=f'{whole} must hold arrays of F64, F32, I32, I64, but its walls is of F16'
        ):
            MapSet.load(whole)

    def test_damage_is_found_by_verify(self, whole):
        content = bytearray(whole.read_bytes())
        content[8 + int.from_bytes(content[:8], 'little')] ^= 1  # the first byte after the header
        whole.write_bytes(content)
        damaged = MapSet.load(whole)
        with pytest.raises(ValueError, match=f'{whole} is damaged: its content hashes to [0-9a-f]{{64}}, and should'):
            damaged.verify()

    USES = {
        'a map': lambda maps: maps[0],
        'a part': lambda maps: maps[3:][0],
        'all of them': lambda maps: list(maps),
        'an array': lambda maps: maps.spawns,
        'rooms': lambda maps: maps.outlines,
        'numbers': lambda maps: maps.indices,
        'statistics': lambda maps: maps.stats('area'),
        'a split': lambda maps: maps.split(0.5),
        'a union': lambda maps: maps + maps,
        'a copy': lambda maps: maps.save(maps._source.path),
        'an export': lambda maps: maps.to_geojson(maps._source.path),
        'a page': lambda maps: maps._repr_html_(),
        'scenery': lambda maps: Scenery.pack(maps, device='cpu'),
    }

    @pytest.mark.parametrize('use', USES.values(), ids=USES)
    @pytest.mark.parametrize('widths', [False, True])
    def test_nothing_damaged_is_used(self, whole, use, widths):
        """A bit of a coordinate, or three walls that go to the map before."""
        old, header = tensor_files.read(whole)
        new = {name: value.copy() for name, value in old.items()}
        if widths:
            new['walls.widths'][:2] += np.array([3, -3], np.int32)
        else:
            new['walls'].view(np.uint8)[-1, -1, 0] ^= 1
        save_file(new, whole, header)
        before = whole.read_bytes()
        damaged = MapSet.load(whole)
        with pytest.raises(ValueError, match=f'{whole} is damaged: its content hashes to'):
            use(damaged)
        assert whole.read_bytes() == before

    def test_what_was_used_is_verified_once(self, whole, monkeypatch):
        counts = []
        digest = digests.digest
        monkeypatch.setattr(digests, 'digest', lambda tensors: counts.append(1) or digest(tensors))
        loaded = MapSet.load(whole)
        assert (len(loaded), loaded.recipe, len(loaded[2:5]), counts) == (12, {'family': 'test', 'seed': 3}, 3, [])
        part = loaded[3:]
        for maps in (loaded, part, loaded):
            assert len(maps.walls) and maps[0] and len(maps.stats('area')['area'])
        assert counts == [1]

    @pytest.mark.parametrize('flip', [0x01, 0x80, 0xFF])
    def test_a_flipped_byte_is_an_error_or_changes_nothing(self, tmp_path, flip):
        """Any byte of the file: of its length, its header, its names, its arrays."""
        path = tmp_path / 'small'
        saved = MapSet([make(0), make(1)], recipe={'family': 'test'})
        saved.save(path)
        content = path.read_bytes()
        equal = []
        for place in range(len(content)):
            path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
            try:
                loaded = MapSet.load(path)
                geometries = list(loaded)
            except ValueError as error:
                assert str(path) in str(error)
                continue
            equal.append(place)
            assert (loaded.recipe, loaded.vocabulary) == (saved.recipe, saved.vocabulary)
            assert loaded.indices.tolist() == [0, 1]
            for geometry, original in zip(geometries, saved, strict=True):
                assert_same(geometry, original)
        assert len(equal) <= len(digests.HEADER_HASH)  # the name of the header's own hash: without it there is none

    def test_only_files_can_be_verified(self, maps):
        with pytest.raises(ValueError, match='only maps that were loaded from a file can be verified'):
            maps.verify()
