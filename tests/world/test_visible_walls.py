"""Potentially visible sets: every wall that can be seen from a cell is in its list, in the walls' order; few others."""

from dataclasses import replace

import numpy as np
import pytest
import sightlines
import torch
import worlds
from worlds import houses, outline, pillar, rectangle

from megastep import mapgen
from megastep.maps.apartments import real_apartments
from megastep.maps.ragged import Ragged
from megastep.world import visible_walls, wall_boxes
from megastep.world.scenery import Scenery

RADIUS = 0.106


def packed(*maps):
    """Maps' walls in the order of their boxes, in float32."""
    rows = [torch.tensor(np.asarray(getattr(walls, 'walls', walls)), dtype=torch.float32) for walls in maps]
    walls = Ragged(torch.cat(rows), torch.tensor([len(row) for row in rows]))
    return Ragged(wall_boxes.build(walls).walls, walls.widths)


def assert_all_seen(walls, sets, count=10_000, seed=0):
    """Holds if random rays, and rays aimed at walls' ends, meet first what their cells list."""
    rng = np.random.default_rng(seed)
    for m in range(len(walls)):
        origins = sightlines.somewhere(sets, m, count, rng)
        assert (sightlines.known_cells(sets, m, origins.astype(np.float32)) >= 0).mean() > 0.999
        origins = origins[sightlines.known_cells(sets, m, origins) >= 0]
        around = sightlines.around(len(origins), rng)
        assert sightlines.missing(walls, sets, m, origins, around) == 0
        aimed = sightlines.aimed(walls[m].double().numpy(), origins, rng)
        assert sightlines.missing(walls, sets, m, origins, aimed, within=1e-9) == 0


