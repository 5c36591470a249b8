"""A million moves, after each of which every agent is where it may be: see `benchmarks.proofs.soak` for billions."""

import numpy as np
import pytest
import torch

from benchmarks.proofs import adversary, checking, checking_kernel, maps, soak
from megastep.maps import segments
from megastep.maps.apartments import real_apartments
from megastep.world.buffers import on_device
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
    core = core_in(list(real_apartments()), 2000)
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


def test_what_checks_on_a_gpu_comes_to_the_same_as_what_checks_on_a_cpu(device):
    """Interpreted where there is none."""
    core = core_in([maps.box(8, 8), maps.polygon(64, radius=5, centre=6), maps.partitions(), maps.star(5)], 300)
    rng = np.random.default_rng(1)
    walls, rows = checking.Checker.of(core).walls, core.map_ids
    befores, afters = (torch.from_numpy(rng.uniform(0, 12, (300, 2))) for _ in range(2))
    moved = [each.to(device) for each in (rows, befores, afters)]
    found = (
        *checking_kernel.measured(on_device(walls, device), *moved[:2]),
        checking_kernel.crossed(on_device(walls, device), *moved),
    )
    known = *checking.measured(walls, rows, befores), checking.crossed(walls, rows, befores, afters)
    for ours, theirs in zip(found, known, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=0, atol=1e-14)
    assert known[1].abs().sum() > 0
    assert 0 < known[2].sum() < 300


def test_positions_that_are_no_numbers_are_outside(device):
    core = core_in([maps.box(5, 5)], 3, device)
    core.agents.positions[1] = torch.nan
    assert checking.Checker.of(core).standing(core).windings.flatten().tolist() == [1, 0, 1]


def test_tallies_of_soaks_add_up():
    core = core_in([maps.box(5, 5)], 20)
    one, other = (soak.soak(core, steps, seed=steps) for steps in (3, 5))
    both = one + other
    assert both.moves == 160
    assert both.contacts == one.contacts + other.contacts
    assert both.clearance == min(one.clearance, other.clearance)
    assert both.gap == torch.inf


@pytest.mark.gpu
def test_nothing_goes_wrong_in_a_billion_moves(device):
    core = core_in([*maps.hard(), *maps.families(16), *real_apartments()], 1 << 20, device)
    assert_sound(soak.soak(core, 956), core)
