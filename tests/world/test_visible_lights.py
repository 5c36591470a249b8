"""Visibility of lights from cells: with the walls that are listed a light casts the shadows that it casts with all."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shadows
import torch
import worlds
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import houses, outline, pillar, rectangle

from megastep import mapgen
from megastep.maps.apartments import real_apartments
from megastep.maps.ragged import Ragged
from megastep.world import visible_lights, visible_walls, wall_boxes
from megastep.world.scenery import Scenery

RADIUS, GIRTH = 0.106, 0.0812


def packed(*maps):
    """Maps' walls in the order of their boxes, and lights, in float32; each map a `Geometry`, or walls and lights."""
    pairs = [each if isinstance(each, tuple) else (each.walls, each.lights) for each in maps]
    walls, lights = (
        [torch.tensor(np.asarray(rows), dtype=torch.float32) for rows in some] for some in zip(*pairs, strict=True)
    )
    lights = [rows.reshape(-1, 3) for rows in lights]
    ragged = Ragged(torch.cat(walls), torch.tensor([len(rows) for rows in walls]))
    boxed = Ragged(wall_boxes.build(ragged).walls, ragged.widths)
    return boxed, Ragged(torch.cat(lights), torch.tensor([len(rows) for rows in lights], dtype=torch.int32))


def built(walls, lights):
    sets = visible_walls.build(walls, RADIUS)
    return sets, visible_lights.build(walls, lights, sets, GIRTH)


def assert_same_shadows(walls, lights, count=4000, seed=0):
    sets, lists = built(walls, lights)
    rng = np.random.default_rng(seed)
    for m in range(len(walls)):
        assert shadows.misjudged(walls, lights, sets, lists, m, GIRTH, count, rng) == 0


