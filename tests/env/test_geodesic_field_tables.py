"""Tables of geodesic fields by the GPU's kernels, interpreted where there is none: held to the CPU's, and to paths."""

from dataclasses import replace

import numpy as np
import oracle
import paths
import pytest
import torch
import worlds
from paths import expected, to_all

from megastep import mapgen
from megastep.env.fields import tables
from megastep.env.fields.tables import RAGGEDS, TENSORS
from megastep.env.navigation import GeodesicField
from megastep.maps.apartments import real_apartments
from megastep.maps.geodesics import SLACK, lookup, validity, wall_grid
from megastep.maps.geodesics.compiled.walls import is_clear
from megastep.maps.geometry import AGENT_RADIUS
from megastep.maps.mapset import MapSet
from megastep.maps.ragged import Ragged
from megastep.triton.geodesics import choice, graph, nodes, plans
from megastep.world.buffers import on_device

DIAGONAL = lookup.CELL_SIDE * np.sqrt(2)


THIN = worlds.closet([(1.6, 1), (1.6, 1.5)])
PILLAR = worlds.closet(worlds.rectangle(1.6139, 1.4344, 1.75, 1.55))
"""A cell's middle, (1.525, 1.375), is so near to the pillar's corner that every way is to the wrong side of a node."""
PARTED = worlds.closet([(1.6, 1), (1.6, 1.8)])
BARE = worlds.closet(np.empty((0, 2, 2)))
CLOSETS = [THIN, PILLAR, PARTED, BARE]


def made(maps, device):
    """The field of maps, made as a GPU does."""
    absent = lambda maps: pytest.fail(f'{len(maps)} maps are left to the CPU')  # noqa: E731
    return field_of(maps, tables.in_batches(maps, AGENT_RADIUS, device, absent))


def field_of(maps, tables):
    return replace(GeodesicField.pack(maps, 'cpu'), **tables)


@pytest.fixture(scope='module')
def fields():
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    return GeodesicField.pack(CLOSETS, 'cpu'), made(CLOSETS, device)


def row(field, name, number):
    """One map's part of a ragged buffer."""
    return getattr(field, name)[number].cpu().numpy()


