"""Tasks, registered with Gymnasium: ``gymnasium.make_vec('envs:megastep/Explorer-v0', num_envs=8)``."""

import gymnasium

from envs.deathmatch import Deathmatch
from envs.explorer import Explorer
from envs.foraging import Foraging
from envs.minimal import Minimal
from envs.pointgoal import PointGoal, Waypoint
from envs.racing import Racing

__all__ = ['Deathmatch', 'Explorer', 'Foraging', 'Minimal', 'PointGoal', 'Racing', 'Waypoint']

gymnasium.register(id='megastep/Deathmatch-v0', vector_entry_point='envs.deathmatch:Deathmatch')
gymnasium.register(id='megastep/Minimal-v0', vector_entry_point='envs.minimal:Minimal')
gymnasium.register(id='megastep/Explorer-v0', vector_entry_point='envs.explorer:Explorer')
gymnasium.register(id='megastep/Foraging-v0', vector_entry_point='envs.foraging:Foraging')
gymnasium.register(id='megastep/PointGoal-v0', vector_entry_point='envs.pointgoal:PointGoal')
gymnasium.register(id='megastep/Waypoint-v0', vector_entry_point='envs.pointgoal:Waypoint')
gymnasium.register(id='megastep/Racing-v0', vector_entry_point='envs.racing:Racing')
