"""The tree of an SVG picture: what it shows, wherever that is drawn, with its place and its role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

import numpy as np

from megastep.maps.formats import roles
from megastep.maps.formats.roles import Pick
from megastep.maps.formats.svg import elements, path_data, selectors, styles, transforms
from megastep.maps.formats.svg.elements import Port
from megastep.maps.formats.svg.path_data import Chain
from megastep.maps.formats.svg.selectors import name
from megastep.maps.formats.svg.styles import Sheet, Style
from megastep.maps.formats.svg.transforms import Matrix

GROUPS = {'svg', 'g', 'a', 'switch', 'symbol'}
"""Elements whose content is drawn. Shapes and `REFUSED` apart, anything in other elements is left alone."""

REFUSED = {'foreignObject': 'it is no drawing'}

HREF = '{http://www.w3.org/1999/xlink}href'

LABELS = ('{http://www.inkscape.org/namespaces/inkscape}label', 'data-name', 'data-layer')
"""The attributes that drawing programs keep a layer's name in."""

MOST_ELEMENTS = 1 << 18
"""The most elements that may be shown, each as often as it is."""

MOST_TEXT = 1 << 23
"""The most letters that the outlines of what is shown may have, each as often as it is shown."""

MOST_USES = 16
"""What is shown elsewhere may show what is elsewhere, up to so many times."""

PAGE = 0.99
"""A rectangle that covers this part of the page's width and height, without an outline, is its background."""


class Picks(NamedTuple):
    """Picks of a user, by layers, ids and classes."""

    layers: Pick = Pick()
    ids: Pick = Pick()
    classes: Pick = Pick()

    @property
    def pick_walls(self) -> bool:
        """True if it is said what is wall, so that the rest isn't."""
        return any(role == 'walls' for pick in self for _, role in pick.patterns)

    def role(self, element: Element) -> str | None:
        """The role that an element is picked for; nothing if it isn't."""
        named = element.get('id', '')
        labels = [*layer_names(element), *([named] if named and name(element) in GROUPS else [])]
        return (
            self.ids.role([named])
            or self.classes.role(element.get('class', '').split())
            or self.layers.role(labels)
            or roles.guessed([*filter(None, [named, *labels]), *element.get('class', '').split()])
            or ('ignored' if element.get('aria-label') else None)  # letters that were made paths
        )


class Shape(NamedTuple):
    """A shape that is shown: its lines in the picture's units, its role, and a room's kind."""

    lines: list[Chain]
    role: str | None
    kind: str
    is_page: bool
    """It is the page's background."""


@dataclass(frozen=True)
class _Place:
    """An element where it is shown, and what holds of all in it."""

    element: Element
    matrix: Matrix
    style: Style
    ancestors: tuple[Element, ...]
    role: str | None
    port: Port
    uses: tuple[Element, ...] = ()
    by_use: Element | None = None


def layer_names(element: Element) -> list[str]:
    """The names that a layer or group bears, but for its id."""
    return [text for text in (element.get(label, '') for label in LABELS) if text]


def style_sheets(page: Element) -> list[str]:
    """The texts of a picture's style sheets."""
    return [element.text or '' for element in page.iter() if name(element) == 'style']


def shapes(page: Element, picks: Picks, *, within: Element) -> Iterator[Shape]:
    """The shapes that a picture shows, in the order they are drawn.

    Args:
        page: The picture.
        picks: What has which role.
        within: Only what this element of it holds is shown.

    Raises:
        ValueError: if there is too much, or an element can't be read, naming it.
    """
    ids = {element.get('id', ''): element for element in reversed(list(page.iter()))}
    sheet = Sheet(style_sheets(page))
    box = _page(page)
    waiting = [_Place(page, np.eye(3), {}, (), None, box and (box[2], box[3]))]
    counts: Counter[str] = Counter()
    inner = None if within is page else {*within.iter(), *_around(within, page)}
    text = 0
    while waiting:
        place = waiting.pop()
        if inner is not None and not place.uses and place.element not in inner:
            continue
        text += len(place.element.get('d', '')) + len(place.element.get('points', ''))
        if counts.total() >= MOST_ELEMENTS or text > MOST_TEXT:
            raise ValueError(f'must show at most {MOST_ELEMENTS} elements of {MOST_TEXT} letters, got more.')
        tag = name(place.element)
        counts[tag] += 1
        try:
            shape, inside = _read(place, picks, sheet, ids, box)
        except ValueError as error:
            raise ValueError(f'{_label(place.element, counts[tag])}: {error}') from error
        if shape:
            yield shape
        waiting.extend(reversed(inside))


def _around(within: Element, page: Element) -> list[Element]:
    """The elements that an element is in."""
    parents = {child: parent for parent in page.iter() for child in parent}
    found = [within]
    while found[-1] in parents:
        found.append(parents[found[-1]])
    return found


def _label(element: Element, number: int) -> str:
    """An element's name for errors: its id, or else its tag and its number among those of this tag that are shown."""
    label = element.get('id', '')[:40]
    return f'{name(element)} {label!r}' if label else f'{name(element)} number {number}'


def _page(page: Element) -> tuple[float, float, float, float] | None:
    """The page's left, top, width and height, where the picture says so in its own units."""
    try:
        box = path_data.numbers(page.get('viewBox', ''))
        if len(box) != 4:
            box = [0.0, 0.0, *(elements.length(page, side, None) for side in ('width', 'height'))]
    except ValueError:
        return None
    return (box[0], box[1], box[2], box[3]) if min(box[2:]) > 0 else None


