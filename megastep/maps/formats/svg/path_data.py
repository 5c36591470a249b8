"""SVG path data, with curves flattened to chains of straight pieces.

What the commands and the flags of arcs mean is in the SVG 1.1 specification, chapter 8 and appendix F.6.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from megastep.maps.formats.reading import NUMBER

PIECES = 16
"""A curve, or a quarter of an ellipse, becomes so many straight pieces."""

TOKEN = re.compile(rf'[\s,]*(?:(?P<command>[A-Za-z])|(?P<number>{NUMBER}))')
FLAG = re.compile(r'[\s,]*(?P<number>[01])')
"""An arc's flags may be written without a space after them."""
SPACE = re.compile(r'[\s,]*')

TAKES = {'M': 2, 'L': 2, 'H': 1, 'V': 1, 'C': 6, 'S': 4, 'Q': 4, 'T': 2, 'A': 7, 'Z': 0}
"""The number of arguments of each command."""

LARGEST_NUMBER = 1e9
"""Greater numbers are refused."""

LENGTH_UNITS = {
    '': 1.0, 'px': 1.0, 'in': 96.0, 'cm': 96 / 2.54, 'mm': 96 / 25.4, 'q': 96 / 101.6, 'pt': 96 / 72, 'pc': 16.0,
    '%': 1.0,
}  # fmt: skip
"""The picture's units to each unit of length (CSS Values and Units, level 3, chapter 5.2); of %, its number."""

MOST_CORNERS = 1 << 16
"""A path, or a list of numbers, with more corners is refused."""

Point = complex
"""x + iy: so points add, and turn when they are multiplied."""

Chain = Float[np.ndarray, 'corner 2']


def parse(data: str) -> list[Chain]:
    """Reads a path.

    Args:
        data: What its ``d`` says.

    Returns:
        Each part's corners in order, from one M to the next; the last joins the first where the part is closed.

    Raises:
        ValueError: if the path isn't in the language.
    """
    chains: list[list[Point]] = []
    at, control, before, corners = 0j, 0j, '', 0
    for command, values in _commands(data):
        name = command.upper()
        values = _absolute(name, values, at) if command != name else values
        if name == 'M':
            chains.append([])
        elif not chains:
            raise ValueError(f'a path must begin with M, got {command}.')
        elif before == 'Z':  # what follows begins where the closed part did
            chains.append([at])
        if name == 'Z':
            chains[-1].append(chains[-1][0])
            at = control = chains[-1][0]
            corners += 1
        else:
            if name in 'ST' and before not in {'S': 'CS', 'T': 'QT'}[name]:
                control = at
            points, control = CURVES[name](at, values, control)
            chains[-1].extend(points)
            at = points[-1]
            corners += len(points)
        _check_count(corners)
        before = name
    return [np.array([[point.real, point.imag] for point in chain]) for chain in chains if len(chain) > 1]


