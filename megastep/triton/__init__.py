"""The kernels for a GPU. Their twins in `megastep.numba`, of the same names, are their specification."""

from megastep.triton.collisions import advance
from megastep.triton.coverage import mark
from megastep.triton.episodes import tally
from megastep.triton.lightmap import bake
from megastep.triton.navigation import distances
from megastep.triton.random_numbers import draw_integers, draw_reals
from megastep.triton.raycasting import render
from megastep.triton.spawning import respawn, respawn_with_goals
from megastep.triton.vectors import bearings, turned

__all__ = [
    'advance', 'bake', 'bearings', 'distances', 'draw_integers', 'draw_reals', 'mark', 'render', 'respawn',
    'respawn_with_goals', 'tally', 'turned',
]  # fmt: skip
