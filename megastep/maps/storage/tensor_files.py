"""Named arrays in safetensors files, memory-mapped when read."""

from __future__ import annotations

import json
import lzma
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from megastep.maps.storage import atomic
from megastep.maps.storage.digests import HEADER_HASH, check_digest, digest, header_digest
from megastep.maps.storage.json_files import parse_json
from megastep.maps.storage.memory_maps import mapped
from megastep.maps.storage.regular_files import open_regular

SCHEMA = '1'
"""The version of the file's layout. A file of any other is refused."""

DTYPES: dict[str, str] = {'F64': '<f8', 'F32': '<f4', 'I32': '<i4', 'I64': '<i8'}
"""The types of number a map set's file holds: NumPy's names, by safetensors'."""

MOST_HEADER = 100_000_000
"""The longest header, in bytes, as safetensors has it."""


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
    atomic.replace(path, content)


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


def ordered(content: bytes) -> bytes:
    """The file with its header in alphabetical order: safetensors writes metadata in another order each time."""
    base = 8 + int.from_bytes(content[:8], 'little')
    header = json.dumps(json.loads(content[8:base]), sort_keys=True, separators=(',', ':')).encode()
    header += b' ' * (-len(header) % 8)  # the arrays start at a multiple of eight bytes
    return len(header).to_bytes(8, 'little') + header + content[base:]


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
