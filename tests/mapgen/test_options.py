import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.mapgen import Choice, Family, Parameter, certify
from megastep.mapgen.finishing.finish import finish
from megastep.mapgen.geometry.clearance import distance_to_edge, in_front, keeps_away
from megastep.mapgen.geometry.lattice import Rect, Stretch
from megastep.mapgen.geometry.outlines import EdgeIndex, Outlines
from megastep.mapgen.geometry.polygons import doubled_area
from megastep.mapgen.geometry.raster import edges
from megastep.mapgen.geometry.rotation import FIXED_POINT_ONE, direction, rotate
from megastep.mapgen.layout.assembly import Space, assemble
from megastep.mapgen.plan import Plan, PlannedRoom
from megastep.mapgen.rng import Rng
from megastep.mapgen.variations.corners import cut_corners
from megastep.mapgen.variations.furniture_catalogue import CATALOGUE, UNFURNISHED_KINDS, pieces
from megastep.mapgen.variations.options import OPTIONS, apply_options
from megastep.mapgen.variations.placement import Placement, inside
from megastep.maps.segments import windings

CORNER = st.tuples(st.integers(0, 60), st.integers(0, 60))

SEPARATE = {
    'chamfers': {'chamfers': 1.0},
    'curves': {'curves': 1.0},
    'columns': {'columns': 10.0},
    'furniture': {'furniture': (12, 12)},
    'rotation': {'rotation': (-180.0, 180.0)},
}

GOLDEN = {
    'chamfers': '1ef8810c1e7a42b5',
    'curves': 'a1d41e5b473b75f4',
    'columns': '0e6958fb84f59d3c',
    'furniture': '7f502741e4b77553',
    'rotation': 'afdc41a398e362a3',
}


def rectangle(width, height, kind='room'):
    outline = [(0, 0), (width, 0), (width, height), (0, height)]
    return Plan([outline], [PlannedRoom(kind, outline)])


def two_rooms(kinds=('bedroom', 'living_room')):
    tiles = (Rect(0, 0, 80, 80), Rect(83, 0, 203, 80))
    spaces = [Space(kind, (tile,)) for kind, tile in zip(kinds, tiles, strict=True)]
    return assemble(spaces, doors=[Stretch(True, 80, 30, 47)], wall=3)


def area(plan):
    return sum(map(doubled_area, plan.rings)) / 2e6


def shapes(plan):
    """The solids in a plan: what is a room's and isn't free."""
    free = shapely.Polygon(plan.rings[0], plan.rings[1:])
    rooms = shapely.union_all([shapely.Polygon(room.outline) for room in plan.rooms])
    return [part for part in shapely.get_parts(rooms.difference(free)) if part.area > 1]


def digest(plan):
    return hashlib.sha256(
        repr((plan.rings, [tuple(room.outline) for room in plan.rooms], plan.doors)).encode()
    ).hexdigest()[:16]


@pytest.mark.parametrize('family', sorted(mapgen.FAMILIES))
def test_every_family_takes_every_option_after_its_own_parameters(family):
    kind = mapgen.FAMILIES[family]
    assert set(OPTIONS) <= set(kind.parameters)
    assert tuple(kind.parameters)[len(kind.parameters) - len(kind.options) :] == kind.options
    assert {'chamfers', 'curves', 'rotation'} <= set(kind.options)


def test_a_parameter_of_a_family_takes_the_place_of_an_option_of_its_name():
    own = Parameter((1, 2), 1, 9, '', 'How many columns of desks.')
    family = Family('desks', 1, 'Desks.', {'columns': own}, lambda rng, *, columns: (columns, rng))
    assert family.parameters['columns'] is own and 'columns' not in family.options
    assert replace(family, version=2).options == family.options
    assert family.draw('rng', family.complete({'columns': (3, 4)})) == ((3, 4), 'rng')


@pytest.mark.parametrize('value', ['oak', 3, None, ('pine',)])
def test_a_choice_is_one_of_a_few_names(value):
    choice = Choice('pine', ('pine', 'fir'), 'The wood.')
    family = Family('hut', 1, 'A hut.', {'wood': choice}, lambda rng, *, wood: wood)
    assert family.complete({})['wood'] == 'pine' and family.complete({'wood': 'fir'})['wood'] == 'fir'
    with pytest.raises(ValueError, match='hut: wood must be one of pine, fir, got '):
        family.complete({'wood': value})


