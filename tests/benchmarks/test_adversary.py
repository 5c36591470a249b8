"""An adversary that always takes the worst of 64 ways finds no way out: see `benchmarks.proofs.adversary`."""

import pytest

from benchmarks.proofs import adversary, maps, soak
from megastep.maps.apartments import real_apartments
from megastep.world.scenery import Scenery


def play(geometries, episodes, device='cpu', **options):
    scenery = Scenery.pack(geometries, device=device)
    return adversary.play(adversary.core_for(scenery, episodes), **options)


def assert_holds(outcome):
    assert outcome.holds, outcome
    assert outcome.contacts > 0.1 * outcome.episodes * outcome.steps * adversary.TRIES


@pytest.mark.parametrize('top_speed', [4, 50, 1000])
@pytest.mark.parametrize('geometry', [maps.box(5, 5), maps.polygon(64)], ids=['box', '64-gon'])
def test_nobody_leaves_a_closed_room(geometry, top_speed):
    assert_holds(play([geometry], 100, top_speed=top_speed))


def test_nobody_leaves_rooms_that_are_hard():
    assert_holds(play(maps.hard(), 480))


def test_nobody_leaves_generated_maps():
    assert_holds(play(list(map(maps.dark, maps.families(3))), 240))


def test_nobody_leaves_real_apartments():
    assert_holds(play(list(real_apartments()), 200))


def test_nobody_leaves_the_room_it_is_in_through_a_wall_without_thickness():
    core, checker = soak.in_closed_rooms(2, 100 * adversary.TRIES)
    assert_holds(adversary.play(core, checker=checker))


@pytest.mark.parametrize('geometry', [maps.box(5, 5), maps.polygon(64)], ids=['box', '64-gon'])
def test_a_rule_with_a_hole_is_found_out(geometry):
    """The adversary's own test: a move is made if its end is clear of all walls."""
    outcome = play([geometry], 50, advance=adversary.naive)
    assert outcome.escapes == 50
    assert outcome.clearance < -1
