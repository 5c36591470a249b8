"""Bounded reading of files that may hold anything, and collecting the maps in them that can be used."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
import shapely
from jaxtyping import Float
from numpy.typing import ArrayLike

from megastep.checks import check_paths
from megastep.maps.faces import checked_points
from megastep.maps.formats.building import build
from megastep.maps.formats.drawing import Drawing, Imported
from megastep.maps.geometry import Geometry
from megastep.maps.storage import regular_files
from megastep.maps.words import counted

Paths = str | os.PathLike | Iterable[str | os.PathLike]
"""A file, or several."""

NUMBER = r'[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?'
"""A decimal number, as every format writes it: not `1_000`, no digits of other scripts, no `inf`."""

IS_NUMBER = re.compile(NUMBER)

FAILURES = (ValueError, ArithmeticError, RecursionError, shapely.errors.ShapelyError)
"""The errors that what a file holds may bring about, should a reader not have foreseen it."""


Content = TypeVar('Content')

Inside = ArrayLike | Mapping[str, ArrayLike] | None
"""A point (x, y) in the face that is meant, or several, in a file's own coordinates; or such by the maps' names."""


class Attempt(NamedTuple):
    """A map that may turn out not to be one."""

    name: str
    """Its name in its file, or its file's."""
    where: str
    """Its place, for errors."""
    make: Callable[[], Imported]
    """Makes it, or raises a ValueError."""


class LeftOut(NamedTuple):
    """A map that isn't among those that were made."""

    name: str
    where: str
    reason: str


class Collected(NamedTuple):
    """The maps that could be made, and what there is to say of them."""

    geometries: list[Geometry]
    record: dict[str, Any]
    """``names``: what each map is called. ``notes``: what is to be known of each. ``left_out``: why
    each of the others isn't among them."""


def collect(
    source: str,
    attempts: Iterable[Attempt],
    *,
    skip_invalid: bool,
    above: int = 3,
    passed_over: Iterable[LeftOut] = (),
) -> Collected:
    """Makes maps, one after the other.

    Args:
        source: What the maps are from, for the errors.
        attempts: The maps' names and how to make them.
        skip_invalid: Leave out the maps that can't be made, with a warning that lists them, instead of raising.
        above: The warning is in the name of the caller so many calls above.
        passed_over: Maps that needn't be made, which are listed with those that can't.

    Raises:
        ValueError: if a map can't be made, naming it and the reason; or if none can.
    """
    geometries: list[Geometry] = []
    names, notes, reasons = [], [], list(passed_over)
    for name, where, make in attempts:
        try:
            geometry, note, words = make()
        except FAILURES as error:
            if not skip_invalid:
                raise ValueError(f'{where}: {error}') from error
            reasons.append(LeftOut(name, where, str(error)))
        else:
            geometries.append(geometry)
            names.append(name)
            notes.append(note)
            _warn([f'{where}: {word}' for word in words], above + 1)
    listed = [f'{where}: {reason}' for _, where, reason in reasons]
    if not geometries:
        raise ValueError('\n'.join([f'{source} holds no map that can be used.', *listed]))
    if listed:
        said = f'{counted(len(listed), "map")} {"was" if len(listed) == 1 else "were"} left out:'
        _warn(['\n'.join([said, *listed])], above + 1)
    left_out = {name: reason for name, _, reason in reasons}
    return Collected(geometries, {'names': names, 'notes': notes, 'left_out': left_out})


def _warn(words: Iterable[str], above: int) -> None:
    for word in words:
        warnings.warn(word, stacklevel=above + 1)


def meant(inside: Inside, name: str) -> Float[np.ndarray, 'point 2']:
    """The points in the face that is meant of one map: none where nothing is said of it.

    Raises:
        ValueError: if these are no points.
    """
    return checked_points(inside.get(name) if isinstance(inside, Mapping) else inside)


def check_inside(inside: Inside) -> None:
    """Raises a `ValueError` unless these are points, or points by the names of maps."""
    for points in inside.values() if isinstance(inside, Mapping) else [inside]:
        checked_points(points)


