"""Files of results: Parquet where pyarrow is installed, NumPy's npz anywhere. Nothing is ever unpickled."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from megastep.checks import check_paths
from megastep.maps.storage import atomic, digests, json_files, regular_files

SCHEMA = '1'
"""The version of a file's layout. A file of any other is refused."""

KEY = 'megastep'
"""What the file's metadata, in JSON, are called in it."""

MOST_BYTES = 1 << 31
"""The longest file, in bytes, and the most that may be packed in one."""

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
    check_paths(path=path)
    path = Path(path)
    if not path.name:
        raise ValueError(f'path must name a file of results, got {str(path)!r}.')
    if not path.suffix:
        path = path.with_suffix('.npz' if _pyarrow() is None else '.parquet')
    if path.suffix not in FORMATS:
        raise ValueError(f'a file of results must be .parquet or .npz, got {path}.')
    arrays = {name: _narrow(values) for name, values in {**content.table, **_flat(content.ways)}.items()}
    metadata = {'schema': SCHEMA, 'scores': list(content.scores), 'suite_sha256': content.suite_sha256}
    lower = {'lower_is_better': content.lower_is_better} if content.lower_is_better else {}
    header = json.dumps({**metadata, **lower, 'sha256': digests.digest(arrays)})
    atomic.replace(path, (_parquet if path.suffix == '.parquet' else _npz)(arrays, header))
    return path


def read(path: str | os.PathLike) -> Content:
    """Reads a file.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        ImportError: if it is Parquet and pyarrow isn't installed.
        ValueError: if it is no file of results, or damaged.
    """
    check_paths(path=path)
    content = _content(Path(path))
    if content.startswith(FORMATS['.parquet']):
        _needed()
        decode = _of_parquet
    elif content.startswith(FORMATS['.npz']):
        decode = _of_npz
    else:
        raise ValueError(f'{path} is no file of results, which are Parquet or npz.')
    try:
        arrays, header = decode(content)
        metadata = json_files.parse_json(header)
        schema, scores, suite, sha256 = (metadata[name] for name in ('schema', 'scores', 'suite_sha256', 'sha256'))
    except Exception as error:  # whatever a decoder trips over is damage
        raise ValueError(f'{path} is damaged, or no file of results: {error}.') from error
    if schema != SCHEMA:
        raise ValueError(f'{path} must have schema {SCHEMA}, got {schema}.')
    digests.check_digest(Path(path), arrays, sha256)
    lower = metadata.get('lower_is_better', [])
    if not isinstance(suite, str) or not _are_names(scores) or not _are_names(lower):
        raise ValueError(f'{path} is damaged: its scores and its suite must be texts.')
    try:
        ways = _ways(*(arrays.pop(name) for name in (ROWS, LENGTHS, POINTS)))
    except (KeyError, ValueError) as error:
        raise ValueError(f'{path} is damaged: its ways are none: {error}.') from error
    return Content(arrays, scores, suite, ways, lower)


def _are_names(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(name, str) for name in values)


def _content(path: Path) -> bytes:
    """A file's content."""
    if path.is_dir():
        raise IsADirectoryError(f'{path} must be a file of results, got a folder.')
    try:
        with regular_files.open_regular(path) as file:
            content = file.read(MOST_BYTES + 1)
    except ValueError as error:
        raise ValueError(f'{path} {error}') from error
    if len(content) > MOST_BYTES:
        raise ValueError(f'{path} must be at most {MOST_BYTES} bytes long, got more.')
    return content


def _ways(rows: np.ndarray, lengths: np.ndarray, points: np.ndarray) -> dict[int, np.ndarray]:
    """Ways by their rows, of three arrays."""
    whole = all(values.ndim == 1 and values.dtype == np.int64 for values in (rows, lengths))
    if not whole or points.ndim != 2 or len(rows) != len(lengths) or (lengths < 0).any():
        raise ValueError(f'got {rows.shape} rows, {lengths.shape} lengths and {points.shape} places')
    if (found := sum(lengths.tolist())) != len(points):
        raise ValueError(f'{found} places are said to be there, got {len(points)}')
    parts = np.split(points, np.cumsum(lengths)[:-1])
    return dict(zip(rows.tolist(), parts, strict=False))  # no rows, and one empty part


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
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_size(sum(entry.file_size for entry in archive.infolist()))
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return arrays, str(arrays.pop(KEY))


def _check_size(size: int) -> None:
    """Raises a `ValueError` if what is packed in a file is too large, before it is unpacked."""
    if size > MOST_BYTES:
        raise ValueError(f'it must hold at most {MOST_BYTES} bytes, got {size}')


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
    pyarrow = _needed()
    file = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    values = sum(group.column(number).num_values for group in groups for number in range(group.num_columns))
    _check_size(max(sum(group.total_byte_size for group in groups), 8 * values))
    texts = [field.name for field in file.schema_arrow if not pyarrow.types.is_primitive(field.type)]
    texts = [name for name in texts if name not in ('way_x', 'way_y')]
    table = pyarrow.parquet.read_table(io.BytesIO(content), read_dictionary=texts)  # each text once, however many rows
    _check_size(sum(_text_size(table[name]) for name in texts))
    arrays = {name: _numpy(table[name]) for name in table.column_names if name not in ('way_x', 'way_y')}
    x, y = (table[name].to_pylist() for name in ('way_x', 'way_y'))
    ways = {row: np.array([x[row], y[row]], np.float32).T for row in range(len(x)) if x[row] is not None}
    return {**arrays, **_flat(ways)}, table.schema.metadata[KEY.encode()].decode()


def _text_size(column: Any) -> int:
    """The bytes that a column of texts, each of which is there once, takes as an array."""
    words = (word for chunk in column.chunks for word in chunk.dictionary.to_pylist())
    return 4 * len(column) * max((len(word) for word in words), default=0)


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
