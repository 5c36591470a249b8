"""The kernels for a GPU. Their twins in `megastep.numba`, of the same names, are their specification."""

from megastep.triton.collisions import advance
from megastep.triton.coverage import mark
from megastep.triton.lightmap import bake
from megastep.triton.navigation import distances
from megastep.triton.raycasting import render
from megastep.triton.spawning import respawn, respawn_with_goals

__all__ = ['advance', 'bake', 'distances', 'mark', 'render', 'respawn', 'respawn_with_goals']
