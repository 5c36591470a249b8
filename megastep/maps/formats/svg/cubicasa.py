"""Reads floorplans as CubiCasa keeps them: ``model.svg``, as CubiCasa5K and its editor write it.

Each group of the class ``Floorplan`` that is shown is a map. Its walls, railings and columns are polygons; doors lie in
walls and open them, windows don't; spaces are rooms, and the second of their classes is what they are for. Furniture,
labels and what else is drawn is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float

from megastep.maps.formats import gaps
from megastep.maps.formats.bounds import check_scale
from megastep.maps.formats.building import build
from megastep.maps.formats.drawing import Imported
from megastep.maps.formats.reading import (
    Attempt,
    Collected,
    Inside,
    Paths,
    check_inside,
    check_names,
    collect,
    in_each,
    meant,
    paths,
)
from megastep.maps.formats.svg import reading as svg
from megastep.maps.formats.svg import styles

Floor = tuple[Element, Element]
"""A storey's element, and the whole picture."""


def read(
    path: Paths, *, scale: float, inside: Inside = None, snap: float = gaps.SNAP, skip_invalid: bool = False
) -> Collected:
    """Reads a map of each storey in each file.

    Args:
        path: The file, or several.
        scale: How many of the picture's units are a metre.
        inside: Points in the face that is meant, in the picture's coordinates, or such by the maps' names.
        snap: Ends no further apart than this, in metres, are joined.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the scale isn't above 0; if a file is no such picture; if a map can't be used, naming the file,
            the storey and the reason; or if none can.
    """
    check_scale(scale)
    gaps.check_snap(snap)
    check_inside(inside)
    found, unreadable = in_each(path, _floors, skip_invalid=skip_invalid)
    check_names(inside, [name for _, name, _ in found])
    attempts = [
        Attempt(name, str(file), partial(_import, *floor, scale, meant(inside, name), snap))
        for file, name, floor in found
    ]
    source = ', '.join(str(file) for file in paths(path)[:3])
    return collect(source, attempts, skip_invalid=skip_invalid, passed_over=unreadable)


def _floors(path: Path) -> Iterator[tuple[str, Floor]]:
    """The storeys of a file that are shown, by name."""
    page = svg.root(path)
    shown = [element for element in _shown(page) if 'Floorplan' in element.get('class', '').split()]
    if not shown:
        raise ValueError('must have a group of the class Floorplan that is shown, as CubiCasa writes them.')
    for number, floor in enumerate(shown, 1):
        names = [name for name in floor.get('class', '').split() if name != 'Floorplan']
        yield f'{path.name}, {names[0] if names else f"Floor-{number}"}', (floor, page)


def _shown(page: Element) -> Iterator[Element]:
    """The elements that are shown, without those in what isn't."""
    waiting = [page]
    while waiting:
        element = waiting.pop()
        if not styles.hides_all({**element.attrib, **styles.declarations(element.get('style', ''))}):
            yield element
            waiting.extend(reversed(element))


def _import(
    floor: Element,
    page: Element,
    scale: float,
    inside: Float[np.ndarray, 'point 2'],
    snap: float,
) -> Imported:
    return build(svg.drawing(floor, scale=scale, picks=svg.CUBICASA, page=page), inside=inside, snap=snap)
