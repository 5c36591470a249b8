"""How far it is from anywhere to a spawn: known answers, the paths that a map's distances are made of, and a GPU."""

from dataclasses import replace

import numpy as np
import oracle
import paths
import pytest
import torch
import worlds
from apartments import APARTMENTS, apartments
from paths import expected, moved, to_all

from megastep import mapgen, numba, triton
from megastep.env.fields.tables import RAGGEDS, TENSORS
from megastep.env.navigation import GeodesicField, kept_beside
from megastep.maps.geodesics.lookup import CELL_SIDE
from megastep.maps.geometry import AGENT_RADIUS, Geometry
from megastep.maps.mapset import MapSet
from megastep.maps.storage import tensor_files
from megastep.world.scenery import Scenery

DIAGONAL = CELL_SIDE * np.sqrt(2)


def errors(geometries, count, clearance=AGENT_RADIUS + 5e-3):
    """What distances from random places are out by, in metres, and as a part of what they should be."""
    field, rng = GeodesicField.pack(geometries, 'cpu'), np.random.default_rng(0)
    for number, geometry in enumerate(geometries):
        places = worlds.free_places(geometry, count, rng, clearance=clearance)
        found, truth = to_all(field, number, places), expected(geometry, places)
        assert (np.isfinite(found) == np.isfinite(truth)).all()
        yield (found - truth)[np.isfinite(truth)], truth[np.isfinite(truth)]


def assert_good(geometries, count, most=1e-3):
    """Holds if all but a few are within 2 % or 5 cm, and none is out by more than two places in a cell can be."""
    off, truth = (np.concatenate(parts) for parts in zip(*errors(geometries, count), strict=True))
    assert (abs(off) > np.maximum(0.05, 0.02 * truth)).mean() < most
    assert abs(off).max() < 2 * DIAGONAL
    assert abs(off).mean() < 2e-3


class TestDistances:
    def test_in_an_open_room_are_straight(self):
        room = worlds.box()
        places = worlds.free_places(room, 200, np.random.default_rng(0))
        found = to_all(GeodesicField.pack([room], 'cpu'), 0, places)
        np.testing.assert_allclose(found, np.linalg.norm(places[:, None] - room.spawns, axis=-1), atol=1e-5)

    def test_around_a_thin_wall_agree_with_a_visibility_graph(self):
        room = worlds.halved_box()
        places = worlds.free_places(room, 40, np.random.default_rng(0))
        truth = paths.distances(room.walls, np.concatenate([room.spawns, places]), AGENT_RADIUS)
        found = to_all(GeodesicField.pack([room], 'cpu'), 0, places)
        np.testing.assert_allclose(found, truth[len(room.spawns) :, : len(room.spawns)], rtol=0.02, atol=0.05)

    def test_are_good_in_houses(self):
        assert_good(worlds.houses(4), 64)

    def test_are_good_in_apartments(self):
        if not APARTMENTS.exists():
            pytest.skip(f'{APARTMENTS} is absent')
        assert_good([Geometry.from_walls(walls) for walls in apartments(4)], 64)

    def test_are_good_among_pillars_and_thin_walls(self):
        assert_good([worlds.cluttered(seed) for seed in range(8)], 64)

    def test_are_infinite_where_there_is_no_way(self):
        segments = np.concatenate([worlds.rectangle(1, 1, 5, 4), [[(3, 1.15), (3, 4)]]])
        room = Geometry.from_walls(segments)
        left = room.spawns[0, 0] < 3
        found = to_all(GeodesicField.pack([room], 'cpu'), 0, [(4.0 if left else 2.0, 2.5), (2.0 if left else 4.0, 2.5)])
        assert np.isinf(found[0]).all()
        assert np.isfinite(found[1]).all()

    def test_are_there_for_an_agent_that_touches_a_wall(self):
        """Beside a gap of nearly an agent's width they may be those of its other side, as one place of these shows."""
        rng, off = np.random.default_rng(0), []
        for seed in range(100, 120):
            room = worlds.cluttered(seed)
            steps = room.walls[:, 1] - room.walls[:, 0]
            left = np.stack([-steps[:, 1], steps[:, 0]], axis=1) / np.hypot(*steps.T)[:, None]
            places = room.walls[:, 0] + rng.uniform(size=(len(steps), 1)) * steps + (AGENT_RADIUS + 1e-5) * left
            places = places[oracle.clearances(places, room.walls) >= AGENT_RADIUS]
            found, truth = to_all(GeodesicField.pack([room], 'cpu'), 0, places), expected(room, places)
            assert np.isfinite(found[np.isfinite(truth)]).all()
            off.append(abs(found - truth)[np.isfinite(truth)])
        assert (np.concatenate(off) < 2 * DIAGONAL).mean() > 0.998


