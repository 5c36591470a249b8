"""SIMD vectors: sixteen numbers side by side in a vector register, and arithmetic on all of them at once.

LLVM makes vectors of loops by itself, but not of short ones, and not where it can't tell arrays apart: then it writes
what they find to memory in every turn. These are types of Numba's that LLVM takes as vectors, which it divides where
registers are shorter. Operators are Python's, so what is done to sixteen rays, or sixteen ways, reads like what is done
to one: where an operand is a plain number, it is the same in all lanes.
"""

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core.cgutils import get_or_insert_function
from numba.core.datamodel.models import PrimitiveModel
from numba.extending import lower_builtin, register_model, type_callable

intrinsic: Any = extending.intrinsic
"""Its type says that the first argument is passed too, which only Numba does."""

LANES = 16
"""How many numbers are side by side."""

WORD = ir.IntType(32)
VECTORS = {
    'float32': ir.VectorType(ir.FloatType(), LANES),
    'int32': ir.VectorType(WORD, LANES),
    'bool': ir.VectorType(ir.IntType(1), LANES),
}


class Vector(types.Type):
    """The type of sixteen numbers side by side, or of a mask: sixteen answers yes or no."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(name=f'Vector({kind})')


FLOATS, INTEGERS, MASKS = (Vector(kind) for kind in VECTORS)


@register_model(Vector)
class VectorModel(PrimitiveModel):
    """Data model: LLVM keeps them as a vector."""

    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, VECTORS[kind.kind])


def kind_of(*operands: types.Type) -> Vector | None:
    """The vectors that an operation on some operands is on; None if it is on none, or numbers don't go with them."""
    kinds = {operand for operand in operands if isinstance(operand, Vector)}
    numbers = [operand for operand in operands if not isinstance(operand, Vector)]
    if kinds == {FLOATS}:
        return FLOATS if all(number == types.float32 for number in numbers) else None
    if kinds == {INTEGERS}:
        return INTEGERS if all(isinstance(number, types.Integer) for number in numbers) else None
    return MASKS if kinds == {MASKS} and not numbers else None


def in_all_lanes(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """The same number in all lanes, or a vector as it is."""
    if isinstance(value.type, ir.VectorType):
        return value
    if isinstance(value.type, ir.IntType) and value.type.width > WORD.width:
        value = builder.trunc(value, WORD)
    vector, zero = ir.VectorType(value.type, LANES), ir.Constant(WORD, 0)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, zero)
    order = ir.Constant(VECTORS['int32'], [0] * LANES)
    return builder.shuffle_vector(first, ir.Constant(vector, ir.Undefined), order)


def define(operation: Any, **codes: Any) -> None:
    """Defines an operator of Python's on vectors: by what code, for each kind of them; comparisons make masks."""
    compares = operation in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq)

    def kind_of_result(*operands: types.Type) -> Vector | None:
        kind = kind_of(*operands)
        return None if kind is None or kind.kind not in codes else MASKS if compares else kind

    @type_callable(operation)
    def type_operation(context: Any) -> Any:
        if operation is operator.invert:
            return lambda operand: kind_of_result(operand)
        return lambda one, other: kind_of_result(one, other)

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        kind = kind_of(*signature.args)
        assert kind is not None
        return codes[kind.kind](builder, *(in_all_lanes(builder, value) for value in args))

    for operands in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector), (Vector,)):
        lower_builtin(operation, *operands)(code)


IR = ir.IRBuilder
define(operator.add, float32=IR.fadd, int32=IR.add)
define(operator.sub, float32=IR.fsub, int32=IR.sub)
define(operator.mul, float32=IR.fmul, int32=IR.mul)
define(operator.truediv, float32=IR.fdiv)
define(operator.rshift, int32=IR.ashr)
define(operator.and_, int32=IR.and_, bool=IR.and_)
define(operator.or_, int32=IR.or_, bool=IR.or_)
define(operator.invert, bool=IR.not_)
for compare, sign in (
    (operator.lt, '<'), (operator.le, '<='), (operator.gt, '>'), (operator.ge, '>='), (operator.eq, '==')
):  # fmt: skip
    define(
        compare,
        float32=lambda builder, one, other, sign=sign: builder.fcmp_ordered(sign, one, other),
        int32=lambda builder, one, other, sign=sign: builder.icmp_signed(sign, one, other),
    )


