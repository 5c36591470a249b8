"""The renderer by intervals against the one ray by ray: it sees the same, and defers what it can't tell."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import worlds

from megastep import triton
from megastep.maps.geometry import Geometry
from megastep.triton.raycasting import launching
from megastep.triton.raycasting.occlusion import CROWD
from megastep.world import rendering
from megastep.world.cameras import Cameras


@pytest.fixture(autouse=True)
def use_triton(monkeypatch):
    monkeypatch.setattr(rendering, 'implementation', lambda device: triton)
    monkeypatch.setattr(launching, 'FEWEST_RAYS', 0)


@pytest.fixture
def look(monkeypatch):
    """Renders frames in both ways: the views, and which frames the first deferred."""

    def look(core, cameras):
        found, render = [], launching.render_by_interval
        with monkeypatch.context() as patched:
            patched.setattr(launching, 'render_by_interval', lambda *args: found.append(render(*args)) or found[-1])
            core.scenery.visible_walls  # noqa: B018, built by the kernels for the device
            view = rendering.render(core, cameras, per_ray=True)
        with monkeypatch.context() as patched:
            patched.setattr(launching, 'MOST_RAYS', 0)
            return view, rendering.render(core, cameras, per_ray=True), listed(*found, view) if found else None

    return look


def listed(waiting, view):
    """Which frames of a view are on a list that begins with how many there are, each of them once."""
    count, *frames = waiting.tolist()
    assert len(set(frames[:count])) == count
    return torch.isin(torch.arange(view.depth.shape[:3].numel()), torch.tensor(frames[:count]))


def assert_same(view, known):
    """Holds if rays see the same, bit by bit, and pixels up to rounding; a GPU may round distances otherwise, too."""
    off = 5e-5 if view.depth.is_cuda else 0
    assert torch.equal(view.lines, known.lines)
    torch.testing.assert_close(view.distances, known.distances, rtol=off, atol=off)
    torch.testing.assert_close(view.locations, known.locations, rtol=0, atol=off, equal_nan=True)
    torch.testing.assert_close(view.depth, known.depth, rtol=0, atol=2e-5)
    torch.testing.assert_close(view.rgb, known.rgb, rtol=0, atol=2e-5)


SIZES = [
    (1, 1, Cameras(res=1, fov=90, subsample=1)),
    (3, 2, Cameras(res=5, fov=130, subsample=3)),
    (2, 3, Cameras(res=17, fov=60, subsample=4, mounts=[(0.02, 0.01, 0), (0, 0, 180)])),
    (3, 1, Cameras(res=129, fov=179, subsample=3, max_depth=3)),
    (3, 1, Cameras(res=7, fov=1, subsample=1, mounts=[(0, 0, 90.5), (0, 0, 0), (-0.03, 0, 270)])),
]


@pytest.mark.parametrize('num_envs, num_agents, cameras', SIZES)
def test_rays_see_the_same(num_envs, num_agents, cameras, device, poisoned, look):
    maps = [worlds.cluttered(4), worlds.polygon(5), worlds.box(lights=[(2, 2, 0.3)])]
    ids = torch.arange(num_envs) % 3
    core = worlds.scattered(maps, num_envs, num_agents, device=device, clearance=0.15, map_ids=ids)
    view, known, deferred = look(core, cameras)
    assert_same(view, known)
    assert not deferred.all()


@pytest.mark.parametrize('programs', [1, 15, 16, 17, 28, 1000])
def test_frames_are_dealt_out_and_drawn(programs, device, poisoned, look, monkeypatch):
    """However many programs share them; a GPU has so many times its multiprocessors."""
    monkeypatch.setattr(launching, 'INTERVAL_PROGRAMS', programs)
    core = worlds.scattered([worlds.cluttered(3)], 140, 1, device=device)
    view, known, deferred = look(core, Cameras(res=2, subsample=1))
    assert_same(view, known)
    assert not deferred.any()


def hall(rows):
    """A hall full of pillars, which are hidden behind one another."""
    places = [(2 + 1.7 * i + 0.15 * (j % 3), 2 + 1.6 * j + 0.1 * (i % 2)) for i in range(rows) for j in range(rows)]
    pillars = [worlds.pillar(x, y, x + 0.5, y + 0.45) for x, y in places]
    return worlds.box(right=2 + 1.7 * rows, top=2 + 1.6 * rows, pillars=pillars, spawns=[(1.4, 1.4), (1.7, 1.4)])


def num_facing(core):
    """How many walls face each agent of a single map and aren't wholly behind it."""
    first, second = (core.scenery.walls.vals.view(-1, 2, 2)[:, k].cpu() for k in range(2))
    at = core.agents.positions.cpu().view(-1, 1, 2)
    angles = torch.deg2rad(core.agents.angles.cpu().view(-1, 1, 1))
    ahead = torch.cat([angles.cos(), angles.sin()], -1)
    (ax, ay), (bx, by) = (first - at).unbind(-1), (second - at).unbind(-1)
    in_front = (((first - at) * ahead).sum(-1) > 0) | (((second - at) * ahead).sum(-1) > 0)
    return ((ax * by - ay * bx > 0) & in_front).sum(1)


