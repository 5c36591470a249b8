"""The kernels for a GPU. Their twins in `megastep.numba` say what they compute."""

from megastep.triton.baking import bake
from megastep.triton.collisions import advance
from megastep.triton.coverage import mark
from megastep.triton.navigating import distances
from megastep.triton.raycasting import render
from megastep.triton.respawning import embark, respawn

__all__ = ['advance', 'bake', 'distances', 'embark', 'mark', 'render', 'respawn']
