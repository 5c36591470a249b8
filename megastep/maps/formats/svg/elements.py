"""SVG shapes: the corners of what an element draws, in its own coordinates."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

import numpy as np

from megastep.maps.formats.reading import NUMBER
from megastep.maps.formats.svg import path_data
from megastep.maps.formats.svg.path_data import Chain
from megastep.maps.formats.svg.selectors import name

Port = tuple[float, float] | None
"""The width and height that percentages are of, where they are known."""


LENGTH = re.compile(rf'(?P<number>{NUMBER})(?P<unit>%|[A-Za-z]*)')


def chains(element: Element, port: Port) -> list[Chain]:
    """The corners of each line that a shape draws; none of an element that is no shape.

    Raises:
        ValueError: if the element doesn't say what its kind of shape needs.
    """
    return SHAPES[name(element)](element, port) if name(element) in SHAPES else []


def length(element: Element, attribute: str, port: Port, missing: str = '0') -> float:
    """A length or coordinate, in the picture's units, of which 96 are an inch.

    Raises:
        ValueError: if it is no number, is in units that depend on a font, or is a percentage of what isn't known.
    """
    text = element.get(attribute, missing).strip()
    match = LENGTH.fullmatch(text)
    if match is None or match['unit'].lower() not in path_data.LENGTH_UNITS or (match['unit'] == '%' and not port):
        raise ValueError(
            f"{attribute} must be a number of the picture's units, or of "
            f'{", ".join(unit for unit in path_data.LENGTH_UNITS if unit.isalpha())}, got {text[:40]!r}.'
        )
    (value,) = path_data.numbers(match['number'])
    if port and match['unit'] == '%':
        return value * _whole(attribute, port) / 100
    return value * path_data.LENGTH_UNITS[match['unit'].lower()]


def _whole(attribute: str, port: tuple[float, float]) -> float:
    """The whole that a percentage is of: the width, the height, or what lies between (SVG 1.1, chapter 7.10)."""
    if attribute == 'r':
        return math.hypot(*port) / math.sqrt(2)
    return port[1] if attribute.startswith(('y', 'cy', 'ry', 'height')) else port[0]


def _path(element: Element, port: Port) -> list[Chain]:
    return path_data.parse(element.get('d', ''))


def _polyline(element: Element, port: Port) -> list[Chain]:
    values = path_data.numbers(element.get('points', ''))
    if len(values) % 2:
        raise ValueError(f'points must be pairs of numbers, got {len(values)} numbers.')
    return [np.array(values).reshape(-1, 2)] if values else []


def _polygon(element: Element, port: Port) -> list[Chain]:
    return [np.concatenate([chain, chain[:1]]) for chain in _polyline(element, port)]


def _rect(element: Element, port: Port) -> list[Chain]:
    x, y, width, height = (length(element, side, port) for side in ('x', 'y', 'width', 'height'))
    if width <= 0 or height <= 0:
        return []
    rx, ry = length(element, 'rx', port), length(element, 'ry', port)
    rx, ry = min(rx or ry, width / 2), min(ry or rx, height / 2)  # where one is missing, it's as the other
    arc = f'a{rx!r} {ry!r} 0 0 1'
    return path_data.parse(
        f'M{x + rx!r} {y!r}h{width - 2 * rx!r}{arc}{rx!r} {ry!r}v{height - 2 * ry!r}{arc}{-rx!r} {ry!r}'
        f'h{2 * rx - width!r}{arc}{-rx!r} {-ry!r}v{2 * ry - height!r}{arc}{rx!r} {-ry!r}z'
    )


def _line(element: Element, port: Port) -> list[Chain]:
    x1, y1, x2, y2 = (length(element, end, port) for end in ('x1', 'y1', 'x2', 'y2'))
    return [np.array([[x1, y1], [x2, y2]])]


def _ellipse(element: Element, port: Port) -> list[Chain]:
    radii = ('rx', 'ry') if name(element) == 'ellipse' else ('r', 'r')
    across, up = (length(element, radius, port) for radius in radii)
    centre = complex(length(element, 'cx', port), length(element, 'cy', port))
    return [path_data.ellipse(centre, across, up)] if across > 0 and up > 0 else []


SHAPES: dict[str, Callable[[Element, Port], list[Chain]]] = {
    'path': _path,
    'polyline': _polyline,
    'polygon': _polygon,
    'rect': _rect,
    'line': _line,
    'circle': _ellipse,
    'ellipse': _ellipse,
}
"""The lines of each shape, by the name of its element."""
