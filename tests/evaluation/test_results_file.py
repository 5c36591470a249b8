"""Files of results: read as they were written, and refused by name where they are damaged."""

import json
import os
import sys
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hostile.damage import damaged, refused_or_read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic import results

from megastep import mapgen
from megastep.evaluation import results_file
from megastep.evaluation.results import Results
from megastep.maps.storage import digests

WITHOUT = pytest.mark.skipif(results_file._pyarrow() is None, reason='needs an extra')
FORMATS = ['.npz', pytest.param('.parquet', marks=WITHOUT)]
SAID = ('lower_is_better', 'scores', 'suite_sha256')  # by the header
WAYS = {5: np.arange(6.0).reshape(3, 2), 2: np.zeros((0, 2)), 0: np.ones((1, 2))}


def made(**options):
    return results(runs=2, maps=3, sets=('houses', 'a café'), suite_sha256='ab' * 32, **options)


def same(first, second):
    for name in ('scores', 'suite_sha256', 'lower_is_better'):
        assert getattr(first, name) == getattr(second, name)
    assert list(first.table) == list(second.table)
    for name, values in first.table.items():
        np.testing.assert_array_equal(values, second.table[name])
        assert values.dtype.kind == second.table[name].dtype.kind
    assert sorted(first.ways) == sorted(second.ways)
    for row, way in first.ways.items():
        np.testing.assert_array_equal(way, second.ways[row])


@pytest.mark.parametrize('suffix', FORMATS)
@pytest.mark.parametrize('ways', [WAYS, {}])
def test_reads_what_was_written(tmp_path, suffix, ways):
    found = made(ways=ways, lower_is_better=['spl'] if ways else ())
    path = found.save(tmp_path / f'results{suffix}')
    assert path == tmp_path / f'results{suffix}'
    same(found, Results.load(path))


@pytest.mark.parametrize('suffix', FORMATS)
def test_reads_parts(tmp_path, suffix):
    part = made(agents=('a', 'longer')).select(agent='a')
    same(part, Results.load(part.save(tmp_path / f'part{suffix}')))


def test_takes_maps(tmp_path):
    path = made().save(tmp_path / 'results.npz')
    boxes = mapgen.generate('box', 3)
    assert Results.load(path, {'houses': boxes}).maps['houses'] is boxes
    with pytest.raises(ValueError, match="maps of set 'houses' must be below 2"):
        Results.load(path, {'houses': boxes[:2]})


def test_is_npz_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    assert made().save(tmp_path / 'results').name == 'results.npz'
    with pytest.raises(ImportError, match=r"needs pyarrow: pip install 'megastep\[evaluation\]', or save as .npz"):
        made().save(tmp_path / 'results.parquet')
    (tmp_path / 'other').write_bytes(b'PAR1')
    with pytest.raises(ImportError, match='Parquet needs pyarrow'):
        Results.load(tmp_path / 'other')


def test_is_parquet_with_pyarrow(tmp_path):
    parquet = pytest.importorskip('pyarrow.parquet', reason='needs an extra')
    path = made(ways=WAYS).save(tmp_path / 'results')
    assert path.name == 'results.parquet'
    table = parquet.read_table(path)
    assert table['success'].to_pylist() == made().table['success'].tolist()
    assert table['way_x'].to_pylist()[:3] == [[1], None, []]


def test_frames_hold_the_table():
    pytest.importorskip('pandas', reason='needs an extra')
    frame = made().frame()
    assert list(frame.columns) == list(made().table)
    assert frame.groupby('set').success.mean()['houses'] == made().select(set='houses').table['success'].mean()


def test_frames_need_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(ImportError, match='data frames need pandas'):
        made().frame()


def test_refuses_other_suffixes(tmp_path):
    with pytest.raises(ValueError, match=r'must be .parquet or .npz, got .*results.csv'):
        made().save(tmp_path / 'results.csv')


def test_refuses_what_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        Results.load(tmp_path / 'results.npz')
    with pytest.raises(IsADirectoryError, match='must be a file of results, got a folder'):
        Results.load(tmp_path)
    with pytest.raises(FileNotFoundError, match='is not a folder'):
        made().save(tmp_path / 'no' / 'results.npz')


def test_never_unpickles(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / 'sprung'),)

    np.savez(tmp_path / 'trap.npz', agent=np.array([Trap()], object), megastep=np.array('{}'))
    with pytest.raises(ValueError, match=r'trap.npz is damaged, or no file of results: Object arrays'):
        Results.load(tmp_path / 'trap.npz')
    assert not (tmp_path / 'sprung').exists()


def test_refuses_another_schema(tmp_path, monkeypatch):
    monkeypatch.setattr(results_file, 'SCHEMA', '9')
    path = made().save(tmp_path / 'results.npz')
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r'results.npz must have schema 1, got 9'):
        Results.load(path)


