"""Layers: rectifiers backward, and heads forward and backward. The twin is `megastep.learning.model.layer_passes`."""

from typing import no_type_check

import torch
import triton
import triton.language as tl

from megastep.triton.buffers import device_guard

ROWS, COLUMNS, STEPS = 32, 128, 8
"""A program that adds up rows has so many at a time, and so many columns of them, and takes so many steps."""
HEAD_ROWS, DEPTH = 64, 64
"""A program has so many rows' heads, and adds up so many columns of the latents at a time."""
BACK_ROWS, BACK_COLUMNS, BACK_STEPS = 8, 256, 16
"""A program that goes back from heads has so many rows of latents at a time, and columns, and takes so many steps."""


@triton.jit
@no_type_check
def _rectified_back(
    # in
    grads, outputs,
    # out
    rectified_grads, bias_parts,
    # sizes
    num_rows, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr, STEPS: tl.constexpr,
):  # fmt: skip
    """Program (i, j) has the jth COLUMNS of the ith STEPS * ROWS, and adds them up."""
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in range(STEPS):
        row = (tl.program_id(0) * STEPS + step) * ROWS + tl.arange(0, ROWS)
        mask = (row < num_rows)[:, None] & (column < width)[None, :]
        place = row[:, None].to(tl.int64) * width + column[None, :]
        grad = tl.load(grads + place, mask=mask, other=0)
        grad = tl.where(tl.load(outputs + place, mask=mask, other=0) > 0, grad, 0.0)
        tl.store(rectified_grads + place, grad, mask=mask)
        total += grad.to(tl.float32)
    tl.store(bias_parts + tl.program_id(0) * width + column, tl.sum(total, 0), mask=column < width)


@triton.jit
@no_type_check
def _sum_of_rows(
    # in
    values,
    # out
    parts,
    # sizes
    num_rows, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr, STEPS: tl.constexpr,
):  # fmt: skip
    """Program (i, j) adds up the jth COLUMNS of the ith STEPS * ROWS."""
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in range(STEPS):
        row = (tl.program_id(0) * STEPS + step) * ROWS + tl.arange(0, ROWS)
        mask = (row < num_rows)[:, None] & (column < width)[None, :]
        place = row[:, None].to(tl.int64) * width + column[None, :]
        total += tl.load(values + place, mask=mask, other=0).to(tl.float32)
    tl.store(parts + tl.program_id(0) * width + column, tl.sum(total, 0), mask=column < width)


