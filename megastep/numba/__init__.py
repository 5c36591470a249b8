"""The kernels for a CPU, written as loops over one ray and one wall, to be read as the specification of the others."""

from megastep.numba.baking import bake
from megastep.numba.collisions import advance
from megastep.numba.raycasting import render

__all__ = ['advance', 'bake', 'render']
