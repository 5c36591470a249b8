"""Compiled loops: visibility tests, the visibility graph, shadow casting and the lookup of paths by cell."""

from pathlib import Path

from megastep.numba.jit.cache import forget_stale_code

forget_stale_code(Path(__file__).parent)  # before what is in it is imported
