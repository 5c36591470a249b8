"""Vectors in the plane: rotations and bearings, each rounded by itself, wherever in a batch it stands.

PyTorch's products of complex numbers, and its arctangents, round otherwise in vector instructions than in those for
what is left over, so that they depend on how many there are. The twin is `megastep.triton.vectors`.
"""

import math

import numpy as np
import torch
from numba import njit

DEGREE = math.pi / 180


@njit(cache=True, error_model='numpy')
def _turn(vectors, angles, sense, turned):
    for i in range(len(vectors)):
        angle = sense * DEGREE * angles[i]
        cosine, sine = math.cos(angle), math.sin(angle)
        x, y = vectors[i]
        turned[i, 0], turned[i, 1] = x * cosine - y * sine, x * sine + y * cosine


def turned(vectors, angles, sense):
    """Rotated vectors: see `megastep.env.motion.frames.turned`."""
    shape = torch.broadcast_shapes(vectors.shape[:-1], angles.shape)
    found = torch.empty((*shape, 2), dtype=vectors.dtype)
    pairs, turns = vectors.expand_as(found).reshape(-1, 2), angles.expand(shape).reshape(-1)
    _turn(pairs.numpy(), turns.numpy(), sense, found.view(-1, 2).numpy())
    return found


@njit(cache=True, error_model='numpy')
def _find_bearings(vectors, bearings):
    for i in range(len(vectors)):
        bearings[i] = np.arctan2(vectors[i, 1], vectors[i, 0])


def bearings(vectors):
    """Bearings of vectors: see `megastep.env.motion.frames.bearings`."""
    found = torch.empty(vectors.shape[:-1], dtype=vectors.dtype)
    _find_bearings(vectors.reshape(-1, 2).numpy(), found.view(-1).numpy())
    return found
