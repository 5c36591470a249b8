"""Parallel loops: blocks of work that threads share.

Numba optimises the body of a ``prange`` and translates it to machine code four times over: as a function, within the
loop over a thread's share, within what threads are given, and within the function around. Here its body is a call by
address, compiled once for all kernels, and a kernel's own work is compiled once.
"""

from typing import Any

from llvmlite import ir
from numba import njit, prange, types

from megastep.numba.jit.linking import LAUNCHED
from megastep.numba.jit.simd import intrinsic

NUMBER = ir.IntType(64)
BOUNDS = (types.int64, types.int64)
BLOCK = ir.FunctionType(ir.VoidType(), [NUMBER] * 3)
"""What does a block of work: given where its arguments are, its first row, and the row after its last."""


@intrinsic
def call(typing, function, arguments, first, last):
    """Calls by its address a function that does a block of work."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
        builder.call(builder.inttoptr(values[0], BLOCK.as_pointer()), values[1:])
        return context.get_dummy_value()

    return types.void(*(types.int64,) * 4), code


@njit(parallel=True, **LAUNCHED)
def call_each(function, arguments, count, size):
    """Has threads share rows 0 to ``count``, in blocks of up to ``size``."""
    for block in prange((count + size - 1) // size):
        call(function, arguments, block * size, min((block + 1) * size, count))


@intrinsic
def in_blocks(typing, work, arguments, count, size):
    """Calls ``work(*arguments, first, last)`` for all blocks of rows of 0 to ``count``, in parallel."""
    called = typing.resolve_function_type(work, (*arguments.types, *BOUNDS), {})
    shared = types.Dispatcher(call_each)
    sharing = typing.resolve_function_type(shared, (types.int64,) * 4, {})

    def code(context: Any, builder: ir.IRBuilder, signature: Any, values: Any) -> Any:
        place = builder.alloca(values[1].type)
        builder.store(values[1], place)
        block = _block(context, builder, work.dispatcher.overloads[called.args], values[1].type)
        context.active_code_library.is_shared = True
        addresses = [builder.ptrtoint(pointer, NUMBER) for pointer in (block, place)]
        context.get_function(shared, sharing)(builder, [*addresses, *values[2:]])
        return context.get_dummy_value()

    return types.void(work, arguments, *BOUNDS), code


def _block(context: Any, builder: ir.IRBuilder, work: Any, kind: ir.Type) -> ir.Function:
    """A function that takes arguments from where they are, and calls compiled work on a block of rows."""
    name = builder.module.get_unique_name(f'{builder.function.name}.block')
    function = ir.Function(builder.module, BLOCK, name)
    function.linkage = 'internal'
    inside = ir.IRBuilder(function.append_basic_block())
    place, *bounds = function.args
    arguments = inside.load(inside.inttoptr(place, kind.as_pointer()))
    each = [inside.extract_value(arguments, number) for number in range(len(kind.elements))]
    context.active_code_library.add_linking_library(work.library)
    context.call_internal_no_propagate(inside, work.fndesc, work.signature, [*each, *bounds])
    inside.ret_void()
    return function
