"""Reads floorplans drawn as SVG pictures.

Every line, polyline, polygon, rectangle, circle, ellipse and path that can be seen is wall, wherever it is in the
picture; how thick it is drawn doesn't matter. ``layers``, ``ids`` and ``classes`` pick what is wall, and what is a
door, an opening, a room, a spawn or nothing. In pictures of CubiCasa's the classes say so by themselves. Curves become
chains of straight pieces. Transforms are followed, also those of styles; what is shown elsewhere (``use``, ``symbol``)
and pictures within the picture are drawn where they are shown.

Nothing is wall that can't be seen: definitions, clip paths, ``display: none``, ``visibility: hidden``, an opacity of 0,
neither stroke nor fill, be it by attributes, styles, style sheets or inheritance. (A shape of which nothing at all is
said can be seen.) Nor are text, images, what is named as letters, and a filled rectangle without a stroke that covers
the whole page. The picture's y points down, the map's up. Lengths may be in ``cm``, ``mm``, ``in``, ``pt`` and so on:
96 units an inch. Of style sheets' rules, a warning names those that aren't understood and may hide something.

XML is read without entities or anything from outside the file; a document type may stand there, and isn't fetched. A
file may have `MOST_BYTES`, and show at most `tree.MOST_ELEMENTS`; reading it takes up to 500 MB.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import ElementTree
from jaxtyping import Float

from megastep.maps.formats import gaps, roles
from megastep.maps.formats.bounds import MOST_SEGMENTS, check_scale
from megastep.maps.formats.doorways import door_of
from megastep.maps.formats.drawing import NO_DOORS, NOWHERE, Drawing
from megastep.maps.formats.reading import Collected, Inside, Paths, drawn, one_each, read_bytes
from megastep.maps.formats.svg import selectors, styles
from megastep.maps.formats.svg.tree import GROUPS, Picks, Shape, layer_names, shapes, style_sheets
from megastep.maps.frame import Frame
from megastep.maps.geometry import Room

MOST_BYTES = 4 << 20

MOST_NAMED = 6
"""A message names at most so many rules."""


CUBICASA_CLASSES = {
    'walls': ['wall', 'railing', 'column', 'columns'],
    'doors': ['door'],
    'rooms': ['space'],
    'ignored': [
        'window', 'threshold', 'panel', 'panelarea', 'glass', 'fixedfurniture*', 'stairs', 'namelabel',
        'boundarypolygon', 'selectioncontrols', 'spacedimensionslabel', 'dimension*', 'direction', 'flight', 'winding',
        'steps',
    ],
}  # fmt: skip
"""The classes of what has a role in CubiCasa's pictures."""

CUBICASA = Picks(classes=roles.Pick.of(CUBICASA_CLASSES, 'classes'))
"""What is wall, and what has another role, in CubiCasa's pictures."""


class Found(NamedTuple):
    """Shapes that a picture shows, by role, in its own units."""

    walls: list[Float[np.ndarray, 'segment 2 2']]
    doors: list[Float[np.ndarray, 'corner 2']]
    rooms: list[Room]
    spawns: list[Float[np.ndarray, ' axis']]


def read(
    path: Paths,
    *,
    scale: float,
    inside: Inside = None,
    snap: float = gaps.SNAP,
    layers: roles.Picked = None,
    ids: roles.Picked = None,
    classes: roles.Picked = None,
    skip_invalid: bool = False,
) -> Collected:
    """Reads a map of each file.

    Args:
        path: The file, or several.
        scale: How many of the picture's units are a metre.
        inside: Points in the face that is meant, in the picture's own coordinates.
        snap: Ends no further apart than this, in metres, are joined.
        layers: What is in layers and groups of these names is wall, or of the role that they are given for.
        ids: Elements with these ids likewise.
        classes: Elements with these classes likewise.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the scale isn't above 0; if a map can't be used, naming the file, the element and the reason; or
            if none can.
    """
    check_scale(scale)
    gaps.check_snap(snap)
    picks = Picks(
        layers=roles.Pick.of(layers, 'layers'), ids=roles.Pick.of(ids, 'ids'), classes=roles.Pick.of(classes, 'classes')
    )
    make = drawn(partial(_draw, scale=scale, picks=picks), snap)
    return one_each(path, make, inside=inside, skip_invalid=skip_invalid)


def _draw(path: Path, *, scale: float, picks: Picks) -> Drawing:
    top = root(path)
    if any(pick.patterns for pick in picks) or not _is_by_cubicasa(top):
        return drawing(top, scale=scale, picks=picks)
    return drawing(top, scale=scale, picks=CUBICASA)._replace(notes={'structure': 'CubiCasa'})


