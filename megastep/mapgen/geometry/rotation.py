"""Rotation of a plan by any angle, to whole millimetres, in fixed-point arithmetic: the same on any machine."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.plan import Plan, PlannedRoom, Point

HUNDREDTHS_PER_DEGREE = 100
"""The number of steps of the angle in a degree."""

FIXED_POINT_ONE = 1 << 64
"""One, in fixed-point numbers: they have 64 binary places."""

FIXED_POINT_PI = 57952155664616982739
"""Pi, in fixed-point numbers: rounded to the nearest."""


def rotate(plan: Plan, hundredths: int) -> Plan:
    """The plan rotated about its origin.

    Args:
        plan: Its corners are at least 2 mm apart, so that no two are rounded to the same point.
        hundredths: The angle, in hundredths of a degree, anticlockwise.
    """
    cosine, sine = direction(hundredths)
    return plan._replace(
        rings=[_rotated(ring, cosine, sine) for ring in plan.rings],
        rooms=[PlannedRoom(room.kind, _rotated(room.outline, cosine, sine)) for room in plan.rooms],
        doors=[(one, other) for one, other in (_rotated(door, cosine, sine) for door in plan.doors)],
    )


def direction(hundredths: int) -> tuple[int, int]:
    """The cosine and the sine of an angle in hundredths of a degree, in fixed-point numbers, by their power series."""
    quarters, rest = divmod(hundredths, 90 * HUNDREDTHS_PER_DEGREE)
    angle = FIXED_POINT_PI * rest // (180 * HUNDREDTHS_PER_DEGREE)
    sums, term = [0, 0], FIXED_POINT_ONE
    for power in range(40):
        sums[power % 2] += -term if power % 4 >= 2 else term
        term = term * angle // ((power + 1) * FIXED_POINT_ONE)
    cosine, sine = sums
    for _ in range(quarters % 4):
        cosine, sine = -sine, cosine
    return cosine, sine


def _rotated(points: Sequence[Point], cosine: int, sine: int) -> list[Point]:
    half = FIXED_POINT_ONE // 2
    return [
        ((x * cosine - y * sine + half) // FIXED_POINT_ONE, (x * sine + y * cosine + half) // FIXED_POINT_ONE)
        for x, y in points
    ]
