"""Path lengths between spawns by the GPU's kernels, interpreted where there is none: they are the CPU's."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st

from megastep import mapgen
from megastep.env.fields import path_lengths, tables
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet

ROOMY = 0.12
"""The radius of larger agents, in metres."""


THIN, PARTED, BARE = (
    worlds.closet([(1.6, 1), (1.6, 1.5)]),
    worlds.closet([(1.6, 1), (1.6, 1.8)]),
    worlds.closet(np.empty((0, 2, 2))),
)
PILLAR = worlds.closet(worlds.rectangle(1.6139, 1.4344, 1.75, 1.55), ((1.3, 1.4), (1.95, 1.3)))


def absent(maps, radius):
    pytest.fail(f'{len(maps)} maps are left to the CPU')


def assert_equal(found, expected):
    """Holds if they are equal, but for what float64's rounding may decide."""
    np.testing.assert_array_equal(found.widths, expected.widths)
    np.testing.assert_allclose(found.vals, expected.vals, rtol=1e-6)


@pytest.mark.parametrize('radius', [AGENT_RADIUS, ROOMY])
def test_are_the_cpus(radius, device):
    """In one batch with a map without corners, and one in two parts."""
    maps = MapSet([BARE, THIN, PARTED, PILLAR])
    found = path_lengths.in_batches(maps, radius, device, absent)
    assert_equal(found, maps.path_lengths(agent_radius=radius))
    assert np.isinf(found[2]).any() and np.isfinite(found[3]).all()


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4), st.integers(2, 12), st.integers(2, 6), st.booleans())
def test_are_the_cpus_whatever_stands_in_the_room(device, places, column, row, is_wide):
    """Spawns that are one above the other, in line with walls, or as near to them as may be."""
    x, y = 1.3 + 0.05 * column, 1.15 + 0.05 * row
    pillar = worlds.rectangle(x, y, x + (0.2 if is_wide else 0.1), y + 0.1)
    walls = np.concatenate([worlds.rectangle(1, 1, 2.6, 1.9), pillar[:, ::-1]])
    spots = np.array([(x, y) for y in (1.11, 1.79) for x in (1.11, 1.3, 1.35, 1.8, 2.49)])
    maps = MapSet(replace(Geometry.from_walls(walls), spawns=spots[places]))
    assert_equal(path_lengths.in_batches(maps, AGENT_RADIUS, device, absent), maps.path_lengths())


def test_batches_and_what_memory_held_make_no_difference(device, poisoned, monkeypatch):
    maps = MapSet([THIN, BARE, PARTED])
    whole = path_lengths.in_batches(maps, AGENT_RADIUS, device, absent)
    monkeypatch.setattr(tables, 'BYTES_AT_ONCE', 1)
    np.testing.assert_array_equal(path_lengths.in_batches(maps, AGENT_RADIUS, device, absent).vals, whole.vals)


def test_maps_that_have_them_keep_them(device):
    """Where agents are of the usual size."""
    known = replace(THIN, geodesics=np.full((3, 3), 7.0) - 7 * np.eye(3))
    maps, usual = MapSet([PILLAR, known, BARE]), MapSet([PILLAR, THIN, BARE])
    found = path_lengths.in_batches(maps, AGENT_RADIUS, device, path_lengths.by_cpu)
    np.testing.assert_array_equal(found[1], known.geodesics.reshape(-1))
    for number in (0, 2):
        np.testing.assert_allclose(found[number], usual.path_lengths()[number], rtol=1e-6)
    assert_equal(path_lengths.in_batches(maps, ROOMY, device, absent), usual.path_lengths(agent_radius=ROOMY))


def test_maps_beyond_its_bounds_are_left_to_the_cpu(device, monkeypatch):
    monkeypatch.setattr(tables, 'MOST_GOALS', 2)
    maps, left = MapSet([THIN, PILLAR, BARE]), []

    def by_cpu(rest, radius):
        left.extend(rest)
        return path_lengths.by_cpu(rest, radius)

    found = path_lengths.in_batches(maps, AGENT_RADIUS, device, by_cpu)
    assert left == [THIN, BARE]
    assert_equal(found, maps.path_lengths())


@pytest.mark.gpu
@pytest.mark.parametrize('family', ['house', 'arena', 'cave', 'maze', 'office', 'hotel', 'voronoi', 'warehouse'])
def test_a_gpu_finds_what_a_cpu_does(family):
    maps = mapgen.generate(family, 2 if family in ('office', 'hotel') else 8, seed=3)
    assert_equal(path_lengths.in_batches(maps, AGENT_RADIUS, torch.device('cuda'), absent), maps.path_lengths())