class TestPack:
    CROWD = worlds.box(spawns=np.random.default_rng(0).uniform((1.2, 1.2), (4.8, 3.8), (70, 2)))

    def test_maps_do_not_disturb_each_other(self):
        rooms = [worlds.cluttered(3), self.CROWD, worlds.cluttered(5), worlds.box()]
        together, rng = GeodesicField.pack(rooms, 'cpu', workers=2), np.random.default_rng(0)
        for number, room in enumerate(rooms):
            places = worlds.free_places(room, 20, rng)
            alone = to_all(GeodesicField.pack([room], 'cpu'), 0, places)
            np.testing.assert_array_equal(to_all(together, number, places), alone)

    def test_more_spawns_than_a_word_has_bits(self):
        places = worlds.free_places(self.CROWD, 50, np.random.default_rng(1))
        found = to_all(GeodesicField.pack([self.CROWD], 'cpu'), 0, places)
        np.testing.assert_allclose(found, np.linalg.norm(places[:, None] - self.CROWD.spawns, axis=-1), atol=1e-5)

    def test_envs_and_agents_have_maps_and_goals_of_their_own(self):
        field = GeodesicField.pack([worlds.box(), worlds.halved_box()], 'cpu')
        ids, goals = torch.tensor([1, 0, 1]), torch.tensor([[0, 2], [1, 0], [2, 0]])
        positions = torch.tensor([[(1.5, 1.5), (4.5, 1.5)], [(2, 2), (4, 3)], [(4.5, 3.5), (1.5, 3.5)]])
        found = field.distances(positions, ids, goals)
        for env in range(3):
            alone = to_all(field, int(ids[env]), positions[env].numpy())
            np.testing.assert_array_equal(found[env], alone[range(2), goals[env]])

    def test_takes_little_memory(self):
        houses = worlds.houses(8)
        field = GeodesicField.pack(houses, 'cpu')
        packed = [getattr(field, name) for name in RAGGEDS]
        size = sum(ragged.vals.nbytes + 12 * len(ragged) for ragged in packed)
        assert size / len(houses) < 120e3

    def test_goals_that_are_not_there_are_the_last(self):
        field = GeodesicField.pack([worlds.box()], 'cpu')
        places, ids = torch.tensor([[[2.0, 2.0]] * 3]), torch.tensor([0])
        found = field.distances(places, ids, torch.tensor([[2, 3, 1000]]))
        assert (found == found[0, 0]).all()

    def test_rejects_what_it_cannot_pack(self):
        with pytest.raises(ValueError, match='maps must hold at least 1 map, got 0'):
            GeodesicField.pack([])
        with pytest.raises(ValueError, match='workers must be an integer of at least 1, got 0'):
            GeodesicField.pack([worlds.box()], workers=0)

    def test_places_without_meaning_do_no_harm(self, device):
        places = torch.tensor([[(-1e15, 1e15), (torch.inf, -torch.inf), (torch.nan, 2.0), (0.0, 100.0)]])
        for kernels, where in ((numba, 'cpu'), (triton, device)):
            field = GeodesicField.pack([worlds.box(), worlds.halved_box()], where)
            found, goals = torch.zeros((1, 4), device=where), torch.zeros((1, 4), dtype=torch.int64, device=where)
            kernels.distances(field, places.to(where), torch.tensor([1], device=where), goals, found)
            assert not (found <= 0).any()

    def test_knows_whose_spawns_it_has(self):
        field, scenery = GeodesicField.pack([worlds.box()], 'cpu'), Scenery.pack([worlds.box()], device='cpu')
        field.check_spawns(scenery.spawns)
        for maps in ([worlds.box(), worlds.box()], [worlds.halved_box()]):
            other = Scenery.pack(maps, device='cpu')
            with pytest.raises(ValueError, match=f'geodesic_field must be of the {other.num_maps} maps, got that of'):
                field.check_spawns(other.spawns)
        with pytest.raises(ValueError, match='geodesic_field must be on cpu, got meta'):
            replace(field, corners=field.corners.to('meta')).check_spawns(scenery.spawns)

    def test_rejects_what_does_not_go_together(self):
        field = GeodesicField.pack([worlds.box()], 'cpu')
        places, ids, goals = torch.ones(3, 2, 2), torch.zeros(3, dtype=torch.int64), torch.zeros(3, 2).long()
        with pytest.raises(ValueError, match=r'positions, map_ids and goals must be of .* got \(3, 2, 2\), \(3,\) and'):
            field.distances(places, ids, goals[:2])
        with pytest.raises(ValueError, match=r'got \(3, 1, 2\), \(3,\) and \(3, 2\)'):
            field.distances(places[:, :1], ids, goals)
        with pytest.raises(ValueError, match=r'goals must be integers, got torch.float32'):
            field.distances(places, ids, goals.float())
        with pytest.raises(ValueError, match=r'map_ids must be integers, got torch.bool'):
            field.distances(places, ids.bool(), goals)
        with pytest.raises(ValueError, match=r'positions must be torch.float32, got torch.float64'):
            field.distances(places.double(), ids, goals)
        with pytest.raises(ValueError, match=r'goals must be on cpu, got meta'):
            field.distances(places, ids, goals.to('meta'))


