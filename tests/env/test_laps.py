"""Progress along a track is along its centre line, whichever way around and however often it is crossed."""

import math

import numpy as np
import pytest
import torch
from floorplans.tracks import MIDDLE, pinched, ring
from worlds import box

from megastep import mapgen
from megastep.env.laps import Laps
from megastep.world.core import Core
from megastep.world.scenery import Scenery

RADIUS = 9.0  # of the centre line of a ring
LAP = 2 * math.pi * RADIUS


def laps_on(maps, num_envs=1, device='cpu', **options):
    core = Core(Scenery.pack(maps, device=device, **options), num_envs)
    laps = Laps(core, maps, max_speed=3)
    laps.reset(torch.ones(num_envs, dtype=torch.bool, device=device))
    return core, laps


def drive(core, laps, turns, radii=RADIUS, steps=200):
    """Goes around the ring from where agents are, by so many turns; returns what each step gained, in metres."""
    offsets = (core.agents.positions[:, 0].double().cpu().numpy() - MIDDLE).view(np.complex128)[:, 0]
    phases, gained = np.angle(offsets), []
    for share in (np.arange(steps) + 1) / steps:
        places = np.asarray(radii) * np.exp(1j * (phases + 2 * np.pi * turns * share))
        positions = MIDDLE + np.stack([places.real, places.imag], axis=-1)
        core.agents.positions.copy_(torch.from_numpy(positions)[:, None])
        gained.append(laps.step())
    return torch.stack(gained).double().sum(dim=0)[:, 0]


