"""Bits: a mask of SIMD lanes as those of an int64, the first lane's the lowest.

So masks can be kept in arrays, counted, and gone through lane by lane.
"""

from typing import Any

from llvmlite import ir
from numba import types

from megastep.numba.jit.simd import LANES, MASKS, VECTORS, intrinsic

WORD, NARROW = ir.IntType(64), ir.IntType(LANES)


@intrinsic
def bits_of(typing, mask):
    """A mask as bits."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.zext(builder.bitcast(args[0], NARROW), WORD)

    return types.int64(MASKS), code


@intrinsic
def mask_of(typing, bits):
    """The mask of some bits; those beyond the last lane's don't count."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.bitcast(builder.trunc(args[0], NARROW), VECTORS['bool'])

    return MASKS(types.int64), code


@intrinsic
def lowest(typing, bits):
    """The count of trailing zeros: the number of the lowest bit that is set. One has to be."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), code


@intrinsic
def ones(typing, bits):
    """The population count: how many bits are set."""
    return types.int64(types.int64), lambda context, builder, signature, args: builder.ctpop(args[0])
