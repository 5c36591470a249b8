"""Parameters of families and options: numbers, ranges of them, and names."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

IntRange = tuple[int, int]
"""A range of whole numbers that a map may draw: the least and the greatest."""

FloatRange = tuple[float, float]
"""A range of numbers that a map may draw: the least and the greatest."""


@dataclass(frozen=True)
class Parameter:
    """A number that a family takes, or a range of them: from the least to the greatest that a map may draw.

    Args:
        default: The value where none is given. A pair takes pairs; whole numbers take whole numbers.
        least: The least value.
        most: The greatest value.
        unit: The unit that it is measured in.
        about: What it says of a map.
    """

    default: float | FloatRange
    least: float
    most: float
    unit: str
    about: str


@dataclass(frozen=True)
class Choice:
    """A categorical parameter: a name that a family takes, one of a few.

    Args:
        default: The name where none is given.
        options: The names it may be.
        about: What it says of a map.
    """

    default: str
    options: tuple[str, ...]
    about: str


def checked(subject: str, value: Any, parameter: Parameter | Choice) -> Any:
    """The validated value of a parameter, as plain numbers or a name.

    A number stands for a pair of it twice, and a pair of one number twice for that number.

    Args:
        subject: What to call it in an error.
        value: The value given.
        parameter: What it should be.

    Raises:
        ValueError: if the value has another form or lies out of range.
    """
    if isinstance(parameter, Choice):
        if not isinstance(value, str) or value not in parameter.options:
            raise ValueError(f'{subject} must be one of {", ".join(parameter.options)}, got {value!r}.')
        return value
    is_pair = isinstance(value, tuple | list) and len(value) == 2
    if not isinstance(parameter.default, tuple):
        if is_pair and value[0] != value[1]:
            raise ValueError(f'{subject} must be one number, the same for every map, got {value!r}.')
        return _checked_number(subject, value[0] if is_pair else value, parameter, type(parameter.default))
    if not is_pair and (not isinstance(value, Real) or isinstance(value, bool)):
        raise ValueError(f'{subject} must be a pair of numbers, or one that stands for both, got {value!r}.')
    numbers = value if is_pair else (value, value)
    low, high = (_checked_number(subject, number, parameter, type(parameter.default[0])) for number in numbers)
    if low > high:
        raise ValueError(f'{subject} must be a pair of which the first is at most the second, got {value!r}.')
    return low, high


def _checked_number(subject: str, value: Any, parameter: Parameter, kind: type) -> Any:
    try:
        number = kind(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, bool | str) or number != value:
        raise ValueError(f'{subject} must be a {"whole " if kind is int else ""}number, got {value!r}.')
    unit = f' {parameter.unit}' if parameter.unit else ''
    if not parameter.least <= number <= parameter.most:
        raise ValueError(f'{subject} must be from {parameter.least} to {parameter.most}{unit}, got {value!r}.')
    return number


def tabulated(title: str, parameters: Mapping[str, Parameter | Choice]) -> str:
    """Parameters as an HTML table: what they are by default and may be, and what they say of a map.

    Args:
        title: What the first column is called.
        parameters: The parameters, by name.
    """
    lines = [(title, 'default', 'may be', 'what it is')]
    for name, taken in parameters.items():
        values = taken.default if isinstance(taken.default, tuple) else (taken.default,)
        default = ' to '.join(f'{value:g}' if isinstance(value, float) else str(value) for value in values)
        if isinstance(taken, Choice):
            lines.append((name, default, ', '.join(taken.options), taken.about))
        else:
            unit = f' {taken.unit}' if taken.unit else ''
            lines.append((name, default + unit, f'{taken.least:g} to {taken.most:g}{unit}', taken.about))
    head, *rows = [''.join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in line) for line in lines]
    body = ''.join(f'<tr>{row}</tr>' for row in rows)
    return f'<table><thead><tr>{head.replace("td", "th")}</tr></thead><tbody>{body}</tbody></table>'