def test_by_default_options_change_nothing():
    plan = two_rooms()
    assert apply_options(plan, Rng('a'), {}) is plan
    assert apply_options(plan, Rng('a'), {name: option.default for name, option in OPTIONS.items()}) is plan


@pytest.mark.parametrize(
    'parameters, message',
    [
        ({'chamfers': 1.1}, 'box: chamfers must be from 0.0 to 1.0, got 1.1'),
        ({'curves': -0.1}, 'box: curves must be from 0.0 to 1.0, got -0.1'),
        ({'columns': 11}, 'box: columns must be from 0.0 to 10.0 per 100 m², got 11'),
        ({'furniture': (0, 13)}, 'box: furniture must be from 0 to 12, got 13'),
        ({'furniture': 'much'}, "box: furniture must be a pair of numbers, or one that stands for both, got 'much'"),
        ({'rotation': (0, 181)}, 'box: rotation must be from -180.0 to 180.0 degrees, got 181'),
        ({'rotation': (5, 4)}, 'box: rotation must be a pair of which the first is at most the second'),
    ],
)
def test_bad_options(parameters, message):
    with pytest.raises(ValueError, match=message):
        mapgen.generate('box', 1, **parameters)


@pytest.mark.parametrize('option', SEPARATE)
def test_houses_with_an_option_are_certified_and_differ_from_those_without(option):
    plain, changed = (mapgen.generate('house', 10, seed=5, rooms=(6, 10), **given) for given in ({}, SEPARATE[option]))
    assert [len(g.rooms) for g in plain] == [len(g.rooms) for g in changed]
    differ = sum(g.walls.tobytes() != h.walls.tobytes() for g, h in zip(plain, changed, strict=True))
    assert differ >= (1 if option == 'columns' else 9)  # few rooms of a house are large enough for columns


@pytest.mark.parametrize('option', GOLDEN)
def test_options_do_what_they_have_always_done(option):
    """A change that alters what an option does needs a new version of every family, and new hashes here."""
    assert digest(apply_options(two_rooms(), Rng('golden'), SEPARATE[option])) == GOLDEN[option]


@pytest.mark.parametrize('hundredths', [0, 1, 3000, 4500, 9000, 12345, 18000, -9000, -1, 36000])
def test_directions_are_cosines_and_sines(hundredths):
    cosine, sine = direction(hundredths)
    angle = math.radians(hundredths / 100)
    assert cosine / FIXED_POINT_ONE == pytest.approx(math.cos(angle), abs=1e-15)
    assert sine / FIXED_POINT_ONE == pytest.approx(math.sin(angle), abs=1e-15)


def turned_left(points, times):
    for _ in range(times):
        points = [(-y, x) for x, y in points]
    return list(points)


@pytest.mark.parametrize('quarters', [1, 2, 3, 4, -1])
def test_quarter_turns_are_exact(quarters):
    plan, times = two_rooms(), quarters % 4
    turned = rotate(plan, 9000 * quarters)
    assert turned.rings == [turned_left(ring, times) for ring in plan.rings]
    assert [room.outline for room in turned.rooms] == [turned_left(room.outline, times) for room in plan.rooms]
    assert [list(door) for door in turned.doors] == [turned_left(door, times) for door in plan.doors]


def test_rotation_moves_corners_by_a_millimetre_at_most():
    plan = two_rooms()
    turned = np.array(rotate(plan, 3000).rings[0])
    cosine, sine = math.cos(math.pi / 6), math.sin(math.pi / 6)
    x, y = np.array(plan.rings[0]).T
    exact = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1)
    assert np.abs(turned - exact).max() <= 0.5 + 1e-6


def test_rotation_is_drawn_from_its_range():
    for i in range(20):
        corner = apply_options(rectangle(10_000, 1000), Rng(f'a{i}'), {'rotation': (10.0, 20.0)}).rings[0][1]
        assert 10 - 0.01 <= math.degrees(math.atan2(corner[1], corner[0])) <= 20 + 0.01


def test_chamfers_cut_all_four_corners_of_a_box():
    cut = cut_corners(rectangle(5000, 5000), Rng('a'), chamfers=1.0, curves=0.0)
    assert len(cut.rings[0]) == 8
    assert 25 - 4 * 1.2**2 / 2 <= area(cut) < 25
    assert doubled_area(cut.rooms[0].outline) / 2e6 == pytest.approx(area(cut))


