"""SVG transforms: matrices from what an attribute or a style says, and of pictures within a picture.

What they mean is in the SVG 1.1 specification, chapters 7.6 and 7.8, and for styles in CSS Transforms, level 1.
"""

from __future__ import annotations

import math
import re

import numpy as np
from jaxtyping import Float

from megastep.maps.formats.svg import path_data

Matrix = Float[np.ndarray, '3 3']

MOST_TRANSFORMS = 64
"""An element has at most so many transforms."""

TRANSFORM = re.compile(r'[\s,]*(matrix|translate[XY]?|scale[XY]?|rotate|skew[XY])\s*\(([^()]*)\)')

COUNTS = {'matrix': (6,), 'rotate': (1, 3), 'translate': (1, 2), 'scale': (1, 2)}
"""How many numbers a transform takes; others take one."""

QUANTITY = re.compile(
    r'[\s,]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(px|in|cm|mm|Q|pt|pc|deg|rad|grad|turn)?(?=[\s,]|$)'
)

UNITS = {**path_data.LENGTH_UNITS, 'Q': 96 / 101.6, 'deg': 1.0, 'grad': 0.9, 'turn': 360.0, 'rad': math.degrees(1)}


def parse(text: str) -> Matrix:
    """The matrix of a list of transforms, of which the first is applied last.

    Raises:
        ValueError: if the text is anything else, or too long a list.
    """
    matrix, at, count = np.eye(3), 0, 0
    while match := TRANSFORM.match(text, at):
        if (count := count + 1) > MOST_TRANSFORMS:
            raise ValueError(f'there must be at most {MOST_TRANSFORMS} transforms, got more.')
        matrix = matrix @ _matrix(match[1], _quantities(match[2]))
        at = match.end()
    if text[at:].strip(' \t\r\n,') not in ('', 'none'):
        raise ValueError(f'transforms must be translate(...), rotate(...) and the like, got {text[at : at + 40]!r}.')
    return matrix


def about(matrix: Matrix, origin: str) -> Matrix:
    """A transform about a point that a style's transform-origin says.

    Raises:
        ValueError: if that is anything but two numbers.
    """
    numbers = _quantities(origin)
    if len(numbers) not in (2, 3):
        raise ValueError(f'transform-origin must be 2 numbers, got {origin[:40]!r}.')
    x, y = numbers[:2]
    return affine(1, 0, 0, 1, x, y) @ matrix @ affine(1, 0, 0, 1, -x, -y)


def affine(a: float, b: float, c: float, d: float, e: float, f: float) -> Matrix:
    """The matrix that SVG writes with these six numbers."""
    return np.array([[a, c, e], [b, d, f], [0, 0, 1]])


def viewport(view_box: str, place: tuple[float, float], size: tuple[float, float] | None, ratio: str) -> Matrix:
    """The transform of a picture within a picture: its view box goes to a place and is scaled to a size.

    Args:
        view_box: What its viewBox says, or nothing.
        place: Its x and y.
        size: Its width and height; nothing where it says none, so that it keeps its size.
        ratio: Its preserveAspectRatio.
    """
    move = affine(1, 0, 0, 1, *place)
    box = path_data.numbers(view_box)
    if len(box) != 4 or min(box[2:]) <= 0 or size is None:
        return move
    across, up = size[0] / box[2], size[1] / box[3]
    if ratio.strip() == 'none':
        return move @ affine(across, 0, 0, up, -box[0] * across, -box[1] * up)
    factor = max(across, up) if 'slice' in ratio else min(across, up)
    spare = [size[0] - factor * box[2], size[1] - factor * box[3]]
    shares = [_share(ratio, 'x'), _share(ratio, 'Y')]
    left, top = (share * room for share, room in zip(shares, spare, strict=True))
    return move @ affine(factor, 0, 0, factor, left - box[0] * factor, top - box[1] * factor)


def _share(ratio: str, axis: str) -> float:
    """The share of the spare room that lies before the picture."""
    return 0.0 if f'{axis}Min' in ratio else 1.0 if f'{axis}Max' in ratio else 0.5


def _quantities(text: str) -> list[float]:
    """Numbers with or without units; angles in degrees."""
    found, at, text = [], 0, text.rstrip()
    while at < len(text):
        if (match := QUANTITY.match(text, at)) is None:
            return path_data.numbers(text)  # as attributes write them, without spaces perhaps; or an error
        found.append(float(match[1]) * UNITS[match[2] or ''])
        at = match.end()
    if not all(abs(number) <= path_data.LARGEST_NUMBER for number in found):
        raise ValueError(f'numbers must be at most {path_data.LARGEST_NUMBER:g}, got {text[:40]}.')
    return found


def _matrix(name: str, values: list[float]) -> Matrix:
    """One transform."""
    if len(values) not in COUNTS.get(name, (1,)):
        raise ValueError(f'{name} takes another count of numbers, got {values[:8]}.')
    if name == 'translate':
        return affine(1, 0, 0, 1, values[0], values[1] if len(values) == 2 else 0)
    if name == 'scale':
        return affine(values[0], 0, 0, values[-1], 0, 0)
    if name == 'matrix':
        return affine(*values)
    if name == 'rotate':
        return _rotation(*values)
    if name in ('translateX', 'translateY'):
        return affine(1, 0, 0, 1, *((values[0], 0) if name.endswith('X') else (0, values[0])))
    if name in ('scaleX', 'scaleY'):
        return affine(values[0], 0, 0, 1, 0, 0) if name.endswith('X') else affine(1, 0, 0, values[0], 0, 0)
    skew = math.tan(math.radians(values[0]))
    return affine(1, 0, skew, 1, 0, 0) if name == 'skewX' else affine(1, skew, 0, 1, 0, 0)


def _rotation(degrees: float, x: float = 0, y: float = 0) -> Matrix:
    """A rotation about a point."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return affine(1, 0, 0, 1, x, y) @ affine(cos, sin, -sin, cos, 0, 0) @ affine(1, 0, 0, 1, -x, -y)
