"""The kernels for a GPU. Their twins in `megastep.numba`, of the same names, are their specification."""

from megastep.triton.collisions import advance
from megastep.triton.coverage import account, forget
from megastep.triton.lightmap import bake
from megastep.triton.navigation import distances
from megastep.triton.quantization import quantize
from megastep.triton.random_numbers import draw_integers, draw_reals
from megastep.triton.raycasting import render
from megastep.triton.steps.combat import aim, fallen, fight, gauge, reward
from megastep.triton.steps.episodes import clean, count_down, spend, tally, tick
from megastep.triton.steps.motion import push
from megastep.triton.steps.sensors import bearings, inertial, point, turned
from megastep.triton.steps.spawning import renew, respawn, respawn_apart, respawn_with_goals
from megastep.triton.steps.tracking import pay, reached, score, set_out, track
from megastep.triton.visibility.lights import find_lights
from megastep.triton.visibility.links import link_walls
from megastep.triton.visibility.potentially_visible import find_visible
from megastep.triton.visibility.standing_room import find_extents

__all__ = [
    'account', 'advance', 'aim', 'bake', 'bearings', 'clean', 'count_down', 'distances', 'draw_integers',
    'draw_reals', 'fallen', 'fight', 'find_extents', 'find_lights', 'find_visible', 'forget', 'gauge', 'inertial',
    'link_walls', 'pay', 'point', 'push', 'quantize', 'reached', 'render', 'renew', 'respawn', 'respawn_apart',
    'respawn_with_goals', 'reward', 'score', 'set_out', 'spend', 'tally', 'tick', 'track', 'turned',
]  # fmt: skip