def test_curves_take_less_than_chamfers_of_the_same_corners():
    chamfered = cut_corners(rectangle(5000, 5000), Rng('a'), chamfers=1.0, curves=0.0)
    curved = cut_corners(rectangle(5000, 5000), Rng('a'), chamfers=0.0, curves=1.0)
    assert len(curved.rings[0]) >= 16
    assert area(chamfered) - 1 < area(curved) < 25


def test_a_round_corner_of_a_right_angle_is_an_arc_of_a_circle():
    ring = cut_corners(rectangle(5000, 5000), Rng('a'), chamfers=0.0, curves=1.0).rings[0]
    corner = np.array([point for point in ring if min(point) >= 0 and max(point) < 1700])
    radius = corner[corner[:, 0] > 0].max()
    np.testing.assert_allclose(np.hypot(*(corner - radius).T), radius, atol=1.5)


def test_corners_where_a_passage_is_narrow_are_left_alone():
    for name in 'abcdef':
        cut = cut_corners(rectangle(5000, 760), Rng(name), chamfers=1.0, curves=0.0)
        assert cut.rings == [rectangle(5000, 760).rings[0]]


def test_the_ends_of_walls_are_cut_but_not_through():
    """A room within a room has walls 15 cm thick; their outer corners may lose little."""
    inner = [(2000, 2000), (2000, 5000), (2900, 5000), (2900, 4850), (2150, 4850), (2150, 2150), (4850, 2150)]
    inner += [(4850, 4850), (4100, 4850), (4100, 5000), (5000, 5000), (5000, 2000)]
    outline = [(0, 0), (7000, 0), (7000, 7000), (0, 7000)]
    plan = Plan([outline, inner], [PlannedRoom('room', outline)])
    for name in 'abcdef':
        cut = cut_corners(plan, Rng(name), chamfers=1.0, curves=0.0)
        wall = shapely.Polygon(cut.rings[1])
        assert wall.is_valid and len(cut.rings[1]) > 12
        assert not wall.buffer(-25).is_empty and len(shapely.get_parts(wall.buffer(-25))) == 1


def test_columns_stand_in_rows_and_leave_passages():
    plan = apply_options(rectangle(12_000, 10_000), Rng('a'), {'columns': 8.0})
    columns = shapes(plan)
    assert 8 <= len(columns) <= 12
    assert len({round(column.centroid.x) for column in columns}) <= 5
    for i, column in enumerate(columns):
        others = shapely.union_all([*columns[:i], *columns[i + 1 :], shapely.LinearRing(plan.rings[0])])
        assert 0.08e6 <= column.area <= 0.37e6 and column.distance(others) >= 750


def test_small_rooms_have_no_columns():
    assert apply_options(rectangle(4000, 4000), Rng('a'), {'columns': 10.0}).rings == rectangle(4000, 4000).rings


@pytest.mark.parametrize('name', list('abcdefgh'))
def test_furniture_leaves_passages_everywhere(name):
    """Around all that stands in a room, an agent 0.75 m wide could go, or there is no gap at all; doors are clear."""
    plan = apply_options(two_rooms(), Rng(name), {'furniture': (9, 9), 'columns': 4.0})
    assert len(shapes(plan)) >= 4
    free = shapely.Polygon(plan.rings[0], plan.rings[1:])
    assert free.is_valid and all(len(set(ring)) == len(ring) for ring in plan.rings)
    (door,) = plan.doors
    assert min(shapely.LineString(door).distance(shape) for shape in shapes(plan)) >= 750
    opened = free.buffer(-370, join_style='mitre')
    assert len(shapely.get_parts(opened)) == 1
    certify(finish(plan, Rng('a')), name)


def test_furniture_is_as_its_room_needs():
    plan = apply_options(rectangle(4000, 4000, 'bedroom'), Rng('a'), {'furniture': (1, 1)})
    (bed,) = shapes(plan)
    assert 1400 * 2000 <= bed.area <= 2200 * 2100
    for kind in sorted(UNFURNISHED_KINDS):
        assert (
            apply_options(rectangle(9000, 9000, kind), Rng('a'), {'furniture': (12, 12)}).rings
            == rectangle(9000, 9000).rings
        )
    assert pieces('bedroom') == CATALOGUE['bedroom'] and pieces('observatory') and not pieces('corridor')


def test_tables_stand_free():
    plan = apply_options(rectangle(5000, 4000, 'dining_room'), Rng('a'), {'furniture': (1, 1)})
    assert len(plan.rings) == 2
    assert doubled_area(plan.rings[1]) < 0
    (table,) = shapes(plan)
    assert table.centroid.coords[0] == (2500, 2000)