@pytest.mark.parametrize('family', mapgen.FAMILIES)
def test_shadows_are_the_same_in_every_family(family):
    walls, lights = packed(*mapgen.generate(family, 1, seed=3))
    assert_same_shadows(walls, lights, 4_000_000 // (len(walls.vals) + 50) // (len(lights.vals) + 5))


def test_shadows_are_the_same_in_real_apartments():
    assert_same_shadows(*packed(*real_apartments()[:3]), 1000)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_shadows_are_the_same_wherever_lights_are(seed):
    """In walls, on their ends, and next to them too."""
    rng = np.random.default_rng(seed)
    walls = worlds.cluttered(seed).walls
    (left, bottom), (right, top) = walls.reshape(-1, 2).min(0) - 0.3, walls.reshape(-1, 2).max(0) + 0.3
    somewhere = rng.uniform((left, bottom), (right, top), (6, 2))
    ends = walls.reshape(-1, 2)[rng.integers(0, 2 * len(walls), 4)]
    beside = ends + rng.normal(0, 1, ends.shape) * 10.0 ** rng.integers(-5, 0, (4, 1))
    places = np.concatenate([somewhere, ends + 1e-3, beside])
    assert_same_shadows(*packed((walls, np.concatenate([places, np.ones((len(places), 1))], 1))), 2000, seed)


def test_shadows_are_the_same_in_turned_and_distant_maps():
    turn = np.array([[np.cos(0.3), np.sin(0.3)], [-np.sin(0.3), np.cos(0.3)]])
    room = np.concatenate([rectangle(1, 1, 9, 7), pillar(3, 2, 3.2, 5), pillar(5, 4, 8, 4.2)])
    places = np.array([(1.5, 1.5), (4, 6.5), (8.5, 3), (4.5, 4)])
    maps = [(room @ turn + 5, places @ turn + 5), (room + 480, places + 480)]
    assert_same_shadows(*packed(*((walls, np.c_[lights, np.ones(4)]) for walls, lights in maps)))


def test_the_check_finds_a_wall_that_is_left_out():
    walls, lights = packed(worlds.halved_box())
    sets, lists = built(walls, lights)
    first = lists.words.vals.clamp(max=1 << lists.shift)  # the map's first wall instead of all others
    with pytest.raises(AssertionError):
        wrong = replace(lists, words=Ragged(first, lists.words.widths))
        assert shadows.misjudged(walls, lights, sets, wrong, 0, GIRTH, 4000, np.random.default_rng(0)) == 0


def cell_at(sets, x, y):
    left, bottom, scale = sets.grids[0].tolist()
    return int((y - bottom) * scale) * int(sets.shapes[0, 0]) + int((x - left) * scale)


def test_a_thin_wall_hides_a_light_behind_it_and_nowhere_else():
    """The wall stands in the room's middle, from y = 2 to 3, and the light 1 m to its left: its left side is listed."""
    walls, lights = packed(worlds.halved_box())
    sets, lists = built(walls, lights)
    hides = [k for k, wall in enumerate(walls[0].tolist()) if wall == [[3, 2], [3, 3]]]
    assert len(hides) == 1
    assert shadows.listed(lists, 0, cell_at(sets, 1.75, 2.25)) == {0: []}
    assert shadows.listed(lists, 0, cell_at(sets, 3.75, 2.75)) == {}
    assert shadows.listed(lists, 0, cell_at(sets, 3.75, 3.25)) == {0: hides}
    assert shadows.listed(lists, 0, cell_at(sets, 3.25, 1.75)) == {0: hides}


def test_of_lights_in_rooms_only_walls_that_face_them_are_listed():
    """Whatever is behind a wall's back is behind some wall's front."""
    walls, lights = packed(*houses(2))
    _, lists = built(walls, lights)
    for m in range(2):
        numbers, places = lists.pairs[m][lists.pairs[m][:, 1] >= 0].long().unbind(1)
        first, second = walls[m][places].double().unbind(1)
        along, to_light = second - first, lights[m][numbers, :2].double() - first
        left = (along[:, 0] * to_light[:, 1] - along[:, 1] * to_light[:, 0]) / along.norm(dim=1)
        assert len(left) > 500
        assert (left > -0.0011).all()


def test_a_light_that_walls_hide_only_together_is_not_listed():
    """Walls that share ends, and walls that overlap; between walls with a gap it is."""
    room = rectangle(1, 1, 9, 7)
    places = np.linspace(1, 7, 25)
    joined = np.array([[(5, low), (5, high)] for low, high in pairwise(places)])
    overlapping = joined + np.array([(0.1, 0), (0.1, 0)]) * (np.arange(24) % 2)[:, None, None]
    overlapping[1:, 0, 1] -= 0.02
    overlapping[:-1, 1, 1] += 0.02
    gap = np.delete(joined, 12, 0)
    found = []
    for segments in (joined, overlapping, gap):
        both = np.concatenate([room, segments, segments[:, ::-1]])
        sets, lists = built(*packed((both, [(2, 4, 1)])))
        found.append(shadows.listed(lists, 0, cell_at(sets, 8.25, 4.25)))
    assert found[:2] == [{}, {}]
    assert len(found[2][0]) > 0


def test_few_lights_are_listed_that_fall_on_nothing():
    maps = houses(2)
    walls, lights = packed(*maps)
    sets, lists = built(walls, lights)
    rng = np.random.default_rng(0)
    idle = number = 0
    for m in range(2):
        points, cells = shadows.on_agents(sets, m, GIRTH, 8000, rng)
        falls = ~shadows.hidden(walls[m].double().numpy(), lights[m].double().numpy()[:, :2], points).any(-1)
        for cell in np.unique(cells):
            known = list(shadows.listed(lists, m, cell))
            lit = falls[cells == cell].any(0)
            number, idle = number + len(known), idle + (~lit[known]).sum()
    assert idle < 0.3 * number


def test_lists_are_in_order():
    _, lists = built(*packed(*houses(2)))
    for m in range(2):
        for cell in range(len(lists.firsts[m]) - 1):
            known = shadows.listed(lists, m, cell)
            assert list(known) == sorted(known)
            assert all(walls == sorted(set(walls)) for walls in known.values())
        lights, walls = lists.pairs[m].long().unbind(1)
        first = lists.firsts[m]
        assert (first[0], first[-1]) == (0, len(walls))
        within = torch.ones(len(walls), dtype=torch.bool)
        within[first[1:-1].clamp(max=len(walls) - 1).long()] = False
        assert ((1000 * lights + walls).diff()[within[1:]] > 0).all()


def test_maps_without_lights_or_cells():
    crossing = np.array([[(2, 2), (5, 5)], [(5, 5), (2, 2)], [(2, 5), (5, 2)], [(5, 2), (2, 5)]])
    crossed = np.concatenate([rectangle(1, 1, 6, 6), crossing]), [(2, 3, 1)]
    walls, lights = packed((rectangle(1, 1, 3, 3), []), crossed, (rectangle(1, 1, 3, 3), [(2, 2, 1)]))
    _, lists = built(walls, lights)
    assert [len(lists.pairs[m]) > 0 for m in range(3)] == [False, False, True]
    assert [len(lists.firsts[m]) for m in range(3)] == [26, 1, 26]


def test_batches_change_nothing(monkeypatch):
    walls, lights = packed(*houses(2), worlds.polygon(5), (outline([(1, 1), (3, 1), (3, 3)]), []))
    sets, whole = built(walls, lights)
    monkeypatch.setattr(visible_lights, 'CELLS', 1)
    monkeypatch.setattr(visible_lights, 'PAIRS', 1000)
    parts = visible_lights.build(walls, lights, sets, GIRTH)
    for name in ('firsts', 'words'):
        assert torch.equal(getattr(whole, name).vals, getattr(parts, name).vals)
        assert getattr(whole, name).vals.dtype == getattr(parts, name).vals.dtype


def test_many_lights_take_longer_words():
    walls, few = packed((rectangle(1, 1, 3, 3), [(2, 2, 1), (1.5, 1.5, 1)]))
    many = Ragged(few.vals.repeat(2500, 1), 2500 * few.widths)
    (_, short), (_, long) = built(walls, few), built(walls, many)
    assert (short.words.vals.dtype, long.words.vals.dtype) == (torch.int16, torch.int32)
    for cell in (6, 7, 12):
        known = shadows.listed(long, 0, cell)
        assert list(known) == list(range(5000))
        assert [known[k] for k in (0, 1, 4998, 4999)] == 2 * list(shadows.listed(short, 0, cell).values())


def test_a_house_takes_little_memory():
    """Many lights and rooms, as where agents look for each other."""
    maps = mapgen.generate('house', 2, seed=0, rooms=(17, 21))
    lists = Scenery.pack(maps, device='cpu').visible_lights
    assert lists.firsts.vals.nbytes + lists.words.vals.nbytes < 10_000 * len(maps)
