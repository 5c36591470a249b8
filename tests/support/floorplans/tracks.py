"""Tracks for the tests."""

import numpy as np
from worlds import outline

from megastep import Geometry

TURN = np.linspace(0, 2 * np.pi, 200, endpoint=False)
CIRCLE = np.stack([np.cos(TURN), np.sin(TURN)], axis=1)
MIDDLE = np.array([20.0, 20.0])


def ring(outer=10.0, inner=8.0):
    """A track between two circles around (20, 20)."""
    walls = np.concatenate([outline(MIDDLE + outer * CIRCLE), outline(MIDDLE + inner * CIRCLE[::-1])])
    return Geometry(walls=walls, spawns=np.array([[20 + (outer + inner) / 2, 20]]), lights=np.array([[20, 29, 1]]))


def pinched(width):
    """A ring of 2 m that is as narrow as said at its left end."""
    radii = 8 + (2 - width) * np.exp(-(((TURN - np.pi) / 0.2) ** 2))
    walls = np.concatenate([outline(MIDDLE + 10 * CIRCLE), outline((MIDDLE + radii[:, None] * CIRCLE)[::-1])])
    return Geometry(walls=walls, spawns=np.array([[29.0, 20.0]]))
