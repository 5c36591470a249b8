"""Reads the levels of Doom and its kin, from WAD files.

A level is a lump with THINGS or TEXTMAP after it, whatever its name, in Doom's format, in Hexen's, or as text (UDMF).
32 units are a metre. What stops a player who walks stands: one-sided lines, and two-sided ones that are marked as
blocking everybody, players or everything, as each format marks them. Doors, which open, don't; steps, drops and what is
done with scripts aren't looked at. Free space is the largest face that the first player starts in (in the last place,
as games have it, where there are several) or is teleported to, else that others start in. Spawns are where they do,
then where other things are, as far as there is room, and where these are few also elsewhere.

At most `MOST_LUMPS` entries are read, and of each lump at most `MOST_BYTES`: an import takes less than 500 MB.
"""

from __future__ import annotations

import os
import re
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt16

from megastep.checks import check_paths
from megastep.maps.formats import udmf
from megastep.maps.formats.building import build
from megastep.maps.formats.drawing import Drawing, Imported
from megastep.maps.formats.reading import (
    Attempt,
    Collected,
    Inside,
    LeftOut,
    check_inside,
    check_names,
    collect,
    meant,
    opened,
)
from megastep.maps.frame import Frame

UNITS = 32.0
"""To a metre."""

MOST_LUMPS = 1 << 16
MOST_BYTES = 4 << 20
"""The largest lump of a level that is read, in bytes: 65,536 things take a third of it."""

HEADER, ENTRY = struct.Struct('<4sii'), struct.Struct('<ii8s')

LEVEL = re.compile(r'MAP[0-9][0-9]|E[0-9]M[0-9]')
"""Names that no other lump has."""
PARTS = {'THINGS', 'LINEDEFS', 'SIDEDEFS', 'VERTEXES', 'SEGS', 'SSECTORS', 'NODES', 'SECTORS', 'REJECT', 'BLOCKMAP'} | {
    'BEHAVIOR', 'SCRIPTS', 'TEXTMAP', 'ZNODES', 'DIALOGUE', 'LIGHTMAP', 'ENDMAP'
}  # fmt: skip
"""The lumps that may belong to a level."""
FIRST_PARTS = ('THINGS', 'TEXTMAP')
"""The lumps that follow a level's name."""

STARTS = (1, 2, 3, 4, 11, 14)
"""Things where players appear: the first to the fourth, those who play against each other, and who is teleported."""

FIRST_PLAYER, TELEPORTED = 1, 14

BLOCKING = 0x0001
"""A line's flag: nobody walks through."""
MBF21_BLOCKS_PLAYERS, MBF21_OFF = 0x2000, 0x0800
"""In Doom's format: players don't walk through; and what switches MBF21's flags off, where old editors left rubbish."""
HEXEN_BLOCKS = 0x4000 | 0x8000
"""In Hexen's format: players don't walk through, or nothing passes (ZDoom's flags)."""

HAIR = 0.1 / UNITS
"""How far in front of a one-sided line its floor is looked for, in metres."""

NO_SIDE = 0xFFFF

VERTEX = np.dtype([('x', '<i2'), ('y', '<i2')])
DOOM_LINE = np.dtype([('start', '<u2'), ('end', '<u2'), ('flags', '<u2'), ('rest', '<u2', 2), ('sides', '<u2', 2)])
HEXEN_LINE = np.dtype([('start', '<u2'), ('end', '<u2'), ('flags', '<u2'), ('rest', 'u1', 6), ('sides', '<u2', 2)])
DOOM_THING = np.dtype([('x', '<i2'), ('y', '<i2'), ('angle', '<u2'), ('type', '<u2'), ('flags', '<u2')])
HEXEN_THING = np.dtype(
    [('id', '<u2'), ('x', '<i2'), ('y', '<i2'), ('z', '<i2'), ('angle', '<u2'), ('type', '<u2'), ('rest', 'u1', 8)]
)


class Lump(NamedTuple):
    """A stretch of the file."""

    name: str
    start: int
    size: int


Level = tuple[str, dict[str, Lump]]
"""A level's name, and its lumps by theirs."""


