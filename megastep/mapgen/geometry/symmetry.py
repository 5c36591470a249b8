"""Symmetry groups of plans about the origin, and the eight symmetries of the square; exact in whole numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import MappingProxyType
from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.geometry.polygons import ring_edges
from megastep.mapgen.plan import Point
from megastep.mapgen.rng import Rng

Matrix = tuple[int, int, int, int]
"""An orthogonal matrix of whole numbers, by its rows: a point (x, y) goes to (a x + b y, c x + d y)."""

SYMMETRIES: MappingProxyType[str, tuple[Matrix, ...]] = MappingProxyType(
    {
        'none': ((1, 0, 0, 1),),
        'mirror': ((1, 0, 0, 1), (-1, 0, 0, 1)),
        'half_turn': ((1, 0, 0, 1), (-1, 0, 0, -1)),
        'quarter_turns': ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0)),
    }
)
"""Symmetry groups by name: the matrices that leave a symmetrical plan as it is, the identity first."""


def transformed(ring: Sequence[Point], matrix: Matrix) -> list[Point]:
    """The image of a ring under a matrix. It runs the same way around as the ring does, from its least corner on."""
    a, b, c, d = matrix
    image = [(a * x + b * y, c * x + d * y) for x, y in ring]
    if a * d - b * c < 0:
        image.reverse()
    first = image.index(min(image))
    return image[first:] + image[:first]


def images(point: Point, symmetry: str) -> list[Point]:
    """The orbit of a point under a symmetry group: its images, each once, the point itself first."""
    if symmetry == 'none':
        return [point]
    x, y = point
    return list(dict.fromkeys((a * x + b * y, c * x + d * y) for a, b, c, d in SYMMETRIES[symmetry]))


def is_symmetrical(rings: Iterable[Sequence[Point]], symmetry: str) -> bool:
    """Invariance of the edges of rings under a symmetry group: true if each of its matrices leaves them as they are."""
    edges = {edge for ring in rings for edge in ring_edges(ring)}
    for a, b, c, d in SYMMETRIES[symmetry]:
        transformed_edges = {tuple((a * x + b * y, c * x + d * y) for x, y in edge) for edge in edges}
        if a * d - b * c < 0:
            transformed_edges = {edge[::-1] for edge in transformed_edges}
        if transformed_edges != edges:
            return False
    return True


def orbit(ring: Sequence[Point], symmetry: str) -> list[list[Point]]:
    """The orbit of a ring under a symmetry group: its images, each once, the ring itself first.

    Args:
        ring: Corners in order.
        symmetry: A key of `SYMMETRIES`.
    """
    images: list[list[Point]] = []
    for matrix in SYMMETRIES[symmetry]:
        image = transformed(ring, matrix)
        if image not in images:
            images.append(image)
    return images


class SquareSymmetry(NamedTuple):
    """An element of the dihedral group of the square: mirrors along x and along y, then a swap of the axes."""

    mirrored: bool
    upside_down: bool
    swapped: bool

    def __call__(self, tile: Rect) -> Rect:
        left, right = (-tile.right, -tile.left) if self.mirrored else (tile.left, tile.right)
        bottom, top = (-tile.top, -tile.bottom) if self.upside_down else (tile.bottom, tile.top)
        image = Rect(left, bottom, right, top)
        return image.transposed if self.swapped else image


def draw_square_symmetry(rng: Rng) -> SquareSymmetry:
    """A random symmetry of the square, each of the eight as likely as the others."""
    return SquareSymmetry(rng.chance(1, 2), rng.chance(1, 2), rng.chance(1, 2))