def _is_by_cubicasa(top: Element) -> bool:
    """True if a picture has the structure that CubiCasa gives its pictures: classes say what is wall then."""
    classes = {name for element in top.iter() for name in element.get('class', '').split()}
    return {'Floorplan', 'Wall', 'Space'} <= classes


def drawing(top: Element, *, scale: float, picks: Picks, page: Element | None = None) -> Drawing:
    """The drawing of an element, in metres.

    Args:
        top: The element.
        scale: How many of the picture's units are a metre.
        picks: What is wall, and what has another role.
        page: The whole picture, where the element is a part of it.

    Raises:
        ValueError: if something in it can't be read, or there is too much.
    """
    with np.errstate(all='ignore'):  # what grows beyond all bounds is refused with the rest that does
        found = _sorted(_counted(top, picks, page), picks)
    if picks.pick_walls and picks is not CUBICASA and not found.walls:
        roles.refuse_unpicked(_names(page if page is not None else top))
    frame, walls = Frame(1 / scale, flip=True), np.concatenate([np.empty((0, 2, 2)), *found.walls])
    metres = frame.to_map(walls)
    doors = [door_of(frame.to_map(corners), metres) for corners in found.doors]
    return Drawing(
        metres,
        starts=frame.to_map(np.array(found.spawns)) if found.spawns else NOWHERE,
        rooms=[Room(frame.to_map(room.outline), room.kind) for room in found.rooms],
        doors=np.array(doors) if doors else NO_DOORS,
        frame=frame,
        warnings=_unread(page if page is not None else top),
        hint=f" scale= says how many of the picture's units are a metre, and is {scale:g}.",
    )


def _names(page: Element) -> dict[str, list[str]]:
    """The names in a picture that walls could be picked with."""
    elements = list(page.iter())
    groups = [element.get('id', '') for element in elements if selectors.name(element) in GROUPS]
    return {
        'layers': [*groups, *(name for element in elements for name in layer_names(element))],
        'classes': [name for element in elements for name in element.get('class', '').split()],
    }


def _unread(page: Element) -> tuple[str, ...]:
    """A warning of the rules of style sheets that aren't understood."""
    found = styles.unread(style_sheets(page))
    named = ', '.join(repr(one[:60]) for one in found[:MOST_NAMED])
    return (f'style rules that are not read may hide walls, or show what is none: {named}.',) if found else ()


def _counted(top: Element, picks: Picks, page: Element | None) -> list[Shape]:
    """The shapes that are shown, of which walls have few enough segments."""
    found, count = [], 0
    for shape in shapes(page if page is not None else top, picks, within=top):
        found.append(shape)
        count += 0 if _role(shape, picks) != 'walls' else sum(len(line) - 1 for line in shape.lines)
        if count > MOST_SEGMENTS:
            raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {count} and more.')
    return found


def _sorted(shown: list[Shape], picks: Picks) -> Found:
    """Sorts shapes by their roles. Where walls are picked, what has no role is nothing."""
    found = Found([], [], [], [])
    without = [shape for shape in shown if not shape.is_page]
    for shape in without or shown:
        role = _role(shape, picks)
        if role == 'walls':
            found.walls.extend(np.stack([line[:-1], line[1:]], axis=1) for line in shape.lines)
        elif role in ('doors', 'openings'):
            found.doors.extend(shape.lines)
        elif role == 'rooms':
            found.rooms.extend(Room(line[:-1], shape.kind) for line in shape.lines if len(line) > 3)
        elif role == 'spawns':
            found.spawns.extend((line.min(axis=0) + line.max(axis=0)) / 2 for line in shape.lines)
    return found


def _role(shape: Shape, picks: Picks) -> str:
    return shape.role or ('ignored' if picks.pick_walls else 'walls')


def root(path: Path) -> Element:
    """A picture's outermost element.

    Raises:
        ValueError: if the file is too long, or isn't SVG that can be read.
    """
    content = read_bytes(path, MOST_BYTES)
    try:
        top = ElementTree.fromstring(content, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    except (ParseError, LookupError, ValueError) as error:  # an unknown encoding is a LookupError
        raise ValueError(f'not XML that can be read: {error or type(error).__name__}.') from error
    if selectors.name(top) != 'svg':
        raise ValueError(f'must be an svg element, got {selectors.name(top)[:40]!r}.')
    return top
