"""What counts as seen: known answers, the same account kept in Python, and the Triton kernel against its Numba twin."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import numba, triton
from megastep.env import coverage
from megastep.world import rendering
from megastep.world.cameras import Cameras
from megastep.world.core import Core
from megastep.world.rendering import View
from megastep.world.scenery import Scenery


def core_of(maps, num_envs, num_agents=1, device='cpu', **options):
    return Core(Scenery.pack(maps, num_agents=num_agents, device=device), num_envs, **options)


def view_of(lines, locations, device='cpu'):
    """A view of which only the lines and locations matter: (env, agent, camera, ray) each."""
    nothing = torch.empty(0, device=device)
    lines = torch.as_tensor(lines, dtype=torch.int32, device=device)
    return View(rgb=nothing, depth=nothing, lines=lines, locations=torch.as_tensor(locations).float().to(device))


def blank(core):
    """A bitmap and counts of nothing."""
    return coverage.bitmap(core), torch.zeros(core.num_envs, dtype=torch.int32, device=core.device)


def texels_of(seen):
    """The numbers of the texels seen in each env."""
    return [row.nonzero().flatten().tolist() for row in coverage.unpacked(seen)]


def random_view(core, rays, seed, device='cpu'):
    """Rays that hit anything of their env's map, an agent, or nothing, and often the same thing again."""
    rng = np.random.default_rng(seed)
    widths = core.scenery.walls.widths.cpu().numpy()[core.map_ids.cpu().numpy()]
    lines = np.stack([rng.integers(-1, core.num_agents * 8 + width, rays) for width in widths])
    places = np.where(rng.random(lines.shape) < 0.1, 1, rng.choice([0, 0.25, 0.5, 0.9999, rng.random()], lines.shape))
    shape = (core.num_envs, core.num_agents, 1, rays // core.num_agents)
    return view_of(lines.reshape(shape), np.where(lines < 0, np.nan, places).reshape(shape), device)


def remembered(core, view, before):
    """The texels seen in each env, kept as sets."""
    scenery, first_line = core.scenery, core.num_agents * core.scenery.lines_per_agent
    sets = [set(texels) for texels in before]
    for e, number in enumerate(core.map_ids.tolist()):
        for line, location in zip(view.lines[e].flatten().tolist(), view.locations[e].flatten(), strict=True):
            if line >= first_line:
                first, count = scenery.texels[int(scenery.walls.starts[number]) + line - first_line].tolist()
                sets[e].add(first + min(int(location * count), count - 1))
    return sets


def test_knows_walls_from_agents_and_from_nothing():
    spawns = [(2, 2), (3, 3)]
    core = core_of([worlds.box(spawns=spawns), worlds.box(1, 1, 3.5, 4, spawns=spawns)], num_envs=2, num_agents=2)
    walls = 2 * core.scenery.lines_per_agent
    lines = [[-1, 0, walls - 1, walls, walls, walls + 1], [walls + 3] * 6]
    locations = [[torch.nan, 0.5, 0.5, 0.0, 1.0, 0.0], [0.001, 0.002, 0.5, 0.5, 0.999, 1]]
    view = view_of(torch.tensor(lines).reshape(2, 2, 1, 3), torch.tensor(locations).reshape(2, 2, 1, 3))
    seen, counts = blank(core)
    assert coverage.mark(core, view, seen, counts).tolist() == [3, 3]
    left = 2 * 50 + 60  # the small box's walls are 50 texels long, 60, 50 and 60
    assert texels_of(seen) == [[0, 79, 80], [left, left + 30, left + 59]]
    assert coverage.mark(core, view, seen, counts).tolist() == [0, 0]
    assert counts.tolist() == [3, 3]
    seen[0], counts[0] = 0, 0
    assert coverage.mark(core, view, seen, counts).tolist() == [3, 0]
    assert counts.tolist() == [3, 3]


def test_envs_that_begin_afresh_forget_what_was_seen():
    core = core_of([worlds.box()], num_envs=2)
    seen, counts = blank(core)
    views = [
        view_of(torch.full((2, 1, 1, 2), 8), torch.tensor(places).expand(2, 1, 1, 2)) for places in ((0, 1), (1, 1))
    ]
    assert coverage.mark(core, views[0], seen, counts).tolist() == [2, 2]
    found = coverage.mark(core, views[1], seen, counts, afresh=torch.tensor([True, False]))
    assert found.tolist() == [1, 0]
    assert counts.tolist() == [1, 2]
    assert texels_of(seen) == [[79], [0, 79]]


def test_a_wall_swept_from_end_to_end_is_seen_whole():
    core = core_of([worlds.box()], num_envs=1)
    seen, counts = blank(core)
    locations = torch.linspace(0, 1, 500).reshape(1, 1, 1, -1)
    found = coverage.mark(core, view_of(torch.full(locations.shape, 8), locations), seen, counts)
    assert found.tolist() == counts.tolist() == [80]  # 4 m of 5 cm
    assert texels_of(seen) == [list(range(80))]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rays=st.integers(1, 40), num_agents=st.integers(1, 3))
