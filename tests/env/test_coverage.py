"""What counts as seen: known answers, the same account kept in Python, and the Triton kernels against their twins."""

import numpy as np
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import numba, triton
from megastep.env import coverage
from megastep.env.coverage import Coverage
from megastep.numba.raycasting.marking import mark
from megastep.triton.raycasting import launching
from megastep.world import rendering
from megastep.world.cameras import Cameras, by_name
from megastep.world.core import Core
from megastep.world.scenery import Scenery
from megastep.world.seen_texels import SeenTexels, unpacked


def core_of(maps, num_envs, num_agents=1, device='cpu', **options):
    return Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs, **options)


class Hits:
    """What the rays of a frame hit."""

    def __init__(self, lines, locations):
        self.lines, self.locations = np.array(lines, np.int32), np.array(locations, np.float32)


def marked(core, e, lines, locations, bits, last=10**6):
    """Marks what rays hit as the specification says; returns how many texels are new, and which have been seen."""
    scenery, row = core.scenery, bits[e].numpy().view(np.uint32)
    first_wall = int(scenery.walls.starts[core.map_ids[e]])
    outlines, hits = core.num_agents * scenery.lines_per_agent, Hits(lines, locations)
    new = mark.py_func(scenery.texels.numpy(), first_wall, outlines, last, hits, row)
    return new, unpacked(bits[e : e + 1])[0].nonzero().flatten().tolist()


def test_knows_walls_from_agents_markers_and_nothing():
    spawns = [(2, 2), (3, 3)]
    core = core_of([worlds.box(spawns=spawns), worlds.box(1, 1, 3.5, 4, spawns=spawns)], num_envs=2, num_agents=2)
    walls, bits = 2 * core.scenery.lines_per_agent, SeenTexels.none(core).bits
    lines = [-1, 0, walls - 1, walls, walls, walls + 1, walls + 2]
    locations = [np.nan, 0.5, 0.5, 0.0, 1.0, 0.0, 0.5]
    assert marked(core, 0, lines, locations, bits, last=walls + 2) == (3, [0, 79, 80])
    left = 2 * 50 + 60  # the small box's walls are 50 texels long, 60, 50 and 60
    places = [0.001, 0.002, 0.5, 0.5, 0.999, 1]
    assert marked(core, 1, [walls + 3] * 6, places, bits) == (3, [left, left + 30, left + 59])
    assert marked(core, 1, [walls + 3] * 6, places, bits)[0] == 0


def test_a_wall_swept_from_end_to_end_is_seen_whole():
    core = core_of([worlds.box()], num_envs=1)
    assert marked(core, 0, [8] * 500, np.linspace(0, 1, 500), SeenTexels.none(core).bits) == (80, list(range(80)))


def sets_of(core, view, slack):
    """The texels that a view's rays hit in each env, kept as sets: those that they surely hit, and those they may.

    Rounding may have moved a ray by so much of a texel.
    """
    scenery, outlines = core.scenery, core.num_agents * core.scenery.lines_per_agent
    starts, texels = scenery.walls.starts.tolist(), scenery.texels.tolist()
    for number, lines, locations in zip(core.map_ids.tolist(), view.lines, view.locations, strict=True):
        surely, maybe = set(), set()
        for line, location in zip(lines.flatten().tolist(), locations.flatten().tolist(), strict=True):
            if outlines <= line < core.first_marker_line:
                first, count = texels[starts[number] + line - outlines]
                places = {min(max(int(location * count + off), 0), count - 1) for off in (-slack, slack)}
                maybe |= {first + place for place in places}
                surely |= {first + place for place in places if len(places) == 1}
        yield surely, maybe


def seen_by(seen):
    """The texels marked in each env, as a set."""
    return [set(row.nonzero().flatten().tolist()) for row in unpacked(seen.bits)]


def assert_marks_what_rays_hit(core, cameras, steps=2):
    """Holds if what is marked, and how many of that are new, is what rays hit, in views one after another."""
    seen, known = SeenTexels.none(core), [set()] * core.num_envs
    surely, maybe = ([set() for _ in known] for _ in range(2))
    for _ in range(steps):
        views = rendering.render(core, cameras, per_ray=True, seen=seen)
        for view in by_name(views).values():
            for e, (certain, possible) in enumerate(sets_of(core, view, 1e-2)):
                surely[e] |= certain
                maybe[e] |= possible
        before, known = known, seen_by(seen)
        assert seen.found.tolist() == [len(now) - len(then) for now, then in zip(known, before, strict=True)]
        assert all(least <= texels <= most for least, texels, most in zip(surely, known, maybe, strict=True))
        seen.found.zero_()
        core.agents.angles.add_(20)
    assert any(known)


WAYS = {'numba': (numba, 0), 'by interval': (triton, 0), 'by ray': (triton, launching.FEWEST_RAYS)}


@pytest.fixture(params=WAYS)
def way(request, device, monkeypatch):
    kernels, fewest = WAYS[request.param]
    if kernels is numba and device.type == 'cuda':
        pytest.skip('the kernels for a CPU read its memory')
    monkeypatch.setattr(rendering, 'implementation', lambda device: kernels)
    monkeypatch.setattr(coverage, 'implementation', lambda device: kernels)
    monkeypatch.setattr(launching, 'FEWEST_RAYS', fewest)
    return request.param


SIZES = [
    (1, 1, Cameras(res=1, subsample=1)),
    (3, 2, Cameras(res=5, subsample=3)),
    (5, 3, Cameras(res=17, fov=60, mounts=[(0.02, 0.01, 0), (0, 0, 180)])),
    (2, 1, Cameras(res=129, fov=170, subsample=3)),
    (2, 2, {'front': Cameras(res=7), 'rear': Cameras(res=3, subsample=1, mounts=[(0, 0, 180), (0, 0, 90)])}),
]