def assert_same(field, other):
    """To the bit."""
    for name in TENSORS:
        assert torch.equal(getattr(field, name), getattr(other, name))
        assert getattr(field, name).dtype == getattr(other, name).dtype
    for name in RAGGEDS:
        assert torch.equal(getattr(field, name).vals, getattr(other, name).vals)
        assert torch.equal(getattr(field, name).widths, getattr(other, name).widths)
    np.testing.assert_array_equal(field.fingerprints, other.fingerprints)
    assert field.agent_radius == other.agent_radius


@pytest.mark.parametrize('workers', [None, 1, 3])
def test_fields_are_the_same_however_many_workers(workers):
    maps = [*worlds.houses(3), worlds.cluttered(3), TestPack.CROWD, *mapgen.generate('cave', 1, seed=2)]
    assert_same(GeodesicField.pack(maps, 'cpu', workers=workers), GeodesicField.pack(maps, 'cpu', workers=2))


class TestPicking:
    ROOMS = [worlds.halved_box(), worlds.box(), worlds.cluttered(3), TestPack.CROWD]
    FIELD = GeodesicField.pack(ROOMS, 'cpu')

    @pytest.mark.parametrize(
        'index', [2, -1, np.int64(1), slice(1, 3), slice(None, None, -1), [3, 0, 0], np.array([2, 1]), [], slice(0)]
    )
    def test_maps_are_picked_as_from_a_map_set(self, index):
        picked = MapSet(self.ROOMS)[index]
        picked = [picked] if isinstance(picked, Geometry) else picked
        found = self.FIELD[index]
        assert len(found) == len(picked)
        if len(picked):
            assert_same(found, GeodesicField.pack(picked, 'cpu'))

    def test_a_mask_picks_too(self):
        assert_same(self.FIELD[np.array([True, False, True, False])], self.FIELD[[0, 2]])

    @pytest.mark.parametrize('index', [4, -5, [0, 7]])
    def test_rejects_maps_that_are_not_there(self, index):
        with pytest.raises(IndexError, match='is out of bounds for axis 0 with size 4'):
            self.FIELD[index]

    def test_fields_are_put_together(self):
        assert_same(self.FIELD[:1] + self.FIELD[1:], self.FIELD)
        assert_same(GeodesicField.concat([self.FIELD[i] for i in range(4)]), self.FIELD)

    def test_fields_of_other_agents_are_not(self):
        other = GeodesicField.pack(self.ROOMS[:1], 'cpu', agent_radius=0.05)
        with pytest.raises(ValueError, match=r'for agents of radius 0.106066 m, got one for 0.05 m'):
            self.FIELD + other
        with pytest.raises(ValueError, match='fields must be at least 1 to be put together, got 0'):
            GeodesicField.concat([])

    def test_maps_find_their_own(self):
        assert_same(self.FIELD.of(self.ROOMS[2:0:-1]), self.FIELD[[2, 1]])
        message = 'geodesic_field must hold the geodesic field of all the 1 maps, got that of 4 without map 0'
        with pytest.raises(ValueError, match=message):
            self.FIELD.of([worlds.cluttered(4)])


