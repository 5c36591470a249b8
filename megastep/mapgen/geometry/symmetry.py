"""Symmetries about the origin, exact in whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from types import MappingProxyType

from megastep.mapgen.plan import Point

Turn = tuple[int, int, int, int]
"""The rows of a matrix: a point (x, y) goes to (a x + b y, c x + d y)."""

SYMMETRIES: MappingProxyType[str, tuple[Turn, ...]] = MappingProxyType(
    {
        'none': ((1, 0, 0, 1),),
        'mirror': ((1, 0, 0, 1), (-1, 0, 0, 1)),
        'half_turn': ((1, 0, 0, 1), (-1, 0, 0, -1)),
        'quarter_turns': ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0)),
    }
)
"""What leaves a symmetrical plan as it is, the identity first."""


def turned(ring: Sequence[Point], turn: Turn) -> list[Point]:
    """The image of a ring, which runs the same way around as the ring does, and begins at its least corner."""
    a, b, c, d = turn
    image = [(a * x + b * y, c * x + d * y) for x, y in ring]
    if a * d - b * c < 0:
        image.reverse()
    first = image.index(min(image))
    return image[first:] + image[:first]


def images(point: Point, symmetry: str) -> list[Point]:
    """A point and its images under a symmetry, each once, the point itself first."""
    if symmetry == 'none':
        return [point]
    x, y = point
    return list(dict.fromkeys((a * x + b * y, c * x + d * y) for a, b, c, d in SYMMETRIES[symmetry]))


def is_symmetrical(rings: Iterable[Sequence[Point]], symmetry: str) -> bool:
    """Whether a symmetry leaves the edges of rings as they are."""
    edges = {edge for ring in rings for edge in pairwise([*ring, ring[0]])}
    for a, b, c, d in SYMMETRIES[symmetry]:
        turned = {tuple((a * x + b * y, c * x + d * y) for x, y in edge) for edge in edges}
        if a * d - b * c < 0:
            turned = {edge[::-1] for edge in turned}
        if turned != edges:
            return False
    return True


def orbit(ring: Sequence[Point], symmetry: str) -> list[list[Point]]:
    """A ring and its images under a symmetry, each once.

    Args:
        ring: Corners in order.
        symmetry: A key of `SYMMETRIES`.
    """
    images: list[list[Point]] = []
    for turn in SYMMETRIES[symmetry]:
        image = turned(ring, turn)
        if image not in images:
            images.append(image)
    return images