def test_agents_start_on_the_centre_line_and_face_along_it(device):
    core, laps = laps_on([ring()], 500, device)
    core.agents.velocities.fill_(1)
    core.contacts.fill_(3)
    laps.reset(torch.ones(500, dtype=torch.bool, device=device))
    offsets = core.agents.positions[:, 0] - 20
    assert offsets.norm(dim=-1).cpu().numpy() == pytest.approx(RADIUS, abs=0.03)
    phases = torch.atan2(offsets[:, 1], offsets[:, 0]).rad2deg()
    assert ((core.agents.angles[:, 0] - phases - 90 + 180) % 360 - 180).abs().max() < 2
    assert {int(phase // 90) for phase in phases.tolist()} == {-2, -1, 0, 1}
    assert not core.agents.velocities.any() and (core.contacts == -1).all() and not laps.progress.any()


def test_a_reset_leaves_other_envs_alone():
    core, laps = laps_on([ring()], 40)
    drive(core, laps, 0.3)
    before = [values.clone() for values in (core.agents.positions, core.agents.angles, laps.at, laps.progress)]
    some = torch.arange(40) % 2 == 0
    laps.reset(some)
    after = (core.agents.positions, core.agents.angles, laps.at, laps.progress)
    assert all(torch.equal(one[~some], other[~some]) for one, other in zip(before, after, strict=True))
    assert not laps.progress[some].any() and (laps.progress[~some] > 1).all()


@pytest.mark.parametrize('turns', [1, -1, 2.5, -0.25])
@pytest.mark.parametrize('radius', [8.2, 9, 9.8])
def test_progress_is_along_the_centre_line_however_far_from_it(turns, radius, device):
    core, laps = laps_on([ring()], 8, device)
    drive(core, laps, 0, radius, steps=1)  # to the side
    laps.progress.zero_()
    gained = drive(core, laps, turns, radius, steps=400)
    assert gained.cpu().numpy() == pytest.approx(turns * LAP, rel=5e-3)
    assert laps.progress[:, 0].cpu().numpy() == pytest.approx(gained.cpu().numpy(), abs=1e-3)


def test_a_lap_is_complete_once_around_from_wherever_it_began():
    core, laps = laps_on([ring()], 16)
    seconds = torch.full((16, 1), 30.0)
    drive(core, laps, 0.99)
    assert not laps.scores(seconds)['laps'].any()
    drive(core, laps, 0.02)
    assert (laps.scores(seconds)['laps'] == 1).all()
    assert laps.scores(seconds)['laps_per_minute'].numpy() == pytest.approx(2.02, rel=1e-2)
    drive(core, laps, 1)
    assert (laps.scores(seconds)['laps'] == 2).all()


def test_to_and_fro_gains_nothing_wherever_the_line_begins():
    core, laps = laps_on([ring()], 64)
    for _ in range(5):
        there, back = drive(core, laps, 0.1, steps=20), drive(core, laps, -0.1, steps=20)
        assert (there + back).abs().max() < 1e-3
    drive(core, laps, -1.2)
    assert (laps.scores(torch.ones(64, 1))['laps'] == 0).all()


def test_a_stretch_beyond_a_wall_does_not_count():
    """Across the thinnest wall between two stretches, the other is nearer than the one that one is on."""
    track = mapgen.generate('track', 1, seed=1, winding=1.0, gap=0.2)[0]
    core, laps = laps_on([track])
    laps.at.fill_(0)
    points = laps._lines.vals
    for number in range(len(points)):  # along the line, as far to the right of it as the track allows
        along = points[(number + 1) % len(points)] - points[number]
        side = torch.stack([along[1], -along[0]]) / along.norm() * 0.6
        core.agents.positions[0, 0] = points[number] + side
        assert abs(laps.step().item()) < 1
    assert laps.progress.item() == pytest.approx(float(laps._spacings[0]) * len(points), rel=0.02)


def test_points_ahead_are_along_the_line_and_around(device):
    core, laps = laps_on([ring()], 100, device)
    for distance in (0.05, 3.0, LAP - 1):
        place = (laps.ahead(distance) - 20)[:, 0].cpu()
        turned = torch.atan2(place[:, 1], place[:, 0]) - torch.atan2(
            *(core.agents.positions[:, 0].cpu() - 20).T.flip(0)
        )
        assert (turned % (2 * math.pi)).numpy() == pytest.approx(distance / RADIUS, abs=0.03)
        assert place.norm(dim=-1).numpy() == pytest.approx(RADIUS, abs=0.03)
    each = torch.linspace(1, 2, 100, device=device)[:, None]
    assert laps.ahead(each).shape == (100, 1, 2)


def test_each_env_drives_along_its_own_map(device):
    maps = [ring(), ring(6, 5)]
    core, laps = laps_on(maps, 6, device)
    gained = drive(core, laps, 1, radii=[9, 9, 9, 5.5, 5.5, 5.5])
    assert gained.cpu().numpy() == pytest.approx(2 * np.pi * np.array([9, 9, 9, 5.5, 5.5, 5.5]), rel=5e-3)
    core.map_ids = torch.tensor([1, 0, 0, 0, 1, 1], device=device)
    laps.reset(torch.tensor([True, False, False, True, False, False], device=device))
    radii = (core.agents.positions[:, 0] - 20).norm(dim=-1).cpu().numpy()
    assert radii[[0, 3]] == pytest.approx([5.5, 9], abs=0.03)


def test_collisions_are_steps_in_contact():
    core, laps = laps_on([ring()])
    for contact in (-1, 3, 3, -1):
        core.contacts.fill_(contact)
        laps.step()
    assert laps.scores(torch.ones(1, 1))['collisions'].tolist() == [[2]]


def test_several_agents_are_refused():
    maps = [ring(), ring()]
    maps[0] = maps[1] = mapgen.generate('track', 1, seed=0)[0]
    core = Core(Scenery.pack(maps, num_agents=2, device='cpu'), 2)
    with pytest.raises(ValueError, match='laps are for 1 agent an env, got 2'):
        Laps(core, maps, max_speed=3)


def test_maps_that_are_no_tracks_are_refused_by_number():
    with pytest.raises(ValueError, match='map 1: a track must have 2 outlines, one around the other, got 1'):
        laps_on([ring(), box()])


def test_a_track_that_an_agent_does_not_fit_through_is_refused():
    with pytest.raises(ValueError, match=r'map 0: a track must have 0.106 m to either side, got 0.06\d m'):
        laps_on([pinched(0.15)])
    laps_on([pinched(0.15)], agent_radius=0.05)