def read(
    path: str | os.PathLike,
    *,
    levels: str | Sequence[str] | None = None,
    inside: Inside = None,
    skip_invalid: bool = False,
) -> Collected:
    """Reads the levels in a file; of those that have the same name the last, as games do: the others are left out.

    Args:
        path: The file.
        levels: The names of the levels that are read, in the file's order; by default all are.
        inside: A point in the face that is meant, or several, in the level's units, usually by the level's name.
        skip_invalid: Leave out the levels that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file isn't a WAD or is truncated; if a level can't be used, naming it, the lump and the
            reason; or if none can.
    """
    check_paths(path=path)
    path = Path(path)
    check_inside(inside)
    with opened(path) as file:
        try:
            found = _named(_levels(_directory(file)), levels)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        last = dict(found)
        check_names(inside, last)
        attempts = [
            Attempt(name, f'{path}, {name}', partial(_level, file, lumps, meant(inside, name)))
            for name, lumps in last.items()
        ]
        return collect(str(path), attempts, skip_invalid=skip_invalid, passed_over=_replaced(path, found))


def _named(found: list[Level], names: str | Sequence[str] | None) -> list[Level]:
    """The levels of some names, or all of them."""
    if names is None:
        return found
    wanted, known = [names] if isinstance(names, str) else names, dict(found)
    if not isinstance(wanted, Sequence):
        raise ValueError(f'levels must be names of levels, got {names!r}.')  # noqa: TRY004, as for other values
    for name in wanted:
        if name not in known:
            raise ValueError(f'levels must be among those that there are, {", ".join(list(known)[:40])}, got {name!r}.')
    return [(name, lumps) for name, lumps in found if name in wanted]


def _replaced(path: Path, levels: list[Level]) -> list[LeftOut]:
    """The levels that a later one of the same name takes the place of."""
    last = {name: number for number, (name, _) in enumerate(levels)}
    counts: Counter[str] = Counter()
    reason, found = 'a later level has the same name, and games load that one.', []
    for number, (name, _) in enumerate(levels):
        counts[name] += 1
        if number != last[name]:
            label = f'{name}, number {counts[name]}'
            found.append(LeftOut(label, f'{path}, {label}', reason))
    return found


def _directory(file: BinaryIO) -> list[Lump]:
    """The file's directory of lumps, checked to lie in the file."""
    length = os.fstat(file.fileno()).st_size
    header = file.read(HEADER.size)
    if len(header) < HEADER.size or header[:4] not in (b'IWAD', b'PWAD'):
        raise ValueError(f'a WAD must begin with IWAD or PWAD and 8 bytes more, got {header!r}.')
    _, count, start = HEADER.unpack(header)
    if not 0 <= count <= MOST_LUMPS:
        raise ValueError(f'the directory must have 0 to {MOST_LUMPS} lumps, got {count}.')
    if not HEADER.size <= start <= length - count * ENTRY.size:
        raise ValueError(f'the directory of {count} lumps must lie within {length} bytes, but begins at {start}.')
    file.seek(start)
    entries = ENTRY.iter_unpack(file.read(count * ENTRY.size))
    return [_lump(start, size, name, length) for start, size, name in entries]


def _lump(start: int, size: int, name: bytes, length: int) -> Lump:
    text = name.partition(b'\0')[0].decode('latin-1').upper()
    if size < 0 or (size and not 0 <= start <= length - size):
        raise ValueError(f'lump {text!r} must lie within {length} bytes, but has {size} from {start}.')
    return Lump(text, start, size)


def _levels(lumps: list[Lump]) -> list[Level]:
    """The levels in order: the name and the lumps of each."""
    levels: list[Level] = []
    parts: dict[str, Lump] = {}
    followers = [lump.name for lump in lumps][1:] + ['']
    for lump, follower in zip(lumps, followers, strict=False):  # of no lumps there is a follower too many
        if LEVEL.fullmatch(lump.name) or (lump.name not in PARTS and follower in FIRST_PARTS):
            parts = {}
            levels.append((lump.name, parts))
        elif lump.name in PARTS:
            parts.setdefault(lump.name, lump)
        else:
            parts = {}
    return levels


