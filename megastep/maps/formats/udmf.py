"""Reads levels of Doom and its kin that are written as text: the Universal Doom Map Format.

A text is assignments (``x = 32.0;``) and blocks of them (``vertex { ... }``), the blocks of a sort numbered in order.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from megastep.maps.formats import reading

TOKEN = re.compile(
    r'\s+|//[^\n]*|/\*.*?\*/|(?P<token>"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[+-]?[\w.][\w.+-]*|[{}=;])', re.DOTALL
)
"""A blank, a comment or a token. Each is matched by itself: none is repeated in a repetition, which could be parted in
exponentially many ways."""

LARGEST_WHOLE = 1 << 31
"""Whole numbers are less than this."""

BLOCKING = ('blocking', 'blockplayers', 'blockeverything')
"""The marks of a line that no player walks through."""

Block = dict[str, str]


def parse(
    text: str,
) -> tuple[
    Float[np.ndarray, 'segment 2 2'],
    Bool[np.ndarray, 'segment 2'],
    Float[np.ndarray, 'thing 2'],
    Int[np.ndarray, ' thing'],
]:
    """Finds what stands in a level's way, and its things.

    Returns:
        One-sided and blocking lines as segments; which of their front and back there is; the things' places, like the
        segments in the level's units; and their types.

    Raises:
        ValueError: if the text isn't in the format, or a line uses a vertex that there isn't.
    """
    blocks: dict[str, list[Block]] = {'vertex': [], 'linedef': [], 'thing': []}
    for sort, block in _blocks(text):
        if sort in blocks:
            blocks[sort].append(block)
    corners = _places(blocks['vertex'], 'vertex')
    standing = [(i, line) for i, line in enumerate(blocks['linedef']) if _stands(line)]
    ends = [_ends(line, i, len(corners)) for i, line in standing]
    sides = np.array([(True, not _is_one_sided(line)) for _, line in standing], bool).reshape(-1, 2)
    things = blocks['thing']
    types = np.array([_whole(thing, 'type', f'thing {i}') for i, thing in enumerate(things)], np.int64)
    return corners[np.array(ends, np.int64).reshape(-1, 2)], sides, _places(things, 'thing'), types


def _blocks(text: str) -> Iterator[tuple[str, Block]]:
    """Each block's sort and what is assigned in it."""
    tokens = _tokens(text)
    for name in tokens:
        if (follows := next(tokens, 'the end')) == '{':
            yield name.lower(), dict(_assignments(tokens))
        elif follows == '=':
            _expect(tokens, name)
        else:
            raise ValueError(f'TEXTMAP must have = or {{ after {name[:40]!r}, got {follows[:40]!r}.')


def _assignments(tokens: Iterator[str]) -> Iterator[tuple[str, str]]:
    for name in tokens:
        if name == '}':
            return
        if (follows := next(tokens, 'the end')) != '=':
            raise ValueError(f'TEXTMAP must have = after {name[:40]!r}, got {follows[:40]!r}.')
        yield name.lower(), _expect(tokens, name)
    raise ValueError('TEXTMAP must close each { with }, got the end.')


def _expect(tokens: Iterator[str], name: str) -> str:
    """The value that is assigned, up to its semicolon."""
    value, end = next(tokens, 'the end'), next(tokens, 'the end')
    if end != ';':
        raise ValueError(f'TEXTMAP must have ; after {name[:40]} = {value[:40]}, got {end[:40]!r}.')
    return value


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        if (match := TOKEN.match(text, at)) is None:
            raise ValueError(f'TEXTMAP must be assignments and blocks, got {text[at : at + 40]!r}.')
        if match['token']:
            yield match['token']
        at = match.end()


def _stands(line: Block) -> bool:
    """True if nobody walks through a line."""
    return _is_one_sided(line) or any(line.get(name, '').lower() == 'true' for name in BLOCKING)


def _is_one_sided(line: Block) -> bool:
    return line.get('sideback', '-1') == '-1'


def _ends(line: Block, i: int, vertices: int) -> tuple[int, int]:
    ends = _whole(line, 'v1', f'linedef {i}'), _whole(line, 'v2', f'linedef {i}')
    if not all(0 <= end < vertices for end in ends):
        raise ValueError(f'linedef {i} must use vertices 0 to {vertices - 1}, got {ends[0]} and {ends[1]}.')
    return ends


def _places(blocks: list[Block], sort: str) -> Float[np.ndarray, 'block 2']:
    places = [[_number(block, axis, f'{sort} {i}') for axis in ('x', 'y')] for i, block in enumerate(blocks)]
    return np.array(places, np.float64).reshape(-1, 2)


def _whole(block: Block, name: str, subject: str) -> int:
    number = _number(block, name, subject)
    if number != int(number) or not abs(number) < LARGEST_WHOLE:
        raise ValueError(f'{subject} must have a whole number for {name} of less than {LARGEST_WHOLE}, got {number:g}.')
    return int(number)


def _number(block: Block, name: str, subject: str) -> float:
    try:
        number = reading.number(block[name])
    except (KeyError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f'{subject} must have a number for {name}, got {block.get(name, "none")[:40]!r}.')
    return number
