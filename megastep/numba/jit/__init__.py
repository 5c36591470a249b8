"""Compilation by Numba: SIMD vectors, masks as bits, and its cache, for the kernels here and for geodesics."""
