"""JSON from files and texts that may be damaged or hostile: too long, nested too deep, or with a key twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from megastep.maps.storage.regular_files import open_regular

MOST_JSON = 1 << 24
"""The longest file of JSON that is read, in bytes."""


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


def parse_json(text: str | bytes) -> Any:
    """Parses JSON in which no object has a key twice.

    Raises:
        ValueError: if it isn't JSON, isn't UTF-8, is nested too deep, or has a key twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repetition)
    except RecursionError as error:
        raise ValueError('is nested too deep.') from error


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise ValueError(f'an object must have each key once, got {twice[:40]!r} twice.')
    return found
