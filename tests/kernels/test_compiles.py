"""The interpreter is laxer than the compiler, so where there is no GPU, each kernel is compiled for one anyway."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import megastep

PACKAGE = Path(megastep.__file__).parent
ROOT = Path(__file__).parents[2]
PLACES = PACKAGE, ROOT / 'benchmarks'
MAPS = (
    'walls=*i64 wall_starts=*i64 wall_widths=*i32 boxed_walls=*i64 numbers=*i32 boxes=*fp32 box_starts=*i64 '
    'grids=None shapes=None firsts=None first_starts=None near_numbers=None number_starts=None furthest=None '
    'lights=*fp32 light_starts=*i64 light_widths=*i32 texels=*i64 texel_starts=*i64 surface=*i32 '
    'outline=*fp32 outline_albedo=*u8 girth=fp32'
)
MARKERS = 'positions=*fp32 radii=*fp32 colours=*fp32 visible=*i1 first_line=i32'
AGENTS = 'map_ids=*i64 positions=*fp32 velocities=*fp32 angles=*fp32 angular_velocities=*fp32'
ENDS = 'ends=*i64 starts=*i64 widths=*i32'
POINTS, NUMBERS = 'vals=*fp32 starts=*i64 widths=*i32', 'vals=*i32 starts=*i64 widths=*i32'
RENDERED = {
    'maps': MAPS,
    'agents': AGENTS,
    'markers': None,
    'optics': 'mounts=*fp32 step=fp32 near=fp32 max_depth=fp32',
    'seen': None,
    'scratch': '*i64',
    'num_units': 'i32',
    'capacity': 'i32',
}
SETS = (
    'grids=*fp32 shapes=*i32 extents=*i32 firsts=*i32 first_starts=*i64 places=*i16 place_starts=*i64 texels=*i64 '
    'lit_firsts=None lit_pairs=None lit_shift=None lit_starts=None'
)
LIT_SETS = SETS[: SETS.index('lit_')] + ('lit_firsts=*i32 lit_pairs=*i16 lit_shift=i32 lit_starts=*i64')
UNLIT = 'count=*i32 pieces=*i64 lines=*u8'
BY_INTERVAL = {name: RENDERED[name] for name in ('maps', 'agents', 'markers', 'optics', 'seen')} | {
    'sets': SETS,
    'deferred': '*i32',
    'unlit': None,
    'scratch': 'words=*i64 numbers=*fp32 marks=*i32 headers=*i64 tickets=*i32',
    'num_frames': 'i32',
}
WALLS = (
    'walls=None wall_starts=*i64 wall_widths=*i32 boxed_walls=*i64 numbers=*i32 boxes=*fp32 box_starts=*i64 '
    'grids=*fp32 shapes=*i32 firsts=*i32 first_starts=*i64 near_numbers=*i16 number_starts=*i64 furthest=fp32 '
    'lights=None light_starts=None light_widths=None texels=None texel_starts=None surface=None '
    'outline=*fp32 outline_albedo=None girth=None'
)
MOVED = {
    'maps': WALLS,
    'agents': AGENTS,
    'markers': None,
    'radius': 'fp32',
    'step': 'fp32',
    'turns': '*i64',
    'num_envs': 'i32',
    'outcome': 'contacts=*i32 non_finite=*i32 stops=*i32 progress=*fp32 displacements=None',
}
MARKED = 'bits=*i32 found=*i32 num_words=i32'
TALLIED = (
    dict.fromkeys(('ended', 'cut', 'resets', 'over'), '*i1')
    | dict.fromkeys(('rewards', 'paid', 'returns'), '*fp32')
    | dict.fromkeys(('lengths', 'map_ids', 'limits'), '*i64')
    | dict.fromkeys(('count', 'env_stride', 'agent_stride'), 'i32')
    | {
        'rows': 'terminated=*i1 truncated=*i1 ended=*i1 seconds=*fp32 lengths=*i64 map_ids=*i64 '
        'rewards=*fp32 returns=*fp32',
        'fps': 'fp32',
        'BLOCK': 128,
    }
)
DRAW = 'keys=*i64 steps=*i64 number=i64'
SPAWNED = {'mask': '*i1', 'draw': DRAW, 'agents': AGENTS, 'spawns': POINTS, 'contacts': '*i32'}
PUSHED = {
    'agents': AGENTS,
    'numbers': '*i64',
    'impulses': 'forward=*fp32 left=*fp32 turns=*fp32',
    'remaining': 'fp32',
    'none': 'i32',
    'num_rows': 'i32',
    'BLOCK': 128,
}
DRAWN = {'keys': '*i64', 'steps': '*i64', 'draw': 'i64', 'count': 'i32', 'width': 'i32', 'BLOCK': 256}
CELLS = {'gates': '*bf16', 'cells': '*fp32', 'forgets': '*i1', 'width': 'i32'}
LAYER = {'num_rows': 'i32', 'width': 'i32', 'num_outputs': 'i32', 'latents': '*bf16', 'weight': '*fp32'}
LOSSES = (
    dict.fromkeys(('logits', 'values', 'predictions', 'logit_grads', 'value_grads', 'prediction_grads'), '*fp32')
    | {'batch': 'samples=*i64 log_probs=*fp32 mask=*i1 advantages=*fp32 returns=*fp32 targets=*fp32'}
    | {'weights': 'low=fp32 high=fp32 clip_coef=fp32 vf_coef=fp32 ent_coef=fp32 auxiliary_coef=fp32'}
    | dict.fromkeys(('num_rows', 'logit_stride', 'value_stride', 'prediction_stride'), 'i32')
    | {'count': '*i64', 'sums': '*fp32', 'WIDTH': 8, 'BLOCK': 128}
)
FIELD = (
    'side=fp32 corners=*fp32 shapes=*i64 visible=*i32 visible_starts=*i64 entries=*i32 entry_starts=*i64 '
    'hops=*i32 hop_starts=*i64 nodes=*fp32 node_starts=*i64 lengths=*fp32 length_starts=*i64 '
    'spawns=*fp32 spawn_starts=*i64 spawn_widths=*i32'
)
WAY = 'last=*fp32 travelled=*fp32 remaining=*fp32 collisions=*i32'
FOUND = {'field': FIELD, 'map_ids': '*i64', 'positions': '*fp32', 'goals': '*i64', 'found': '*fp32', 'num_rows': 'i32'}
CHECKED = {'rows': '*i64', 'walls': '*fp64', 'starts': '*i64', 'widths': '*i32', 'num_points': 'i32', 'BLOCK': 128}
ROWS = 'starts=*i64 widths=*i32 owners=*i32'
PLANS = {'walls': '*fp32', 'wall_rows': ROWS, 'cell_rows': ROWS, 'columns': '*i32'}
GRAPHS = {
    'walls': '*fp64',
    'wall_rows': ROWS,
    'points': '*fp64',
    'backs': '*fp64',
    'aheads': '*fp64',
    'node_rows': ROWS,
}
SEEN = 'goals=*i32 goal_starts=*i64 nodes=*i32 node_starts=*i64'
LISTED = {'points': '*fp32', 'kinds': '*i8', 'seen': SEEN, 'lists': 'nodes=*i16 widths=*i16 keys=*i64', 'MOST': 16}

# Each kernel's arguments' types, and what constants it is given with them; a group has its members'. What isn't asked
# for is None.
KERNELS = {
    'megastep.triton.geodesics.nodes._follow': [
        {'walls': '*fp64', 'wall_rows': ROWS, 'following': '*i64', 'BLOCK': 32}
    ],
    'megastep.triton.geodesics.nodes._find_clearances': [
        {'walls': '*fp64', 'wall_rows': ROWS, 'points': '*fp64', 'owners': '*i32', 'clearances': '*fp64'}
        | {'num_points': 'i32', 'BLOCK': 32}
    ],
    'megastep.triton.geodesics.graph._join': [GRAPHS | {'limits': '*fp64', 'edges': '*i32', 'num_words': 'i32'}],
    'megastep.triton.geodesics.graph._reach': [
        GRAPHS | {'goals': '*fp64', 'goal_rows': ROWS, 'limits': '*fp64', 'starts': '*i64', 'lengths': '*fp64'}
    ],
    'megastep.triton.geodesics.graph._relax': [
        {'goal_rows': ROWS, 'points': '*fp64', 'node_rows': ROWS, 'edges': '*i32', 'starts': '*i64'}
        | {'lengths': '*fp64', 'shorter': '*i32', 'num_words': 'i32', 'GOALS': 64}
    ],
    'megastep.triton.geodesics.goal_distances._measure_paths': [
        {'walls': '*fp64', 'wall_rows': ROWS, 'goals': '*fp64', 'goal_rows': ROWS, 'node_rows': ROWS, 'limits': '*fp64'}
        | {'direct': '*fp64', 'lengths': '*fp64', 'starts': '*i64', 'found': '*fp32', 'found_starts': '*i64'}
    ],
    'megastep.triton.geodesics.samples._sample': [
        PLANS | {'side': 'fp32', 'limits': '*fp32', 'points': '*fp32', 'kinds': '*i8', 'num_cells': 'i32', 'BLOCK': 64}
    ],
    'megastep.triton.geodesics.sight._see': [
        PLANS
        | {'lines': '*i32', 'goal_rows': ROWS, 'node_rows': ROWS, 'sources': '*fp32', 'num_goals': 'i32'}
        | {'points': '*fp32', 'kinds': '*i8', 'tile_rows': ROWS, 'limits': '*fp32', 'seen': SEEN, 'CELLS': 64}
    ],
    'megastep.triton.geodesics.choice._choose': [
        {'cell_rows': ROWS, 'goal_rows': ROWS, 'node_rows': ROWS, 'near_nodes': '*fp32', 'lengths': '*fp32'}
        | {'length_starts': '*i64', 'tolerance': 'fp32', 'GOALS': 64}
        | LISTED
    ],
    'megastep.triton.geodesics.choice._borrow': [
        {'slivers': '*i64', 'lines': '*i32', 'words': '*i32', 'limits': '*fp32'} | PLANS | LISTED
    ],
    'megastep.triton.lightmap._bake': [{'map_of_wall': '*i64', 'maps': MAPS, 'light': '*fp32', 'BLOCK': 32}],
    'megastep.triton.raycasting.by_ray._render': [
        RENDERED
        | {
            'view': 'rgb=*fp32 depth=*fp32 distances=None lines=None locations=None',
            'SIZES': 'num_agents=1 num_cameras=1 num_markers=0 sides=8 side_texels=2 outlines=8 per_box=32 '
            'res=64 subsample=4 pixels=64 rays=4 few=8 skip=1 centred=0 colours=1 marks=0 per_ray=0 first_ray=0 '
            'stop_ray=0',
        },
        RENDERED
        | {
            'view': 'rgb=None depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32',
            'SIZES': 'num_agents=2 num_cameras=1 num_markers=0 sides=8 side_texels=2 outlines=16 per_box=32 '
            'res=1 subsample=1 pixels=1 rays=1 few=1 skip=0 centred=1 colours=0 marks=0 per_ray=1 '
            'first_ray=0 stop_ray=1',
        },
        RENDERED
        | {
            'seen': MARKED,
            'view': 'rgb=*fp32 depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32',
            'SIZES': 'num_agents=3 num_cameras=2 num_markers=0 sides=8 side_texels=2 outlines=32 per_box=32 '
            'res=5 subsample=3 pixels=8 rays=4 few=8 skip=1 centred=0 colours=1 marks=1 per_ray=1 '
            'first_ray=0 stop_ray=15',
        },
        RENDERED
        | {
            'markers': MARKERS,
            'view': 'rgb=*fp32 depth=*fp32 distances=None lines=None locations=None',
            'SIZES': 'num_agents=1 num_cameras=1 num_markers=16 sides=8 side_texels=2 outlines=8 per_box=32 '
            'res=64 subsample=4 pixels=64 rays=4 few=8 skip=1 centred=0 colours=1 marks=0 per_ray=0 first_ray=0 '
            'stop_ray=0',
        },
        RENDERED
        | {
            'markers': MARKERS,
            'view': 'rgb=None depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32',
            'SIZES': 'num_agents=2 num_cameras=2 num_markers=33 sides=8 side_texels=2 outlines=16 per_box=32 '
            'res=1 subsample=1 pixels=1 rays=1 few=1 skip=1 centred=0 colours=1 marks=0 per_ray=1 '
            'first_ray=0 stop_ray=1',
        },
    ],
    'megastep.triton.raycasting.deferred._render_deferred': [
        {name: value for name, value in RENDERED.items() if name != 'num_units'}
        | {
            'deferred': '*i32',
            'markers': markers,
            'seen': MARKED,
            'view': 'rgb=*fp32 depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32',
            'SIZES': f'num_agents=3 num_cameras=2 num_markers={count} sides=8 side_texels=2 outlines=32 per_box=32 '
            'res=5 subsample=3 pixels=8 rays=4 few=8 skip=1 centred=0 colours=1 marks=1 per_ray=1 '
            'first_ray=0 stop_ray=15',
        }
        for count, markers in ((0, None), (5, MARKERS))
    ],
    'megastep.triton.raycasting.headers._write_headers': [
        {name: BY_INTERVAL[name] for name in ('maps', 'sets', 'agents', 'optics', 'deferred', 'num_frames')}
        | {
            'headers': '*i64',
            'tickets': '*i32',
            'BLOCK': 128,
            'SIZES': f'num_agents=2 num_cameras=2 num_markers=0 sides=8 side_texels=2 outlines=16 per_box=32 '
            f'res=64 subsample=4 pixels=32 rays=4 skip=1 centred={centred} colours=1 marks=0 per_ray=0 first_ray=0 '
            'stop_ray=0',
        }
        for centred in (0, 1)
    ],
    'megastep.triton.raycasting.by_interval._render_by_interval': [
        BY_INTERVAL
        | {
            'view': 'rgb=*fp32 depth=*fp32 distances=None lines=None locations=None',
            'SIZES': 'num_agents=1 num_cameras=1 num_markers=0 sides=8 side_texels=2 outlines=8 per_box=32 '
            'res=64 subsample=4 pixels=32 rays=4 few=8 skip=1 centred=1 colours=1 marks=0 per_ray=0 first_ray=0 '
            'stop_ray=0',
        },
        BY_INTERVAL
        | {
            'sets': SETS.replace('places=*i16', 'places=*i32'),
            'seen': MARKED,
            'view': 'rgb=None depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32',
            'SIZES': 'num_agents=2 num_cameras=1 num_markers=0 sides=8 side_texels=2 outlines=16 per_box=32 '
            'res=1 subsample=1 pixels=1 rays=1 few=1 skip=1 centred=0 colours=0 marks=1 per_ray=1 '
            'first_ray=0 stop_ray=1',
        },
        BY_INTERVAL
        | {
            'sets': LIT_SETS,
            'unlit': UNLIT,
            'markers': MARKERS,
            'seen': MARKED,
            'view': 'rgb=*fp32 depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32',
            'SIZES': 'num_agents=3 num_cameras=2 num_markers=33 sides=8 side_texels=2 outlines=32 per_box=32 '
            'res=5 subsample=3 pixels=8 rays=4 few=8 skip=1 centred=0 colours=1 marks=1 per_ray=1 '
            'first_ray=3 stop_ray=9',
        },
    ],
    'megastep.triton.raycasting.agent_shading._shade_agents': [
        {name: BY_INTERVAL[name] for name in ('maps', 'agents', 'optics')}
        | {
            'unlit': UNLIT.replace('u8', kind),
            'headers': '*i64',
            'sets': LIT_SETS,
            'view': 'rgb=*fp32 depth=*fp32 distances=None lines=None locations=None',
            'SIZES': f'num_agents=4 num_cameras=2 num_markers=0 sides=8 side_texels=2 outlines=32 per_box=32 '
            f'res={res} subsample={subsample} pixels={pixels} rays={rays} few={few} skip=1 centred=0 colours=1 marks=0 '
            'per_ray=0 first_ray=0 stop_ray=0',
        }
        for kind, res, subsample, pixels, rays, few in (('u8', 128, 4, 32, 4, 8), ('i32', 5, 1, 8, 1, 8))
    ],
    'megastep.triton.quantization._quantize': [
        {'values': '*fp32', 'table': table, 'levels': '*u8', 'count': 'i32', 'BLOCK': 1024} for table in ('*i32', None)
    ],
    'megastep.triton.random_numbers._draw_integers': [DRAWN | {'integers': '*i64'}],
    'megastep.triton.random_numbers._draw_reals': [
        DRAWN | {'low': 'fp32', 'span': 'fp32', 'reals': '*fp32', 'KIND': kind} for kind in range(3)
    ],
    'megastep.triton.coverage._forget': [
        {'bits': '*i32', 'counts': '*i32', 'mask': '*i1', 'num_envs': 'i32', 'num_words': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.coverage._account': [
        dict.fromkeys(('num_texels', 'found', 'new', 'counts'), '*i32')
        | {'map_ids': '*i64', 'shares': '*fp32', 'num_envs': 'i32', 'BLOCK': 128, 'new': new, 'per': per}
        for new, per in (('*i32', None), ('*fp32', 'fp32'))
    ],
    'megastep.triton.steps.episodes._tally': [
        TALLIED | {'AGENTS': agents, 'PADDED': padded} for agents, padded in ((1, 1), (3, 4))
    ],
    'megastep.triton.steps.episodes._tick': [{'resets': '*i1', 'clocks': '*i64', 'count': 'i32', 'BLOCK': 128}],
    'megastep.triton.steps.episodes._clean': [
        {'numbers': '*i64', 'low': 'i32', 'high': 'i32', 'cleaned': '*i64', 'count': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.steps.episodes._count_down': [{'left': '*i64', 'expired': '*i1', 'count': 'i32', 'BLOCK': 128}],
    'megastep.triton.steps.episodes._spend': [
        {
            'lengths': '*i64',
            'counts': '*i32',
            'steps': 'fp32',
            'each': 'fp32',
            'spent': '*i1',
            'count': 'i32',
            'BLOCK': 128,
        }
    ],
    'megastep.triton.steps.motion._push': [PUSHED | {'MOMENTUM': momentum} for momentum in (False, True)],
    'megastep.triton.steps.sensors._turn': [
        {'vectors': '*fp32', 'angles': '*fp32', 'sense': 'fp32', 'turned': '*fp32', 'count': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.steps.sensors._inertial': [{'agents': AGENTS, 'felt': '*fp32', 'num_rows': 'i32', 'BLOCK': 128}],
    'megastep.triton.steps.sensors._point': [
        dict.fromkeys(('points', 'positions', 'angles', 'found'), '*fp32') | {'num_rows': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.steps.spawning._respawn_apart': [
        {'mask': '*i1', 'draw': DRAW, 'turns': DRAW, 'agents': AGENTS, 'windows': '*fp32', 'firsts': '*i64'}
        | {'contacts': '*i32', 'spread': 'fp32', 'num_envs': 'i32', 'ENVS': 8}
        | {'WIDTH': width, 'PADDED': padded, 'NUM_AGENTS': agents, 'AIMED': aimed}
        for width, padded, agents, aimed in ((8, 8, 4, True), (5, 8, 3, False))
    ],
    'megastep.triton.steps.spawning._renew': [
        {'mask': '*i1', 'draw': DRAW, 'turns': '*i64', 'left': '*i64', 'BLOCK': 128}
        | dict.fromkeys(('shortest', 'longest', 'spreads', 'count'), 'i32')
    ],
    'megastep.triton.steps.spawning._respawn': [
        SPAWNED | {'num_rows': 'i32', 'NUM_AGENTS': 1, 'BLOCK': 128},
        SPAWNED | {'num_rows': 'i32', 'NUM_AGENTS': 3, 'BLOCK': 128},
    ],
    'megastep.triton.steps.spawning._respawn_with_goals': [
        SPAWNED
        | {
            'pairs': NUMBERS,
            'paths': POINTS,
            'goals': 'starts=*fp32 bearings=*fp32 spawns=*i64 positions=*fp32 lengths=*fp32',
            'num_envs': 'i32',
            'BLOCK': 128,
        }
    ],
    'megastep.triton.network.lstm_cell._step': [
        CELLS
        | {
            'inputs': '*bf16',
            'sums': '*bf16',
            'next_outputs': '*bf16',
            'next_cells': '*fp32',
            'num_cells': 'i32',
            'output_stride': 'i32',
            'BLOCK': 1024,
        }
    ],
    'megastep.triton.network.lstm_cell._step_back': [
        CELLS
        | {
            'output_grads': '*bf16',
            'next_output_grads': '*bf16',
            'cell_grads': '*fp32',
            'gate_grads': '*bf16',
            'num_cells': 'i32',
            'BLOCK': 1024,
        }
    ],
    'megastep.triton.network.layers._sum_of_rows': [
        {
            'values': '*bf16',
            'parts': '*fp32',
            'num_rows': 'i32',
            'width': 'i32',
            'ROWS': 32,
            'COLUMNS': 128,
            'STEPS': 8,
        }
    ],
    'megastep.triton.network.layers._rectified_back': [
        {
            'grads': '*bf16',
            'outputs': '*bf16',
            'rectified_grads': '*bf16',
            'bias_parts': '*fp32',
            'num_rows': 'i32',
            'width': 'i32',
            'ROWS': 32,
            'COLUMNS': 128,
            'STEPS': 8,
        }
    ],
    'megastep.triton.network.layers._heads': [
        LAYER | {'bias': '*fp32', 'outputs': '*fp32', 'ROWS': 64, 'DEPTH': 64, 'OUTPUTS': 16}
    ],
    'megastep.triton.network.layers._heads_back': [
        LAYER
        | {'output_grads': '*fp32', 'grads': '*bf16', 'bias_parts': '*fp32', 'ROWS': 8, 'COLUMNS': 256}
        | {'STEPS': 16}
    ],
    'megastep.triton.network.score_sums._add': [
        dict.fromkeys(('ended', 'excluded'), '*i1')
        | {'map_ids': '*i64', 'scores': 'first=*fp32 second=*i64 third=*i1', 'sums': '*fp32'}
        | {'num_rows': 'i32', 'num_lanes': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.network.losses._losses': [
        LOSSES | {'COUNTS': [7], 'NUM_LOGITS': 7, 'NUM_TARGETS': 0},
        LOSSES | {'COUNTS': [3, 7], 'NUM_LOGITS': 10, 'NUM_TARGETS': 3},
    ],
    'megastep.triton.network.sampling._draw': [
        dict.fromkeys(('num_rows', 'logit_stride', 'noise_stride'), 'i32')
        | {'logits': '*fp32', 'noise': '*fp32', 'samples': '*i64', 'COUNTS': counts, 'WIDTH': 8, 'BLOCK': 128}
        for counts in ([7], [3, 7])
    ],
    'megastep.triton.network.features._write_scaled': [
        {
            'values': 'rgb=*fp32 touch=*u8',
            'middle': '*fp32',
            'scale': '*fp32',
            'bounded': '*i1',
            'features': '*bf16',
            'num_rows': 'i32',
            'length': 'i32',
            'FIRSTS': [0, 192],
            'SIZES': [192, 3],
            'BLOCK': 1024,
        }
    ],
    'megastep.triton.navigation._distances': [
        FOUND | {'NUM_AGENTS': 1, 'BLOCK': 32},
        FOUND | {'NUM_AGENTS': 3, 'BLOCK': 32},
    ],
    'megastep.triton.steps.combat._aim': [
        {'lines': '*i32', 'distances': '*fp32', 'keys': '*i32', 'targets': '*i32', 'max_range': 'fp32'}
        | dict.fromkeys(('outlines', 'sides', 'first', 'stride', 'num_rows', 'num_rays'), 'i32')
        | {'ROWS': 4, 'RAYS': rays}
        for rays in (1, 64)
    ],
    'megastep.triton.steps.combat._fight': [
        dict.fromkeys(('turns', 'health', 'waits', 'events'), '*i64')
        | {'targets': '*i32', 'triggers': triggers, 'period': 'i32', 'num_envs': 'i32', 'AT_WILL': bool(triggers)}
        | {'AGENTS': agents, 'PADDED': padded, 'BLOCK': 128}
        for agents, padded, triggers in ((4, 4, None), (3, 4, '*i1'))
    ],
    'megastep.triton.steps.combat._reward': [
        dict.fromkeys(('events', 'counts'), '*i64')
        | {'values': '*fp32', 'worth': '*fp32', 'num_rows': 'i32', 'KINDS': 6, 'BLOCK': 128}
    ],
    'megastep.triton.steps.combat._fallen': [
        {'mask': '*i1', 'health': '*i64', 'anew': '*i1', 'num_rows': 'i32', 'AGENTS': 3, 'BLOCK': 128}
    ],
    'megastep.triton.steps.combat._gauge': [
        {'health': '*i64', 'waits': '*i64', 'full': 'fp32', 'period': 'fp32', 'shares': '*fp32'}
        | {'num_rows': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.steps.tracking._track': [
        {
            'field': FIELD,
            'map_ids': '*i64',
            'positions': '*fp32',
            'contacts': '*i32',
            'goals': '*i64',
            'way': WAY,
            'nearer': '*fp32',
            'walked': '*fp32',
            'num_rows': 'i32',
            'NUM_AGENTS': 1,
            'BLOCK': 32,
        }
    ],
    'megastep.triton.steps.tracking._set_out': [
        {
            'mask': '*i1',
            'starts': '*fp32',
            'lengths': '*fp32',
            'way': WAY,
            'num_rows': 'i32',
            'NUM_AGENTS': 1,
            'BLOCK': 128,
        }
    ],
    'megastep.triton.steps.tracking._reached': [
        dict.fromkeys(('points', 'positions'), '*fp32')
        | {'reach': 'fp32', 'found': '*i1', 'num_rows': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.steps.tracking._score': [
        {
            'success': '*i1',
            'lengths': '*fp32',
            'goals': '*fp32',
            'way': WAY,
            'num_rows': 'i32',
            'BLOCK': 128,
            'scores': 'success=*i1 spl=*fp32 soft_spl=*fp32 distance_to_goal=*fp32 collisions=*i32 '
            'shortest_path=*fp32 metres_walked=*fp32 goal_x=*fp32 goal_y=*fp32',
        }
    ],
    'megastep.triton.steps.tracking._pay': [
        dict.fromkeys(('nearer', 'walked', 'rewards'), '*fp32')
        | dict.fromkeys(('progress', 'effort', 'bonus'), 'fp32')
        | {'success': '*i1', 'num_rows': 'i32', 'BLOCK': 128}
    ],
    'megastep.triton.visibility.links._link': [
        {'walls': ENDS, 'map_of_wall': '*i64', 'nexts': '*i32', 'previous': '*i32', 'crosses': '*i1', 'BLOCK': 32}
    ],
    'megastep.triton.visibility.standing_room._find_extents': [
        {
            'walls': ENDS,
            'map_of_cell': '*i64',
            'corners': '*fp64',
            'sides': '*fp64',
            'clearance': '*fp64',
            'extents': '*u8',
        }
    ],
    'megastep.triton.visibility.potentially_visible._find_visible': [
        {
            'walls': ENDS,
            'nexts': '*i32',
            'previous': '*i32',
            'map_of_cell': '*i64',
            'parts': '*fp64',
            'seen_starts': '*i64',
            'seen': '*u8',
            'scratch': '*i32',
            'num_cells': 'i32',
            'most_walls': 'i32',
        }
    ],
    'megastep.triton.visibility.lights._find_lights': [
        {
            'map_of_row': '*i64',
            'walls': ENDS,
            'lights': '*fp64',
            'parts': '*fp64',
            'mark_starts': '*i64',
            'falls': '*u8',
            'marks': '*u8',
        }
    ],
    'megastep.triton.collisions._advance': [
        *(
            MOVED | {'SLIDE': 1, 'SIZES': f'num_agents=1 agents=1 envs={32 // n} lanes={n} num_markers=0 sides=8'}
            for n in (1, 2, 4)
        ),
        MOVED
        | {
            'outcome': MOVED['outcome'].replace('displacements=None', 'displacements=*fp32'),
            'SLIDE': 1,
            'SIZES': 'num_agents=3 agents=4 envs=2 lanes=4 num_markers=0 sides=8',
        },
        MOVED
        | {
            'maps': WALLS.replace('near_numbers=*i16', 'near_numbers=*i32'),
            'markers': MARKERS.replace('colours=*fp32', 'colours=None'),
            'SLIDE': 0,
            'SIZES': 'num_agents=2 agents=2 envs=4 lanes=4 num_markers=5 sides=8',
        },
    ],
    'benchmarks.proofs.checking_kernel._measure': [
        CHECKED | {'points': '*fp64', 'clearances': '*fp64', 'windings': '*i64'}
    ],
    'benchmarks.proofs.checking_kernel._cross': [CHECKED | {'befores': '*fp64', 'afters': '*fp64', 'crossings': '*i1'}],
}

COMPILE = """
import importlib, json, sys, traceback, triton
from collections import namedtuple
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