@pytest.mark.parametrize('rows', [5, 8])
@pytest.mark.parametrize('cameras', [Cameras(res=24, subsample=4), Cameras(res=130, subsample=1, fov=100)])
def test_of_many_lines_those_that_are_hidden_are_dropped(rows, cameras, device, poisoned, look):
    core = worlds.scattered([hall(rows)], 12, 2, device=device)
    assert num_facing(core).max() > CROWD.value
    view, known, deferred = look(core, cameras)
    assert_same(view, known)
    assert not deferred.all()


def test_agents_at_walls_are_not_deferred(device, look):
    """An agent that touches a wall is as near as one gets, and is what agents mostly do."""
    near = 0.15 / 2**0.5 + 1e-4
    places = [[(1 + near, 2)], [(3, 1 + near)], [(5 - near, 4 - near)]]
    core = worlds.core_at([worlds.box()], places, [[170], [0], [45]], device=device)
    view, known, deferred = look(core, Cameras(res=16, subsample=2))
    assert_same(view, known)
    assert not deferred.any()


LIT = worlds.box(
    lights=[(1.5, 1.5, 0.2), (4.5, 3.5, 0.1), (3, 1.2, 0.1)],
    pillars=[worlds.pillar(2.7, 2, 3.3, 2.6)],
    spawns=[(2, 3), (4, 3)],
)


@pytest.mark.parametrize('place', [(1.5, 3.5), (2.45, 2.9), (1.085, 2.5), (1.09, 3.91)])
def test_agents_are_lit_in_part_and_where_no_cell_knows_the_lights(place, device, poisoned, look):
    """The last two are nearer to walls than agents get, and seen by an agent in the room's middle."""
    core = worlds.core_at([LIT], [[(2.2, 3.2), place]], [[0, 30]], device=device)
    core.agents.angles[0, 0] = float(np.degrees(np.arctan2(place[1] - 3.2, place[0] - 2.2)))
    view, known, deferred = look(core, Cameras(res=24, fov=30, subsample=4))
    assert_same(view, known)
    assert not deferred[0]
    assert ((view.lines[0, 0] >= 8) & (view.lines[0, 0] < 16)).sum() > 8


CROWDS = {
    'a ray a pixel': (5, Cameras(res=150, subsample=1)),
    'more rays a pixel than lanes': (3, Cameras(res=3, subsample=40)),
    'more lines than a byte counts': (33, Cameras(res=9, subsample=2)),
}


