"""What is written for other programs, and read back as the same free space."""

import importlib.util
import sys
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
import shapely
import yaml
from PIL import Image
from shapely import Polygon

from megastep import Geometry, MapSet, mapgen
from megastep.maps import freespace
from megastep.maps.formats.writing import raster
from megastep.maps.segments import windings

needs_ezdxf = pytest.mark.skipif(importlib.util.find_spec('ezdxf') is None, reason='ezdxf is not installed')


def box(left, bottom, right, top):
    corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
    return np.array([[corners[i], corners[(i + 1) % 4]] for i in range(4)], float)


def face(geometry):
    """The free space as a polygon."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found = freespace.subdivide(geometry.walls).faces
    inner = [
        part for part in found if windings(shapely.get_coordinates(part.point_on_surface()), geometry.walls)[0] == 1
    ]
    return shapely.union_all(inner)


THIN = np.concatenate([box(1, 1, 6, 4), [[[3, 1], [3, 3]], [[4.02, 4], [4.02, 2]]]])
SLANTED = np.array([[[1, 1], [6, 1.5]], [[6, 1.5], [5, 5]], [[5, 5], [1.5, 4]], [[1.5, 4], [1, 1]]])


def maps():
    families = {'house': {}, 'voronoi': {}, 'cave': {}, 'maze': {}, 'track': {}}
    return MapSet(
        [
            Geometry.from_walls(THIN),
            Geometry.from_walls(SLANTED),
            *(geometry for family in families for geometry in mapgen.generate(family, 1, seed=3)),
        ]
    )


class TestOccupancy:
    def test_it_reads_back_as_the_same_free_space_within_half_a_cell(self, tmp_path):
        given = maps()
        paths = given.to_occupancy(tmp_path, resolution=0.05)
        assert [path.name for path in paths] == [f'{i:04d}.yaml' for i in range(len(given))]
        again = MapSet.from_occupancy(paths, speck=0)
        for i, geometry in enumerate(given):
            frame = again.frame(i)
            ours, theirs = face(geometry), shapely.transform(face(again[i]), frame.to_file)
            reach = 0.05 / 2 * np.sqrt(2) + 1e-6
            assert ours.difference(theirs.buffer(reach)).area < 1e-6
            assert theirs.difference(ours.buffer(reach)).area < 1e-6

    def test_lattice_maps_are_exact(self, tmp_path):
        house = mapgen.generate('house', 1, seed=5)
        again = MapSet.from_occupancy(house.to_occupancy(tmp_path), speck=0)
        assert again[0].area == pytest.approx(house[0].area)
        assert again.frame().shift == pytest.approx((0, 0), abs=1e-9)

    def test_what_a_thin_wall_parts_stays_apart(self, tmp_path):
        """A wall without thickness, or of a hundredth of a cell, at any angle."""
        for walls in (
            [[[3, 1], [3, 4]]],
            [[[3.025, 1], [3.025, 4]]],
            [[[2, 1], [4.3, 4]]],
            [[[3, 1], [3, 4]], [[3.001, 1], [3.001, 4]]],
        ):
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                geometry = Geometry.from_walls(np.concatenate([box(1, 1, 6, 4), walls]), inside=(5.5, 1.5))
            whole = Geometry.unchecked(
                walls=np.concatenate([box(1, 1, 6, 4), walls, np.array(walls)[:, ::-1]]),
                spawns=geometry.spawns, lights=geometry.lights, doors=geometry.doors, rooms=geometry.rooms,
            )  # fmt: skip
            cells = raster.rasterize(whole, 0.05)
            from scipy import ndimage

            assert ndimage.label(cells.free)[1] == 2

    def test_the_files_are_as_ros_has_them(self, tmp_path):
        (path,) = MapSet([Geometry.from_walls(box(1, 1, 3, 2))]).to_occupancy(tmp_path, resolution=0.1)
        header = yaml.safe_load(path.read_text())
        assert header == {
            'image': '0000.pgm', 'mode': 'trinary', 'resolution': 0.1, 'origin': [0.8, 0.8, 0.0], 'negate': 0,
            'occupied_thresh': 0.65, 'free_thresh': 0.196,
        }  # fmt: skip
        pixels = np.array(Image.open(tmp_path / '0000.pgm'))
        assert pixels.shape == (14, 24)
        assert (pixels[2:-2, 2:-2] == 254).all()
        assert set(pixels[1, 1:-1]) == set(pixels[1:-1, 1]) == {0}
        assert set(pixels[0]) == {205}

    @pytest.mark.parametrize('resolution', [0, -1, np.nan, 11])
    def test_resolutions_are_bounded(self, tmp_path, resolution):
        with pytest.raises(ValueError, match=f'resolution must be from 0.001 to 10 m, got {resolution}'):
            maps()[:1].to_occupancy(tmp_path, resolution=resolution)

    def test_too_many_cells_are_refused(self, tmp_path):
        with pytest.raises(
            ValueError, match=r'must have at most 16777216 cells, got \d+ x \d+: resolution must be great'
        ):
            mapgen.generate('house', 1, seed=0).to_occupancy(tmp_path, resolution=0.001)

    def test_a_smaller_set_leaves_nothing_of_a_larger(self, tmp_path):
        given = maps()[:3]
        (tmp_path / '0009.txt').write_text('mine')
        given.to_occupancy(tmp_path)
        given[:1].to_occupancy(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == ['0000.pgm', '0000.yaml', '0009.txt']
        with pytest.raises(ValueError, match='at least 1 map to be written, got 0'):
            given[:0].to_occupancy(tmp_path)


def test_pictures_are_grids(tmp_path):
    given = mapgen.generate('house', 1, seed=5)
    again = MapSet.from_grid(given.to_png(tmp_path), resolution=0.05)
    assert again[0].area == pytest.approx(given[0].area)


@needs_ezdxf
class TestDxf:
    def test_walls_doors_and_rooms_have_layers(self, tmp_path):
        given = mapgen.generate('house', 1, seed=5)
        (path,) = given.to_dxf(tmp_path)
        again = MapSet.from_dxf(path, layers={'walls': 'walls', 'doors': 'doors', 'rooms': 'rooms-*'})
        assert again[0].area == pytest.approx(given[0].area)
        assert len(again[0].walls) == len(given[0].walls)
        assert len(again[0].doors) == len(given[0].doors)
        assert [room.kind for room in again[0].rooms] == [room.kind.replace('_', ' ') for room in given[0].rooms]

    def test_thin_walls_are_drawn_once(self, tmp_path):
        (path,) = MapSet([Geometry.from_walls(THIN)]).to_dxf(tmp_path)
        assert MapSet.from_dxf(path, layers='walls')[0].area == pytest.approx(15)


def test_dxf_needs_ezdxf(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'ezdxf', None)
    with pytest.raises(ImportError, match=r"pip install 'megastep\[dxf\]'"):
        maps()[:1].to_dxf(tmp_path)


class TestGazebo:
    def test_walls_stand_behind_their_faces(self, tmp_path):
        """The boxes leave the free space as it is, but for the thickness of thin walls."""
        (path,) = MapSet([Geometry.from_walls(THIN)]).to_gazebo(tmp_path, height=3)
        world = ElementTree.parse(path).getroot().find('world')
        boxes = []
        for link in world.find("model[@name='walls']").iter('link'):
            x, y, z, _, _, yaw = map(float, link.find('pose').text.split())
            length, thickness, height = map(float, link.find('collision/geometry/box/size').text.split())
            assert (z, height) == (1.5, 3)
            turn = np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])
            corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [length / 2, thickness / 2]
            boxes.append(Polygon(corners @ turn + [x, y]))
        assert len(boxes) == 8
        inside = shapely.union_all(boxes).intersection(shapely.box(1, 1, 6, 4))
        assert inside.area == pytest.approx(0.01 * (2 + 2), abs=1e-4)
        assert shapely.union_all(boxes).bounds == pytest.approx((0.95, 0.95, 6.05, 4.05), abs=1e-4)

    def test_heights_are_checked(self, tmp_path):
        with pytest.raises(ValueError, match='height must be above 0 m, got 0'):
            maps()[:1].to_gazebo(tmp_path, height=0)
