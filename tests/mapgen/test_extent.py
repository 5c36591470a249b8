import numpy as np
import pytest
from floorplans.plans import plan

from megastep.mapgen import FAMILIES, Choice
from megastep.mapgen.geometry.extent import LARGEST_COORDINATE, LARGEST_EXTENT, check_extent
from megastep.mapgen.geometry.lattice import UNITS_PER_METRE
from megastep.mapgen.variations.options import OPTIONS

MARGINS = 2 * 1.0
EXACT = 100.0


def size(name, seed=0, **parameters):
    """The length and the width of a map, in metres."""
    return np.ptp(np.array(plan(name, seed=seed, **parameters).rings[0]), axis=0) / 1000


def greatest(name):
    """All numbers of a family at their greatest."""
    numbers = {key: number for key, number in FAMILIES[name].parameters.items() if not isinstance(number, Choice)}
    return {
        key: (number.most, number.most) if isinstance(number.default, tuple) else number.most
        for key, number in numbers.items()
        if key not in OPTIONS
    }


@pytest.mark.parametrize('depth', ['least', 'most'])
@pytest.mark.parametrize(
    'name, shape',
    [(name, shape) for name in ('hotel', 'office') for shape in FAMILIES[name].parameters['shape'].options],
)
def test_the_largest_buildings_can_be_simulated_turned_as_they_may_be(name, shape, depth):
    deep = getattr(FAMILIES[name].parameters['depth'], depth)
    for seed in range(2):
        width, height = size(name, seed, shape=shape, **(greatest(name) | {'depth': (deep, deep)}))
        assert np.hypot(width, height) + MARGINS < LARGEST_COORDINATE


@pytest.mark.parametrize('name', ['cave', 'track', 'voronoi', 'warehouse', 'house'])
def test_the_largest_maps_of_other_families_can_be_simulated(name):
    assert np.hypot(*size(name, **greatest(name))) + MARGINS < LARGEST_COORDINATE


@pytest.mark.parametrize('name', ['maze', 'rooms'])
def test_larger_maps_of_some_families_are_refused_before_they_are_drawn(name):
    with pytest.raises(ValueError, match=f'{name}: .* must come to at most 98 m, got up to'):
        size(name, **greatest(name))


def test_what_is_too_large_is_said_in_metres():
    check_extent('hut', 'its side', LARGEST_EXTENT)
    with pytest.raises(ValueError, match=r'hut: its side must come to at most 98 m, got up to 98\.05 m'):
        check_extent('hut', 'its side', LARGEST_EXTENT + 1)


@pytest.mark.parametrize('name', sorted(FAMILIES))
def test_by_default_maps_lie_where_physics_is_exact(name):
    for seed in range(6):
        width, height = size(name, seed)
        assert max(width, height) + MARGINS / 2 <= EXACT
        turned = np.hypot(width, height) + MARGINS / 2
        assert turned <= (1.5 * EXACT if name in ('hotel', 'office', 'warehouse') else EXACT)


def test_long_offices_have_narrower_rooms():
    assert size('office', shape='bar', **greatest('office')).max() < 400
    assert UNITS_PER_METRE * size('office', shape='bar', rooms=(24, 24)).max() < LARGEST_EXTENT