@pytest.mark.parametrize('programs', [1, 100])
@pytest.mark.parametrize('num_agents, cameras', CROWDS.values(), ids=CROWDS)
def test_agents_are_shaded_by_however_many_programs(num_agents, cameras, programs, device, poisoned, look, monkeypatch):
    monkeypatch.setattr(launching, 'SHADING_PROGRAMS', programs)
    places = [(1.2 + 0.3 * (k % 5), 1.2 + 0.35 * (k // 5)) for k in range(num_agents)]
    crowded = replace(LIT, spawns=np.array(places))
    core = worlds.core_at([crowded], [places], [list(range(0, 50 * num_agents, 50))], device=device)
    view, known, deferred = look(core, cameras)
    assert_same(view, known)
    assert ((view.lines >= 0) & (view.lines < 8 * num_agents)).any()
    assert not deferred.all()


def test_agents_in_deferred_frames_are_lit_once(device, poisoned, look):
    core = worlds.core_at([LIT], [[(7, 2.5), (6, 2.5)]], [[180, 0]], device=device)  # outside of the map
    view, known, deferred = look(core, Cameras(res=9, fov=60))
    assert_same(view, known)
    assert deferred.tolist() == [True, True]
    assert (view.lines[0, :, 0, 18] // 8).tolist() == [1, 0]


DOUBTS = {
    'within the near distance': ((2.95, 2.5), 0),
    'outside of the map': ((7, 2.5), 180),
    'behind a wall': ((5.05, 2.5), 180),
}


@pytest.mark.parametrize('place, angle', DOUBTS.values(), ids=DOUBTS)
def test_what_is_doubtful_is_deferred(place, angle, device, poisoned, look):
    core = worlds.core_at([worlds.halved_box()], [[place], [(2, 3)]], [[angle], [45]], device=device)
    view, known, deferred = look(core, Cameras(res=9, fov=100, subsample=1))
    assert_same(view, known)
    assert deferred.tolist() == [True, False]


def test_a_map_whose_walls_cross_is_deferred(device, look):
    cross = np.array([[(2, 2), (3, 3)], [(3, 3), (2, 2)], [(2, 3), (3, 2)], [(3, 2), (2, 3)]], float)
    walls = np.concatenate([worlds.rectangle(1, 1, 5, 4), cross])
    crossed = Geometry(walls=walls, spawns=np.array([(1.5, 2.5)]), lights=np.array([(1.5, 2.5, 1.0)]))
    core = worlds.core_at([crossed, worlds.box()], [[(1.5, 2.5)]] * 2, [[0]] * 2, device=device)
    view, known, deferred = look(core, Cameras(res=16, subsample=2))
    assert_same(view, known)
    assert deferred.tolist() == [True, False]


@pytest.mark.parametrize('cameras', [Cameras(res=256), Cameras(subsample=1)], ids=['many rays', 'few rays'])
@pytest.mark.parametrize('sides, is_deferred', [(33, False), (65, False), (97, False), (200, False), (720, True)])
def test_many_lines_in_view(sides, is_deferred, cameras, device, poisoned, look):
    """From the middle of a polygon all of its sides may be seen; 32 are looked at together, and then the next."""
    core = worlds.one(worlds.polygon(sides, radius=0.6), 10, 10, 30, device=device)
    view, known, deferred = look(core, cameras)
    assert_same(view, known)
    assert deferred.tolist() == [is_deferred and cameras.num_rays > 64]  # 64 rays can't see more than 64 sides


def test_few_rays_are_cast_one_by_one(device, look, monkeypatch):
    monkeypatch.setattr(launching, 'FEWEST_RAYS', 19)
    view, known, deferred = look(worlds.one(worlds.box(), 3, 2.5, 30, device=device), Cameras(res=9, subsample=2))
    assert_same(view, known)
    assert deferred is None


def test_more_rays_than_there_are_marks_for(device, look):
    core = worlds.one(worlds.box(), 3, 2.5, 30, device=device)
    view, known, deferred = look(core, Cameras(res=257, subsample=4))
    assert_same(view, known)
    assert deferred is None


@pytest.mark.gpu
@pytest.mark.parametrize('num_agents, cameras', [(1, Cameras()), (1, Cameras(subsample=1)), (4, Cameras(res=128))])
def test_rays_see_the_same_in_many_houses(num_agents, cameras, device, look):
    """But for one in a million, which ends of lines pass within rounding."""
    core = worlds.scattered(worlds.houses(16), 4096, num_agents, device=device)
    view, known, deferred = look(core, cameras)
    same = view.lines == known.lines
    assert (~same).float().mean() < 1e-5
    assert deferred.float().mean() < 1e-2
    torch.testing.assert_close(view.distances[same], known.distances[same], rtol=1e-4, atol=1e-4)
    assert (view.depth - known.depth).abs().median() < 1e-6
