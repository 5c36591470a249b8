"""Doorways: walls that run across a door are cut, so that it opens.

A door is a line from jamb to jamb. Where a wall is a single line, the door lies on it, and the piece between the jambs
is taken out. Where it is two lines, or a filled shape, the door lies between them or on either: both are cut, and the
jambs join them. Where there is an opening already, nothing is cut; nor where a
door leads outside.
"""

from __future__ import annotations

import numpy as np
import shapely
from jaxtyping import Bool, Float

from megastep.maps.faces import ToFile, holding
from megastep.maps.segments import clearances

ON = 0.05
"""A wall no further than this from a door, in metres, lies on it."""

THICKEST = 0.6
"""The greatest thickness of a wall that is drawn as two lines, in metres."""

REACH = 0.3
"""Each jamb must be this near to a wall, in metres."""

THIN = 0.3
"""Where a door lies on a wall's one side, its other side is no further off than this, in metres."""

BESIDE = 0.1
"""Free space is looked for so far beside a wall, in metres."""

MOST_DOORS = 1 << 12

LONG = 1.5
"""A shape so many times as long as it is wide is a door along its length."""

STRAIGHT = 0.05
"""The sine of the angle up to which a wall runs along a door."""

Segments = Float[np.ndarray, 'segment 2 2']


def cut(
    segments: Segments, doors: Float[np.ndarray, 'door 2 2'], found: np.ndarray, to_file: ToFile
) -> tuple[Segments, Float[np.ndarray, 'kept 2 2']]:
    """Takes out what runs across doors, and joins the sides of thick walls at their jambs.

    Args:
        segments: The walls' sides.
        doors: The doors, from jamb to jamb.
        found: The faces that the segments enclose. A door that leads out of all of them stays closed.
        to_file: For the errors.

    Returns:
        The segments, and the doors without those that lead outside.

    Raises:
        ValueError: if there are too many doors, or one isn't near a wall, or has no length.
    """
    if len(doors) > MOST_DOORS:
        raise ValueError(f'must have at most {MOST_DOORS} doors, got {len(doors)}.')
    apart = clearances(doors.reshape(-1, 2), segments).reshape(-1, 2).max(axis=1)  # the jamb that is further off
    kept = []
    for i, door in enumerate(doors):
        if (door[0] == door[1]).all():
            raise ValueError(f'door {i} must be longer than 0 m, got one {_place(door, to_file)}.')
        if apart[i] > REACH:
            raise ValueError(
                f'door {i} must lie on a wall, but {_place(door, to_file)} it is {apart[i]:.3g} m from the nearest.'
            )
        opened = _opened(segments, door, found)
        segments = segments if opened is None else opened
        kept.extend([] if opened is None else [door])
    return segments, np.array(kept).reshape(-1, 2, 2)


def _place(door: Float[np.ndarray, '2 2'], to_file: ToFile) -> str:
    (ax, ay), (bx, by) = to_file(door).tolist()
    return f'from ({ax:.10g}, {ay:.10g}) to ({bx:.10g}, {by:.10g})'


def _opened(segments: Segments, door: Float[np.ndarray, '2 2'], found: np.ndarray) -> Segments | None:
    """The segments without what runs across one door; nothing if it leads outside."""
    width = float(np.hypot(*(door[1] - door[0])))
    along = (door[1] - door[0]) / width
    turn = np.stack([along, [-along[1], along[0]]], axis=1)
    local = (segments - door[0]) @ turn  # x runs from jamb to jamb, and y across the wall
    level = local[..., 1].mean(axis=1)
    crossed = _across(local, width)
    offsets = _sides(level[crossed])
    if offsets is None:
        return segments
    low, high = offsets
    beside = np.array([[width / 2, low - BESIDE], [width / 2, high + BESIDE]]) @ turn.T + door[0]
    if (holding(found, beside) < 0).any():
        return None
    taken = crossed & (level >= low - ON) & (level <= high + ON)
    pieces = [segments[~taken], *(_rest(one, width) @ turn.T + door[0] for one in local[taken])]
    if high - low > ON:
        jambs = np.array([[[x, low], [x, high]] for x in (0.0, width)])
        pieces.append(jambs @ turn.T + door[0])
    return np.concatenate(pieces)


def _across(local: Segments, width: float) -> Bool[np.ndarray, ' segment']:
    """A mask of the segments that run along a door, near enough, over its middle."""
    lengths = np.hypot(*(local[:, 1] - local[:, 0]).T)
    rises = np.abs(local[:, 1, 1] - local[:, 0, 1])
    left, right = local[..., 0].min(axis=1), local[..., 0].max(axis=1)
    near = np.abs(local[..., 1].mean(axis=1)) <= THICKEST
    return (rises <= STRAIGHT * lengths) & (right > width / 4) & (left < 3 * width / 4) & near & (right - left > 0)


def _sides(levels: Float[np.ndarray, ' crossed']) -> tuple[float, float] | None:
    """The distances from a door to the wall's sides; none where it is open."""
    on = levels[np.abs(levels) <= ON]
    below, above = levels[levels < -ON], levels[levels > ON]
    if len(on):
        beyond = [level for level in (below.max(initial=-np.inf), above.min(initial=np.inf)) if abs(level) <= THIN]
        return float(min([*on, *beyond])), float(max([*on, *beyond]))
    if len(below) and len(above) and above.min() - below.max() <= THICKEST:
        return float(below.max()), float(above.min())
    return None


def _rest(one: Float[np.ndarray, '2 2'], width: float) -> Segments:
    """The pieces of a segment to the left and to the right of a door."""
    if one[0, 0] > one[1, 0]:
        one = one[::-1]
    (left, low), (right, high) = one
    at = lambda x: low + (high - low) * (x - left) / (right - left)  # noqa: E731
    pieces = []
    if left < 0:
        pieces.append([one[0], (0.0, at(0.0))])
    if right > width:
        pieces.append([(width, at(width)), one[1]])
    return np.array(pieces).reshape(-1, 2, 2)


def door_of(corners: Float[np.ndarray, 'corner 2'], walls: Segments) -> Float[np.ndarray, '2 2']:
    """The line from jamb to jamb of a door that is drawn as a shape: a line, a rectangle across a wall, or a leaf.

    Of a long shape it is the line along its middle. Of one as wide as it is deep, such as a leaf with its swing, it is
    the side of the rectangle around it that is nearest to walls.
    """
    if len(corners) == 2:
        return corners
    around = shapely.get_coordinates(shapely.minimum_rotated_rectangle(shapely.MultiPoint(corners)))[:4]
    if len(around) < 4:
        return corners[[0, int(np.hypot(*(corners - corners[0]).T).argmax())]]
    sides = np.stack([around, np.roll(around, -1, axis=0)], axis=1)
    lengths = np.hypot(*(sides[:, 1] - sides[:, 0]).T)
    if lengths.max() > LONG * lengths.min():
        first = int(lengths[:2].argmin())
        return sides[[first, first + 2]].mean(axis=1)
    return (
        sides[clearances(sides.reshape(-1, 2), walls).reshape(-1, 2).max(axis=1).argmin()] if len(walls) else sides[0]
    )
