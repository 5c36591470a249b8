"""Checksums: SHA-256 hashes of arrays, files and headers, and what is held against them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from megastep.maps.storage.regular_files import open_regular

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