def row_at(context: Any, builder: ir.IRBuilder, array: types.Array, value: ir.Value, at: ir.Value) -> ir.Value:
    """The address of sixteen numbers of an array, as they lie in memory: those from number 16 * ``at`` on."""
    start = context.make_array(array)(context, builder, value).data
    vectors = builder.bitcast(start, VECTORS[str(array.dtype)].as_pointer())
    return builder.gep(vectors, [at])


@intrinsic
def spread(typing, number):
    """A broadcast: the same float32 in all lanes."""
    return FLOATS(types.float32), lambda context, builder, signature, args: in_all_lanes(builder, *args)


@intrinsic
def load(typing, array, at):
    """Sixteen numbers of an array, those from number 16 * ``at`` on."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.load(row_at(context, builder, array, *args), align=4)

    return Vector(str(array.dtype))(array, types.int64), code


@intrinsic
def store(typing, array, at, values):
    """Writes sixteen numbers into an array, from number 16 * ``at`` on."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> Any:
        builder.store(args[2], row_at(context, builder, array, *args[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.int64, Vector(str(array.dtype))), code


@intrinsic
def gather(typing, array, places):
    """The numbers of an array, as they lie in memory, that are in sixteen places of it."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        start = context.make_array(array)(context, builder, args[0]).data
        found = ir.Constant(VECTORS[str(array.dtype)], ir.Undefined)
        for lane in (ir.Constant(WORD, number) for number in range(LANES)):
            place = builder.extract_element(args[1], lane)
            found = builder.insert_element(found, builder.load(builder.gep(start, [place])), lane)
        return found

    return Vector(str(array.dtype))(array, INTEGERS), code


@intrinsic
def where(typing, mask, one, other):
    """One where the mask is set, the other elsewhere."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.select(args[0], *(in_all_lanes(builder, value) for value in args[1:]))

    vectors = (kind_of(kind, one, other) for kind in (FLOATS, INTEGERS))  # numbers alone choose between lanes, too
    kind = next((kind for kind in vectors if kind is not None), None)
    return None if kind is None else (kind(MASKS, one, other), code)


def chosen_where(sign: str, one: types.Type, other: types.Type) -> tuple[Any, Any]:
    """The signature and code of a choice between each two floats: the first where they compare so."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        one, other = (in_all_lanes(builder, value) for value in args)
        return builder.select(builder.fcmp_ordered(sign, one, other), one, other)

    return FLOATS(one, other), code


@intrinsic
def minimum(typing, one, other):
    """The lesser of each two floats; the second where one of them is NaN."""
    return chosen_where('<', one, other)


@intrinsic
def maximum(typing, one, other):
    """The greater of each two floats; the second where one of them is NaN."""
    return chosen_where('>', one, other)


@intrinsic
def sqrt(typing, values):
    """Their square roots."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        function = ir.FunctionType(VECTORS['float32'], [VECTORS['float32']])
        return builder.call(get_or_insert_function(builder.module, function, f'llvm.sqrt.v{LANES}f32'), args)

    return FLOATS(FLOATS), code


@intrinsic
def to_int32(typing, values):
    """Whole numbers: what is behind the point is left out."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.fptosi(args[0], VECTORS['int32'])

    return INTEGERS(FLOATS), code


@intrinsic
def to_float32(typing, values):
    """The same numbers as float32."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        return builder.sitofp(args[0], VECTORS['float32'])

    return FLOATS(INTEGERS), code


def rows(numbers: int) -> int:
    """The number of rows of sixteen that so many numbers take."""
    return (numbers + LANES - 1) // LANES


def filled(values: np.ndarray, filler: float) -> np.ndarray:
    """Values, and a filler after the last as often as it takes to make rows of sixteen."""
    result = np.full(rows(len(values)) * LANES, filler, values.dtype)
    result[: len(values)] = values
    return result
