"""Tasks, registered with Gymnasium: ``gymnasium.make_vec('envs:megastep/Explorer-v0', num_envs=8)``."""

import gymnasium

from envs.deathmatch import Deathmatch
from envs.explorer import Explorer
from envs.minimal import Minimal

__all__ = ['Deathmatch', 'Explorer', 'Minimal']

gymnasium.register(id='megastep/Minimal-v0', vector_entry_point='envs.minimal:Minimal')
gymnasium.register(id='megastep/Explorer-v0', vector_entry_point='envs.explorer:Explorer')
gymnasium.register(id='megastep/Deathmatch-v0', vector_entry_point='envs.deathmatch:Deathmatch')