@pytest.mark.parametrize('num_envs, num_agents, cameras', SIZES)
def test_texels_that_rays_hit_are_marked(num_envs, num_agents, cameras, device, poisoned, way):
    maps = [worlds.cluttered(4), worlds.polygon(5), worlds.box()]
    ids = torch.arange(num_envs) % 3
    core = worlds.scattered(maps, num_envs, num_agents, device=device, clearance=0.15, map_ids=ids)
    assert_marks_what_rays_hit(core, cameras)


@pytest.mark.parametrize('rgb', [True, False])
def test_marks_change_no_picture(rgb, device, poisoned, way):
    core, cameras = worlds.scattered([worlds.cluttered(4)], 3, 2, device=device), Cameras(res=5, subsample=3)
    seen = SeenTexels.none(core)
    with_marks, without = rendering.render(core, cameras, rgb=rgb, seen=seen), rendering.render(core, cameras, rgb=rgb)
    assert torch.equal(with_marks.depth, without.depth)
    assert not rgb or torch.equal(with_marks.rgb, without.rgb)
    assert (unpacked(seen.bits).sum(1) == seen.found).all() and (seen.found > 0).all()


def test_frames_that_intervals_cannot_tell_are_marked_once(device, way):
    """Within the near distance, outside of the map, and behind a wall: each sees what its rays hit, and no more."""
    places, angles = [[(2.95, 2.5)], [(7, 2.5)], [(5.05, 2.5)]], [[0], [180], [180]]
    core = worlds.core_at([worlds.halved_box()], places, angles, device=device)
    assert_marks_what_rays_hit(core, Cameras(res=9, fov=100, subsample=1))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rays=st.integers(1, 40), num_agents=st.integers(1, 3))
def test_counts_as_sets_do(seed, rays, num_agents):
    """Whatever the rays of a frame hit, and often the same thing again."""
    core = core_of([worlds.polygon(5), worlds.box()], num_envs=2, num_agents=num_agents)
    rng, bits, known = np.random.default_rng(seed), SeenTexels.none(core).bits, set()
    scenery, outlines = core.scenery, num_agents * 8
    for _ in range(3):
        lines = rng.integers(-1, outlines + 4, rays)
        places = np.where(rng.random(rays) < 0.1, 1, rng.choice([0, 0.25, 0.5, 0.9999, rng.random()], rays))
        new, texels = marked(core, 1, lines, np.where(lines < 0, np.nan, places), bits)
        before = len(known)
        for line, place in zip(lines - outlines, places.astype(np.float32), strict=True):
            if line >= 0:
                first, count = scenery.texels[5 + line].tolist()
                known.add(first + min(int(place * np.float32(count)), count - 1))
        assert texels == sorted(known)
        assert new == len(known) - before


def test_envs_that_begin_afresh_forget_what_was_seen(device, poisoned, way):
    maps = [worlds.cluttered(4), worlds.polygon(5), worlds.box()]
    core = worlds.scattered(maps, 70, 1, device=device, map_ids=torch.arange(70) % 3)
    cameras, known = Cameras(res=3, subsample=1), Coverage(core)
    widths = core.scenery.surface.widths[core.map_ids]
    rendering.render(core, cameras, seen=known.seen)
    first = known.observe()
    assert torch.equal(known.counts, first) and not known.seen.found.any()
    assert torch.equal(known.shares, known.counts / widths)
    rendering.render(core, cameras, seen=known.seen)
    assert not known.observe().any()
    assert torch.equal(known.counts, first)
    afresh = torch.arange(70, device=device) % 3 == 0
    known.reset(afresh)
    assert torch.equal(known.counts, first.where(~afresh, 0))
    assert torch.equal(unpacked(known.seen.bits).sum(1), known.counts)
    rendering.render(core, cameras, seen=known.seen)
    torch.testing.assert_close(known.observe(per=3), first.where(afresh, 0) / 3)
    assert torch.equal(known.counts, first) and torch.equal(known.shares, first / widths)
    assert set(known.state) == {'seen', 'counts'}


@pytest.mark.gpu
def test_many_envs_are_marked_as_rays_hit(device):
    core = worlds.scattered(worlds.houses(16), 500, 2, device=device)
    assert_marks_what_rays_hit(core, Cameras(mounts=[(0, 0, 0), (0, 0, 180)]), steps=3)


def test_rejects_bitmaps_of_other_envs():
    core = core_of([worlds.box()], num_envs=2)
    bits, found = torch.zeros((2, 9), dtype=torch.int32), torch.zeros(2, dtype=torch.int32)
    expected = r'seen.bits must be contiguous torch.int32 of shape \(2, 9\) on cpu, got '
    for wrong, message in (
        (SeenTexels(torch.zeros((2, 280), dtype=torch.bool), found), expected + r'torch.bool of \(2, 280\) on cpu'),
        (SeenTexels(bits[:, :8].contiguous(), found), expected + r'torch.int32 of \(2, 8\)'),
        (SeenTexels(torch.zeros((9, 2), dtype=torch.int32).T, found), expected + r'torch.int32 of \(2, 9\)'),
        (SeenTexels(bits.to('meta'), found), expected + r'torch.int32 of \(2, 9\) on meta'),
        (SeenTexels(bits, found.long()), r'seen.found must be contiguous torch.int32 of shape \(2,\) on cpu, got '),
    ):
        with pytest.raises(ValueError, match=message):
            rendering.render(core, Cameras(res=2), seen=wrong)
