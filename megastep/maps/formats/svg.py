"""Reads floorplans drawn as SVG pictures, and writes their outlines.

Every line, polyline, polygon, rectangle, circle, ellipse and path that is drawn is wall, wherever it is in the picture;
how thick it is drawn doesn't matter. Curves become chains of straight pieces. Transforms are followed. What isn't shown
(definitions, clip paths, ``display: none``), text and images are left alone, and an element that is shown elsewhere
(``use``) or a picture within the picture is refused. The picture's y points down, the map's up.

XML is read without entities, declarations of types or anything from outside the file. A file may have `MOST_BYTES`,
and reading it takes up to 500 MB.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import ElementTree
from jaxtyping import Float

from megastep.maps import storage
from megastep.maps.formats import gaps, svg_path
from megastep.maps.formats.building import MOST_SEGMENTS, Drawing
from megastep.maps.formats.reading import Collected, Inside, Paths, drawn, one_each, read_bytes
from megastep.maps.formats.svg_path import Chain
from megastep.maps.frame import Frame
from megastep.maps.geometry import Geometry
from megastep.maps.segments import polylines

MOST_BYTES = 4 << 20

GROUPS = {'svg', 'g', 'a', 'switch'}
"""Elements whose content is drawn. Shapes and `REFUSED` apart, anything in other elements is left alone."""

REFUSED = {'use': 'it shows what is drawn elsewhere', 'foreignObject': 'it is no drawing'}

MOST_TRANSFORMS = 64
"""An element has at most so many transforms."""

TRANSFORM = re.compile(r'[\s,]*(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^()]*)\)')

Matrix = Float[np.ndarray, '3 3']


def read(
    path: Paths, *, scale: float, inside: Inside = None, snap: float = gaps.SNAP, skip_invalid: bool = False
) -> Collected:
    """Reads a map of each file.

    Args:
        path: The file, or several.
        scale: How many of the picture's units are a metre.
        inside: Points in the face that is meant, in the picture's own coordinates.
        snap: Ends no further apart than this, in metres, are joined.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the scale isn't above 0; if a map can't be used, naming the file, the element and the reason; or
            if none can.
    """
    _check_scale(scale)
    gaps.check_snap(snap)
    return one_each(path, drawn(partial(_draw, scale=scale), snap), inside=inside, skip_invalid=skip_invalid)


def write(folder: str | os.PathLike, geometries: Iterable[Geometry], *, scale: float) -> list[Path]:
    """Writes each map's outline as a picture of its own: ``0000.svg`` and so on.

    Raises:
        ValueError: if there are no maps, or the scale isn't above 0.
    """
    _check_scale(scale)
    written = []
    for i, geometry in enumerate(geometries):
        written.append(Path(folder) / f'{i:04d}.svg')
        storage.replace(written[-1], _picture(geometry, scale).encode())
    if not written:
        raise ValueError(f'a map set needs at least 1 map to be written, got 0 for {folder}.')
    return written


def _check_scale(scale: float) -> None:
    if not 0 < scale < float('inf'):
        raise ValueError(f'scale must be above 0 units a metre, got {scale}.')


def _picture(geometry: Geometry, scale: float) -> str:
    """The outline in the picture's units, filled where the floor is."""
    left, bottom, right, top = geometry.bounds
    margin = 0.2
    box = [left - margin, -margin, right - left + 2 * margin, top - bottom + 2 * margin]
    lines = (scale * (line * [1, -1] + [0, top]) for line in polylines(geometry.walls))
    path = ''.join('M' + 'L'.join(f'{x:.12g} {y:.12g}' for x, y in line.tolist()) for line in lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{" ".join(f"{scale * side:.12g}" for side in box)}">'
        f'<path d="{path}" fill="#fbf9f4" fill-rule="evenodd" stroke="#33323e" stroke-width="{0.1 * scale:g}" '
        'stroke-linejoin="round"/></svg>\n'
    )


def _draw(path: Path, *, scale: float) -> Drawing:
    """The segments of everything in a picture."""
    found, count = [np.empty((0, 2, 2))], 0
    with np.errstate(all='ignore'):  # what grows beyond all bounds is refused with the rest that does
        for segments in _segments(_root(path)):
            found.append(segments)
            if (count := count + len(segments)) > MOST_SEGMENTS:
                raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {count} and more.')
        frame = Frame(1 / scale, flip=True)
        return Drawing(frame.to_map(np.concatenate(found)), frame=frame, hint=_hint(scale))


def _hint(scale: float) -> str:
    return f" scale= says how many of the picture's units are a metre, and is {scale:g}."


def _root(path: Path) -> Element:
    content = read_bytes(path, MOST_BYTES)
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except (ParseError, LookupError, ValueError) as error:  # an unknown encoding is a LookupError
        raise ValueError(f'not XML that can be read: {error or type(error).__name__}.') from error
    if _name(root) != 'svg':
        raise ValueError(f'must be an svg element, got {_name(root)[:40]!r}.')
    return root


def _name(element: Element) -> str:
    return element.tag.rpartition('}')[2] if isinstance(element.tag, str) else ''  # comments have none


def _segments(root: Element) -> Iterator[Float[np.ndarray, 'segment 2 2']]:
    """The segments of each shape that is drawn, in the picture's units, in the order they are drawn."""
    waiting: list[tuple[Element, Matrix]] = [(root, np.eye(3))]
    counts: Counter[str] = Counter()
    while waiting:
        element, outer = waiting.pop()
        if _is_hidden(element):
            continue
        counts[_name(element)] += 1
        try:
            matrix, lines = _read(element, outer, is_root=element is root)
        except ValueError as error:
            raise ValueError(f'{_label(element, counts[_name(element)])}: {error}') from error
        for line in lines:
            yield np.stack([line[:-1], line[1:]], axis=1) @ matrix[:2, :2].T + matrix[:2, 2]
        if _name(element) in GROUPS:
            waiting.extend((child, matrix) for child in reversed(element))


