"""Ray casting: what each ray meets first, and the pictures made of that. The twin is `megastep.numba.raycasting`.

`by_interval` is the way that most frames are rendered, `by_ray` that for the rest; `launching` says which is which.
"""

from megastep.triton.raycasting.launching import render

__all__ = ['render']