def group(text, read=str):
    pairs = [pair.split('=') for pair in text.split()]
    return namedtuple('Group', [key for key, _ in pairs])(*(read(value) for _, value in pairs))

def source(kernel, given):
    differ = set(given) ^ {p.name for p in kernel.params}
    assert not differ, f'test_compiles lists other parameters than {kernel.__name__} has: {differ}'
    signature, constants = {}, {}
    for i, p in enumerate(kernel.params):
        value = given[p.name]
        if p.is_constexpr or value is None:
            signature[p.name] = 'constexpr'
            constants[i,] = group(value, int) if isinstance(value, str) else value
        elif '=' in value:
            types = group(value)
            signature[p.name] = type(types)(*('constexpr' if each == 'None' else each for each in types))
            constants |= {(i, j): None for j, each in enumerate(types) if each == 'None'}
        else:
            signature[p.name] = value
    return ASTSource(fn=kernel, signature=signature, constexprs=constants)

errors = {}
for path, variants in json.load(sys.stdin).items():
    module, name = path.rsplit('.', 1)
    try:
        kernel = getattr(importlib.import_module(module), name)
        for given in variants:
            for capability in (80, 90):
                target = GPUTarget('cuda', capability, 32)
                compiled = triton.compile(source(kernel, given), target=target, options={'num_warps': 1})
                assert compiled.asm['ptx']
    except Exception:
        errors[path] = traceback.format_exc()
