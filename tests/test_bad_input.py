"""What a newcomer gets wrong is named: what it is of, what it must be, and what it was."""

from functools import partial

import numpy as np
import pytest
import torch
from rollouts import FEW_RAYS, make
from worlds import box, core_at, houses

import megastep
from envs import Minimal, PointGoal
from megastep import MapSet, learning, mapgen, plotting
from megastep.adapters.wrappers import FrameStackObservation
from megastep.evaluation import Episodes
from megastep.learning import Run, Settings
from megastep.maps import compare
from megastep.world import rendering
from megastep.world.core import Core


@pytest.fixture(scope='module')
def env():
    env = make(Minimal, num_envs=2, cameras=FEW_RAYS)
    env.reset(seed=0)
    return env


def minimal(**options):
    return make(Minimal, cameras=FEW_RAYS, **options)


def trained(**options):
    return learning.train('minimal', 'run', maps=houses(1), steps=8, device='cpu', **options)


NUMBERS = {
    'SVG scale': (lambda: MapSet.from_svg('plan.svg', scale='a'), "scale must be a number, got 'a'"),
    'SVG snap': (lambda: MapSet.from_svg('plan.svg', snap='a'), "snap must be a number, got 'a'"),
    'GeoJSON scale': (lambda: MapSet.from_geojson('a.geojson', scale=None), 'scale must be a number, got None'),
    'track scale': (lambda: MapSet.from_centreline('a.csv', scale='a'), "scale must be a number, got 'a'"),
    'grid': (lambda: MapSet.from_grid([[0]], resolution='a'), "resolution must be a number, got 'a'"),
    'speck': (lambda: MapSet.from_grid([[0]], resolution=1, speck='a'), "speck must be a number, got 'a'"),
    'RPLAN': (lambda: MapSet.from_rplan('a.png', resolution='a'), "resolution must be a number, got 'a'"),
    'raster': (lambda: MapSet([box()]).to_occupancy('folder', resolution='a'), "resolution must be a number, got 'a'"),
    'time limit': (lambda: minimal(time_limit='a'), "time_limit must be a number, got 'a'"),
    'nearest': (lambda: make(PointGoal, nearest='a'), "nearest must be a number, got 'a'"),
    'furthest': (lambda: make(PointGoal, furthest='a'), "furthest must be a number, got 'a'"),
    'reach': (lambda: make(PointGoal, reach='a'), "reach must be a number, got 'a'"),
    'steps': (
        lambda: learning.train('minimal', 'run', maps=houses(1), steps='a', device='cpu'),
        "steps must be a number, got 'a'",
    ),
    'frames a second': (
        lambda: minimal(fps=10**400),
        'fps must be at most 1.79.*, got an integer of 1329 bits',
    ),
    'bonus': (lambda: make(PointGoal, bonus=-(10**5000)), 'bonus must be at most .*, got an integer of 16610 bits'),
    'evaluations': (lambda: trained(eval_every='a'), "eval_every must be a number, got 'a'"),
    'checkpoints': (lambda: trained(checkpoint_every='a'), "checkpoint_every must be a number, got 'a'"),
    'learning rate': (lambda: Settings(learning_rate='a'), "learning_rate must be a number, got 'a'"),
    'clip': (lambda: Settings(clip_coef='a'), "clip_coef must be a number, got 'a'"),
    'strata': (
        lambda: Episodes.draw(houses(1), 'pointgoal', strata='a'),
        "strata must be pairs of lengths in metres, got 'a'",
    ),
}
PATHS = {
    'map set to load': (lambda: MapSet.load(3), 'path must be a path, got 3'),
    'map set to save': (lambda: MapSet([box()]).save(None), 'path must be a path, got None'),
    'maps to generate': (lambda: mapgen.generate('box', 1, out=3), 'out must be a path, got 3'),
    'GeoJSON to write': (lambda: MapSet([box()]).to_geojson(None), 'path must be a path, got None'),
    'one of several files': (lambda: MapSet.from_svg(['plan.svg', 3]), 'path must be a path, got 3'),
    'empty file name': (lambda: MapSet.from_imdf(''), "path must be a path, got ''"),
    'pictures': (lambda: MapSet([box()]).to_svg(3), 'folder must be a path, got 3'),
    'agent': (lambda: megastep.load(3), 'folder must be a path, got 3'),
    'run': (lambda: Run(3), 'folder must be a path, got 3'),
    'weights to train from': (
        lambda: learning.train('minimal', 'run', maps=houses(1), steps=8, device='cpu', weights=3),
        'weights must be a path, got 3',
    ),
    'run to train': (
        lambda: learning.train('minimal', 3, maps=houses(1), steps=8, device='cpu'),
        'out must be a path, got 3',
    ),
}
FORMATS = 'geojson wad svg dxf occupancy rplan msd houseexpo cubicasa imdf osm centreline'
for kind in FORMATS.split():
    PATHS[f'{kind} to read'] = (partial(getattr(MapSet, f'from_{kind}'), None), 'path must be a path, got None')
