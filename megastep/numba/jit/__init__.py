"""Compilation by Numba: linking, parallel loops, SIMD vectors and its cache, for the kernels here and for geodesics."""
