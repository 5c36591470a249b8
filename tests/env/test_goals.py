"""Goals begin and end at spawns a path apart, compasses point at them, and what agents do on them is counted."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import twin
from worlds import box, halved_box, houses

from megastep import MapSet, numba, triton
from megastep.env.goals import Goals, PointGoalSensor, Progress, RandomGoals
from megastep.env.navigation import GeodesicField
from megastep.world import physics
from megastep.world.core import MANY, Core
from megastep.world.scenery import Scenery

CORRIDOR = box(1, 1, 12, 3, spawns=[(2, 2), (3, 2), (5, 2), (11, 2)])


def embarked(maps, num_envs, device='cpu', **options):
    core = Core(Scenery.pack(maps, device=device), num_envs)
    return core, RandomGoals(core, maps, **options)


def all_of(core):
    return torch.ones(core.num_envs, dtype=torch.bool, device=core.device)


class TestRandomJourneys:
    def test_are_from_spawn_to_spawn_a_path_in_the_range_apart(self):
        maps = houses(2).with_geodesics()
        core, journeys = embarked(maps, 200, nearest=2, furthest=4)
        starts, _, goals, places, lengths = (values[:, 0] for values in journeys.current)
        for env, number in enumerate(core.map_ids.tolist()):
            geometry = maps[number]
            (start,) = np.flatnonzero((geometry.spawns.astype(np.float32) == starts[env].numpy()).all(axis=1))
            np.testing.assert_allclose(places[env], geometry.spawns[goals[env]], rtol=1e-6)
            assert geometry.geodesics[start, goals[env]] == lengths[env]
            assert 2 <= lengths[env] <= 4
        assert torch.equal(core.agents.positions, journeys.current.starts)
        assert torch.equal(core.agents.angles, journeys.current.bearings)

    def test_are_each_as_likely_as_any_other(self):
        _, journeys = embarked([CORRIDOR], 6000, nearest=2, furthest=8)
        ends = torch.stack([journeys.current.starts[:, 0, 0], journeys.current.places[:, 0, 0]], dim=-1)
        pairs, counts = ends.unique(dim=0, return_counts=True)
        assert pairs.tolist() == [[2, 5], [3, 5], [3, 11], [5, 2], [5, 3], [5, 11], [11, 3], [11, 5]]
        assert (abs(counts - 750) < 5 * 750**0.5).all()

    def test_begin_at_rest_facing_any_way(self):
        core, journeys = embarked([CORRIDOR], 200)
        core.agents.velocities.fill_(1)
        core.agents.angular_velocities.fill_(1)
        core.contacts.fill_(3)
        journeys(all_of(core))
        assert not core.agents.velocities.any() and not core.agents.angular_velocities.any()
        assert (core.contacts == -1).all()
        assert {int(angle // 90) for angle in core.agents.angles[:, 0].tolist()} == {-2, -1, 0, 1}

    def test_leave_other_envs_as_they_are(self):
        core, journeys = embarked(houses(2), 8)
        state = (*journeys.current, core.agents.positions, core.agents.angles)
        before = [values.clone() for values in state]
        mask = torch.arange(8) % 2 == 0
        journeys(mask)
        for old, new in zip(before, state, strict=True):
            assert torch.equal(old[~mask], new[~mask])
            assert not torch.equal(old[mask], new[mask])

    def test_follow_the_seed(self):
        core, journeys = embarked(houses(2), 8)
        found = []
        for seed in (1, 2, 1):
            core.generator.manual_seed(seed)
            journeys(all_of(core))
            found.append(journeys.current.goals.clone())
        assert torch.equal(found[0], found[2])
        assert not torch.equal(found[0], found[1])

    def test_are_in_the_map_that_the_env_stands_in(self):
        core, journeys = embarked([CORRIDOR, box(20, 20, 25, 24)], 6)
        core.map_ids = torch.ones(6, dtype=torch.int64)
        journeys(all_of(core))
        assert (journeys.current.starts >= 20).all() and (journeys.current.places >= 20).all()

    def test_need_a_pair_of_spawns_in_every_map(self):
        with pytest.raises(
            ValueError,
            match=r'map 1 must have two spawns 4 to 9 m apart along the shortest path, but the paths between '
            r'its spawns are from 0\.75 to 1\.50 m',
        ):
            embarked([CORRIDOR, box()], 2, nearest=4, furthest=9)
        with pytest.raises(ValueError, match=r'map 0 must have two .* but the paths between its spawns are none'):
            embarked([box(spawns=[(2, 2)])], 2)

    @pytest.mark.parametrize('nearest, furthest', [(0, 1), (3, 2), (1, np.inf), (np.nan, 2)])
    def test_need_a_range(self, nearest, furthest):
        with pytest.raises(ValueError, match=f'nearest must be above 0 m and .* got {nearest} and {furthest}'):
            embarked([CORRIDOR], 2, nearest=nearest, furthest=furthest)

    def test_need_the_maps_of_the_scenery(self):
        core = Core(Scenery.pack([CORRIDOR], device='cpu'), 2)
        with pytest.raises(ValueError, match=r"maps must be those of the core's scenery, got others"):
            RandomGoals(core, [box()])

    def test_are_for_single_agents(self):
        core = Core(Scenery.pack([CORRIDOR], num_agents=2, device='cpu'), 2)
        with pytest.raises(ValueError, match='journeys are for 1 agent an env, got 2'):
            RandomGoals(core, [CORRIDOR])


@pytest.mark.parametrize('num_envs', [1, 7, 131])
def test_both_kernels_embark_alike(num_envs, device, poisoned):
    maps = MapSet([CORRIDOR, halved_box(), *houses(2)])
    core, journeys = embarked(maps, num_envs, device)
    copy = twin(core)
    other = Goals(*(values.cpu().clone() for values in journeys.current))
    generator = torch.Generator().manual_seed(0)
    draws = torch.randint(MANY, (num_envs, 2), generator=generator)
    mask = torch.arange(num_envs) % 3 != 1
    pairs, paths = journeys._pairs, journeys._paths
    triton.embark(core, mask.to(device), draws.to(device), pairs, paths, journeys.current)
    numba.embark(copy, mask, draws, pairs.to('cpu'), paths.to('cpu'), other)
    for mine, known in zip(journeys.current, other, strict=True):
        assert torch.equal(mine.cpu(), known)
    for name in ('positions', 'angles', 'velocities', 'angular_velocities'):
        assert torch.equal(getattr(core.agents, name).cpu(), getattr(copy.agents, name))
    assert torch.equal(core.contacts.cpu(), copy.contacts)


class TestCompass:
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
        found = PointGoalSensor()(
            torch.tensor([[point]]).float(), torch.tensor([[(2.0, 2.0)]]), torch.tensor([[float(angle)]])
        )
        assert found[0].tolist() == pytest.approx(expected, abs=1e-6)

    @settings(max_examples=50, deadline=None)
    @given(x=st.floats(0, 500), y=st.floats(0, 500), angle=st.floats(-360, 360))
    def test_leads_to_the_point(self, x, y, angle):
        place, facing = torch.tensor([[(7.0, 9.0)]]), torch.tensor([[angle]])
        found = PointGoalSensor()(torch.tensor([[(x, y)]]), place, facing)[0]
        assert PointGoalSensor.space.contains(found.numpy())
        distance, cos, sin = found.double().tolist()
        turn = np.exp(1j * np.radians(angle)) * (cos + 1j * sin)
        reached = complex(7, 9) + distance * turn
        assert abs(reached - complex(x, y)) < 1e-5 * (1 + distance)


class TestProgress:
    def test_counts_what_happens(self):
        core, journeys = embarked([CORRIDOR], 1, nearest=8.5, furthest=10)
        progress = Progress(core, journeys, GeodesicField.pack([CORRIDOR], 'cpu'))
        core.agents.positions[:] = torch.tensor([2.0, 2.0])
        journeys.current.starts[:], journeys.current.goals[:] = torch.tensor([2.0, 2.0]), 3
        progress.restart(all_of(core))
        nearer, walked = [], []
        for velocity in ((10.0, 0.0), (0.0, -20.0), (-4.0, -1.0)):  # on, into the wall below, and back along it
            core.agents.velocities[:] = torch.tensor(velocity)
            physics.advance(core)
            made, went = progress()
            nearer.append(made.item())
            walked.append(went.item())
        fall = 1 - core.agent_radius
        left = np.hypot(11 - 2.6, fall)
        assert nearer == pytest.approx([1, 8 - np.hypot(8, fall), np.hypot(8, fall) - left], abs=1e-3)
        assert walked == pytest.approx([1, fall, 0.4], abs=1e-3)
        assert progress.travelled.item() == pytest.approx(sum(walked), abs=1e-5)
        assert progress.remaining.item() == pytest.approx(left, abs=1e-3)
        assert progress.collisions.item() == 2
        progress.restart(~all_of(core))
        assert progress.collisions.item() == 2
        progress.restart(all_of(core))
        assert (progress.travelled.item(), progress.collisions.item(), progress.remaining.item()) == (0, 0, 9)

    def test_scores_are_those_of_their_formulas(self):
        core, journeys = embarked([CORRIDOR], 5)
        progress = Progress(core, journeys, GeodesicField.pack([CORRIDOR], 'cpu'))
        journeys.current.lengths[:, 0] = torch.tensor([4.0, 4.0, 4.0, 4.0, 4.0])
        progress.travelled[:, 0] = torch.tensor([4.0, 5.0, 3.9, 8.0, 0.0])
        progress.remaining[:, 0] = torch.tensor([0.0, 0.2, 0.2, 5.0, 4.0])
        scores = progress.scores(torch.tensor([[True], [True], [True], [False], [False]]))
        assert scores['spl'][:, 0].tolist() == pytest.approx([1, 0.8, 1, 0, 0])
        assert scores['soft_spl'][:, 0].tolist() == pytest.approx([1, 0.95 * 0.8, 0.95, 0, 0])
        assert scores['distance_to_goal'] is progress.remaining
        assert scores['success'].tolist() == [[True], [True], [True], [False], [False]]

    def test_stands_still_where_no_way_is_known(self):
        core, journeys = embarked([CORRIDOR], 1)
        signposts = GeodesicField.pack([CORRIDOR], 'cpu')
        progress, before = Progress(core, journeys, signposts), journeys.current.lengths.clone()
        signposts.sees.vals.zero_()  # nothing is seen from anywhere
        assert signposts.distances(core.agents.positions, core.map_ids, journeys.current.goals).isinf()
        assert progress()[0].item() == 0
        assert torch.equal(progress.remaining, before)

    def test_needs_the_signposts_of_its_maps(self):
        core, journeys = embarked([CORRIDOR], 1)
        with pytest.raises(ValueError, match='navigation must be that of the 1 maps'):
            Progress(core, journeys, GeodesicField.pack([box()], 'cpu'))
