"""SVG pictures of floorplans: small ones that look right on light and on dark pages."""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from megastep.maps import segments

SIZE = 240
"""The picture's longer side, in pixels."""

THICKNESS = 0.12
"""The least thickness of a wall whose far side isn't known, in metres."""

WALL, FLOOR, LIGHT, SPAWN, DOOR, LABEL = '#33323e', '#fbf9f4', '#f5a300', '#33323e', '#b58a5a', '#8a8a8a'

FURNITURE = '#c9a883'
"""The colour that what stands in a room is filled with,"""

ROCKY = frozenset({'cave', 'maze', 'track'})
"""but for these, where it isn't furniture."""

PLAIN = '#f2e8d6'
"""The floor of a room of no known use, as HTML writes colours."""

TINTS: Mapping[str, str] = MappingProxyType(
    {
        # sleeping
        'bedroom': '#c8d7f1',
        'child_room': '#cfe2f3',
        'guest_room': '#d0dcf2',
        'patient_room': '#d9e3ef',
        'master_room': '#c8d7f1',
        'second_room': '#cfe2f3',
        # living and eating
        'living_room': '#fbe5ab',
        'dining_room': '#fbdcb0',
        'kitchen': '#f7cdb4',
        'break_room': '#fbdcb0',
        'restaurant': '#fbdcb0',
        'lobby': '#fbe9be',
        # washing
        'bathroom': '#bfe1e4',
        'restroom': '#bfe1e4',
        'toilet': '#bfe1e4',
        'washing_room': '#c6e5d6',
        # working
        'study': '#dde5ba',
        'office': '#dde5ba',
        'open_plan': '#e9edcb',
        'meeting_room': '#cddfae',
        'studio': '#d9e2c9',
        # keeping things
        'closet': '#dfd3ec',
        'storage': '#d9d6e0',
        'server_room': '#cbc8dc',
        'storage_hall': '#eceae8',
        'dock': '#d3d9de',
        # going about
        'corridor': '#efe7d8',
        'walkway': '#efe7d8',
        'hall': '#efe7d8',
        'landing': '#efe7d8',
        'entrance': '#f1dcc6',
        'gallery': '#f3ddd0',
        'stairs': '#dedbd4',
        # out of doors, or as large
        'balcony': '#d5e8c8',
        'arena': '#f2e3c9',
        'cave': '#e6d8c8',
        'maze': '#dfe9d3',
        'track': '#dee1e5',
        'room': PLAIN,
    }
)
"""Floor colours by kind of room: like uses have like colours, and a kind that isn't here is as `PLAIN` as a room."""


def tint(kind: str) -> str:
    """The floor colour of a kind of room, as HTML writes it."""
    return TINTS.get(kind.replace(' ', '_'), PLAIN)  # some files' kinds have spaces


def draw(
    *,
    walls: Float[np.ndarray, 'wall 2 2'],
    spawns: Float[np.ndarray, 'spawn 2'],
    lights: Float[np.ndarray, 'light 3'],
    doors: Float[np.ndarray, 'door 2 2'],
    rooms: Sequence[tuple[Float[np.ndarray, 'corner 2'], str]],
    metres_per_pixel: float | None = None,
) -> str:
    """Draws a floorplan: rooms tinted by kind, walls dark, furniture and doors brown, lights warm dots, spawns faint.

    Args:
        walls: Each wall's two endpoints, in metres: (wall, 2, 2), free space to the left of each.
        spawns: Where agents may start, in metres: (spawn, 2).
        lights: Each light's x and y in metres, and intensity: (light, 3).
        doors: Each opening from jamb to jamb, in metres: (door, 2, 2).
        rooms: Each room's corners in order, in metres, (corner, 2), and its kind.
        metres_per_pixel: The scale, for several pictures to share; they have no scale bar. By default one of its own.

    Returns:
        A standalone SVG document. Its units are centimetres; hovering over a room shows its kind.
    """
    (left, bottom), (right, top) = walls.min(axis=(0, 1)).tolist(), walls.max(axis=(0, 1)).tolist()
    alone = metres_per_pixel is None
    metres_per_pixel = scale(walls) if metres_per_pixel is None else metres_per_pixel
    pixel = 100 * metres_per_pixel
    thick = max(100 * THICKNESS, 1.5 * pixel)
    rings = segments.rings(walls)
    outline, outside = _path(rings, top), _path([ring for ring in rings if segments.area(_sides(ring)) > 0], top)
    clip = f'free-{zlib.crc32(outline.encode()):08x}'  # its own: a page may hold many pictures
    bar = ''.join(_scale_bar(left, bottom - metres_per_pixel * 14, top, metres_per_pixel)) if alone else ''
    layers = [
        f'<path d="{outside}" fill="{WALL}"/>',  # so that pillars are solid
        f'<path d="{outline}" fill="none" stroke="{WALL}" stroke-width="{2 * thick:.3g}"/>',
        _furniture(rooms, top, thick),
        f'<path d="{outline}" fill="{FLOOR}" fill-rule="evenodd"/>',
        f'<clipPath id="{clip}"><path d="{outline}" clip-rule="evenodd"/></clipPath>',  # furniture isn't floor
        f'<g clip-path="url(#{clip})">{"".join(_draw_room(*room, top) for room in rooms)}</g>',
        f'<path d="{outline}" fill="none" stroke="{WALL}" stroke-width="{0.5 * pixel:.3g}"/>',
        _strokes(_thin(walls), top, f'stroke="{WALL}" stroke-width="{thick / 2:.3g}"'),
        _strokes(doors, top, f'stroke="{DOOR}" stroke-width="{pixel:.3g}"'),
        _strokes(_dots(spawns), top, f'stroke="{SPAWN}" stroke-opacity=".3" stroke-width="{1.6 * pixel:.3g}"'),
        _strokes(_dots(lights), top, f'stroke="{LIGHT}" stroke-opacity=".25" stroke-width="{11 * pixel:.3g}"'),
        _strokes(_dots(lights), top, f'stroke="{LIGHT}" stroke-width="{4.5 * pixel:.3g}"'),
        bar,
    ]
    margin = thick + 2 * pixel
    x, y = 100 * left - margin, -margin
    width, height = 100 * (right - left) + 2 * margin, 100 * (top - bottom) + 2 * margin + 20 * pixel * alone
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:.0f} {y:.0f} {width:.0f} {height:.0f}" '
        f'width="{width / pixel:.0f}" height="{height / pixel:.0f}" stroke-linecap="round">{"".join(layers)}</svg>'
    )