def numbers(text: str) -> list[float]:
    """A list of numbers, with spaces or commas between them.

    Raises:
        ValueError: if there is anything else, or a number is too large.
    """
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None and SPACE.fullmatch(text, at):
            break
        if match is None or match['number'] is None:
            raise ValueError(f'there must be numbers, got {text[at : at + 40]!r}.')
        found.append(_bounded(match['number']))
        _check_count(len(found) // 2)
        at = match.end()
    return found


def ellipse(centre: Point, across: float, up: float) -> Chain:
    """A whole ellipse's corners: the last is the first."""
    angles = np.linspace(0, 2 * np.pi, 4 * PIECES + 1)
    corners = np.stack([centre.real + across * np.cos(angles), centre.imag + up * np.sin(angles)], axis=1)
    return np.concatenate([corners[:-1], corners[:1]])


def _check_count(corners: int) -> None:
    if corners > MOST_CORNERS:
        raise ValueError(f'there must be at most {MOST_CORNERS} corners, got {corners} and more.')


def _bounded(text: str) -> float:
    number = float(text)
    if not abs(number) <= LARGEST_NUMBER:
        raise ValueError(f'numbers must be at most {LARGEST_NUMBER:g}, got {text[:40]}.')
    return number


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """Each command, with as many numbers as it takes; one that is repeated without its letter is given it."""
    at, command = 0, ''
    while at < len(data):
        match = TOKEN.match(data, at)
        if match is None:
            if SPACE.fullmatch(data, at):
                return
            raise ValueError(f'a path must be of commands and numbers, got {data[at : at + 40]!r}.')
        if match['command']:
            command, at = match['command'], match.end()
            if command.upper() not in TAKES:
                raise ValueError(f'a path must be of the commands {"".join(TAKES)}, got {command}.')
        elif not command or command in 'Zz':
            raise ValueError(f'a path must have a command before {data[at : at + 40]!r}.')
        values, at = _values(data, at, command.upper())
        yield command, values
        command = {'M': 'L', 'm': 'l'}.get(command, command)


def _values(data: str, at: int, name: str) -> tuple[list[float], int]:
    """The numbers that a command takes, and where they end."""
    values = []
    for i in range(TAKES[name]):
        match = FLAG.match(data, at) if name == 'A' and i in (3, 4) else TOKEN.match(data, at)
        if match is None or match['number'] is None:
            raise ValueError(f'{name} takes {TAKES[name]} numbers, got {i} and then {data[at : at + 20]!r}.')
        values.append(_bounded(match['number']))
        at = match.end()
    return values, at


def _absolute(name: str, values: list[float], at: Point) -> list[float]:
    """Numbers that were relative to where the path is."""
    if name == 'H':
        return [values[0] + at.real]
    if name == 'V':
        return [values[0] + at.imag]
    start = 5 if name == 'A' else 0
    moved = [value + (at.imag if i % 2 else at.real) for i, value in enumerate(values[start:])]
    return [*values[:start], *moved]


def _points(values: list[float]) -> list[Point]:
    return [complex(x, y) for x, y in zip(values[::2], values[1::2], strict=True)]


def _line(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    end = _points(values)[0]
    return [end], end


def _across(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    end = complex(values[0], at.imag)
    return [end], end


def _upwards(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    end = complex(at.real, values[0])
    return [end], end


def _cubic(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    first, second, end = _points(values)
    return _bezier(at, first, second, end), second


def _smooth_cubic(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    second, end = _points(values)
    return _bezier(at, 2 * at - control, second, end), second


def _quadratic(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    middle, end = _points(values)
    return _bezier(at, middle, end), middle


def _smooth_quadratic(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    middle, end = 2 * at - control, _points(values)[0]
    return _bezier(at, middle, end), middle


def _bezier(*controls: Point) -> list[Point]:
    """Points along a Bézier curve, by de Casteljau's construction; the last is the curve's end."""
    found = []
    for i in range(1, PIECES):
        part, points = i / PIECES, list(controls)
        while len(points) > 1:
            points = [a + part * (b - a) for a, b in pairwise(points)]
        found.append(points[0])
    return [*found, controls[-1]]


def _arc(at: Point, values: list[float], control: Point) -> tuple[list[Point], Point]:
    """Points along an elliptical arc. Appendix F.6.5 of the specification says how to find its centre."""
    across, up, end = abs(values[0]), abs(values[1]), complex(values[5], values[6])
    if at == end or across < 1 / LARGEST_NUMBER or up < 1 / LARGEST_NUMBER:
        return [end], end
    turn = complex(math.cos(math.radians(values[2])), math.sin(math.radians(values[2])))

    def to_circle(point: Point) -> Point:
        upright = point / turn
        return complex(upright.real / across, upright.imag / up)

    half = to_circle((at - end) / 2)  # where the ellipse is a circle of radius 1
    stretch = max(1.0, abs(half))  # an ellipse that is too small to reach is made larger
    half /= stretch
    sign = -1 if values[3] == values[4] else 1
    centre = sign * math.sqrt(max(0.0, 1 / abs(half) ** 2 - 1)) * half * -1j if half else 0j
    start, stop = (math.atan2((z - centre).imag, (z - centre).real) for z in (half, -half))
    sweep = (stop - start) % (2 * math.pi) - (0 if values[4] else 2 * math.pi)
    count = max(1, math.ceil(abs(sweep) / (math.pi / 2) * PIECES))
    middle = (at + end) / 2
    found = []
    for i in range(1, count):
        angle = start + sweep * i / count
        z = stretch * (centre + complex(math.cos(angle), math.sin(angle)))
        found.append(middle + turn * complex(z.real * across, z.imag * up))
    return [*found, end], end


CURVES: dict[str, Callable[[Point, list[float], Point], tuple[list[Point], Point]]] = {
    'M': _line, 'L': _line, 'H': _across, 'V': _upwards, 'C': _cubic, 'S': _smooth_cubic, 'Q': _quadratic,
    'T': _smooth_quadratic, 'A': _arc,
}  # fmt: skip
"""Each command's points, and the control point that a smooth curve after it mirrors: where the path is, its numbers and
the last control point are given."""
