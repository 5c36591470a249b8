"""Reads floorplans from DXF, as CAD programs exchange them, by ezdxf (``pip install 'megastep[dxf]'``).

Lines, polylines, arcs, circles, ellipses and splines of the model space are walls, those in blocks too, each where it
is inserted. Text, dimensions, hatches and points are not, nor what is invisible or on a layer that is off or frozen.
``layers`` picks what is wall and what has another role, as in SVG. The file says what its unit is, unless ``scale``
does. y points up.

A file may have `MOST_BYTES` and `MOST_ENTITIES`, blocks' content counted as often as it is inserted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from megastep.maps.formats import gaps, roles
from megastep.maps.formats.bounds import MOST_SEGMENTS, check_scale
from megastep.maps.formats.doorways import door_of
from megastep.maps.formats.drawing import NO_DOORS, NOWHERE, Drawing
from megastep.maps.formats.reading import Collected, Inside, Paths, drawn, one_each, read_bytes
from megastep.maps.frame import Frame
from megastep.maps.geometry import Room

MOST_BYTES = 16 << 20

MOST_ENTITIES = 1 << 16

SAGITTA = 0.005
"""Curves become straight pieces that are no further from them than this, in metres."""

FEWEST = 16
"""A curve becomes so many pieces at least."""

UNITS = {1: 39.37007874, 2: 3.280839895, 4: 1000.0, 5: 100.0, 6: 1.0, 14: 10.0}
"""How many of the units that a file may say it has are a metre: inches, feet, millimetres, centimetres and so on."""

CURVES = ('LINE', 'LWPOLYLINE', 'POLYLINE', 'ARC', 'CIRCLE', 'ELLIPSE', 'SPLINE')
"""The entities that are drawn."""


def read(
    path: Paths,
    *,
    scale: float | None = None,
    inside: Inside = None,
    snap: float = gaps.SNAP,
    layers: roles.Picked = None,
    skip_invalid: bool = False,
) -> Collected:
    """Reads a map of each file.

    Args:
        path: The file, or several.
        scale: How many of the file's units are a metre; by default as the file says.
        inside: Points in the face that is meant, in the file's own coordinates.
        snap: Ends no further apart than this, in metres, are joined.
        layers: What is in layers of these names is wall, or of the role that they are given for.
        skip_invalid: Leave out the maps that can't be used, with a warning that lists them, instead of raising.

    Raises:
        ImportError: if ezdxf isn't installed.
        FileNotFoundError: if there is no such file.
        ValueError: if a map can't be used, naming the file and the reason; or if none can.
    """
    try:
        import ezdxf
    except ImportError as error:
        raise ImportError("DXF files are read by ezdxf: pip install 'megastep[dxf]'.") from error
    del ezdxf
    gaps.check_snap(snap)
    if scale is not None:
        check_scale(scale)
    make = drawn(partial(_draw, scale=scale, pick=roles.Pick.of(layers, 'layers')), snap)
    return one_each(path, make, inside=inside, skip_invalid=skip_invalid)


def _draw(path: Path, *, scale: float | None, pick: roles.Pick) -> Drawing:
    document = _document(path)
    scale = scale or _units(document.header.get('$INSUNITS', 0))
    frame, pick_walls = Frame(1 / scale), any(role == 'walls' for _, role in pick.patterns)
    walls, doors, rooms, starts, count = [np.empty((0, 2, 2))], [], [], [], 0
    for entity, line in _lines(document, scale):
        layer = entity.dxf.layer
        role = pick.role([layer]) or ('ignored' if pick_walls else roles.guessed([layer]) or 'walls')
        line = frame.to_map(line)
        if role == 'walls':
            walls.append(np.stack([line[:-1], line[1:]], axis=1))
            if (count := count + len(line) - 1) > MOST_SEGMENTS:
                raise ValueError(f'must have at most {MOST_SEGMENTS} segments of wall, got {count} and more.')
        elif role in ('doors', 'openings'):
            doors.append(line)
        elif role == 'rooms' and len(line) > 3:
            rooms.append(Room(line[:-1] if (line[0] == line[-1]).all() else line, roles.room_kind([layer])))
        elif role == 'spawns':
            starts.append((line.min(axis=0) + line.max(axis=0)) / 2)
    if pick_walls and not count:
        roles.refuse_unpicked({'layers': [layer.dxf.name for layer in document.layers]})
    segments = np.concatenate(walls)
    return Drawing(
        segments,
        starts=np.array(starts) if starts else NOWHERE,
        rooms=rooms,
        doors=np.array([door_of(corners, segments) for corners in doors]) if doors else NO_DOORS,
        frame=frame,
        hint=f" scale= says how many of the file's units are a metre, and is {scale:g}.",
    )


def _document(path: Path) -> Any:
    """The file as ezdxf has it."""
    import ezdxf

    read_bytes(path, MOST_BYTES)  # is bounded, and names what is no file
    try:
        return ezdxf.readfile(path)
    except Exception as error:  # a damaged file makes the library fail in any way
        raise ValueError(
            f'not DXF that can be read: {str(error)[:200].rstrip(".") or type(error).__name__}.'
        ) from error


def _units(code: Any) -> float:
    """The number of units in a metre, by the code that a file has for them."""
    if code not in UNITS:
        raise ValueError(f'must say what its units are ($INSUNITS), or scale= how many are a metre, got {code!r}.')
    return UNITS[code]


def _lines(document: Any, scale: float) -> Iterator[tuple[Any, Float[np.ndarray, 'corner 2']]]:
    """The corners of what is drawn, with the entity that draws it."""
    from ezdxf import path

    hidden = {layer.dxf.name.lower() for layer in document.layers if layer.is_off() or layer.is_frozen()}
    for entity in _counted(_decomposed(document)):
        if entity.dxftype() not in CURVES or entity.dxf.get('invisible', 0) or entity.dxf.layer.lower() in hidden:
            continue
        try:
            corners = path.make_path(entity).flattening(SAGITTA * scale, segments=FEWEST)
            line = np.array([(corner.x, corner.y) for corner in islice(corners, MOST_SEGMENTS + 2)])
        except Exception as error:  # likewise
            raise ValueError(f'{entity.dxftype()} {entity.dxf.handle}: can not be drawn: {error}.') from error
        if len(line) > 1:
            yield entity, line


def _decomposed(document: Any) -> Iterator[Any]:
    """The entities of the model space, and those of blocks where these are inserted."""
    from ezdxf import disassemble

    try:
        yield from disassemble.recursive_decompose(document.modelspace())
    except Exception as error:  # likewise
        raise ValueError(f'its blocks can not be drawn: {str(error)[:200] or type(error).__name__}.') from error


def _counted(entities: Iterable[Any]) -> Iterator[Any]:
    for count, entity in enumerate(entities):
        if count >= MOST_ENTITIES:
            raise ValueError(f'must have at most {MOST_ENTITIES} entities, got more.')
        yield entity
