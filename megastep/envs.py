"""Tasks by a name that nobody else has: those of the top-level package ``envs``, whatever else is called that.

``envs`` stands beside ``megastep``, in the repository as in an installation; but a folder ``envs`` in the working
directory, such as a project of one's own has, comes before it. So its modules are loaded from here by the names that
begin with ``megastep.envs``, and ``envs`` hands on the same.
"""

from pathlib import Path

import gymnasium

__path__ = [str(Path(__file__).resolve().parents[1] / 'envs')]

from megastep.envs.deathmatch import Deathmatch  # there is no such module before it has a path
from megastep.envs.explorer import Explorer
from megastep.envs.foraging import Foraging
from megastep.envs.minimal import Minimal
from megastep.envs.pointgoal import PointGoal, Waypoint
from megastep.envs.racing import Racing

__all__ = ['Deathmatch', 'Explorer', 'Foraging', 'Minimal', 'PointGoal', 'Racing', 'Waypoint']

gymnasium.register(id='megastep/Deathmatch-v0', vector_entry_point='megastep.envs:Deathmatch')
gymnasium.register(id='megastep/Minimal-v0', vector_entry_point='megastep.envs:Minimal')
gymnasium.register(id='megastep/Explorer-v0', vector_entry_point='megastep.envs:Explorer')
gymnasium.register(id='megastep/Foraging-v0', vector_entry_point='megastep.envs:Foraging')
gymnasium.register(id='megastep/PointGoal-v0', vector_entry_point='megastep.envs:PointGoal')
gymnasium.register(id='megastep/Waypoint-v0', vector_entry_point='megastep.envs:Waypoint')
gymnasium.register(id='megastep/Racing-v0', vector_entry_point='megastep.envs:Racing')
