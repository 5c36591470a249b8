"""The kernels for a CPU, written to be read as the specification of the others.

They are loops over one agent, one light, one wall; and over sixteen rays, whose arithmetic reads like that of one: see
`megastep.numba.jit.simd`.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from megastep.numba.jit.cache import forget_stale_code

forget_stale_code(Path(__file__).parent)  # before what is in it is imported

_HOMES = {
    'collisions': ('advance',),
    'coverage': ('account', 'forget'),
    'lightmap': ('bake',),
    'navigation': ('distances',),
    'quantization': ('quantize',),
    'random_numbers': ('draw_integers', 'draw_reals'),
    'raycasting': ('render',),
    'steps.combat': ('aim', 'fallen', 'fight', 'gauge', 'reward'),
    'steps.episodes': ('clean', 'count_down', 'spend', 'tally', 'tick'),
    'steps.motion': ('push',),
    'steps.sensors': ('bearings', 'inertial', 'point', 'turned'),
    'steps.spawning': ('renew', 'respawn', 'respawn_apart', 'respawn_with_goals'),
    'steps.tracking': ('pay', 'reached', 'score', 'set_out', 'track'),
    'visibility.lights': ('find_lights',),
    'visibility.links': ('link_walls',),
    'visibility.potentially_visible': ('find_visible',),
    'visibility.standing_room': ('find_extents',),
}
"""The kernels by the module that has them."""

__all__ = [name for names in _HOMES.values() for name in names]


def __getattr__(name: str) -> Any:
    """Imports a kernel on first use, so that what compiles like these, geodesics, imports none and no torch."""
    home = next((home for home, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    value = globals()[name] = getattr(import_module(f'{__name__}.{home}'), name)
    return value