def tables_of(field):
    """Each map's lookup table."""
    for number in range(len(field)):
        nodes, spawns = row(field, 'nodes', number), row(field, 'spawns', number)
        yield lookup.LookupTable(
            corner=tuple(field.corners[number].tolist()),
            shape=tuple(field.shapes[number].tolist()),
            visible=row(field, 'visible', number).reshape(-1, -(-len(spawns) // 32)),
            entries=row(field, 'entries', number),
            hops=row(field, 'hops', number),
            nodes=nodes,
            lengths=row(field, 'lengths', number).reshape(len(nodes), len(spawns)),
        )


def assert_alike(field, reference, *, wrong=0.0):
    """Holds if both have the same nodes and paths from there, and all but a part of the goals in sight from middles."""
    differ = cells = 0
    for one, other in zip(tables_of(field), tables_of(reference), strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one.corner, other.corner, atol=1e-6)
        np.testing.assert_allclose(one.nodes, other.nodes, rtol=0, atol=1e-5)
        np.testing.assert_allclose(one.lengths, other.lengths, rtol=0, atol=1e-4)
        differ += (one.visible != other.visible).any(1).sum()
        cells += len(one.entries)
    assert differ <= wrong * cells


class TestTables:
    def test_nodes_and_paths_are_the_cpus(self, fields):
        """And all but cells beside walls see what they do there, where the CPU lets them see no more than others."""
        assert_alike(*fields[::-1], wrong=0.02)

    def test_distances_agree_with_a_visibility_graph(self, fields):
        """But for a few beside corners, where those of the CPU's field don't either."""
        for number, room in enumerate(CLOSETS):
            places = worlds.free_places(room, 40, np.random.default_rng(number))
            truth = paths.distances(room.walls, np.concatenate([room.spawns, places]), AGENT_RADIUS)[3:, :3]
            found, finite = to_all(fields[1], number, places), np.isfinite(truth)
            assert (np.isfinite(found) == finite).all()
            off = abs(found - truth)[finite]
            assert (off > np.maximum(0.05, 0.02 * truth[finite])).mean() < 0.01
            assert off.max() < 2 * DIAGONAL

    def test_distances_are_there_for_an_agent_that_touches_a_wall(self, fields):
        """In cells of which but a sliver is free, too."""
        for number, room in enumerate(CLOSETS):
            places = np.stack(np.meshgrid(np.linspace(1.1, 2.1, 101), np.linspace(1.1, 1.8, 71)), -1).reshape(-1, 2)
            clear = oracle.clearances(places, room.walls)
            places = places[(clear > AGENT_RADIUS + 1e-5) & (clear < AGENT_RADIUS + 0.01)]
            found, truth = to_all(fields[1], number, places), expected(room, places)
            assert len(places) > 100
            assert (np.isinf(found) == np.isinf(truth)).all()
            assert (abs(found - truth)[np.isfinite(truth)] < 2 * DIAGONAL).all()

    def test_a_goal_in_sight_of_a_middle_is_in_sight(self, fields):
        """By the CPU's test for one way, but for ways that pass a wall within rounding."""
        for room, table in zip(CLOSETS, tables_of(fields[1]), strict=True):
            seen = np.unpackbits(table.visible.view(np.uint8), axis=1, bitorder='little')[:, :3].astype(bool)
            columns, rows = np.indices(table.shape).reshape(2, -1)
            middles = np.array(table.corner) + (np.stack([columns, rows], 1) + 0.5) * lookup.CELL_SIDE
            lines = wall_grid(room.walls, AGENT_RADIUS - SLACK)
            for x, y, cell in zip(*middles.T, rows * table.shape[0] + columns, strict=True):
                if oracle.clearances(np.array([(x, y)]), room.walls)[0] > AGENT_RADIUS:
                    clear = [is_clear(lines, x, y, *spawn) for spawn in room.spawns]
                    assert (seen[cell] == clear).all(), (x, y)

    def test_fields_are_valid(self, fields):
        raggeds = {name: getattr(fields[1], name) for name in RAGGEDS}
        arrays = {name: Ragged(each.vals.cpu().numpy(), each.widths.cpu().numpy()) for name, each in raggeds.items()}
        validity.check('what was made', *(getattr(fields[1], name).cpu().numpy() for name in TENSORS), arrays)

    def test_buffers_have_the_same_types_as_the_cpus(self, fields):
        for name in (*TENSORS, *RAGGEDS):
            one, other = (getattr(field, name) for field in fields)
            one, other = ([each] if name in TENSORS else [each.vals, each.widths] for each in (one, other))
            assert [each.dtype for each in one] == [each.dtype for each in other], name

    def test_a_map_keeps_each_list_once(self, fields):
        for table in tables_of(fields[1]):
            begins = np.unique(table.entries)
            lists = [tuple(table.hops[at + 1 : at + 1 + table.hops[at]]) for at in begins]
            assert len(set(lists)) == len(lists)
            assert sum(len(each) + 1 for each in lists) == len(table.hops)
            assert all(each == tuple(sorted(set(each))) for each in lists)

    def test_maps_do_not_disturb_each_other(self, fields, device, poisoned, monkeypatch):
        """Whether in one batch or in two, whatever memory held before, and if nodes' numbers take twice the bytes."""
        monkeypatch.setattr(choice, 'SHORT', 0)
        monkeypatch.setattr(tables, 'BYTES_AT_ONCE', 1)
        apart = made([CLOSETS[2], CLOSETS[0]], device)
        for name in RAGGEDS:
            assert torch.equal(getattr(apart, name).vals, getattr(fields[1][[2, 0]], name).vals), name


def test_nodes_around_one_are_hidden_by_the_walls_between():
    """Where it is the very middle of them no direction leads to all."""
    wall = worlds.rectangle(3.4, 2, 3.6, 3)[::-1, ::-1]
    walls = torch.tensor(np.concatenate([worlds.rectangle(1, 1, 5, 4), wall]))
    count, spawns = torch.tensor([len(walls)]), torch.tensor([(2.0, 2.0)]).double()
    plan = plans.floorplans_of(walls, count, spawns, torch.tensor([1]), lookup.CELL_SIDE)
    ways = torch.tensor([(1.0, 0.0)]).double().expand(3, 2).contiguous()
    points = torch.tensor([(3.0, 2.5), (4.0, 2.5), (2.0, 2.5)]).double()
    limits = torch.tensor([AGENT_RADIUS - SLACK, AGENT_RADIUS / 2]).double()
    edges = graph.visibility_graphs(plan, nodes.Nodes(points, -ways, ways, plans.rows_of(torch.tensor([3]))), limits)
    assert edges.tolist() == [[0b100], [0], [0b001]]


class TestBounds:
    @pytest.mark.parametrize('bound, most', [('MOST_GOALS', 2), ('MOST_SIDE', 1.1), ('MOST_BYTES', 10_000)])
    def test_maps_beyond_them_are_left_to_the_cpu(self, bound, most, device, monkeypatch):
        large = worlds.closet([(1.6, 1), (1.6, 1.5)])
        small = replace(worlds.box(1, 1, 1.9, 1.9), spawns=np.array([(1.3, 1.3), (1.6, 1.6)]))
        maps, reference = [large, small, large], GeodesicField.pack([large, small, large], 'cpu')
        monkeypatch.setattr(tables, bound, most)
        assert tables.fits(*tables.rows_of(maps)).tolist() == [False, True, False]

        def by_cpu(rest):
            assert rest == [large, large]
            picked = tables.picked({name: getattr(reference, name) for name in (*TENSORS, *RAGGEDS)}, np.array([0, 2]))
            return {
                name: each.to(device) if name in TENSORS else on_device(each, device) for name, each in picked.items()
            }

        field = field_of(maps, tables.in_batches(maps, AGENT_RADIUS, device, by_cpu))
        assert_alike(field, reference)
        for name in RAGGEDS:
            assert torch.equal(getattr(field, name)[2].cpu(), getattr(reference, name)[2]), name

    def test_batches_need_at_most_so_many_bytes(self, monkeypatch):
        """Six cells a column, each of 256 bytes and 0.375 for each of four walls."""
        maps = MapSet([worlds.box(1, 1, 1 + 0.15 * side - 0.01, 1.89) for side in (10, 20, 30, 5, 5, 5)])
        monkeypatch.setattr(tables, 'BYTES_AT_ONCE', 30 * 6 * 257.5)
        found = list(tables.batches(maps.walls, np.arange(6)))
        assert [rows.tolist() for rows in found] == [[0, 1], [2], [3, 4, 5]]
        assert list(tables.batches(maps.walls, np.arange(0))) == []


@pytest.mark.gpu
@pytest.mark.parametrize('family', ['house', 'arena', 'cave', 'maze', 'office', 'hotel', 'voronoi', 'warehouse'])
def test_a_gpu_makes_what_a_cpu_does(family):
    maps = mapgen.generate(family, 2 if family in ('office', 'hotel') else 8, seed=3)
    reference, field = GeodesicField.pack(maps, 'cpu'), GeodesicField.pack(maps, 'cuda')
    assert_alike(field, reference, wrong=0.1)


@pytest.mark.gpu
def test_distances_are_good_on_a_gpu():
    maps = [*mapgen.generate('house', 32, seed=4), *real_apartments()[:32]]
    field, off, lengths = GeodesicField.pack(maps, 'cuda'), [], []
    for number, geometry in enumerate(maps):
        places = worlds.free_places(geometry, 32, np.random.default_rng(number), clearance=AGENT_RADIUS + 5e-3)
        found, truth = to_all(field, number, places), expected(geometry, places)
        assert (np.isfinite(found) == np.isfinite(truth)).all()
        off.append(abs(found - truth)[np.isfinite(truth)])
        lengths.append(truth[np.isfinite(truth)])
    off, lengths = np.concatenate(off), np.concatenate(lengths)
    assert (off > np.maximum(0.05, 0.02 * lengths)).mean() < 1e-3
    assert off.mean() < 2e-3


@pytest.mark.gpu
def test_a_gpu_makes_the_same_again():
    maps = mapgen.generate('house', 16, seed=5)
    one, other = (GeodesicField.pack(maps, 'cuda') for _ in range(2))
    for name in RAGGEDS:
        assert torch.equal(getattr(one, name).vals, getattr(other, name).vals), name