def test_a_thing_is_not_put_into_a_wall_or_another_room():
    plan = two_rooms()
    placement = Placement(plan)
    near = [(1500, 1500), (2000, 1500), (2000, 2000), (1500, 2000)]
    assert placement.is_clear(near, plan.rooms[0])
    assert not placement.is_clear(near, plan.rooms[1])
    assert not placement.is_clear([(x, y + 5000) for x, y in near], plan.rooms[0])
    assert not placement.is_clear([(x - 1000, y) for x, y in near], plan.rooms[0])
    placement.stand(near)
    assert not placement.is_clear([(x + 900, y) for x, y in near], plan.rooms[0])


def edge_index(segments):
    found = EdgeIndex()
    for segment in segments:
        found.add(segment)
    return found


def nearest(shape, segments):
    return min((distance_to_edge(shape, segment) for segment in segments), default=math.inf)


def test_distances():
    square = [(0, 0), (100, 0), (100, 100), (0, 100)]
    assert distance_to_edge(square, ((-50, 50), (150, 60))) == 0
    assert distance_to_edge(square, ((20, 50), (30, 60))) == 0
    assert distance_to_edge(square, ((103, 104), (300, 104))) == 5
    assert nearest(square, [((130, -400), (110, 50)), ((120, -400), (120, 400))]) == 10
    assert distance_to_edge(square, ((200, 50), (150, 300))) == pytest.approx(
        shapely.box(0, 0, 100, 100).distance(shapely.LineString([(200, 50), (150, 300)]))
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(*4 * [st.integers(-300, 400)]), min_size=1, max_size=5), st.integers(1, 300))
def test_distances_agree_with_shapely(ends, least):
    segments = [((a, b), (c, d)) for a, b, c, d in ends if (a, b) != (c, d)]
    octagon = [(30, 0), (70, 0), (100, 30), (100, 70), (70, 100), (30, 100), (0, 70), (0, 30)]
    if segments:
        expected = shapely.distance(shapely.Polygon(octagon), shapely.linestrings(segments)).min()
        assert nearest(octagon, segments) == pytest.approx(expected, abs=1e-9)
        assert abs(expected - least) < 1e-9 or keeps_away(octagon, edge_index(segments), least) == (expected >= least)


def test_what_is_behind_a_wall_is_not_in_front_of_it():
    segments = [((0, -50), (100, -50)), ((0, 0), (100, 0)), ((0, -50), (0, 150)), ((0, 100), (100, 100))]
    expected = [None, None, ((0, 0), (0, 150)), ((0, 100), (100, 100))]
    assert [in_front(edge, [((0, 0), (100, 0))]) for edge in segments] == expected
    assert [in_front(edge, [((0, 0), (100, 0)), ((100, 0), (100, 300))]) for edge in segments] == expected
    assert not any(in_front(edge, [((0, 200), (100, 200))]) for edge in segments)
    square = [(0, 0), (100, 0), (100, 100), (0, 100)]
    near = edge_index(segments[:2])
    assert keeps_away(square, near, 50, [((0, 0), (100, 0))]) and not keeps_away(square, near, 50)


@settings(deadline=None, max_examples=100)
@given(st.lists(CORNER, min_size=3, max_size=9, unique=True), st.lists(CORNER, min_size=1, max_size=4), st.booleans())
def test_places_are_inside_what_winds_around_them(corners, places, many):
    """Outlines of many corners are looked at in another way, to the same end."""
    outline = [(x, y) for x, y in corners for _ in range(20 if many else 1)]
    walls = edges([outline]).astype(float)
    assert inside(places, outline) == (windings(np.array(places, dtype=float), walls) > 0).all()


def test_outlines_are_spliced():
    outlines = Outlines([[(0, 0), (9000, 0), (9000, 9000), (0, 9000)]])
    outlines.splice((0, 0), (9000, 9000), [(8000, 0), (9000, 1000)])
    outlines.add([(3000, 3000), (3000, 4000), (4000, 4000)])
    assert outlines.rings() == [
        [(0, 0), (8000, 0), (9000, 1000), (9000, 9000), (0, 9000)],
        [(3000, 3000), (3000, 4000), (4000, 4000)],
    ]
    assert outlines.edges.near((8100, 100), (8200, 200)) == [
        ((0, 0), (8000, 0)),
        ((8000, 0), (9000, 1000)),
        ((9000, 1000), (9000, 9000)),
    ]
    assert (9000, 0) not in outlines.after and (9000, 0) not in outlines.before