def image(svg: str, alt: str) -> str:
    """A picture as an image of HTML, which notebooks that aren't trusted show too: they strip SVG.

    Args:
        svg: The picture, as a document of its own.
        alt: What is to be read where it can't be seen.
    """
    content = base64.b64encode(svg.encode()).decode()
    return f'<img src="data:image/svg+xml;base64,{content}" alt="{escape(alt)}" style="max-width: none">'


def scale(walls: Float[np.ndarray, 'wall 2 2']) -> float:
    """The metres to a pixel of a picture of `SIZE`."""
    return float(np.ptp(walls.reshape(-1, 2), axis=0).max()) / (SIZE - 12)


def round_length(pixels: float, metres_per_pixel: float) -> int:
    """The length of a scale bar: 1 m, or 10 or 100 m where so many pixels are more than that."""
    return 10 ** max(0, math.ceil(math.log10(pixels * metres_per_pixel)))


def _pixels(points: Float[np.ndarray, 'point 2'], top: float) -> Int[np.ndarray, 'point 2']:
    """Points in whole centimetres, y down from the top of the map."""
    return np.rint(100 * (points * [1, -1] + [0, top])).astype(int)


def _sides(ring: Float[np.ndarray, 'corner 2']) -> Float[np.ndarray, 'side 2 2']:
    return np.stack([ring, np.roll(ring, -1, axis=0)], axis=1)


def _path(rings: list[Float[np.ndarray, 'corner 2']], top: float) -> str:
    """Rings in SVG's language, as steps from corner to corner."""
    outlines = []
    for ring in rings:
        corners = _pixels(ring, top)
        steps = ''.join(_step(dx, dy) for dx, dy in np.diff(corners, axis=0).tolist())
        outlines.append(f'M{corners[0, 0]} {corners[0, 1]}{steps}z')
    return ''.join(outlines)


def _step(dx: int, dy: int) -> str:
    return f'h{dx}' if dy == 0 else f'v{dy}' if dx == 0 else f'l{dx} {dy}'


def _strokes(lines: Float[np.ndarray, 'line 2 2'], top: float, style: str) -> str:
    ends = _pixels(lines.reshape(-1, 2), top).reshape(-1, 4).tolist()
    path = ''.join(f'M{ax} {ay}{_step(bx - ax, by - ay)}' for ax, ay, bx, by in ends)
    return f'<path d="{path}" fill="none" {style}/>' if path else ''


def _thin(walls: Float[np.ndarray, 'wall 2 2']) -> Float[np.ndarray, 'thin 2 2']:
    """The thin walls, each once."""
    return walls[segments.thin(walls) & ~segments.backwards(walls)]


def _dots(points: Float[np.ndarray, 'point _']) -> Float[np.ndarray, 'point 2 2']:
    """Strokes of no length, whose round caps are dots."""
    return np.stack([points[:, :2], points[:, :2]], axis=1)


def _furniture(rooms: Sequence[tuple[Float[np.ndarray, 'corner 2'], str]], top: float, thick: float) -> str:
    """Rooms filled with furniture, with the walls behind it: the floor covers what of it doesn't stand there."""
    path = _path([outline for outline, kind in rooms if kind not in ROCKY], top)
    walls = f'<path d="{path}" fill="none" stroke="{WALL}" stroke-width="{2 * thick:.3g}"/>'
    return f'{walls}<path d="{path}" fill="{FURNITURE}"/>' if path else ''


def _draw_room(outline: Float[np.ndarray, 'corner 2'], kind: str, top: float) -> str:
    return f'<path d="{_path([outline], top)}" fill="{tint(kind)}"><title>{escape(kind)}</title></path>'


def _scale_bar(left: float, y: float, top: float, metres_per_pixel: float) -> tuple[str, str]:
    """A bar of 1 m, or of 10 or 100 m beneath maps in which 1 m would be too short to see."""
    length = round_length(7, metres_per_pixel)
    bar = np.array([[[left, y], [left + length, y]]])
    (x, baseline), size = _pixels(bar[0, 1:], top)[0].tolist(), 100 * metres_per_pixel
    label = (
        f'<text x="{x + 6 * size:.0f}" y="{baseline + 3.5 * size:.0f}" font-family="sans-serif" '
        f'font-size="{10 * size:.0f}" fill="{LABEL}">{length} m</text>'
    )
    return _strokes(bar, top, f'stroke="{LABEL}" stroke-width="{2 * size:.3g}"'), label
