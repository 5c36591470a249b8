"""Linking: what kernels call is optimised and translated to machine code with them, and not by itself.

Numba makes machine code of each function, with copies of all those that it calls: of one that is called from within six
others it does so seven times over, and only what Python calls is ever run.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite.binding import ModuleRef
from numba import _dynfunc  # type: ignore[attr-defined]
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, GenericRewrites, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.np.ufunc.parallel import _launch_threads

UNTYPED = (TranslateByteCode, FixupArgs, IRProcessing, GenericRewrites, ReconstructSSA)
"""Passes that a function goes through before its types are known."""


def shortened(lowering: Any) -> PassManager:
    """Numba's passes, but for those of what no kernel has: functions within, arithmetic on whole arrays, exceptions."""
    pipeline = PassManager('shortened')
    for each in (*UNTYPED, NopythonTypeInference, PreLowerStripPhis, IRLegalization, lowering, NoPythonBackend):
        pipeline.add_pass(each, each.__name__)
    pipeline.finalize()
    return pipeline


class Launched(Compiler):
    """The compiler of what Python calls."""

    def define_pipelines(self) -> list[Any]:
        """Fewer passes than Numba's, but for a parallel loop."""
        if self.state.flags.auto_parallel.enabled:
            return super().define_pipelines()
        return [shortened(NativeLowering)]

    def compile_extra(self, func: Any) -> Any:
        """Compiles a function."""
        self.state.library = library = Library(self.state.targetctx.codegen(), func.__qualname__)
        library.enable_object_caching()
        with uncollected():
            result = super().compile_extra(func)
        if library.is_shared:  # which Numba sees to only where it compiles the loop anew, too
            result.reload_init.append(_launch_threads)
        return result


@contextmanager
def uncollected() -> Iterator[None]:
    """Stops Python's garbage collector, which would look at all of PyTorch's objects again and again meanwhile."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Linked(Compiler):
    """The compiler of what kernels alone call."""

    def define_pipelines(self) -> list[Any]:
        """Fewer passes than Numba's, of which the last makes no machine code."""
        return [shortened(LinkedLowering)]


class Defined(ModuleRef):
    """Code of which only those functions are told that are in it: of most it has but the names."""

    @property
    def functions(self) -> Iterator[Any]:
        """Its functions."""
        return (function for function in super().functions if not function.is_declaration)


class Library(JITCodeLibrary):
    """A function's code, and machine code."""

    is_shared = False
    """Whether threads share its work, and have to be there when it is loaded."""

    def _optimize_functions(self, ll_module: Any) -> None:
        """Leaves out what is elsewhere, on which Numba spends as long as on a short function."""
        ll_module.__class__ = Defined
        super()._optimize_functions(ll_module)


class LinkedLibrary(Library):
    """A function's code as its callers take it in."""

    def _optimize_final_module(self) -> None:
        """Leaves it to callers."""

    def _finalize_final_module(self) -> None:
        """Leaves it to callers."""
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class LinkedLowering(NativeLowering):
    """Lowering: writes a function's code, and makes no machine code of it."""

    _name = 'linked_lowering'

    def run_pass(self, state: Any) -> bool:
        """Lowers a function, and has Numba find its code where others call it."""
        state.library = LinkedLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        super().run_pass(state)
        result, nowhere = state['cr'], 0
        about, name = result.fndesc, state.func_id.func_name
        known_by = _dynfunc.make_function(about.lookup_module(), name, '', nowhere, result.env, (state.library,))
        state.targetctx.insert_user_function(known_by, about, [state.library])
        state['cr'] = result._replace(cfunc=known_by)
        return True


LAUNCHED: dict[str, Any] = {
    'cache': True, 'error_model': 'numpy', 'no_cfunc_wrapper': True, 'pipeline_class': Launched
}  # fmt: skip
"""How Numba compiles what Python calls."""

PART: dict[str, Any] = {**LAUNCHED, 'cache': False, 'no_cpython_wrapper': True, 'pipeline_class': Linked}
"""How it compiles what kernels alone call: with each of them, and with nothing of its own to keep."""
