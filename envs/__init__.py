"""Tasks, registered with Gymnasium: ``gymnasium.make_vec('envs:megastep/Explorer-v0', num_envs=8)``.

They are `megastep.envs`, which is the name to use beside a folder ``envs`` of one's own. What is imported from here is
the very same: ``envs.explorer`` is ``megastep.envs.explorer``.
"""

import sys
from typing import TYPE_CHECKING

import megastep.envs  # noqa: F401, which loads them

if TYPE_CHECKING:
    from envs.deathmatch import Deathmatch
    from envs.explorer import Explorer
    from envs.foraging import Foraging
    from envs.minimal import Minimal
    from envs.pointgoal import PointGoal, Waypoint
    from envs.racing import Racing

__all__ = ['Deathmatch', 'Explorer', 'Foraging', 'Minimal', 'PointGoal', 'Racing', 'Waypoint']

for name, module in list(sys.modules.items()):
    if name.startswith('megastep.envs'):
        sys.modules[name.removeprefix('megastep.')] = module
