"""Log of a run's episodes: those of its evaluations, and by map how training went, in rows of a binary file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from megastep.maps.storage import atomic, json_files, regular_files

FORMAT = '1'
"""The version of the file's layout. A file of any other is refused."""

NAME = 'episodes.bin'
"""The name of the file in a run's folder."""

SETS = ('training', 'evaluation')
"""The sets of maps that rows are of, by the number that stands for each in the file."""

FIXED = (('set', '<u1'), ('updates', '<u4'), ('frames', '<u8'), ('map', '<u4'), ('episodes', '<f4'))
"""The columns that every row has before its scores, and their types."""

LONGEST_LINE = 1 << 20
"""The longest first line that is read, in bytes."""


def _row_type(names: Sequence[str]) -> np.dtype:
    return np.dtype([*FIXED, *((name, '<f4') for name in names)])


class EpisodeLog:
    """Log of a run's episodes: a line of JSON that names the columns, then rows of one length, which are only appended.

    A row that was cut short is left out when it is read.

    Args:
        path: The file.
        names: The columns after those that every row has: scores, and what else is known of an episode.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path, self._names = path, tuple(names)

    def __enter__(self) -> EpisodeLog:
        """Opens the file, which is made if it isn't there. Columns that it lacks it gets, NaN in the rows it has.

        Raises:
            ValueError: if it has others, or is damaged.
        """
        if not self._path.exists():
            atomic.replace(self._path, _header(self._names))
        elif (found := _read_header(self._path)[0]) != self._names:
            if not set(found) < set(self._names):
                wanted = ', '.join(self._names)
                raise ValueError(f'{self._path} must have the columns {wanted}, got {", ".join(found)}.')
            atomic.replace(self._path, _header(self._names) + _widened(_read(self._path)[0], self._names).tobytes())
        self._file = open(self._path, 'ab', buffering=0)
        return self

    def append(self, name: str, columns: Mapping[str, ArrayLike], *, updates: int, frames: int) -> None:
        """Appends rows.

        Args:
            name: The set of maps that they are of, one of `SETS`.
            columns: The number of each row's map, ``'map'``; for how many episodes it stands, ``'episodes'``; and its
                scores. What isn't given is NaN.
            updates: How many updates had been made.
            frames: How many steps.
        """
        rows = np.zeros(len(np.asarray(columns['map'])), _row_type(self._names))
        for column in self._names:
            rows[column] = columns.get(column, np.nan)
        rows['set'], rows['updates'], rows['frames'] = SETS.index(name), updates, frames
        rows['map'], rows['episodes'] = columns['map'], columns['episodes']
        self._file.write(rows.tobytes())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_episodes(folder: str | Path) -> dict[str, np.ndarray]:
    """Reads the episodes of a run: a tidy table, as a dict of arrays of one length.

    Args:
        folder: The run's.

    Returns:
        ``'set'``: ``'evaluation'`` for an episode of an evaluation, ``'training'`` for a map of training at the moment
        of one. ``'updates'`` and ``'frames'``: how many updates and steps had been made. ``'map'``: the map's number in
        its set. ``'episodes'``: 1, or the weight of the map's mean. Then ``'return'``, ``'length'`` in steps, the env's
        scores, where the episode began in metres, ``'start_x'`` and ``'start_y'``, and what else the env says of it, as
        PointGoal does ``'goal_x'`` and ``'goal_y'``: see `Env.scores` and `Env.measures`. A map's are means over the
        last episodes there, see `MapScores`; what isn't known is NaN.

    Raises:
        ValueError: naming the file that is missing or damaged.
    """
    rows, names = _read(Path(folder) / NAME)
    table: dict[str, Any] = {name: np.ascontiguousarray(rows[name]) for name in (*dict(FIXED), *names)}
    return {**table, 'set': np.array(SETS)[table['set']]}


def keep(path: Path, updates: int) -> None:
    """Removes the rows of later updates, and one that was cut short."""
    if path.exists():
        rows, names = _read(path)
        atomic.replace(path, _header(names) + rows[rows['updates'] <= updates].tobytes())


def _widened(rows: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The same rows with further columns, which are NaN."""
    wider = np.zeros(len(rows), _row_type(names))
    for name in wider.dtype.names or ():
        wider[name] = rows[name] if name in (rows.dtype.names or ()) else np.nan
    return wider


def _header(names: Sequence[str]) -> bytes:
    return json.dumps({'episodes': FORMAT, 'columns': list(names)}).encode() + b'\n'


def _read_header(path: Path) -> tuple[tuple[str, ...], int]:
    """The columns that a file names, and where its rows begin."""
    try:
        with regular_files.open_regular(path) as file:
            line = file.readline(LONGEST_LINE)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ValueError(f'{path} must have the episodes of a run, got no such file.') from error
    except ValueError as error:
        raise ValueError(f'{path} {error}') from error
    try:
        header = json_files.parse_json(line)
        names, version = tuple(map(_name, header['columns'])), header['episodes']
        _row_type(names)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{path} is damaged: its first line must name the columns.') from error
    if version != FORMAT:
        raise ValueError(f'{path} must be of version {FORMAT}, got {version}.')
    return names, len(line)


def _name(value: Any) -> str:
    """A column's name, if it is one."""
    if not isinstance(value, str) or not value:
        raise TypeError(f'a column must have a name, got {value!r}.')
    return value


def _read(path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    names, start = _read_header(path)
    dtype, content = _row_type(names), path.read_bytes()[start:]
    rows = np.frombuffer(content[: len(content) // dtype.itemsize * dtype.itemsize], dtype)
    if (rows['set'] >= len(SETS)).any():
        raise ValueError(f'{path} is damaged: a row is of no set that there is.')
    return rows, names