class TestFile:
    ROOMS = [worlds.halved_box(), worlds.box(), worlds.cluttered(3)]

    @pytest.fixture
    def path(self, tmp_path):
        GeodesicField.pack(self.ROOMS, 'cpu').save(tmp_path / 'field.safetensors')
        return tmp_path / 'field.safetensors'

    def test_holds_all_of_it(self, path):
        assert_same(GeodesicField.load(path, self.ROOMS, 'cpu'), GeodesicField.pack(self.ROOMS, 'cpu'))
        assert_same(
            GeodesicField.load(str(path), MapSet(self.ROOMS), 'cpu'), GeodesicField.pack(MapSet(self.ROOMS), 'cpu')
        )

    def test_serves_some_of_its_maps_in_any_order(self, path):
        for maps in (self.ROOMS[:2], self.ROOMS[::-1], [self.ROOMS[1]] * 2):
            assert_same(GeodesicField.load(path, maps, 'cpu'), GeodesicField.pack(maps, 'cpu'))

    def test_goes_with_its_maps_alone(self, path):
        message = 'must hold the geodesic field of all the 2 maps, got that of 3 without map 1'
        with pytest.raises(ValueError, match=message):
            GeodesicField.load(path, [self.ROOMS[2], worlds.cluttered(4)], 'cpu')

    def test_goes_with_agents_of_its_radius_alone(self, path):
        GeodesicField.load(path, self.ROOMS, 'cpu', agent_radius=AGENT_RADIUS)
        message = r'must hold the geodesic field for agents of radius 0.05 m, got one for 0.106066 m'
        with pytest.raises(ValueError, match=message):
            GeodesicField.load(path, self.ROOMS, 'cpu', agent_radius=0.05)

    def test_is_made_once_where_it_is_kept(self, tmp_path, monkeypatch):
        MapSet(self.ROOMS).save(tmp_path / 'rooms.safetensors')
        path = kept_beside(tmp_path / 'rooms.safetensors')
        assert path == tmp_path / 'rooms.geodesics.safetensors'
        maps = MapSet.load(tmp_path / 'rooms.safetensors')
        made = GeodesicField.kept(path, maps, 'cpu')
        monkeypatch.setattr(GeodesicField, 'pack', None)
        assert_same(GeodesicField.kept(path, maps, 'cpu'), made)
        assert_same(GeodesicField.kept(path, maps[1:], 'cpu'), made[1:])
        with pytest.raises(ValueError, match=r'must hold the geodesic field for agents of radius 0.05 m'):
            GeodesicField.kept(path, maps, 'cpu', agent_radius=0.05)
        with pytest.raises(ValueError, match='must hold the geodesic field of all the 1 maps'):
            GeodesicField.kept(path, [worlds.cluttered(4)], 'cpu')

    def test_is_kept_only_in_a_folder_that_is_there(self, tmp_path):
        with pytest.raises(FileNotFoundError, match='absent is not a folder'):
            GeodesicField.kept(tmp_path / 'absent' / 'a.safetensors', self.ROOMS, 'cpu')

    def test_other_walls_make_another_map(self, path):
        """Spawns alone don't tell maps apart: a pillar between them may be new."""
        room = self.ROOMS[1]
        divided = worlds.box(pillars=[worlds.pillar(1.5, 1.5, 2, 2)], spawns=room.spawns)
        assert len(divided.walls) > len(room.walls)
        with pytest.raises(
            ValueError, match='must hold the geodesic field of all the 3 maps, got that of 3 without map 1'
        ):
            GeodesicField.load(path, [self.ROOMS[0], divided, self.ROOMS[2]], 'cpu')

    def test_is_refused_where_it_is_damaged(self, path):
        content = bytearray(path.read_bytes())
        content[-5] ^= 1
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r'is damaged: its content hashes to [0-9a-f]{64}, and should'):
            GeodesicField.load(path, self.ROOMS, 'cpu')
        path.write_bytes(content[:-5])
        with pytest.raises(ValueError, match='is truncated'):
            GeodesicField.load(path, self.ROOMS, 'cpu')

    @pytest.mark.parametrize(
        'name, change',
        [
            ('entries', lambda vals: vals + 1_000_000),
            ('entries', lambda vals: vals - 1),
            ('hops', lambda vals: np.where(vals == vals.max(), 1_000_000, vals)),
            ('hops', lambda vals: -vals - 1),
            ('hops', lambda vals: np.full_like(vals, 2**31 - 1)),
            ('shapes', lambda vals: vals * 2),
            ('shapes', lambda vals: -vals),
            ('shapes', lambda vals: vals[:, ::-1] * np.array([2**30, 1])),
            ('corners', lambda vals: vals * np.nan),
            ('corners', lambda vals: vals[:, :1]),
            ('nodes', lambda vals: vals * np.float32(np.nan)),
            ('nodes', lambda vals: vals[:, :1].copy()),
            ('lengths', lambda vals: vals[:-1]),
            ('lengths', lambda vals: vals.view(np.int32)),
            ('visible', lambda vals: vals[:-1]),
            ('spawns.widths', lambda vals: vals * 0),
            ('nodes.widths', lambda vals: -vals),
            ('entries.widths', lambda vals: vals.astype(float)),
            ('hops.widths', lambda vals: vals[:1]),
            ('hops', lambda vals: None),
        ],
    )
    def test_is_refused_if_it_leads_out_of_itself(self, path, name, change):
        """Also of one who knows how to hash: kernels look up what they are told to."""
        rooms = [worlds.cluttered(3), *worlds.houses(2)]
        GeodesicField.pack(rooms, 'cpu').save(path)
        arrays, metadata = tensor_files.read(path)
        changed = {key: change(array.copy()) if key == name else array.copy() for key, array in arrays.items()}
        tensor_files.write(path, {key: array for key, array in changed.items() if array is not None}, metadata)
        with pytest.raises(ValueError, match=f'{path.name} is damaged: '):
            GeodesicField.load(path, rooms, 'cpu')

    def test_a_file_without_a_radius_is_refused(self, path):
        arrays, metadata = tensor_files.read(path)
        del metadata['agent_radius']
        tensor_files.write(path, {key: array.copy() for key, array in arrays.items()}, metadata)
        with pytest.raises(ValueError, match=f'{path.name} is damaged: it lacks the radius of agents'):
            GeodesicField.load(path, self.ROOMS, 'cpu')

    def test_is_refused_if_it_is_another_or_of_another_version(self, path):
        arrays, metadata = tensor_files.read(path)
        older = {**metadata, 'geodesic_field': '5'}
        tensor_files.write(path, {name: array.copy() for name, array in arrays.items()}, older)
        with pytest.raises(ValueError, match='must hold a geodesic field of version 6, got 5'):
            GeodesicField.load(path, self.ROOMS, 'cpu')
        MapSet(self.ROOMS).save(path)
        with pytest.raises(ValueError, match='must hold a geodesic field of version 6, got None'):
            GeodesicField.load(path, self.ROOMS, 'cpu')
        with pytest.raises(FileNotFoundError):
            GeodesicField.load(path.with_name('absent'), self.ROOMS, 'cpu')