def _read(
    place: _Place, picks: Picks, sheet: Sheet, ids: Mapping[str, Element], page: tuple[float, ...] | None
) -> tuple[Shape | None, list[_Place]]:
    """The shape that an element is, if it is one, and the elements that it shows."""
    element, tag = place.element, name(place.element)
    if tag in REFUSED:
        raise ValueError(f'is not read: {REFUSED[tag]}.')
    said = styles.own(element, place.ancestors, sheet)
    if styles.hides_all(said) or not (tag in GROUPS or tag == 'use' or tag in elements.SHAPES):
        return None, []
    style = styles.inherited(place.style, said)
    matrix = place.matrix @ _matrix(element, said)
    role = picks.role(element) or place.role
    if tag in elements.SHAPES:
        return _shape(_placed(element, said), matrix, style, role, place, page), []
    inside = _Place(
        element, matrix, style, (*place.ancestors[-selectors.MOST_PARTS :], element), role, place.port, place.uses
    )
    if tag == 'use':
        return None, _used(inside, ids)
    if tag == 'symbol' and place.by_use is None:
        return None, []
    if tag in ('svg', 'symbol') and place.ancestors:
        inside = _within(inside, place.by_use)
    return None, [
        _Place(child, inside.matrix, style, inside.ancestors, role, inside.port, place.uses) for child in element
    ]


def _placed(element: Element, said: Style) -> Element:
    """A shape with what styles say of where it is as attributes."""
    by_style = {key: value for key, value in said.items() if key in styles.GEOMETRY}
    if not by_style or name(element) not in ('rect', 'circle', 'ellipse'):
        return element
    return Element(element.tag, {**element.attrib, **by_style})


def _matrix(element: Element, said: Style) -> Matrix:
    """An element's own transform: its style's, or else its attribute's."""
    matrix = transforms.parse(said.get('transform', element.get('transform', '')))
    return transforms.about(matrix, said['transform-origin']) if 'transform-origin' in said else matrix


def _used(place: _Place, ids: Mapping[str, Element]) -> list[_Place]:
    """The element that a ``use`` shows; none where it isn't in the file, as browsers have it."""
    element = place.element
    href = element.get('href', element.get(HREF, '')).strip()
    if href and not href.startswith('#'):
        raise ValueError(f'is not read: it shows another file, {href[:60]!r}.')
    target = ids.get(href[1:]) if href else None
    if target is None:
        return []
    if target in (*place.uses, *place.ancestors) or len(place.uses) >= MOST_USES:
        raise ValueError(f'must not show itself, nor more than {MOST_USES} deep, got {href[:60]!r}.')
    x, y = (elements.length(element, axis, place.port) for axis in ('x', 'y'))
    matrix = place.matrix @ transforms.affine(1, 0, 0, 1, x, y)
    uses = (*place.uses, target)
    return [_Place(target, matrix, place.style, place.ancestors, place.role, place.port, uses, by_use=element)]


def _within(place: _Place, by_use: Element | None) -> _Place:
    """A picture within the picture, or a symbol: moved and scaled as its view box says."""
    element, port = place.element, place.port
    corner = tuple(elements.length(element, axis, port) for axis in ('x', 'y'))
    sizes = [_size(element, by_use, side, port) for side in ('width', 'height')]
    size = None if None in sizes else (sizes[0] or 0.0, sizes[1] or 0.0)
    view = transforms.viewport(
        element.get('viewBox', ''), (corner[0], corner[1]), size, element.get('preserveAspectRatio', '')
    )
    box = path_data.numbers(element.get('viewBox', ''))
    inner: Port = (box[2], box[3]) if len(box) == 4 else size or port
    return _Place(element, place.matrix @ view, place.style, place.ancestors, place.role, inner, place.uses)


def _size(element: Element, by_use: Element | None, side: str, port: Port) -> float | None:
    """A picture's width or height, as what shows it says, or as itself; by default all that there is."""
    for one in (by_use, element):
        if one is not None and side in one.attrib:
            return elements.length(one, side, port)
    return port[('width', 'height').index(side)] if port else None


def _shape(
    element: Element, matrix: Matrix, style: Style, role: str | None, place: _Place, page: tuple[float, ...] | None
) -> Shape | None:
    """A shape, if it can be seen."""
    tag = name(element)
    if not styles.is_seen(style, tag) and role not in ('rooms', 'spawns', 'doors', 'openings'):
        return None
    lines = elements.chains(element, place.port)
    only_filled = 'stroke' in style and not styles.is_stroked(style)
    if only_filled:  # what has no inside isn't seen, and the inside is closed
        lines = [_closed(line) for line in lines if len(line) > 2]
    moved = [line @ matrix[:2, :2].T + matrix[:2, 2] for line in lines]
    painted = 'fill' in style and styles.is_filled(style, tag) and not styles.is_stroked(style)
    is_page = page is not None and painted and any(_covers(line, page) for line in moved)
    return Shape(moved, role, _kind(element, place.ancestors), is_page) if moved else None


def _closed(line: Chain) -> Chain:
    return line if (line[0] == line[-1]).all() else np.concatenate([line, line[:1]])


def _covers(line: Chain, page: tuple[float, ...]) -> bool:
    """True if a line is an upright rectangle that covers the page."""
    low, high = line.min(axis=0), line.max(axis=0)
    straight = ((line == low) | (line == high)).all()
    left, top, width, height = page
    spare = (1 - PAGE) * np.array([width, height])
    return bool(
        straight
        and (low <= np.array([left, top]) + spare).all()
        and (high >= [left + width, top + height] - spare).all()
    )


def _kind(element: Element, ancestors: Sequence[Element]) -> str:
    """A room's kind, by the names of its element, or else of the group that it is in."""
    for one in (element, *reversed(ancestors[-1:])):
        words = [*layer_names(one), *one.get('class', '').split()[1:], one.get('id', '')]
        if (kind := roles.room_kind(filter(None, words))) != 'room':
            return kind
    return 'room'
