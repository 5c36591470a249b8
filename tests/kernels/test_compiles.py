"""The interpreter is laxer than the compiler, so where there is no GPU, each kernel is compiled for one anyway."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import megastep

PACKAGE = Path(megastep.__file__).parent
MAPS = 'walls=*i64 wall_starts=*i64 wall_widths=*i32'
LIGHTS = 'lights=*fp32 light_starts=*i64 light_widths=*i32'
AGENTS = 'positions=*fp32 angles=*fp32 map_ids=*i64'
TEXELS = 'texels=*i32 texel_starts=*i64'

# Each kernel's arguments' types, and sets of its constants.
KERNELS = {
    'megastep.triton.lightmap._bake': (
        f'map_of_wall=*i64 {MAPS} {LIGHTS} {TEXELS} light=*fp32',
        ['BLOCK=32'],
    ),
    'megastep.triton.raycasting._render': (
        f'{AGENTS} {MAPS} numbers=*i32 boxes=*fp32 box_starts=*i64 {LIGHTS} texels=*i64 texel_starts=*i64 surface=*i64 '
        'outline=*fp32 outline_albedo=*u8 mounts=*fp32 half=fp32 near=fp32 max_depth=fp32 girth=fp32 '
        'rgb=*fp32 depth=*fp32 distances=*fp32 lines=*i32 locations=*fp32 drawn=*i32 scratch=*i64 '
        'num_units=i32 capacity=i32',
        [
            'NUM_AGENTS=1 NUM_CAMERAS=1 SIDES=8 SIDE_TEXELS=2 OUTLINES=8 PER_BOX=32 '
            'RES=64 SUBSAMPLE=4 RGB=1 PER_RAY=0 PIXELS=64 RAYS=4 SKIP=1 COUNT=0',
            'NUM_AGENTS=2 NUM_CAMERAS=1 SIDES=8 SIDE_TEXELS=2 OUTLINES=16 PER_BOX=32 '
            'RES=1 SUBSAMPLE=1 RGB=0 PER_RAY=1 PIXELS=1 RAYS=1 SKIP=0 COUNT=1',
            'NUM_AGENTS=3 NUM_CAMERAS=2 SIDES=8 SIDE_TEXELS=2 OUTLINES=32 PER_BOX=32 '
            'RES=5 SUBSAMPLE=3 RGB=1 PER_RAY=1 PIXELS=8 RAYS=4 SKIP=1 COUNT=0',
        ],
    ),
    'megastep.triton.coverage._mark': (
        'map_ids=*i64 wall_starts=*i64 texels=*i32 lines=*i32 locations=*fp32 afresh=*i1 '
        'seen=*i32 counts=*i32 found=*i32 num_rays=i32 num_words=i32',
        ['OUTLINES=8 BLOCK=256 MAY_FORGET=1', 'OUTLINES=24 BLOCK=1 MAY_FORGET=0'],
    ),
    'megastep.triton.spawning._respawn': (
        'mask=*i1 draws=*i64 map_ids=*i64 spawns=*fp32 spawn_starts=*i64 spawn_widths=*i32 '
        'positions=*fp32 velocities=*fp32 angles=*fp32 angular_velocities=*fp32 contacts=*i32 num_rows=i32',
        ['NUM_AGENTS=1 BLOCK=128', 'NUM_AGENTS=3 BLOCK=128'],
    ),
    'megastep.triton.spawning._respawn_with_goals': (
        'mask=*i1 draws=*i64 map_ids=*i64 spawns=*fp32 spawn_starts=*i64 spawn_widths=*i32 '
        'pairs=*i32 pair_starts=*i64 pair_widths=*i32 paths=*fp32 path_starts=*i64 '
        'positions=*fp32 velocities=*fp32 angles=*fp32 angular_velocities=*fp32 contacts=*i32 '
        'starts=*fp32 bearings=*fp32 goals=*i64 places=*fp32 lengths=*fp32 num_envs=i32',
        ['BLOCK=128'],
    ),
    'megastep.triton.lstm_cell._step': (
        'gates=*bf16 cells=*fp32 forgets=*i1 outputs=*bf16 next_outputs=*bf16 next_cells=*fp32 num_cells=i32 width=i32',
        ['BLOCK=1024'],
    ),
    'megastep.triton.lstm_cell._step_back': (
        'gates=*bf16 cells=*fp32 forgets=*i1 output_grads=*bf16 next_output_grads=*bf16 cell_grads=*fp32 '
        'gate_grads=*bf16 num_cells=i32 width=i32',
        ['BLOCK=1024'],
    ),
    'megastep.triton.navigation._distances': (
        'positions=*fp32 map_ids=*i64 goals=*i64 corners=*fp32 shapes=*i64 visible=*i32 visible_starts=*i64 '
        'hop_rows=*i32 hop_row_starts=*i64 hops=*i32 hop_starts=*i64 hop_widths=*i32 nodes=*fp32 '
        'lengths=*fp32 length_starts=*i64 spawns=*fp32 spawn_starts=*i64 spawn_widths=*i32 '
        'found=*fp32 num_rows=i32 side=fp32',
        ['NUM_AGENTS=1 BLOCK=32', 'NUM_AGENTS=3 BLOCK=32'],
    ),
    'megastep.triton.collisions._advance': (
        f'{MAPS} numbers=*i32 boxes=*fp32 box_starts=*i64 outline=*fp32 map_ids=*i64 '
        'positions=*fp32 velocities=*fp32 angles=*fp32 angular_velocities=*fp32 '
        'contacts=*i32 non_finite=*i32 stops=*i32 progress=*fp32 turn=*i64 radius=fp32 seconds=fp32',
        [
            'SLIDE=1 SIDES=8 NUM=1 AGENTS=1 PER_BOX=32',
            'SLIDE=1 SIDES=8 NUM=3 AGENTS=4 PER_BOX=32',
            'SLIDE=0 SIDES=8 NUM=2 AGENTS=2 PER_BOX=32',
        ],
    ),
}

COMPILE = """
import importlib, sys, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
path, types, *variants = sys.argv[1:]
module, name = path.rsplit('.', 1)
kernel = getattr(importlib.import_module(module), name)
types = dict(pair.split('=') for pair in types.split())
for variant in variants:
    constants = {key: int(value) for key, value in (pair.split('=') for pair in variant.split())}
    given, needed = sorted([*types, *constants]), sorted(p.name for p in kernel.params)
    assert given == needed, f'test_compiles lists other parameters than {name} has: {set(given) ^ set(needed)}'
    signature = {p.name: types.get(p.name, 'constexpr') for p in kernel.params}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    for capability in (80, 90):
        compiled = triton.compile(source, target=GPUTarget('cuda', capability, 32), options={'num_warps': 1})
        assert compiled.asm['ptx']
"""


@pytest.mark.parametrize('path', KERNELS)
def test_compiles(path):
    types, variants = KERNELS[path]
    command = [sys.executable, '-c', COMPILE, path, types, *variants]
    run = subprocess.run(command, env={**os.environ, 'TRITON_INTERPRET': '0'}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def is_jitted(node):
    return isinstance(node, ast.FunctionDef) and any('triton.jit' in ast.unparse(d) for d in node.decorator_list)


def launched(path):
    """The kernels a module launches: jitted functions of its own or another's, called with a grid in brackets."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {ast.unparse(call.value) for call in calls if isinstance(call, ast.Subscript)}


def test_every_kernel_is_listed():
    paths = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob('*.py')}
    jitted = {}
    for path, tree in paths.items():
        module = '.'.join(path.relative_to(PACKAGE.parent).with_suffix('').parts)
        jitted.update({node.name: f'{module}.{node.name}' for node in ast.walk(tree) if is_jitted(node)})
    names = set().union(*(launched(path) for path in paths)) & set(jitted)
    assert {jitted[name] for name in names} == set(KERNELS)
