"""The kernels for a CPU, written to be read as the specification of the others.

They are loops over one agent, one light, one wall; and over sixteen rays, whose arithmetic reads like that of one: see
`megastep.numba.lanes`.
"""

from contextlib import suppress
from pathlib import Path


def _forget_stale_kernels() -> None:
    """Deletes compiled kernels that are older than the newest source here.

    Numba keeps what it compiles beside the source and compiles a file anew when that file changes, but not when one
    that it calls into does.
    """
    here = Path(__file__).parent
    newest = max(path.stat().st_mtime for path in here.rglob('*.py'))
    for index in here.rglob('__pycache__/*.nbi'):
        with suppress(FileNotFoundError):  # another process may be doing the same
            if index.stat().st_mtime < newest:
                index.unlink()


_forget_stale_kernels()  # before the kernels are imported, which is when Numba looks for what it has compiled

from megastep.numba.collisions import advance  # noqa: E402
from megastep.numba.coverage import account, forget  # noqa: E402
from megastep.numba.lightmap import bake  # noqa: E402
from megastep.numba.navigation import distances  # noqa: E402
from megastep.numba.quantization import quantize  # noqa: E402
from megastep.numba.random_numbers import draw_integers, draw_reals  # noqa: E402
from megastep.numba.raycasting import render  # noqa: E402
from megastep.numba.steps.combat import aim, fallen, fight, gauge, reward  # noqa: E402
from megastep.numba.steps.episodes import clean, count_down, spend, tally, tick  # noqa: E402
from megastep.numba.steps.motion import push  # noqa: E402
from megastep.numba.steps.sensors import bearings, inertial, point, turned  # noqa: E402
from megastep.numba.steps.spawning import renew, respawn, respawn_apart, respawn_with_goals  # noqa: E402
from megastep.numba.steps.tracking import reached, score, set_out, track  # noqa: E402
from megastep.numba.visibility.lights import find_lights  # noqa: E402
from megastep.numba.visibility.links import link_walls  # noqa: E402
from megastep.numba.visibility.potentially_visible import find_visible  # noqa: E402
from megastep.numba.visibility.standing_room import find_extents  # noqa: E402

__all__ = [
    'account', 'advance', 'aim', 'bake', 'bearings', 'clean', 'count_down', 'distances', 'draw_integers',
    'draw_reals', 'fallen', 'fight', 'find_extents', 'find_lights', 'find_visible', 'forget', 'gauge', 'inertial',
    'link_walls', 'point', 'push', 'quantize', 'reached', 'render', 'renew', 'respawn', 'respawn_apart',
    'respawn_with_goals', 'reward', 'score', 'set_out', 'spend', 'tally', 'tick', 'track', 'turned',
]  # fmt: skip
