"""Hand-made hold-outs: valid, all different, the same on every machine, and what a drawing means."""

import networkx as nx
import numpy as np
import pytest

from megastep.evaluation.standard.drawings import PASSAGES
from megastep.evaluation.standard.holdouts import ROOMS, building, holdouts, passages
from megastep.mapgen.finishing.certificate import failures
from megastep.mapgen.finishing.finish import finish
from megastep.mapgen.rng import Rng

DIGEST = 'bd27850c57cd91fbf03f687825eef7f2ae00a5f09bc510d53034cbdb59b8785b'
BOX = """
###
# #
###
"""


@pytest.fixture(scope='module')
def maps():
    return holdouts()


def finished(plan):
    return finish(plan, Rng('test'))


def test_they_are_the_same_on_every_machine(maps):
    assert maps.digest('walls', 'spawns', 'lights', 'doors', 'outlines', 'kinds') == DIGEST


def test_they_are_valid_and_no_two_are_alike(maps):
    assert not [failure for geometry in maps for failure in failures(geometry)]
    assert len(set(maps.stats('symmetry_hash')['symmetry_hash'])) == len(maps) == 20
    assert (maps.spawns.widths >= 16).all()


def test_the_recipe_names_them(maps):
    assert maps.recipe['names'] == [*PASSAGES, *ROOMS]
    assert set(maps.families) == {'hold-outs'}


def test_buildings_have_the_rooms_and_doors_that_their_names_say(maps):
    names = maps.recipe['names']
    rooms, doors = maps.kinds.widths, maps.doors.widths
    assert [(rooms[names.index(n)], doors[names.index(n)]) for n in ROOMS] == [(4, 4), (16, 24), (16, 15)]
    _, _, joins = ROOMS['sixteen rooms, one way']
    ends = {'right': (1, 0), 'above': (0, 1)}
    ways = nx.Graph([((i, j), (i + ends[way][0], j + ends[way][1])) for (i, j), way in joins])
    assert nx.is_tree(ways)


def test_ways_around_are_as_their_names_say(maps):
    """A maze that is perfect, a spiral or a T has no way around anything: its walls are one outline."""
    count = {name: len(passages(drawing).rings) for name, drawing in PASSAGES.items()}
    for name in ('perfect maze', 'spiral', 'serpentine', 'comb', 'T maze', 'radial maze', 'gap', 'small corridor'):
        assert count[name] == 1
    assert count['ring'] == 2
    assert count['figure eight'] == 5
    assert count['forest'] == 36
    assert count['maze with loops'] > 5


def test_a_cell_is_a_metre_and_a_wall_20_centimetres():
    geometry = finished(passages(BOX))
    assert geometry.bounds == (1, 1, 2, 2)
    two = finished(passages('#####\n#   #\n#####'))
    assert two.bounds == pytest.approx((1, 1, 3.2, 2))
    assert np.array([two.area]) == pytest.approx(2.2)


def test_the_uppermost_line_comes_first():
    up = finished(passages('###\n# #\n# ###\n#   #\n#####'))
    (left, _, _, top) = up.bounds
    assert (np.abs(up.walls - (left, top)).sum(-1) < 1e-9).any()  # the arm that goes up is the left one


def test_a_building_of_one_room_is_a_box():
    assert finished(building(1, 40, ())).area == pytest.approx(4)


@pytest.mark.parametrize('drawing', ['###\n###', '   \n  ', '## \n# \n###'])
def test_what_encloses_nothing_is_refused(drawing):
    with pytest.raises(ValueError, match=r'drawing must enclose something, got [23] lines that do not'):
        passages(drawing)


def test_free_space_that_touches_itself_is_refused():
    with pytest.raises(ValueError, match='touches itself at a corner'):
        passages('####\n# ##\n## #\n####')
