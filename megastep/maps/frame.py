"""Coordinate frames: from a file's coordinates to the map's that was made of it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, '*place 2']


class Frame(NamedTuple):
    """An axis-parallel affine transform: the map's coordinates are the file's times ``scale``, plus ``shift``.

    Where ``flip`` is true the file's y points down, and its sign is changed first.
    """

    scale: float | tuple[float, float] = 1.0
    """Metres a unit of the file, or along x and along y."""
    flip: bool = False
    shift: tuple[float, float] = (0.0, 0.0)

    @property
    def factors(self) -> Float[np.ndarray, ' axis']:
        """The factors that the file's x and y are multiplied by."""
        return np.broadcast_to(np.array(self.scale, np.float64), 2) * (1, -1 if self.flip else 1)

    def to_map(self, points: Points) -> Points:
        """The map's coordinates of points in the file's."""
        return np.asarray(points, np.float64) * self.factors + self.shift

    def to_file(self, points: Points) -> Points:
        """The file's coordinates of points in the map's."""
        return (np.asarray(points, np.float64) - self.shift) / self.factors

    @property
    def notes(self) -> dict[str, Any]:
        """The frame as a map's notes have it."""
        scale = list(self.scale) if isinstance(self.scale, tuple) else self.scale
        return {'shift': list(self.shift), 'scale': scale, 'flip': self.flip}

    @classmethod
    def of(cls, notes: Mapping[str, Any]) -> Frame:
        """The frame that a map's notes have; that of a map as its file has it, if they have none."""
        scale = notes.get('scale', 1.0)
        shift = notes.get('shift', (0.0, 0.0))
        return cls(tuple(scale) if isinstance(scale, list) else scale, notes.get('flip', False), tuple(shift))
