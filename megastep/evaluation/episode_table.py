"""Tidy data of episodes: a row an episode, a column a variable, all of one length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Int, Shaped

Columns = Mapping[str, Shaped[np.ndarray, ' episode']]
"""Columns by name."""

KEYS: Mapping[str, type] = MappingProxyType({'agent': str, 'run': int, 'set': str, 'map': int, 'episode': int})
"""The columns that say which episode a row is: there must be all of them."""

VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        'shortest_path': 'the shortest path from start to goal, m',
        'detour': 'the shortest path over the straight line from start to goal',
        'rooms': "the map's rooms",
        'walls': "the map's walls: the sides that can be seen",
        'metres_walked': 'the path walked, m',
        'seconds': 'the time the episode took in the world, s',
        'start_x': 'where the episode began, m',
        'start_y': 'where the episode began, m',
        'goal_x': 'where its goal was, m',
        'goal_y': 'where its goal was, m',
    }
)
"""What a row says of its episode beside its scores. Those that aren't given, or that a task doesn't have, are NaN."""

OPTIONAL: Mapping[str, type] = MappingProxyType({'variation': str, 'trained_on': bool})
"""The variation of the env, '' for none; whether the agent's run has learnt in the row's map. By default neither."""

DEFAULTS: Mapping[str, str | bool] = MappingProxyType({'variation': '', 'trained_on': False})

UNIQUE = ('agent', 'run', 'set', 'episode', 'variation')
"""No two rows have the same of all of these."""


def episode_table(columns: Mapping[str, Sequence | np.ndarray], scores: Sequence[str]) -> Columns:
    """Checked columns of one length and of the right types, read-only, those that weren't given filled in.

    Args:
        columns: Those of `KEYS`, the scores, and as many of `OPTIONAL` and `VARIABLES` as are known.
        scores: Which of them are scores.

    Raises:
        ValueError: if a column is missing, unknown, not one-dimensional, of another length, of a wrong type, negative
            where it counts, or infinite; there are no rows; or two rows are the same episode.
    """
    _check_names(columns, scores)
    found: dict[str, np.ndarray] = {}
    types = {**KEYS, **OPTIONAL, **dict.fromkeys([*scores, *VARIABLES], float)}
    length = len(np.atleast_1d(np.asarray(columns['agent'])))
    if not length:
        raise ValueError('results must have at least 1 episode, got 0.')
    for name, kind in types.items():
        given = columns.get(name, np.full(length, DEFAULTS.get(name, np.nan)))
        found[name] = _column(name, np.array(given), kind, length)
        found[name].flags.writeable = False
    _check_unique(found)
    return MappingProxyType(found)


def _check_names(columns: Mapping[str, Sequence | np.ndarray], scores: Sequence[str]) -> None:
    if not isinstance(columns, Mapping):
        raise ValueError(f'the table of episodes must be columns by name, got {type(columns).__name__}.')  # noqa: TRY004
    if not scores or isinstance(scores, str):
        raise ValueError(f'scores must be a sequence of at least 1 column, got {scores!r}.')
    if missing := [name for name in (*KEYS, *scores) if name not in columns]:
        raise ValueError(f'the table of episodes must have a column {missing[0]!r}, got {", ".join(columns)}.')
    known = {*KEYS, *OPTIONAL, *VARIABLES}
    if clash := [name for name in scores if name in known - {'metres_walked', 'seconds'}]:
        raise ValueError(f'scores must have names of their own, got {clash[0]!r}, which another column has.')
    if unknown := [name for name in columns if name not in {*known, *scores}]:
        raise ValueError(f'columns must be among scores, {", ".join(sorted(known))}, got {unknown[0]!r}.')


def _column(name: str, values: np.ndarray, kind: type, length: int) -> np.ndarray:
    """One column as it is kept: text, 64-bit integers, float64 or booleans."""
    if values.shape != (length,):
        raise ValueError(f'column {name!r} must have {length} values in one dimension, got shape {values.shape}.')
    if values.dtype.kind not in {str: 'UO', int: 'iu', float: 'fiub', bool: 'b'}[kind]:
        raise ValueError(f'column {name!r} must be of {kind.__name__}, got {values.dtype}.')
    if kind is int and (values < 0).any():
        raise ValueError(f'column {name!r} must be at least 0, got {values.min()}.')
    if kind is float and np.isinf(values.astype(float)).any():
        raise ValueError(f'column {name!r} must be finite, or NaN for what an episode does not have, got infinity.')
    return values.astype({str: np.str_, int: np.int64, float: np.float64, bool: np.bool_}[kind])


def _check_unique(table: Columns) -> None:
    _, firsts, counts = np.unique(joint_codes(table, *UNIQUE), return_index=True, return_counts=True)
    if (counts > 1).any():
        row = firsts[counts > 1][0]
        which = ', '.join(f'{name} {table[name][row]!s}' for name in UNIQUE if str(table[name][row]))
        raise ValueError(f'results must have each episode once, got {counts.max()} rows of {which}.')


def codes(values: np.ndarray) -> Int[np.ndarray, ' episode']:
    """Numbers of the distinct values, from 0, in order."""
    if values.dtype.kind != 'U':
        return np.unique(values, return_inverse=True)[1].reshape(-1)
    names = values.tolist()  # a look-up is ten times as fast as sorting text
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.fromiter(map(numbers.__getitem__, names), np.int64, len(names))


def joint_codes(table: Columns, *names: str) -> Int[np.ndarray, ' episode']:
    """Numbers of the distinct combinations of columns' values, from 0, in order."""
    found = np.zeros(len(table['agent']), np.int64)
    for name in names:
        column = codes(table[name])
        found = codes(found * (column.max(initial=0) + 1) + column)
    return found


def distinct(values: Iterable) -> list:
    """The distinct values, in the order in which they first appear."""
    return list(dict.fromkeys(np.asarray(values).tolist()))


def picked(table: Columns, rows: Bool[np.ndarray, ' episode'] | np.ndarray) -> dict[str, np.ndarray]:
    """Some of the rows."""
    return {name: values[rows] for name, values in table.items()}


def where(table: Columns, **values: object) -> Bool[np.ndarray, ' episode']:
    """A mask of the rows that have the given values, or one of several.

    Raises:
        ValueError: if there is no such column, or no row has the value.
    """
    chosen = np.ones(len(table['agent']), bool)
    for name, wanted in values.items():
        if name not in table:
            raise ValueError(f'there is no column {name!r}, only {", ".join(table)}.')
        options = list(wanted) if isinstance(wanted, (list, tuple, set, np.ndarray)) else [wanted]
        if absent := [option for option in options if not (table[name] == option).any()]:
            raise ValueError(f'{name} must be one of {_listing(table[name])}, got {absent[0]!r}.')
        chosen &= np.isin(table[name], np.array(options))
    if not chosen.any():
        raise ValueError(
            f'there are no episodes of {", ".join(f"{name} {value!r}" for name, value in values.items())}.'
        )
    return chosen


def _listing(values: np.ndarray) -> str:
    names = distinct(values)
    return ', '.join(map(repr, names[:20])) + (', …' if len(names) > 20 else '')
