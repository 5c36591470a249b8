"""Vectors in the plane: rotations and bearings. PyTorch's own kernels find them: on a GPU each is rounded by itself.

The twin is `megastep.numba.vectors`.
"""

import math

import torch


def turned(vectors, angles, sense):
    """Rotated vectors: see `megastep.env.motion.frames.turned`."""
    return torch.view_as_real(torch.view_as_complex(vectors) * torch.exp(angles * (sense * math.radians(1) * 1j)))


def bearings(vectors):
    """Bearings of vectors: see `megastep.env.motion.frames.bearings`."""
    return torch.atan2(vectors[..., 1], vectors[..., 0])