def _level(file: BinaryIO, lumps: Mapping[str, Lump], inside: Float[np.ndarray, 'point 2']) -> Imported:
    drawing = _text_level(file, lumps) if 'TEXTMAP' in lumps else _binary_level(file, lumps)
    return build(drawing, inside=inside)


def _text_level(file: BinaryIO, lumps: Mapping[str, Lump]) -> Drawing:
    return _drawing(*udmf.parse(_content(file, lumps, 'TEXTMAP').decode('latin-1')))


def _binary_level(file: BinaryIO, lumps: Mapping[str, Lump]) -> Drawing:
    hexen = 'BEHAVIOR' in lumps
    vertices = _records(file, lumps, 'VERTEXES', VERTEX)
    lines = _records(file, lumps, 'LINEDEFS', HEXEN_LINE if hexen else DOOM_LINE)
    things = _records(file, lumps, 'THINGS', HEXEN_THING if hexen else DOOM_THING)
    for end in ('start', 'end'):
        if len(lines) and lines[end].max() >= len(vertices):
            raise ValueError(f'LINEDEFS must use vertices 0 to {len(vertices) - 1}, got {lines[end].max()}.')
    standing = lines[_blocks_players(lines['flags'], hexen=hexen) | (lines['sides'] == NO_SIDE).any(1)]
    corners = _places(vertices)
    segments = np.stack([corners[standing['start']], corners[standing['end']]], axis=1)
    return _drawing(segments, standing['sides'] != NO_SIDE, _places(things), things['type'])


def _blocks_players(flags: UInt16[np.ndarray, ' line'], *, hexen: bool) -> Bool[np.ndarray, ' line']:
    """A mask of the lines that are marked so that no player walks through."""
    if hexen:
        return flags & (BLOCKING | HEXEN_BLOCKS) > 0
    return (flags & BLOCKING > 0) | ((flags & MBF21_BLOCKS_PLAYERS > 0) & (flags & MBF21_OFF == 0))


def _records(file: BinaryIO, lumps: Mapping[str, Lump], name: str, kind: np.dtype) -> np.ndarray:
    content = _content(file, lumps, name)
    if len(content) % kind.itemsize:
        raise ValueError(f'{name} must be whole records of {kind.itemsize} bytes, got {len(content)} bytes.')
    return np.frombuffer(content, kind)


def _content(file: BinaryIO, lumps: Mapping[str, Lump], name: str) -> bytes:
    if name not in lumps:
        raise ValueError(f'a level must have {name}, got only {sorted(lumps)}.')
    lump = lumps[name]
    if lump.size > MOST_BYTES:
        raise ValueError(f'{name} must be at most {MOST_BYTES} bytes long, got {lump.size}.')
    file.seek(lump.start)
    return file.read(lump.size)


def _places(records: np.ndarray) -> Float[np.ndarray, 'record 2']:
    return np.stack([records['x'], records['y']], axis=1).astype(np.float64)


def _drawing(
    segments: Float[np.ndarray, 'segment 2 2'],
    sides: Bool[np.ndarray, 'segment 2'],
    places: Float[np.ndarray, 'thing 2'],
    types: Int[np.ndarray, ' thing'],
) -> Drawing:
    starting, segments, places = np.isin(types, STARTS), segments / UNITS, places / UNITS
    return Drawing(
        segments,
        starts=places[starting],
        first=np.concatenate([places[types == FIRST_PLAYER][-1:], places[types == TELEPORTED]]),
        others=places[~starting],
        frame=Frame(1 / UNITS),
        floor=np.concatenate([_floor(segments, sides), places[starting]]),
    )


def _floor(segments: Float[np.ndarray, 'segment 2 2'], sides: Bool[np.ndarray, 'segment 2']) -> np.ndarray:
    """Places a hair in front of each line that has one side only: the front is to the right of a line."""
    segments, sides = segments[sides.sum(1) == 1], sides[sides.sum(1) == 1]
    steps = segments[:, 1] - segments[:, 0]
    lengths = np.hypot(*steps.T)
    right = np.stack([steps[:, 1], -steps[:, 0]], axis=1)[lengths > 0] / lengths[lengths > 0, None]
    return segments[lengths > 0].mean(1) + HAIR * np.where(sides[lengths > 0, :1], right, -right)
