"""A million moves, after each of which every agent is where it may be: see `benchmarks.proofs.soak` for billions."""

import numpy as np
import pytest
import torch

from benchmarks.proofs import adversary, checking, maps, soak
from megastep.maps import segments
from megastep.world.core import Core
from megastep.world.scenery import Scenery


def core_in(geometries, num_envs, device='cpu', **options):
    return Core(Scenery.pack(geometries, device=device, **options), num_envs=num_envs)


def assert_sound(tally, core):
    assert tally.holds, tally
    assert tally.contacts > 0.1 * tally.moves
    assert not soak.stuck(core).any()


def test_nothing_goes_wrong_in_rooms_that_are_hard():
    core = core_in(maps.hard(), 3000)
    assert_sound(soak.soak(core, 300), core)


def test_nothing_goes_wrong_in_generated_maps():
    core = core_in(list(map(maps.dark, maps.families(3))), 4000)
    assert_sound(soak.soak(core, 300), core)


def test_nothing_goes_wrong_in_real_apartments():
    if not maps.APARTMENTS.exists():
        pytest.skip(f'needs the real apartments in {maps.APARTMENTS}')
    core = core_in(maps.apartments(), 2000)
    assert_sound(soak.soak(core, 1000), core)


def test_nobody_passes_a_wall_without_thickness():
    """In grids of closed rooms, each agent stays in its own."""
    core, checker = soak.in_closed_rooms(4, 1000)
    assert_sound(soak.soak(core, 300, checker=checker), core)


def test_a_rule_with_holes_is_caught():
    """The soak's own test: with only the moves' ends checked, agents leave and pass walls."""
    core, checker = soak.in_closed_rooms(2, 50)
    tally = soak.soak(core, 100, checker=checker, advance=adversary.naive)
    assert tally.escapes > 0
    assert tally.crossings > 0
    tally = soak.soak(core_in([maps.box(5, 5)], 50), 100, advance=adversary.naive)
    assert tally.escapes > 0


def test_the_checker_agrees_with_the_oracle(device):
    geometries = [*map(maps.dark, maps.families(2)), maps.star(5)]
    core = core_in(geometries, 200, device)
    points = torch.from_numpy(np.random.default_rng(0).uniform(0, 12, (200, 1, 2)))
    core.agents.positions.copy_(points)
    standing = checking.Checker.of(core).standing(core)
    for env in range(200):
        walls = core.scenery.walls[int(core.map_ids[env])].double().cpu().numpy()
        point = core.agents.positions[env].double().cpu().numpy()
        assert standing.clearances[env].item() == pytest.approx(segments.clearances(point, walls)[0], abs=1e-12)
        assert standing.windings[env].item() == segments.windings(point, walls)[0]


def test_both_checkers_agree():
    core = core_in([*map(maps.dark, maps.families(2)), maps.star(5)], 200)
    core.agents.positions.copy_(torch.from_numpy(np.random.default_rng(1).uniform(0, 12, (200, 1, 2))))
    checker, rows = checking.Checker.of(core), core.map_ids[:, None]
    for what in ('clearances', 'windings'):
        on_cpu, on_gpu = (
            measure(what, checker.walls, rows, core.agents.positions.double())
            for measure in (checking._measured_on_cpu, checking._measured_on_gpu)
        )
        torch.testing.assert_close(on_cpu, on_gpu, rtol=0, atol=1e-12)


@pytest.mark.gpu
def test_nothing_goes_wrong_in_a_billion_moves(device):
    """Where agents stand is looked at after every sixteenth step; who left or got stuck by then still is."""
    geometries = [*maps.hard(), *maps.families(16)]
    geometries += maps.apartments() if maps.APARTMENTS.exists() else []
    core = core_in(geometries, 1 << 18, device)
    assert_sound(soak.soak(core, 3824, every=16), core)
