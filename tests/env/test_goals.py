"""Goals begin and end at spawns a path apart, sensors point at them, and what agents do on them is counted."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import draw_on_cpu, twin
from worlds import box, halved_box, houses

from megastep import MapSet, numba, triton
from megastep.env.goals import Goals, PointGoalSensor, RandomGoals
from megastep.env.navigation import GeodesicField
from megastep.env.navigation_metrics import GoalTracker
from megastep.maps import geodesics
from megastep.maps.geometry import Geometry
from megastep.world import physics
from megastep.world.buffers import on_device
from megastep.world.core import Core
from megastep.world.scenery import Scenery

CORRIDOR = box(1, 1, 12, 3, spawns=[(2, 2), (3, 2), (5, 2), (11, 2)])


def core_with_goals(maps, num_envs, device='cpu', **options):
    core = Core(Scenery.pack(maps, device=device), num_envs)
    return core, RandomGoals(core, maps, **options)


def all_of(core):
    return torch.ones(core.num_envs, dtype=torch.bool, device=core.device)


class TestRandomGoals:
    def test_are_from_spawn_to_spawn_a_path_in_the_range_apart(self):
        maps = houses(2).with_geodesics()
        core, goals = core_with_goals(maps, 200, nearest=2, furthest=4)
        starts, _, spawns, positions, lengths = (values[:, 0] for values in goals.current)
        for env, number in enumerate(core.map_ids.tolist()):
            geometry = maps[number]
            (start,) = np.flatnonzero((geometry.spawns.astype(np.float32) == starts[env].numpy()).all(axis=1))
            np.testing.assert_allclose(positions[env], geometry.spawns[spawns[env]], rtol=1e-6)
            assert geometry.geodesics[start, spawns[env]] == lengths[env]
            assert 2 <= lengths[env] <= 4
        assert torch.equal(core.agents.positions, goals.current.starts)
        assert torch.equal(core.agents.angles, goals.current.bearings)

    def test_need_no_search_where_maps_have_lengths_of_paths(self, monkeypatch):
        maps = houses(2).with_geodesics()
        monkeypatch.setattr(geodesics, 'distances', lambda *_: pytest.fail('paths are searched for'))
        core, goals = core_with_goals(maps, 20)
        geometries = [maps[number] for number in core.map_ids.tolist()]
        assert all(
            goals.current.lengths[env, 0] in geometry.geodesics[:, goals.current.spawns[env, 0]]
            for env, geometry in enumerate(geometries)
        )

    def test_are_each_as_likely_as_any_other(self):
        _, goals = core_with_goals([CORRIDOR], 6000, nearest=2, furthest=8)
        ends = torch.stack([goals.current.starts[:, 0, 0], goals.current.positions[:, 0, 0]], dim=-1)
        pairs, counts = ends.unique(dim=0, return_counts=True)
        assert pairs.tolist() == [[2, 5], [3, 5], [3, 11], [5, 2], [5, 3], [5, 11], [11, 3], [11, 5]]
        assert (abs(counts - 750) < 5 * 750**0.5).all()

    def test_begin_at_rest_facing_any_way(self):
        core, goals = core_with_goals([CORRIDOR], 200)
        core.agents.velocities.fill_(1)
        core.agents.angular_velocities.fill_(1)
        core.contacts.fill_(3)
        goals.reset(all_of(core))
        assert not core.agents.velocities.any() and not core.agents.angular_velocities.any()
        assert (core.contacts == -1).all()
        assert {int(angle // 90) for angle in core.agents.angles[:, 0].tolist()} == {-2, -1, 0, 1}

    def test_leave_other_envs_as_they_are(self):
        core, goals = core_with_goals(houses(2), 8)
        state = (*goals.current, core.agents.positions, core.agents.angles)
        before = [values.clone() for values in state]
        mask = torch.arange(8) % 2 == 0
        goals.reset(mask)
        for old, new in zip(before, state, strict=True):
            assert torch.equal(old[~mask], new[~mask])
            assert not torch.equal(old[mask], new[mask])

    def test_follow_the_seed(self):
        core, goals = core_with_goals(houses(2), 8)
        found = []
        for seed in (1, 2, 1):
            core.streams.restart(seed, all_of(core))
            core.streams.phase('reset')
            goals.reset(all_of(core))
            found.append(goals.current.spawns.clone())
        assert torch.equal(found[0], found[2])
        assert not torch.equal(found[0], found[1])

    def test_are_in_the_map_that_the_env_stands_in(self):
        core, goals = core_with_goals([CORRIDOR, box(20, 20, 25, 24)], 6)
        core.map_ids = torch.ones(6, dtype=torch.int64)
        goals.reset(all_of(core))
        assert (goals.current.starts >= 20).all() and (goals.current.positions >= 20).all()

    def test_need_a_pair_of_spawns_in_every_map(self):
        with pytest.raises(
            ValueError,
            match=r'map 1 must have two spawns 4 to 9 m apart along the shortest path, but the paths between '
            r'its spawns are from 0\.75 to 1\.50 m',
        ):
            core_with_goals([CORRIDOR, box()], 2, nearest=4, furthest=9)
        with pytest.raises(ValueError, match=r'map 0 must have two .* but the paths between its spawns are none'):
            core_with_goals([box(spawns=[(2, 2)])], 2)

    @pytest.mark.parametrize('furthest', [None, np.inf])
    def test_may_be_any_way_off(self, furthest):
        near, far = box(1, 1, 5, 3, spawns=[(2, 2), (4, 2)]), box(7, 1, 11, 3, spawns=[(8, 2), (10, 2)])
        apart = Geometry(**{n: np.concatenate([getattr(g, n) for g in (near, far)]) for n in ('walls', 'spawns')})
        _, goals = core_with_goals([CORRIDOR, apart], 500, nearest=2, furthest=furthest)
        assert goals.current.lengths[:250].max() == 9
        assert goals.current.lengths[250:].unique().tolist() == [2]
        assert goals.share == 1

    def test_warn_where_most_are_too_far_off(self):
        with pytest.warns(UserWarning, match='furthest=2.5 leaves out 80% .* up to 9 m, 6 m in the median: furthest=N'):
            _, goals = core_with_goals([CORRIDOR], 2, nearest=2, furthest=2.5)
        assert goals.share == pytest.approx(0.2)

    def test_do_not_warn_where_half_remain(self, recwarn):
        core_with_goals(houses(2), 2)
        assert not recwarn.list

    @pytest.mark.parametrize(
        'nearest, furthest', [(0, 1), (3, 2), (np.inf, np.inf), (np.inf, None), (np.nan, 2), (1, np.nan)]
    )
    def test_need_a_range(self, nearest, furthest):
        with pytest.raises(ValueError, match=f'nearest must be above 0 m and .* got {nearest} and {furthest}'):
            core_with_goals([CORRIDOR], 2, nearest=nearest, furthest=furthest)

    def test_need_the_maps_of_the_scenery(self):
        core = Core(Scenery.pack([CORRIDOR], device='cpu'), 2)
        with pytest.raises(ValueError, match=r"maps must be those of the core's scenery, got others"):
            RandomGoals(core, [box()])

    def test_are_for_single_agents(self):
        core = Core(Scenery.pack([CORRIDOR], num_agents=2, device='cpu'), 2)
        with pytest.raises(ValueError, match='goals are for 1 agent an env, got 2'):
            RandomGoals(core, [CORRIDOR])


@pytest.mark.parametrize('num_envs', [1, 7, 131])
def test_both_kernels_embark_alike(num_envs, device, poisoned):
    maps = MapSet([CORRIDOR, halved_box(), *houses(2)])
    core, goals = core_with_goals(maps, num_envs, device)
    copy = twin(core)
    other = Goals(*(values.cpu().clone() for values in goals.current))
    draw = core.random.draw()
    mask = torch.arange(num_envs) % 3 != 1
    pairs, paths = goals._pairs, goals._paths
    triton.respawn_with_goals(core, mask.to(device), draw, pairs, paths, goals.current)
    numba.respawn_with_goals(copy, mask, draw_on_cpu(draw), on_device(pairs, 'cpu'), on_device(paths, 'cpu'), other)
    for mine, known in zip(goals.current, other, strict=True):
        assert torch.equal(mine.cpu(), known)
    for name in ('positions', 'angles', 'velocities', 'angular_velocities'):
        assert torch.equal(getattr(core.agents, name).cpu(), getattr(copy.agents, name))
    assert torch.equal(core.contacts.cpu(), copy.contacts)


class TestPointGoalSensor:
    @pytest.mark.parametrize(
        'point, angle, expected',
        [
            ((5, 2), 0, (3, 1, 0)),
            ((5, 2), 90, (3, 0, -1)),
            ((2, 6), 0, (4, 0, 1)),
            ((1, 2), 180, (1, 1, 0)),
            ((3, 3), 405, (2**0.5, 1, 0)),
            ((2, 2), 0, (0, 1, 0)),
        ],
    )
    def test_points_the_way(self, point, angle, expected):
        found = PointGoalSensor().observe(
            torch.tensor([[point]]).float(), torch.tensor([[(2.0, 2.0)]]), torch.tensor([[float(angle)]])
        )
        assert found[0].tolist() == pytest.approx(expected, abs=1e-6)

    @settings(max_examples=50, deadline=None)
    @given(x=st.floats(0, 500), y=st.floats(0, 500), angle=st.floats(-360, 360))
    def test_leads_to_the_point(self, x, y, angle):
        place, facing = torch.tensor([[(7.0, 9.0)]]), torch.tensor([[angle]])
        found = PointGoalSensor().observe(torch.tensor([[(x, y)]]), place, facing)[0]
        assert PointGoalSensor.space.contains(found.numpy())
        distance, cos, sin = found.double().tolist()
        turn = np.exp(1j * np.radians(angle)) * (cos + 1j * sin)
        reached = complex(7, 9) + distance * turn
        assert abs(reached - complex(x, y)) < 1e-5 * (1 + distance)


class TestGoalTracker:
    def test_counts_what_happens(self):
        core, goals = core_with_goals([CORRIDOR], 1, nearest=8.5, furthest=10)
        tracker = GoalTracker(core, goals, GeodesicField.pack([CORRIDOR], 'cpu'))
        core.agents.positions[:] = torch.tensor([2.0, 2.0])
        goals.current.starts[:], goals.current.spawns[:] = torch.tensor([2.0, 2.0]), 3
        tracker.reset(all_of(core))
        nearer, walked = [], []
        for velocity in ((10.0, 0.0), (0.0, -20.0), (-4.0, -1.0)):  # on, into the wall below, and back along it
            core.agents.velocities[:] = torch.tensor(velocity)
            physics.advance(core)
            made, went = tracker.step()
            nearer.append(made.item())
            walked.append(went.item())
        fall = 1 - core.agent_radius
        left = np.hypot(11 - 2.6, fall)
        assert nearer == pytest.approx([1, 8 - np.hypot(8, fall), np.hypot(8, fall) - left], abs=1e-3)
        assert walked == pytest.approx([1, fall, 0.4], abs=1e-3)
        assert tracker.travelled.item() == pytest.approx(sum(walked), abs=1e-5)
        assert tracker.remaining.item() == pytest.approx(left, abs=1e-3)
        assert tracker.collisions.item() == 2
        tracker.reset(~all_of(core))
        assert tracker.collisions.item() == 2
        tracker.reset(all_of(core))
        assert (tracker.travelled.item(), tracker.collisions.item(), tracker.remaining.item()) == (0, 0, 9)

    def test_scores_are_those_of_their_formulas(self):
        core, goals = core_with_goals([CORRIDOR], 5)
        tracker = GoalTracker(core, goals, GeodesicField.pack([CORRIDOR], 'cpu'))
        goals.current.lengths[:, 0] = torch.tensor([4.0, 4.0, 4.0, 4.0, 4.0])
        tracker.travelled[:, 0] = torch.tensor([4.0, 5.0, 3.9, 8.0, 0.0])
        tracker.remaining[:, 0] = torch.tensor([0.0, 0.2, 0.2, 5.0, 4.0])
        scores = tracker.scores(torch.tensor([[True], [True], [True], [False], [False]]))
        assert scores['spl'][:, 0].tolist() == pytest.approx([1, 0.8, 1, 0, 0])
        assert scores['soft_spl'][:, 0].tolist() == pytest.approx([1, 0.95 * 0.8, 0.95, 0, 0])
        assert torch.equal(scores['distance_to_goal'], tracker.remaining)
        assert torch.equal(scores['collisions'], tracker.collisions)
        assert scores['success'].tolist() == [[True], [True], [True], [False], [False]]

    def test_stands_still_where_no_way_is_known(self):
        core, goals = core_with_goals([CORRIDOR], 1)
        field = GeodesicField.pack([CORRIDOR], 'cpu')
        tracker, before = GoalTracker(core, goals, field), goals.current.lengths.clone()
        field.visible.vals.zero_()  # nothing is seen from anywhere
        assert field.distances(core.agents.positions, core.map_ids, goals.current.spawns).isinf()
        assert tracker.step()[0].item() == 0
        assert torch.equal(tracker.remaining, before)

    def test_needs_the_field_of_its_maps(self):
        core, goals = core_with_goals([CORRIDOR], 1)
        with pytest.raises(ValueError, match='geodesic_field must be of the 1 maps'):
            GoalTracker(core, goals, GeodesicField.pack([box()], 'cpu'))