def _label(element: Element, number: int) -> str:
    """An element's name for errors: its id, or else its tag and its number among those of this tag that are shown."""
    label = element.get('id', '')[:40]
    return f'{_name(element)} {label!r}' if label else f'{_name(element)} number {number}'


def _read(element: Element, outer: Matrix, *, is_root: bool) -> tuple[Matrix, list[Chain]]:
    """The transform of an element's coordinates, and the lines that it draws."""
    name = _name(element)
    if name in REFUSED or (name == 'svg' and not is_root):
        raise ValueError(f'is not read: {REFUSED.get(name, "it is a picture within the picture")}.')
    if name not in GROUPS and name not in ELEMENTS:
        return outer, []
    return outer @ _transform(element.get('transform', '')), ELEMENTS[name](element) if name in ELEMENTS else []


def _is_hidden(element: Element) -> bool:
    style = ''.join(element.get('style', '').split())
    return element.get('display') == 'none' or 'display:none' in style


def _transform(text: str) -> Matrix:
    """The matrix of a list of transforms, of which the first is applied last."""
    matrix, at, count = np.eye(3), 0, 0
    while match := TRANSFORM.match(text, at):
        if (count := count + 1) > MOST_TRANSFORMS:
            raise ValueError(f'there must be at most {MOST_TRANSFORMS} transforms, got more.')
        matrix = matrix @ _matrix(match[1], svg_path.numbers(match[2]))
        at = match.end()
    if text[at:].strip(' \t\r\n,'):
        raise ValueError(f'transforms must be translate(...), rotate(...) and the like, got {text[at : at + 40]!r}.')
    return matrix


def _matrix(name: str, values: list[float]) -> Matrix:
    """One transform, as the SVG 1.1 specification has it in chapter 7.6."""
    if len(values) not in {'matrix': (6,), 'rotate': (1, 3), 'translate': (1, 2), 'scale': (1, 2)}.get(name, (1,)):
        raise ValueError(f'{name} takes another count of numbers, got {values[:8]}.')
    if name == 'translate':
        return _affine(1, 0, 0, 1, values[0], values[1] if len(values) == 2 else 0)
    if name == 'scale':
        return _affine(values[0], 0, 0, values[-1], 0, 0)
    if name == 'matrix':
        return _affine(*values)
    angle = np.deg2rad(values[0])
    if name != 'rotate':
        skew = float(np.tan(angle))
        return _affine(1, 0, skew, 1, 0, 0) if name == 'skewX' else _affine(1, skew, 0, 1, 0, 0)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    x, y = values[1:] or (0, 0)
    return _affine(1, 0, 0, 1, x, y) @ _affine(cos, sin, -sin, cos, 0, 0) @ _affine(1, 0, 0, 1, -x, -y)


def _affine(a: float, b: float, c: float, d: float, e: float, f: float) -> Matrix:
    return np.array([[a, c, e], [b, d, f], [0, 0, 1]])


def _path(element: Element) -> list[Chain]:
    return svg_path.parse(element.get('d', ''))


def _polyline(element: Element) -> list[Chain]:
    values = svg_path.numbers(element.get('points', ''))
    if len(values) % 2:
        raise ValueError(f'points must be pairs of numbers, got {len(values)} numbers.')
    return [np.array(values).reshape(-1, 2)] if values else []


def _polygon(element: Element) -> list[Chain]:
    return [np.concatenate([chain, chain[:1]]) for chain in _polyline(element)]


def _rect(element: Element) -> list[Chain]:
    x, y, width, height = (_length(element, name) for name in ('x', 'y', 'width', 'height'))
    if width <= 0 or height <= 0:
        return []
    rx, ry = _length(element, 'rx'), _length(element, 'ry')
    rx, ry = min(rx or ry, width / 2), min(ry or rx, height / 2)  # where one is missing, it's as the other
    arc = f'a{rx!r} {ry!r} 0 0 1'
    return svg_path.parse(
        f'M{x + rx!r} {y!r}h{width - 2 * rx!r}{arc}{rx!r} {ry!r}v{height - 2 * ry!r}{arc}{-rx!r} {ry!r}'
        f'h{2 * rx - width!r}{arc}{-rx!r} {-ry!r}v{2 * ry - height!r}{arc}{rx!r} {-ry!r}z'
    )


def _line(element: Element) -> list[Chain]:
    x1, y1, x2, y2 = (_length(element, name) for name in ('x1', 'y1', 'x2', 'y2'))
    return [np.array([[x1, y1], [x2, y2]])]


def _ellipse(element: Element) -> list[Chain]:
    names = ('rx', 'ry') if _name(element) == 'ellipse' else ('r', 'r')
    across, up = (_length(element, name) for name in names)
    centre = complex(_length(element, 'cx'), _length(element, 'cy'))
    return [svg_path.ellipse(centre, across, up)] if across > 0 and up > 0 else []


def _length(element: Element, name: str) -> float:
    text = element.get(name, '0').strip()
    try:
        (value,) = svg_path.numbers(text.removesuffix('px'))
    except ValueError as error:
        raise ValueError(f"{name} must be a number of the picture's units, got {text[:40]!r}.") from error
    return value


ELEMENTS: dict[str, Callable[[Element], list[Chain]]] = {
    'path': _path,
    'polyline': _polyline,
    'polygon': _polygon,
    'rect': _rect,
    'line': _line,
    'circle': _ellipse,
    'ellipse': _ellipse,
}
"""The lines of each shape, by the name of its element."""