THINGS = {
    'statistics': (lambda: MapSet([box()]).stats([]), r'unknown statistic \[\]; the statistics are'),
    'maps': (lambda: MapSet(3), 'a map set is made of geometries, got 3'),
    'maps of an env': (lambda: minimal(maps=3), 'a map set is made of geometries, got 3'),
    'maps of episodes': (lambda: Episodes.draw(3, 'minimal'), 'a map set is made of geometries, got 3'),
    'sets': (lambda: MapSet.concat([3]), 'sets must be map sets, got int'),
    'maps to leave out': (lambda: MapSet([box()]).without(3), 'a map set is made of geometries, got 3'),
    'sets to compare': (lambda: compare(3), 'sets must be a dict or a list of map sets, got int'),
    'options': (
        lambda: learning.train('minimal', 'run', maps=houses(1), steps=8, device='cpu', options=3),
        'options must be values by name, got 3',
    ),
    'predicate': (lambda: MapSet([box()]).filter(3), 'predicate must be a function of a map, got 3'),
    'map to change': (lambda: mapgen.mutate(3, np.random.default_rng(0)), 'geometry must be a Geometry, got int'),
    'executor': (lambda: mapgen.generate('box', 1, executor=3), 'executor must be of .* form, with a submit, got 3'),
    'captions': (lambda: plotting.gallery([box()], captions=3), 'captions must be a list of texts, got 3'),
    'device': (lambda: minimal(device='gpu'), "device must be one of PyTorch's, such as 'cuda' or 'cpu', got 'gpu'"),
    'colours': (lambda: minimal(colours='a'), "colours must be an integer from 0 to .*, got 'a'"),
    'episodes of an env': (lambda: minimal(episodes=3), 'episodes must be Episodes, got int'),
    'noise': (lambda: minimal(noise=3), 'noise must be a list of functions that make noise for an env, got 3'),
    'scenery': (lambda: Core(houses(1), 4), 'scenery must be a Scenery, got MapSet: Scenery.pack makes one of maps'),
    'cameras': (
        lambda: rendering.render(core_at([box()], [[(2, 2)]], [[0]]), None),
        'cameras must be Cameras, or Cameras by name, got NoneType',
    ),
    'settings': (lambda: trained(settings={'num_envs': 4}), "settings must be Settings, got {'num_envs': 4}"),
    'geodesic field to train with': (
        lambda: learning.train('pointgoal', 'run', maps=houses(1), steps=8, device='cpu', num_envs=8, geodesic_field=3),
        'geodesic_field must be a GeodesicField, got int',
    ),
    'geodesic field': (lambda: make(PointGoal, geodesic_field=3), 'geodesic_field must be a GeodesicField, got int'),
    'snapshot': (lambda: plotting.plot_state(3), 'snapshot must be what env.snapshot returns, got int'),
    'env to wrap': (lambda: FrameStackObservation(3, 2), 'env must be a vector env of tensors, with a device, got int'),
}
CASES = {**NUMBERS, **PATHS, **THINGS}


@pytest.mark.parametrize(
    'count, asked, message',
    [
        (0, 'cuda', "device must be 'cpu' where PyTorch can use no GPU, got 'cuda'"),
        (2, 'cuda:2', "device must be one of 2 GPUs, numbered from 0, got 'cuda:2'"),
    ],
)
def test_a_gpu_that_is_not_there_is_named(monkeypatch, count, asked, message):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: count)
    with pytest.raises(ValueError, match=message):
        minimal(device=asked)


@pytest.mark.parametrize('name', CASES)
def test_what_is_wrong_is_named(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong, message = CASES[name]
    with pytest.raises(ValueError, match=message):
        wrong()
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]


@pytest.mark.parametrize(
    'use, message',
    [
        (lambda env: env.snapshot('a'), "env must be from 0 to 1, got 'a'"),
        (lambda env: env.get_state(1.5), 'env must be from 0 to 1, got 1.5'),
        (lambda env: env.reset(options={'map_ids': 'a'}), 'map_ids must be what torch.as_tensor takes, got str'),
        (lambda env: env.reset(options={'reset_mask': 'a'}), 'reset_mask must be what torch.as_tensor takes, got str'),
    ],
)
def test_what_an_env_can_not_take_is_named(env, use, message):
    with pytest.raises(ValueError, match=message):
        use(env)