@pytest.mark.parametrize('num_envs, num_agents', [(1, 1), (7, 3), (131, 1)])
def test_both_kernels_find_the_same(num_envs, num_agents, device, poisoned):
    """To the bit, in a room of more spawns than a word has bits too, and also where places mean nothing."""
    maps = [worlds.cluttered(3), TestPack.CROWD, worlds.halved_box(), *worlds.houses(2)]
    rng = np.random.default_rng(0)
    ids, goals = rng.integers(len(maps), size=num_envs), rng.integers(-2, 80, (num_envs, num_agents))
    places = rng.uniform(0, 9, (num_envs, num_agents, 2))
    field, found = GeodesicField.pack(maps, 'cpu'), []
    for kernels, on in ((numba, 'cpu'), (triton, device)):
        values = [torch.from_numpy(array).to(on) for array in (places.astype(np.float32), ids, goals)]
        found.append(torch.empty((num_envs, num_agents), device=on))
        kernels.distances(moved(field, on), *values, found[-1])
    assert torch.equal(found[0], found[1].cpu())
    assert not found[0].isnan().any()


@pytest.mark.gpu
def test_a_cuda_graph_repeats_it_without_waiting():
    houses, device = worlds.houses(8), torch.device('cuda')
    reference = GeodesicField.pack(houses, 'cpu')
    field = moved(reference, device)
    rng = np.random.default_rng(0)
    places = np.stack([worlds.free_places(houses[i % 8], 2, rng) for i in range(64)])
    positions = torch.zeros((64, 2, 2), device=device)
    ids, goals = (torch.arange(64) % 8).to(device), torch.randint(0, 10, (64, 2)).to(device)
    field.distances(positions, ids, goals)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = field.distances(positions, ids, goals)
    positions.copy_(torch.from_numpy(places))
    graph.replay()
    truth = reference.distances(torch.from_numpy(places).float(), ids.cpu(), goals.cpu())
    torch.testing.assert_close(found.cpu(), truth, rtol=1e-5, atol=1e-5)
