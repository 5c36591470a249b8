"""Tasks by a name that nobody else has: those of the top-level package ``envs``, whatever else is called that.

``envs`` stands beside ``megastep``, in the repository as in an installation; but a folder ``envs`` in the working
directory, such as a project of one's own has, comes before it. So its modules are loaded from here by the names that
begin with ``megastep.envs``, and ``envs`` hands on the same.
"""

from pathlib import Path
from typing import NoReturn

import gymnasium

__path__ = [str(Path(__file__).resolve().parents[1] / 'envs')]

from megastep.envs.deathmatch import Deathmatch  # there is no such module before it has a path
from megastep.envs.explorer import Explorer
from megastep.envs.foraging import Foraging
from megastep.envs.minimal import Minimal
from megastep.envs.pointgoal import PointGoal, Waypoint
from megastep.envs.racing import Racing

__all__ = ['Deathmatch', 'Explorer', 'Foraging', 'Minimal', 'PointGoal', 'Racing', 'Waypoint']


def single(**options: object) -> NoReturn:
    """Refusal of `gymnasium.make`, and of copies in many processes, which both want envs that aren't vector envs.

    Raises:
        ValueError: always; it says what to call instead.
    """
    raise ValueError(
        "megastep's envs are vector envs: gymnasium.make must be gymnasium.make_vec, without a vectorization_mode, "
        "such as gymnasium.make_vec('megastep/Explorer-v0', num_envs=1)."
    )


for task in __all__:
    gymnasium.register(
        id=f'megastep/{task}-v0', entry_point='megastep.envs:single', vector_entry_point=f'megastep.envs:{task}'
    )
