"""Lanes: sixteen numbers side by side in a vector register, and what is done to all of them at once.

LLVM makes vectors of loops by itself, but not of short ones, and it writes what they find to memory in every turn,
since another array might begin there. Here the numbers stay in a register: `Lanes` is a type of Numba's that LLVM takes
as a vector, which it divides where registers are shorter.
"""

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import register_model

intrinsic: Any = extending.intrinsic
"""Its type says that the first argument is passed too, which only Numba does."""

COUNT = 16
"""How many numbers are side by side."""

VECTOR, NUMBER = ir.VectorType(ir.FloatType(), COUNT), ir.FloatType()


class Lanes(types.Type):
    """The type of sixteen float32 side by side."""

    def __init__(self) -> None:
        super().__init__(name='Lanes')


lanes = Lanes()


@register_model(Lanes)
class LanesModel(PrimitiveModel):
    """Data model: LLVM keeps them as a vector."""

    def __init__(self, manager: Any, kind: types.Type) -> None:
        super().__init__(manager, kind, VECTOR)


def _spread(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    first = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    order = ir.Constant(ir.VectorType(ir.IntType(32), COUNT), [0] * COUNT)
    return builder.shuffle_vector(first, ir.Constant(VECTOR, ir.Undefined), order)


@intrinsic
def spread(typing, number):
    """The same float32 in all lanes."""
    return lanes(types.float32), lambda context, builder, signature, args: _spread(builder, args[0])


@intrinsic
def load(typing, rows, at):
    """Row ``at`` of an array (row, 16) float32."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        start = context.make_array(rows)(context, builder, args[0]).data
        vectors = builder.bitcast(start, VECTOR.as_pointer())
        return builder.load(builder.gep(vectors, [args[1]]), align=4)

    return lanes(rows, types.int64), code


@intrinsic
def store(typing, rows, at, values):
    """Writes row ``at`` of an array (row, 16) float32."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        start = context.make_array(rows)(context, builder, args[0]).data
        vectors = builder.bitcast(start, VECTOR.as_pointer())
        builder.store(args[2], builder.gep(vectors, [args[1]]), align=4)
        return context.get_dummy_value()

    return types.void(rows, types.int64, lanes), code


@intrinsic
def plus(typing, one, other):
    """The sums."""
    return lanes(lanes, lanes), lambda context, builder, signature, args: builder.fadd(*args)


@intrinsic
def minus(typing, one, other):
    """The differences."""
    return lanes(lanes, lanes), lambda context, builder, signature, args: builder.fsub(*args)


@intrinsic
def times(typing, one, other):
    """The products."""
    return lanes(lanes, lanes), lambda context, builder, signature, args: builder.fmul(*args)


@intrinsic
def quotient(typing, one, other):
    """The quotients."""
    return lanes(lanes, lanes), lambda context, builder, signature, args: builder.fdiv(*args)


@intrinsic
def shorter(typing, one, other):
    """The lesser of each two."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.select(builder.fcmp_ordered('<', *args), *args)

    return lanes(lanes, lanes), code


@intrinsic
def longer(typing, one, other):
    """The greater of each two."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.select(builder.fcmp_ordered('>', *args), *args)

    return lanes(lanes, lanes), code


@intrinsic
def hypotenuse(typing, one, other):
    """The square roots of the sums of the squares."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        squares = builder.fadd(*(builder.fmul(each, each) for each in args))
        kind = ir.FunctionType(VECTOR, [VECTOR])
        root = cgutils.get_or_insert_function(builder.module, kind, f'llvm.sqrt.v{COUNT}f32')
        return builder.call(root, [squares])

    return lanes(lanes, lanes), code


@intrinsic
def pick(typing, bits, one, other):
    """One's numbers in the lanes whose bits are set, the other's in the rest."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        narrow = builder.trunc(args[0], ir.IntType(COUNT))
        return builder.select(builder.bitcast(narrow, ir.VectorType(ir.IntType(1), COUNT)), args[1], args[2])

    return lanes(types.int64, lanes, lanes), code


@intrinsic
def which_exceed(typing, one, other):
    """Bits of the lanes in which one is greater than the other."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        bits = builder.bitcast(builder.fcmp_ordered('>', *args), ir.IntType(COUNT))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(lanes, lanes), code


@intrinsic
def which_equal(typing, one, other):
    """Bits of the lanes in which both are the same."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        bits = builder.bitcast(builder.fcmp_ordered('==', *args), ir.IntType(COUNT))
        return builder.zext(bits, ir.IntType(64))

    return types.int64(lanes, lanes), code


@intrinsic
def lowest(typing, bits):
    """The number of the lowest bit that is set, of those of an int64 that isn't 0."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), code


@intrinsic
def ones(typing, bits):
    """The number of bits of an int64 that are set."""
    return types.int64(types.int64), lambda context, builder, signature, args: builder.ctpop(args[0])
