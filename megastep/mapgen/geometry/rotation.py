"""Turns a plan by any angle, to whole millimetres, the same on any machine."""

from __future__ import annotations

from collections.abc import Sequence

from megastep.mapgen.plan import Plan, PlannedRoom, Point

HUNDREDTHS = 100
"""To a degree: the finest turn."""

ONE = 1 << 64
"""1, as a whole number."""

PI = 57952155664616982739
"""pi times `ONE`, to the nearest whole number."""


def rotate(plan: Plan, hundredths: int) -> Plan:
    """Turns a plan about its origin.

    Args:
        plan: Its corners are at least 2 mm apart, so that no two are rounded to the same point.
        hundredths: By how much, in hundredths of a degree, anticlockwise.
    """
    cosine, sine = direction(hundredths)
    return plan._replace(
        rings=[_turned(ring, cosine, sine) for ring in plan.rings],
        rooms=[PlannedRoom(room.kind, _turned(room.outline, cosine, sine)) for room in plan.rooms],
        doors=[(one, other) for one, other in (_turned(door, cosine, sine) for door in plan.doors)],
    )


def direction(hundredths: int) -> tuple[int, int]:
    """The cosine and the sine of an angle in hundredths of a degree, times 2^64: the power series, in whole numbers."""
    quarters, rest = divmod(hundredths, 90 * HUNDREDTHS)
    angle = PI * rest // (180 * HUNDREDTHS)
    sums, term = [0, 0], ONE
    for power in range(40):
        sums[power % 2] += -term if power % 4 >= 2 else term
        term = term * angle // ((power + 1) * ONE)
    cosine, sine = sums
    for _ in range(quarters % 4):
        cosine, sine = -sine, cosine
    return cosine, sine


def _turned(points: Sequence[Point], cosine: int, sine: int) -> list[Point]:
    half = ONE // 2
    return [((x * cosine - y * sine + half) // ONE, (x * sine + y * cosine + half) // ONE) for x, y in points]
