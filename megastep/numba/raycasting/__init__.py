"""Ray casting: what each ray meets first, and the pictures made of that. The twin is `megastep.triton.raycasting`."""

from megastep.numba.raycasting.by_ray import render

__all__ = ['render']