def test_counts_as_sets_do(seed, rays, num_agents):
    maps = [worlds.polygon(5), worlds.box(), worlds.polygon(3)]
    core = core_of(maps, num_envs=4, num_agents=num_agents, map_ids=torch.tensor([2, 0, 1, 1]))
    seen, counts = blank(core)
    sets = [set() for _ in range(4)]
    for step in range(3):
        view = random_view(core, rays * num_agents, seed + step)
        found = coverage.mark(core, view, seen, counts)
        before, sets = sets, remembered(core, view, sets)
        assert texels_of(seen) == [sorted(texels) for texels in sets]
        assert counts.tolist() == [len(texels) for texels in sets]
        assert found.tolist() == [len(now) - len(then) for now, then in zip(sets, before, strict=True)]


@pytest.mark.parametrize('num_envs, num_agents, rays', [(1, 1, 1), (3, 2, 5), (5, 3, 43), (2, 1, 300)])
def test_kernels_agree(num_envs, num_agents, rays, device, poisoned, monkeypatch):
    """Bit by bit, on odd sizes: what counts isn't rounded."""
    maps = [worlds.cluttered(4), worlds.polygon(5), worlds.box()]
    kept = []
    for kernels, where in ((triton, device), (numba, 'cpu')):
        monkeypatch.setattr(coverage, 'implementation', lambda _, kernels=kernels: kernels)
        core = core_of(maps, num_envs, num_agents, device=where, map_ids=torch.arange(num_envs) % 3)
        seen, counts = blank(core)
        views = [random_view(core, rays * num_agents, seed, where) for seed in range(3)]
        afresh = [None, torch.arange(num_envs, device=where) % 2 == 0, None]
        shares = torch.empty(num_envs, device=where)
        found = [
            coverage.mark(core, view, seen, counts, afresh=some, shares=shares).cpu()
            for view, some in zip(views, afresh, strict=True)
        ]
        kept.append([seen.cpu(), counts.cpu(), shares.cpu(), *found])
        assert torch.equal(shares, counts / core.scenery.surface.widths[core.map_ids])
    assert all(torch.equal(one, other) for one, other in zip(*kept, strict=True))
    assert kept[0][1].any() or rays == 1


@pytest.mark.gpu
def test_kernels_agree_on_what_agents_see(device, monkeypatch):
    core = core_of(worlds.houses(16), 500, 2, device=device)
    cameras = Cameras(mounts=[(0, 0, 0), (0, 0, 180)])
    (seen, counts), (known, amounts) = blank(core), blank(core)
    copy = core_of(worlds.houses(16), 500, 2)
    for _ in range(4):
        core.agents.angles.add_(20)
        view = rendering.render(core, cameras, per_ray=True)
        found = coverage.mark(core, view, seen, counts)
        cpu = replace(view, lines=view.lines.cpu(), locations=view.locations.cpu())
        assert torch.equal(coverage.mark(copy, cpu, known.cpu(), amounts.cpu()), found.cpu())
        known, amounts = seen.clone(), counts.clone()
    assert (coverage.unpacked(seen).sum(1) == counts).all()


def test_rejects_what_it_cannot_mark():
    core = core_of([worlds.box()], num_envs=2)
    seen, counts = blank(core)
    with pytest.raises(ValueError, match='view must have lines and locations, got none: render it with per_ray=True'):
        coverage.mark(core, rendering.render(core, Cameras(res=2)), seen, counts)
    view = view_of(torch.full((2, 1, 1, 3), -1), torch.zeros(2, 1, 1, 3))
    with pytest.raises(
        ValueError, match=r'seen must be contiguous torch.int32 of shape \(2, 9\), got torch.bool of \(2, 280\)'
    ):
        coverage.mark(core, view, torch.zeros((2, 280), dtype=torch.bool), counts)
    with pytest.raises(
        ValueError, match=r'seen must be contiguous torch.int32 of shape \(2, 9\), got torch.int32 of \(2, 8\)'
    ):
        coverage.mark(core, view, seen[:, :8].contiguous(), counts)
    with pytest.raises(
        ValueError, match=r'counts must be contiguous torch.int32 of shape \(2,\), got torch.int64 of \(2,\)'
    ):
        coverage.mark(core, view, seen, counts.long())
    with pytest.raises(
        ValueError, match=r'afresh must be contiguous torch.bool of shape \(2,\), got torch.int32 of \(2,\)'
    ):
        coverage.mark(core, view, seen, counts, afresh=counts)