@pytest.mark.parametrize('family', mapgen.FAMILIES)
def test_what_rays_meet_is_listed_in_every_family(family):
    walls = packed(*mapgen.generate(family, 1, seed=3))
    assert_all_seen(walls, visible_walls.build(walls, RADIUS), 1_000_000 // int(walls.widths.max() + 50))


def test_what_rays_meet_is_listed_in_real_apartments():
    walls = packed(*real_apartments()[:3])
    assert_all_seen(walls, visible_walls.build(walls, RADIUS), 3000)


def both(*segments):
    """Thin walls: each in both directions."""
    ends = np.array(segments, dtype=float)
    return np.concatenate([ends, ends[:, ::-1]])


def hostile():
    """Scenes by what is hostile in them."""
    room, angle = rectangle(1, 1, 9, 7), 0.3
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    slit = both(((4, 1), (4, 3.9995)), ((4, 4.0005), (4, 7)))
    junctions = both(((1, 4), (9, 4)), ((3, 1), (3, 4)), ((5, 4), (5, 7)), ((7, 1), (7, 4)))
    gaps = both(*(((1 + k, 3.7 + 1e-6 * (k % 3)), (2 + k - 10.0 ** -(k + 2), 3.7 + 1e-6 * (k % 2))) for k in range(8)))
    comb = both(*(((1.5 + 0.25 * k, 2), (1.5 + 0.25 * k, 5)) for k in range(28)))
    return {
        'slit': np.concatenate([room, slit]),
        'tilted slit': np.concatenate([room, slit]) @ turn + 5,
        'T-junctions': np.concatenate([room, junctions]),
        'tilted T-junctions': np.concatenate([room, junctions]) @ turn + 5,
        'chain with gaps': np.concatenate([room, gaps]),
        'tilted chain with gaps': np.concatenate([room, gaps]) @ turn + 5,
        'ends on borders of cells': np.concatenate([room, comb]),
        'far away': np.concatenate([room, slit, pillar(6, 2, 6.3, 6)]) + 490,
        'circle': outline(5 + 3 * np.stack([np.cos(np.arange(256) / 40.75), np.sin(np.arange(256) / 40.75)], -1)),
        'pillars': np.concatenate([room, *(pillar(x, y, x + 0.3, y + 0.3) for x in range(2, 8) for y in range(2, 6))]),
    }


@pytest.mark.parametrize('scene', hostile())
def test_what_rays_meet_is_listed_in_hostile_scenes(scene):
    walls = packed(hostile()[scene])
    sets = visible_walls.build(walls, RADIUS)
    assert sets.shapes.prod() > 0
    assert_all_seen(walls, sets)


def test_what_rays_meet_is_listed_for_cameras_inside_of_walls():
    """Whoever puts them there: walls hide nothing from behind."""
    walls = packed(np.concatenate([rectangle(1, 1, 6, 6), pillar(3.1, 3.1, 3.4, 3.4)]))
    sets = visible_walls.build(walls, RADIUS)
    inside = np.random.default_rng(0).uniform(3.1, 3.4, (20_000, 2))
    inside = inside[sightlines.known_cells(sets, 0, inside) >= 0]
    assert len(inside) > 1000
    assert sightlines.missing(walls, sets, 0, inside, sightlines.around(len(inside), np.random.default_rng(1))) == 0


def test_the_check_finds_a_wall_that_is_left_out():
    walls = packed(*houses(1))
    sets = visible_walls.build(walls, RADIUS)
    number = int(torch.bincount(sets.numbers.vals.long()).argmax())
    # its neighbour in the order takes its place, so that lists stay as long
    without = torch.where(sets.numbers.vals == number, (number + 1) % int(walls.widths[0]), sets.numbers.vals)
    with pytest.raises(AssertionError):
        assert_all_seen(walls, replace(sets, numbers=Ragged(without.to(torch.int16), sets.numbers.widths)))


def test_few_others_are_listed():
    """Some rays from each of some places meet fewer than there are to be seen, so there is some room."""
    walls, rng = packed(*houses(2)), np.random.default_rng(0)
    sets = visible_walls.build(walls, RADIUS)
    for m in range(2):
        marks = sightlines.listed(sets, m)
        seen = np.zeros_like(marks)
        for cell in rng.choice(np.flatnonzero(marks.any(1)), 10, replace=False):
            origins = sightlines.somewhere(one_cell(sets, m, cell), 0, 40, rng).repeat(128, 0)
            rays = sightlines.first_walls(walls[m].double().numpy(), origins, sightlines.around(len(origins), rng))
            seen[cell] = rays.any(0)[: marks.shape[1]]
        looked_at = seen.any(1)
        assert not (seen & ~marks).any()
        assert marks[looked_at].sum() < 1.25 * seen[looked_at].sum()


def one_cell(sets, m, cell):
    """The sets of a map, as if nothing were known of other cells."""
    extents = torch.zeros_like(sets.extents[m])
    extents[cell] = sets.extents[m][cell]
    return replace(
        sets, grids=sets.grids[m : m + 1], shapes=sets.shapes[m : m + 1],
        extents=Ragged(extents, torch.tensor([len(extents)])),
    )  # fmt: skip


def test_all_places_of_agents_have_lists():
    maps = [*houses(2), worlds.cluttered(6), worlds.halved_box()]
    walls = packed(*maps)
    sets, rng = visible_walls.build(walls, RADIUS), np.random.default_rng(0)
    for m, geometry in enumerate(maps):
        places = worlds.free_places(geometry, 500, rng, clearance=RADIUS)
        assert (sightlines.known_cells(sets, m, places) >= 0).all()


def test_cells_without_room_for_an_agent_have_no_lists():
    walls = packed(np.concatenate([rectangle(1, 1, 6, 6), pillar(2, 2, 5, 5)]))
    sets = visible_walls.build(walls, RADIUS)
    outside = np.random.default_rng(0).uniform(2.5, 4.5, (1000, 2))  # the pillar's inside
    assert (sightlines.known_cells(sets, 0, outside) < 0).all()
    empty = sets.firsts[0].diff() == 0
    assert empty.sum() >= 16
    assert (sets.extents[0][empty] == torch.tensor([255, 255, 0, 0], dtype=torch.uint8)).all()
    assert (sets.extents[0][~empty, :2] < sets.extents[0][~empty, 2:]).all()


def test_lists_are_in_order_and_have_no_wall_twice():
    sets = visible_walls.build(packed(*houses(2)), RADIUS)
    for m in range(2):
        first, numbers = sets.firsts[m], sets.numbers[m].long()
        within = torch.ones(len(numbers), dtype=torch.bool)
        within[first[1:-1].clamp(max=len(numbers) - 1)] = False
        assert (numbers.diff()[within[1:]] > 0).all()
        assert (first[0], first[-1]) == (0, len(numbers))
        assert len(first) == sets.shapes[m].prod() + 1


def test_maps_whose_walls_cross_have_no_sets():
    crossing = np.concatenate([rectangle(1, 1, 6, 6), both(((2, 2), (5, 5)), ((2, 5), (5, 2)))])
    fine = rectangle(1, 1, 3, 3)
    sets = visible_walls.build(packed(fine, crossing, fine), RADIUS)
    assert sets.shapes.tolist() == [[5, 5], [0, 0], [5, 5]]
    assert [len(sets.firsts[m]) for m in range(3)] == [26, 1, 26]
    assert (len(sets.numbers[1]), len(sets.extents[1])) == (0, 0)
    assert sightlines.known_cells(sets, 1, np.array([[3.0, 3.0]])) == -1
    assert torch.equal(sets.numbers[0], sets.numbers[2])


@pytest.mark.parametrize('beyond, crosses', [(0, False), (5e-5, False), (2e-4, True)])
def test_ends_that_touch_a_wall_do_not_cross_it(beyond, crosses):
    stem = both(((3, 1), (3, 4 + beyond)), ((1, 4), (6, 4)))
    sets = visible_walls.build(packed(np.concatenate([rectangle(1, 1, 6, 6), stem])), RADIUS)
    assert (sets.shapes[0].prod() == 0) == crosses


def test_batches_change_nothing(monkeypatch):
    walls = packed(*houses(2), worlds.polygon(5))
    whole = visible_walls.build(walls, RADIUS)
    monkeypatch.setattr(visible_walls, 'CELLS', 1)
    monkeypatch.setattr(visible_walls, 'PAIRS', 1000)
    parts = visible_walls.build(walls, RADIUS)
    for name in ('extents', 'firsts', 'numbers'):
        assert torch.equal(getattr(whole, name).vals, getattr(parts, name).vals)
        assert torch.equal(getattr(whole, name).widths, getattr(parts, name).widths)


def test_cells_are_as_wide_as_asked_for():
    walls = packed(worlds.box(1, 1, 7, 5))
    assert visible_walls.build(walls, RADIUS).shapes.tolist() == [[13, 9]]
    sets = visible_walls.build(walls, RADIUS, side=1.0)
    assert sets.shapes.tolist() == [[7, 5]]
    assert sets.grids.tolist() == [[1, 1, 1]]
    assert_all_seen(walls, sets, 1000)


def test_a_house_takes_little_memory():
    maps = houses(3)
    sets = Scenery.pack(maps, device='cpu').visible_walls
    parts = (sets.grids, sets.shapes, sets.extents.vals, sets.firsts.vals, sets.numbers.vals)
    assert sum(part.nbytes for part in parts) < 25_000 * len(maps)
