"""Storage: named arrays in safetensors files, memory-mapped when read; and files that are never half-written."""

from __future__ import annotations

import hashlib
import json
import lzma
import math
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from safetensors.numpy import save

from megastep.maps import temporaries
from megastep.maps.mapping import mapped

SCHEMA = '1'
"""The version of the file's layout. A file of any other is refused."""

DTYPES: dict[str, str] = {'F64': '<f8', 'F32': '<f4', 'I32': '<i4', 'I64': '<i8'}
"""The types of number a map set's file holds: NumPy's names, by safetensors'."""


MOST_HEADER = 100_000_000
"""The longest header, in bytes, as safetensors has it."""

MOST_JSON = 1 << 24
"""The longest file of JSON that is read, in bytes."""

HEADER_HASH = 'header_sha256'
"""The header's entry that the others hash to. Files of version 0.2 and before have none."""


@dataclass
class Source:
    """The file that arrays are views of, and whether its content was held against its hash since it was opened."""

    path: Path
    sha256: str
    verified: bool = False

    def verify(self, tensors: Mapping[str, np.ndarray]) -> None:
        """Reads all of the arrays, and raises a `ValueError` unless they are what was saved."""
        check_digest(self.path, tensors, self.sha256)
        self.verified = True


def digest(tensors: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of tensors' names, types, shapes and bytes, in the order of their names, in hexadecimal."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        sha.update(f'{name} {tensor.dtype.str} {tensor.shape}\n'.encode())
        sha.update(tensor.reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def check_digest(path: Path, tensors: Mapping[str, np.ndarray], expected: str) -> None:
    """Raises a `ValueError` unless the tensors of a file hash to what its header says."""
    if (actual := digest(tensors)) != expected:
        raise ValueError(f'{path} is damaged: its content hashes to {actual}, and should to {expected}.')


def file_digest(path: Path) -> str:
    """The SHA-256 of a regular file, in hexadecimal. It is never in memory as a whole.

    Raises:
        OSError: if it isn't there, or can't be read.
        ValueError: if it isn't a regular file.
    """
    sha = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def header_digest(metadata: Mapping[str, str]) -> str:
    """The SHA-256 of a header's entries, all but the one that holds it, in hexadecimal."""
    return entries_digest(metadata, HEADER_HASH)


def entries_digest(entries: Mapping[str, Any], holder: str) -> str:
    """The SHA-256 of the entries of an object of JSON, all but the one that holds it, in hexadecimal."""
    others = {name: value for name, value in entries.items() if name != holder}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()


def write(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Writes a file whole or not at all: what was there stays until its successor is safely on disk.

    Args:
        path: The file to write or replace.
        tensors: Arrays of float64, float32, int32 or int64.
        metadata: What else the header holds. The schema's version, and hashes of the content and of the header itself,
            are added to it.
    """
    header = {**metadata, 'schema': SCHEMA, 'sha256': digest(tensors)}
    header[HEADER_HASH] = header_digest(header)
    content = ordered(save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, header))
    replace(path, content)


def replace(path: Path, content: bytes) -> None:
    """Writes a file atomically: see `replacing`."""
    with replacing(path) as beside:
        beside.write_bytes(content)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Atomic replacement of a file: whatever happens, what was there or all that is written is there afterwards.

    What writers that were killed have left beside it goes: see `temporaries.beside`. Of two writers the later wins.

    >>> with replacing(path) as beside:  # doctest: +SKIP
    ...     figure.savefig(beside)

    Yields:
        The path to write to: of the same suffix, in the same folder. If the block fails it is removed.

    Raises:
        FileNotFoundError: if the file's folder isn't there.
        OSError: naming the file, if it can't be written.
    """
    check_folder(path)
    try:
        with temporaries.beside(path) as beside:
            yield beside
            sync(beside)
            os.replace(beside, path)
    except OSError as error:
        if error.filename is not None and Path(os.fsdecode(error.filename)).parent != path.parent:
            raise  # of something else that was done meanwhile
        if error.errno is None:
            raise OSError(f'{path} can not be written: {error}') from error
        raise OSError(error.errno, f'can not be written: {error.strerror}', str(path)) from error


def sync(path: Path) -> None:
    """Waits until a file's content, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_folder(path: Path) -> None:
    """Raises a `FileNotFoundError` unless a file could be put there, a `ValueError` if the path names none."""
    if not path.name:
        raise ValueError(f"{path} must name a file that can be written, got a folder's name.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f'{path.parent} is not a folder, so {path.name} cannot be written there.')


def open_regular(path: str | os.PathLike) -> BinaryIO:
    """Opens a regular file to be read, and nothing that may have no end or make its reader wait for ever.

    Raises:
        OSError: if the file isn't there, or can't be opened.
        ValueError: if it is a folder, a pipe, a device or a socket.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # of a pipe, opening alone would wait
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, 'rb')
    os.close(handle)
    kinds = {stat.S_IFDIR: 'a folder', stat.S_IFIFO: 'a pipe', stat.S_IFCHR: 'a device', stat.S_IFBLK: 'a device'}
    raise ValueError(f'must be a regular file, got {kinds.get(stat.S_IFMT(mode), "a socket")}.')


def parse_json(text: str | bytes) -> Any:
    """Parses JSON in which no object has a key twice.

    Raises:
        ValueError: if it isn't JSON, isn't UTF-8, is nested too deep, or has a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repetition)
    except RecursionError as error:
        raise ValueError('is nested too deep.') from error


def read_json(path: Path) -> Any:
    """Reads a file of JSON of up to `MOST_JSON` bytes.

    Raises:
        OSError: if it isn't there, or can't be read.
        ValueError: if it isn't a regular file, is too long, isn't UTF-8, or isn't JSON.
    """
    with open_regular(path) as file:
        content = file.read(MOST_JSON + 1)
    if len(content) > MOST_JSON:
        raise ValueError(f'must be at most {MOST_JSON} bytes long, got more.')
    return parse_json(content)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f'an object must have each key once, got {twice[:40]!r} twice.')
    return found


def ordered(content: bytes) -> bytes:
    """The file with its header in alphabetical order: safetensors writes metadata in another order each time."""
    base = 8 + int.from_bytes(content[:8], 'little')
    header = json.dumps(json.loads(content[8:base]), sort_keys=True, separators=(',', ':')).encode()
    header += b' ' * (-len(header) % 8)  # the arrays start at a multiple of eight bytes
    return len(header).to_bytes(8, 'little') + header + content[base:]


def read(path: Path, what: str = 'map set') -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Opens a file without reading its arrays: they are read-only views of the file, paged in as they are used.

    Args:
        path: The file.
        what: What errors say that it must be.

    Returns:
        The arrays by name, and the header's metadata.

    Raises:
        FileNotFoundError: if there is no such file.
        IsADirectoryError: if it is a folder.
        ValueError: if the file is truncated, not safetensors, or of another schema, or its header isn't what was saved.
    """
    if path.is_dir():
        raise IsADirectoryError(f'{path} must be the file of a {what}, got a folder.')
    try:
        file = open_regular(path)
    except ValueError as error:
        raise ValueError(f'{path} {error}') from error
    with file:  # opened once: what replaces it meanwhile is another file
        content = mapped(file)
    try:
        arrays, metadata = _arrays(content, path)
    except HeaderError as error:
        raise ValueError(f'{path} is not a {what}, or is truncated: {error}') from error
    if metadata.get('schema') != SCHEMA:
        raise ValueError(f'{path} must have schema {SCHEMA}, got {metadata.get("schema")}.')
    if metadata.get(HEADER_HASH, expected := header_digest(metadata)) != expected:
        raise ValueError(f'{path} is damaged: its header hashes to {expected}, and should to {metadata[HEADER_HASH]}.')
    return arrays, metadata


def read_shipped(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Reads a file of `write` that ships with megastep, compressed by LZMA: its arrays, and the header's metadata.

    Raises:
        ValueError: if the content isn't what was written.
    """
    arrays, metadata = _arrays(np.frombuffer(lzma.decompress(path.read_bytes()), np.uint8), path)
    check_digest(path, arrays, metadata['sha256'])
    return arrays, metadata


def _arrays(content: np.ndarray, path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a file's content, as views of it, and the header's metadata."""
    content = np.asarray(content)
    base, header = _header(content)
    metadata = header.pop('__metadata__', {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise HeaderError('its metadata are no texts.')
    _check_layout(header, len(content) - base)
    return {name: _view(content[base:], name, entry, path) for name, entry in header.items()}, metadata


class HeaderError(ValueError):
    """A header that isn't safetensors'."""


def _header(content: np.ndarray) -> tuple[int, dict[str, Any]]:
    """The place where a file's arrays begin, and its header: eight bytes say how long it is, and JSON follows."""
    base = 8 + int.from_bytes(content[:8].tobytes(), 'little')
    if len(content) < 8 or base > min(len(content), MOST_HEADER):
        raise HeaderError(f'its header must end within {len(content)} bytes, and ends at {base}.')
    try:
        header = parse_json(content[8:base].tobytes())
    except ValueError as error:
        raise HeaderError(f'its header is no JSON: {error}') from error
    if not isinstance(header, dict):
        raise HeaderError('its header is no object.')
    return base, header


def _check_layout(header: Mapping[str, Any], size: int) -> None:
    """Raises unless arrays lie one after the other, without gaps, up to the file's end."""
    entries = [_placed(name, entry) for name, entry in header.items()]
    at = 0
    for start, end, name in sorted(entries):
        if start != at or end < start:
            raise HeaderError(f'its array {name!r} must begin at {at}, and lies at {start} to {end}.')
        at = end
    if at != size:
        raise HeaderError(f'its arrays must end where the file does, after {size} bytes, and end after {at}.')


def _placed(name: str, entry: Any) -> tuple[int, int, str]:
    """An array's place, if the header says it and it is as long as its shape and type say."""
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    shape, offsets, kind = (fields.get(key, ()) for key in ('shape', 'data_offsets', 'dtype'))
    whole = [
        isinstance(numbers, list) and all(type(number) is int and 0 <= number < 1 << 62 for number in numbers)
        for numbers in (shape, offsets)
    ]
    if not all(whole) or len(offsets) != 2 or not isinstance(kind, str):
        raise HeaderError(f'its array {name!r} lacks a shape, a type or a place.')
    start, end = offsets
    if kind in DTYPES and math.prod(shape) * np.dtype(DTYPES[kind]).itemsize != end - start:
        raise HeaderError(f'its array {name!r} of shape {shape} can not have {end - start} bytes.')
    return start, end, name


def _view(content: np.ndarray, name: str, entry: dict, path: Path) -> np.ndarray:
    if entry['dtype'] not in DTYPES:
        raise ValueError(f'{path} must hold arrays of {", ".join(DTYPES)}, but its {name} is of {entry["dtype"]}.')
    start, end = entry['data_offsets']
    return content[start:end].view(DTYPES[entry['dtype']]).reshape(entry['shape'])
