"""The square's eight symmetries, for plans drawn in one of them."""

from __future__ import annotations

from typing import NamedTuple

from megastep.mapgen.geometry.lattice import Rect
from megastep.mapgen.rng import Rng


class Turn(NamedTuple):
    """A symmetry: first mirrors, then swaps the axes."""

    mirrored: bool
    upside_down: bool
    swapped: bool

    def __call__(self, tile: Rect) -> Rect:
        left, right = (-tile.right, -tile.left) if self.mirrored else (tile.left, tile.right)
        bottom, top = (-tile.top, -tile.bottom) if self.upside_down else (tile.bottom, tile.top)
        return Rect(bottom, left, top, right) if self.swapped else Rect(left, bottom, right, top)


def draw_turn(rng: Rng) -> Turn:
    """Draws one of the eight, each as likely as the others."""
    return Turn(rng.chance(1, 2), rng.chance(1, 2), rng.chance(1, 2))
