"""Files of results: Parquet where pyarrow is installed, NumPy's npz anywhere. Nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from megastep.maps import storage

SCHEMA = '1'
"""The version of a file's layout. A file of any other is refused."""

KEY = 'megastep'
"""What the file's metadata, in JSON, are called in it."""

ROWS, LENGTHS, POINTS = 'way_rows', 'way_lengths', 'way_points'
"""The rows whose ways are known, how many places each has, and all places end to end."""

FORMATS = {'.parquet': b'PAR1', '.npz': b'PK'}
"""The kinds of file by their suffix, and what each begins with."""


class Content(NamedTuple):
    """Content of a file of results."""

    table: dict[str, np.ndarray]
    scores: list[str]
    suite_sha256: str
    ways: dict[int, np.ndarray]
    lower_is_better: list[str]


def write(path: str | os.PathLike, content: Content) -> Path:
    """Writes a file whole or not at all.

    Args:
        path: ``.parquet`` or ``.npz``; without either, the suffix of what can be written is added.
        content: What it is to hold.

    Returns:
        The file's path.

    Raises:
        ValueError: if the path has another suffix.
        ImportError: if Parquet is asked for and pyarrow isn't installed.
        FileNotFoundError: if the file's folder isn't there.
    """
    path = Path(path)
    if not path.suffix:
        path = path.with_suffix('.npz' if _pyarrow() is None else '.parquet')
    if path.suffix not in FORMATS:
        raise ValueError(f'a file of results must be .parquet or .npz, got {path}.')
    arrays = {name: _narrow(values) for name, values in {**content.table, **_flat(content.ways)}.items()}
    metadata = {'schema': SCHEMA, 'scores': list(content.scores), 'suite_sha256': content.suite_sha256}
    lower = {'lower_is_better': content.lower_is_better} if content.lower_is_better else {}
    header = json.dumps({**metadata, **lower, 'sha256': storage.digest(arrays)})
    storage.replace(path, (_parquet if path.suffix == '.parquet' else _npz)(arrays, header))
    return path


def read(path: str | os.PathLike) -> Content:
    """Reads a file.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        ImportError: if it is Parquet and pyarrow isn't installed.
        ValueError: if it is no file of results, or damaged.
    """
    content = Path(path).read_bytes()
    if content.startswith(FORMATS['.parquet']):
        _needed()
        decode = _of_parquet
    elif content.startswith(FORMATS['.npz']):
        decode = _of_npz
    else:
        raise ValueError(f'{path} is no file of results, which are Parquet or npz.')
    try:
        arrays, header = decode(content)
        metadata = json.loads(header)
        known = metadata['schema'], metadata['scores'], metadata['suite_sha256'], metadata['sha256']
    except Exception as error:  # whatever a decoder trips over is damage
        raise ValueError(f'{path} is damaged, or no file of results: {error}.') from error
    if known[0] != SCHEMA:
        raise ValueError(f'{path} must have schema {SCHEMA}, got {known[0]}.')
    storage.check_digest(Path(path), arrays, known[3])
    ends = np.cumsum(arrays.pop(LENGTHS))
    parts = np.split(arrays.pop(POINTS), ends[:-1])
    ways = dict(zip(arrays.pop(ROWS).tolist(), parts, strict=False))  # no rows, and one empty part
    return Content(arrays, known[1], known[2], ways, metadata.get('lower_is_better', []))


def _flat(ways: Mapping[int, np.ndarray]) -> dict[str, np.ndarray]:
    """Ways as three arrays."""
    ways = dict(sorted(ways.items()))
    places = np.concatenate([np.empty((0, 2), np.float32), *ways.values()])
    lengths = np.array([len(way) for way in ways.values()], np.int64)
    return {ROWS: np.array(list(ways), np.int64), LENGTHS: lengths, POINTS: places}


def _narrow(values: np.ndarray) -> np.ndarray:
    """Text no wider than it must be, so that the same text is the same bytes."""
    return np.array(values.tolist(), np.str_) if values.dtype.kind == 'U' else values


def _npz(arrays: Mapping[str, np.ndarray], header: str) -> bytes:
    file = io.BytesIO()
    named: dict[str, Any] = {KEY: np.array(header), **arrays}
    np.savez_compressed(file, **named)
    return file.getvalue()


def _of_npz(content: bytes) -> tuple[dict[str, np.ndarray], str]:
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, str(arrays.pop(KEY))


def _parquet(arrays: Mapping[str, np.ndarray], header: str) -> bytes:
    """Parquet with a list of places in each row whose way is known."""
    pyarrow = _needed()
    columns = {name: pyarrow.array(values) for name, values in arrays.items() if name not in (ROWS, LENGTHS, POINTS)}
    rows = len(arrays['agent'])
    for axis, name in enumerate(('way_x', 'way_y')):
        ways: list[np.ndarray | None] = [None] * rows
        parts = np.split(arrays[POINTS][:, axis], np.cumsum(arrays[LENGTHS])[:-1])
        for row, part in zip(arrays[ROWS].tolist(), parts, strict=False):
            ways[row] = part
        columns[name] = pyarrow.array(ways, pyarrow.list_(pyarrow.float32()))
    table, file = pyarrow.table(columns).replace_schema_metadata({KEY: header}), io.BytesIO()
    pyarrow.parquet.write_table(table, file, compression='zstd')
    return file.getvalue()


def _of_parquet(content: bytes) -> tuple[dict[str, np.ndarray], str]:
    table = _needed().parquet.read_table(io.BytesIO(content))
    arrays = {name: _numpy(table[name]) for name in table.column_names if name not in ('way_x', 'way_y')}
    x, y = (table[name].to_pylist() for name in ('way_x', 'way_y'))
    ways = {row: np.array([x[row], y[row]], np.float32).T for row in range(len(x)) if x[row] is not None}
    return {**arrays, **_flat(ways)}, table.schema.metadata[KEY.encode()].decode()


def _numpy(column: Any) -> np.ndarray:
    values = column.to_numpy()
    return np.array(values.tolist(), np.str_) if values.dtype.kind == 'O' else values


def _needed() -> Any:
    """The library, or an error that says how to get it."""
    if (pyarrow := _pyarrow()) is None:
        raise ImportError("Parquet needs pyarrow: pip install 'megastep[evaluation]', or save as .npz.")
    return pyarrow


def _pyarrow() -> Any | None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    return pyarrow