def test_refuses_what_was_changed(tmp_path):
    path = made().save(tmp_path / 'results.npz')
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, 'success': 1 - arrays['success']})
    with pytest.raises(ValueError, match=r'results.npz is damaged: its content hashes to'):
        Results.load(path)


@pytest.mark.parametrize(
    'changes, message',
    [
        ({'way_lengths': np.array([-3, 6])}, r'its ways are none: got \(2,\) rows, \(2,\) lengths and \(3, 2\) places'),
        ({'way_lengths': np.array([3, 2**62])}, 'its ways are none: 4611686018427387907 places are said to be there'),
        ({'way_points': np.ones(3)}, 'its ways are none: got .* and \\(3,\\) places'),
        ({'way_rows': None}, "its ways are none: 'way_rows'"),
        ({'way_rows': np.array([0, 99])}, r'results.npz: ways must be of rows from 0 to'),
        ({'map': np.array([-1])}, "results.npz: column 'map' must"),
        ({'lower_is_better': [7]}, 'its scores and its suite must be texts'),
        ({'scores': 7}, 'its scores and its suite must be texts'),
        ({'suite_sha256': []}, 'its scores and its suite must be texts'),
    ],
)
def test_refuses_what_was_never_written(tmp_path, changes, message):
    """Also of one who knows how to hash."""
    ways = {0: np.ones((1, 2)), 1: np.ones((2, 2))}
    path = made(ways=ways).save(tmp_path / 'results.npz')
    with np.load(path) as file:
        arrays = dict(file)
    metadata = {**json.loads(str(arrays.pop('megastep'))), **{k: v for k, v in changes.items() if k in SAID}}
    arrays |= {name: values for name, values in changes.items() if name not in SAID}
    arrays = {name: values for name, values in arrays.items() if values is not None}
    header = json.dumps({**metadata, 'sha256': digests.digest(arrays)})
    np.savez(path, megastep=np.array(header), **arrays)
    with pytest.raises(ValueError, match=message):
        Results.load(path)


@WITHOUT
@pytest.mark.parametrize('stored', [True, False])
@pytest.mark.parametrize('name', ['agent', 'way_x'])
def test_what_a_file_says_often_is_measured_before_it_is_unpacked(tmp_path, monkeypatch, name, stored):
    """A long text in many rows, and a long way of one number over and over, take no room in Parquet."""
    monkeypatch.setattr(results_file, 'MOST_BYTES', 1 << 20)
    pyarrow = results_file._needed()
    count = 2000
    columns = {
        'agent': pyarrow.DictionaryArray.from_arrays(pyarrow.array(np.zeros(count, np.int32)), ['x' * count]),
        'way_x': pyarrow.array([[]], pyarrow.list_(pyarrow.float32())),
        'way_y': pyarrow.array([[]], pyarrow.list_(pyarrow.float32())),
    }
    if name == 'way_x':
        columns['agent'] = pyarrow.array(['x'])
        columns['way_x'] = pyarrow.ListArray.from_arrays([0, 1 << 20], pyarrow.array(np.zeros(1 << 20, np.float32)))
    else:
        columns |= {way: pyarrow.nulls(count, pyarrow.list_(pyarrow.float32())) for way in ('way_x', 'way_y')}
    path = tmp_path / 'large.parquet'
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression='zstd', store_schema=stored)
    assert path.stat().st_size < 1 << 17
    with pytest.raises(ValueError, match=r'large\.parquet is damaged, .* must hold at most 1048576 bytes, got'):
        results_file.read(path)


@pytest.mark.parametrize('suffix', FORMATS)
def test_what_is_packed_is_measured_before_it_is_unpacked(tmp_path, monkeypatch, suffix):
    path = made().save(tmp_path / f'results{suffix}')
    monkeypatch.setattr(results_file, 'MOST_BYTES', path.stat().st_size)
    with pytest.raises(
        ValueError, match=f'results{suffix} is damaged, .* must hold at most {path.stat().st_size} bytes'
    ):
        Results.load(path)
    path.write_bytes(path.read_bytes() + b'x')
    with pytest.raises(ValueError, match=f'results{suffix} must be at most .* bytes long, got more'):
        Results.load(path)
    os.remove(path)
    os.mkfifo(path)
    with pytest.raises(ValueError, match=f'results{suffix} must be a regular file, got a pipe'):
        Results.load(path)


@pytest.mark.parametrize('suffix', FORMATS)
def test_refuses_damaged_files(tmp_path_factory, suffix):
    folder = tmp_path_factory.mktemp('damaged')
    path = replace(made(), ways={}).save(folder / f'results{suffix}')
    content = path.read_bytes()

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def check(data):
        path.write_bytes(data.draw(damaged(content)))
        with suppress(ImportError):  # of what begins as Parquet does, where pyarrow isn't installed
            refused_or_read(Results.load, path)

    check()