print(json.dumps(errors))
"""


@pytest.fixture(scope='module')
def errors():
    """What went wrong, by kernel: one process compiles them all, as importing PyTorch takes longer than most."""
    command, environment = [sys.executable, '-c', COMPILE], {**os.environ, 'TRITON_INTERPRET': '0'}
    run = subprocess.run(command, env=environment, cwd=ROOT, input=json.dumps(KERNELS), capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize('path', KERNELS)
def test_compiles(path, errors):
    assert path not in errors, errors[path]


def is_jitted(node):
    return isinstance(node, ast.FunctionDef) and any('triton.jit' in ast.unparse(d) for d in node.decorator_list)


def launched(path):
    """The kernels a module launches: jitted functions of its own or another's, with a grid in brackets or by launch."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    kernels = [call.func.value for call in calls if isinstance(call.func, ast.Subscript)]
    kernels += [call.args[0] for call in calls if ast.unparse(call.func) == 'launch' and call.args]
    return {ast.unparse(kernel).split('.')[-1] for kernel in kernels}


def test_every_kernel_is_listed():
    paths = {path: ast.parse(path.read_text()) for place in PLACES for path in place.rglob('*.py')}
    jitted = {}
    for path, tree in paths.items():
        module = '.'.join(path.relative_to(PACKAGE.parent if PACKAGE in path.parents else ROOT).with_suffix('').parts)
        jitted.update({node.name: f'{module}.{node.name}' for node in ast.walk(tree) if is_jitted(node)})
    names = set().union(*(launched(path) for path in paths)) & set(jitted)
    assert {jitted[name] for name in names} == set(KERNELS)


def converted(kernel):
    """The arguments that a kernel calls ``to`` of, though Triton makes a plain int of those that are 1."""
    given = {each.arg for each in kernel.args.args if each.annotation is None}
    calls = [node.func for node in ast.walk(kernel) if isinstance(node, ast.Call)]
    names = {ast.unparse(call.value) for call in calls if isinstance(call, ast.Attribute) and call.attr == 'to'}
    decorators = [each for decorator in kernel.decorator_list for each in ast.walk(decorator)]
    return names & given - {each.value for each in decorators if isinstance(each, ast.Constant)}


def test_no_kernel_takes_a_number_that_is_1_for_a_tensor():
    paths = [path for place in PLACES for path in place.rglob('*.py')]
    names = {name for path in paths for name in launched(path)}
    kernels = [node for path in paths for node in ast.walk(ast.parse(path.read_text())) if is_jitted(node)]
    assert {kernel.name: found for kernel in kernels if kernel.name in names and (found := converted(kernel))} == {}