def check_names(inside: Inside, names: Iterable[str]) -> None:
    """Raises a `ValueError` if points are given for maps that there aren't."""
    known = list(names)
    unknown = [name for name in inside if name not in known] if isinstance(inside, Mapping) else []
    if unknown:
        raise ValueError(f'inside must be for maps that there are, {", ".join(known[:20])}, got {unknown[0]!r}.')


def several(path: Paths) -> Paths:
    """The files that are meant, as they can be looked through more than once: an iterator is a list."""
    return path if isinstance(path, str | os.PathLike) or not isinstance(path, Iterable) else list(path)


def paths(path: Paths) -> list[Path]:
    """The files that are meant: one, or several.

    Raises:
        ValueError: if there are none, or one is no path.
    """
    listed = several(path)
    found: list[Any] = listed if isinstance(listed, list) else [listed]
    if not found:
        raise ValueError('path must be at least 1 file, got none.')
    for each in found:
        check_paths(path=each)
    return [Path(each) for each in found]


def one_each(
    path: Paths,
    make: Callable[[Path, Float[np.ndarray, 'point 2']], Imported],
    *,
    inside: Inside,
    skip_invalid: bool,
) -> Collected:
    """Makes a map of each file.

    Args:
        path: The file, or several.
        make: Makes one of a file and the points that are meant of it.
        inside: Points in the face that is meant, by the files' names where these aren't the same.
        skip_invalid: Leave out the maps that can't be made: see `collect`.
    """
    check_inside(inside)
    given = paths(path)
    check_names(inside, [each.name for each in given])
    attempts = (Attempt(each.name, str(each), partial(make, each, meant(inside, each.name))) for each in given)
    source = str(given[0]) if len(given) == 1 else f'each of {len(given)} files'
    return collect(source, attempts, skip_invalid=skip_invalid, above=4)


def in_each(
    path: Paths, read: Callable[[Path], Iterable[tuple[str, Content]]], *, skip_invalid: bool
) -> tuple[list[tuple[Path, str, Content]], list[LeftOut]]:
    """The maps that files have in them, several in each, before they are made.

    Args:
        path: The file, or several.
        read: What a file holds: its maps' names, and what they are made of.
        skip_invalid: Pass over files that can't be read, instead of raising.

    Returns:
        For each map its file, its name and what it is made of; and the files that can't be read.

    Raises:
        ValueError: if a file can't be read, naming it and the reason.
    """
    found: list[tuple[Path, str, Content]] = []
    unreadable = []
    for file in paths(path):
        try:
            found += [(file, name, content) for name, content in read(file)]
        except FAILURES as error:
            if not skip_invalid:
                raise ValueError(f'{file}: {error}') from error
            unreadable.append(LeftOut(file.name, str(file), str(error)))
    return found, unreadable


def drawn(
    draw: Callable[[Path], Drawing], snap: float | None = None
) -> Callable[[Path, Float[np.ndarray, 'point 2']], Imported]:
    """The function that `one_each` makes maps with, of one that draws a file: see `build`."""
    return lambda path, inside: build(draw(path), inside=inside, snap=snap)


def read_bytes(path: Path, most: int) -> bytes:
    """A file's content, without reading more than is allowed.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is longer than ``most`` bytes, isn't a regular one, or can't be read.
    """
    try:
        with regular_files.open_regular(path) as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f'can not be read: {error.strerror}.') from error
    if len(content) > most:
        raise ValueError(f'must be at most {most} bytes long, got more.')
    return content


def opened(path: Path) -> BinaryIO:
    """Opens a file that holds several maps.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it isn't a regular one, naming it.
    """
    try:
        return regular_files.open_regular(path)
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error


def number(text: str) -> float:
    """A decimal number.

    Raises:
        ValueError: if the text is anything else.
    """
    if not IS_NUMBER.fullmatch(text):
        raise ValueError(f'must be a number, got {text[:40]!r}.')
    return float(text)


def read_text(path: Path, most: int) -> str:
    """A file's text, without reading more than is allowed.

    Raises:
        ValueError: if the file is longer than ``most`` bytes, or isn't UTF-8.
    """
    try:
        return read_bytes(path, most).decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(f'is not UTF-8 text: {error}.') from error