@triton.jit
@no_type_check
def _heads(
    # in
    latents, weight, bias,
    # out
    outputs,
    # sizes
    num_rows, width, num_outputs, ROWS: tl.constexpr, DEPTH: tl.constexpr, OUTPUTS: tl.constexpr,
):  # fmt: skip
    """Program (i, j) has the jth OUTPUTS of the ith ROWS. Float32s are multiplied in three parts, which is exact."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    output = tl.program_id(1) * OUTPUTS + tl.arange(0, OUTPUTS)
    place, total = row[:, None].to(tl.int64) * width, tl.zeros([ROWS, OUTPUTS], tl.float32)
    for first in range(0, width, DEPTH):
        column = first + tl.arange(0, DEPTH)
        there = (row < num_rows)[:, None] & (column < width)[None, :]
        given = (column < width)[:, None] & (output < num_outputs)[None, :]
        latent = tl.load(latents + place + column[None, :], mask=there, other=0).to(tl.float32)
        weights = tl.load(weight + output[None, :] * width + column[:, None], mask=given, other=0)
        total = tl.dot(latent, weights, total, input_precision='tf32x3')
    total += tl.load(bias + output, mask=output < num_outputs, other=0)[None, :]
    mask = (row < num_rows)[:, None] & (output < num_outputs)[None, :]
    tl.store(outputs + row[:, None] * num_outputs + output[None, :], total, mask=mask)


@triton.jit
@no_type_check
def _heads_back(
    # in
    output_grads, latents, weight,
    # out
    grads, bias_parts,
    # sizes
    num_rows, width, num_outputs, ROWS: tl.constexpr, COLUMNS: tl.constexpr, STEPS: tl.constexpr,
):  # fmt: skip
    """Program (i, j) has the jth COLUMNS of the ith STEPS * ROWS of latents, and adds up their rectified gradients.

    There are few outputs, so that it takes less to add up their shares one by one than to have a matrix product.
    """
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in range(STEPS):
        row = (tl.program_id(0) * STEPS + step) * ROWS + tl.arange(0, ROWS)
        mask = (row < num_rows)[:, None] & (column < width)[None, :]
        place = row[:, None].to(tl.int64) * width + column[None, :]
        latent, grad = tl.load(latents + place, mask=mask, other=0), tl.zeros([ROWS, COLUMNS], tl.float32)
        for output in range(num_outputs):
            by_output = tl.load(output_grads + row * num_outputs + output, mask=row < num_rows, other=0)
            weights = tl.load(weight + output * width + column, mask=column < width, other=0)
            grad += by_output[:, None] * weights[None, :]
        grad = tl.where(latent > 0, grad, 0.0)
        tl.store(grads + place, grad, mask=mask)
        total += grad
    tl.store(bias_parts + tl.program_id(0) * width + column, tl.sum(total, 0), mask=column < width)


@device_guard
def rectified_back(grads, outputs):
    """Gradients by what a rectifier is given: see `megastep.learning.model.layer_passes.rectified_back`."""
    num_rows, width = grads.shape
    parts = triton.cdiv(num_rows, ROWS * STEPS)
    rectified_grads, bias_parts = torch.empty_like(grads), grads.new_empty((parts, width), dtype=torch.float32)
    _rectified_back[parts, triton.cdiv(width, COLUMNS)](
        grads, outputs, rectified_grads, bias_parts, num_rows, width, ROWS=ROWS, COLUMNS=COLUMNS, STEPS=STEPS,
    )  # fmt: skip
    return rectified_grads, bias_parts.sum(dim=0)


@device_guard
def sum_of_rows(values):
    """The sum over all rows: see `megastep.learning.model.layer_passes.sum_of_rows`."""
    num_rows, width = values.shape
    count = triton.cdiv(num_rows, ROWS * STEPS)
    parts = values.new_empty((count, width), dtype=torch.float32)
    _sum_of_rows[count, triton.cdiv(width, COLUMNS)](
        values, parts, num_rows, width, ROWS=ROWS, COLUMNS=COLUMNS, STEPS=STEPS
    )
    return parts.sum(dim=0)


@device_guard
def heads(latents, weight, bias, outputs):
    """All heads' outputs: see `megastep.learning.model.layer_passes.heads`. All tensors are contiguous."""
    (num_rows, width), block = latents.shape, _block(len(weight))
    _heads[triton.cdiv(num_rows, HEAD_ROWS), triton.cdiv(len(weight), block)](
        latents, weight, bias, outputs, num_rows, width, len(weight), ROWS=HEAD_ROWS, DEPTH=DEPTH, OUTPUTS=block,
    )  # fmt: skip


@device_guard
def heads_back(output_grads, latents, weight):
    """Gradients by what the rectifier before the heads is given: see `megastep.learning.model.layer_passes`."""
    num_rows, width = latents.shape
    parts = triton.cdiv(num_rows, BACK_ROWS * BACK_STEPS)
    grads, bias_parts = torch.empty_like(latents), latents.new_empty((parts, width), dtype=torch.float32)
    _heads_back[parts, triton.cdiv(width, BACK_COLUMNS)](
        output_grads, latents, weight, grads, bias_parts, num_rows, width, len(weight),
        ROWS=BACK_ROWS, COLUMNS=BACK_COLUMNS, STEPS=BACK_STEPS,
    )  # fmt: skip
    return grads, bias_parts.sum(dim=0)


def _block(num_outputs):
    """The number of heads' outputs that a program has at a time: matrix units take 16 at least."""
    return min(max(triton.next_power_of_2(num_outputs), 16), 64)
