"""Every reader answers, whatever it is given: an error that names the file, or maps that keep what is promised of them.

The corpus is the files of `tests/maps/files`; the inputs are mutations of it, a bounded number of them, the same each
time. ``MEGASTEP_FUZZ=10000`` makes more.
"""

import os
import shutil
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile.fuzz import mutations
from PIL import Image
from synthetic import results
from work import at_most
from worlds import box

from megastep import Geometry, MapSet
from megastep.env.navigation import GeodesicField
from megastep.evaluation.episodes import Episodes
from megastep.evaluation.results import Results
from megastep.evaluation.suite import Suite
from megastep.world.scenery import Scenery

FILES = Path(__file__).parents[1] / 'maps' / 'files'
COUNT = int(os.environ.get('MEGASTEP_FUZZ', '12'))
MOST_CALLS = 3_000_000
"""More than any reader makes of a small file, and soon counted."""

READERS = {
    'geojson/*': MapSet.from_geojson,
    'svg/*': MapSet.from_svg,
    'svg/cubicasa.svg': MapSet.from_cubicasa,
    'wad/*': MapSet.from_wad,
    'occupancy/*.yaml': MapSet.from_occupancy,
    'occupancy/*.p*': partial(MapSet.from_grid, resolution=0.1),
    'other/*.dxf': MapSet.from_dxf,
    'other/house-expo.json': MapSet.from_houseexpo,
    'other/imdf.geojson': MapSet.from_imdf,
    'other/msd.csv': MapSet.from_msd,
    'other/osm.geojson': MapSet.from_osm,
    'other/rplan.png': MapSet.from_rplan,
}
CASES = [
    pytest.param(read, file, id=f'{file.parent.name}-{file.name}-{getattr(read, "__name__", "grid")}')
    for pattern, read in READERS.items()
    for file in sorted(FILES.glob(pattern))
]


def certify(maps):
    """Holds maps against what each promises: `Geometry` checks anew all that it is made of."""
    for geometry in maps:
        Geometry(
            walls=geometry.walls, spawns=geometry.spawns, lights=geometry.lights, doors=geometry.doors,
            rooms=geometry.rooms,
        )  # fmt: skip
        assert np.isfinite(geometry.area) and geometry.area > 0


def answers(read, path, check=certify):
    """Reads a file, within bounds; nothing but a ValueError that names it may be raised."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            with at_most(MOST_CALLS):
                found = read(path)
        except ValueError as error:
            assert str(path) in str(error), error
        else:
            check(found)


@pytest.mark.parametrize('read, file', CASES)
def test_importers(read, file, tmp_path):
    for name in file.parent.iterdir():
        if name.suffix in ('.png', '.pgm'):
            (tmp_path / name.name).write_bytes(name.read_bytes())
    path = tmp_path / file.name
    for content in mutations(file.read_bytes(), COUNT, seed=1):
        path.write_bytes(content)
        answers(read, path)


def test_pictures_of_rooms_whose_pixels_are_others(tmp_path):
    """A damaged PNG is mostly known by its checksums: this is of one who made them too."""
    pixels = np.asarray(Image.open(FILES / 'other' / 'rplan.png'))
    path = tmp_path / 'rplan.png'
    for content in mutations(pixels.tobytes(), COUNT, seed=3):
        whole = content[: pixels.size].ljust(pixels.size, b'\0')
        Image.fromarray(np.frombuffer(whole, np.uint8).reshape(pixels.shape)).save(path)
        answers(MapSet.from_rplan, path)


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp('saved')
    maps = MapSet([box(), box(right=6.0, spawns=[(2, 2), (3, 3), (4, 2)])], recipe={'family': 'test'})
    maps.save(folder / 'maps')
    GeodesicField.pack(maps, 'cpu').save(folder / 'field')
    episodes = Episodes.draw(maps, 'minimal', per_map=2, seed=0)
    episodes.save(folder / 'episodes')
    Suite({'near': episodes, 'far': episodes}).save(folder / 'suite')
    results(runs=1, maps=2, ways={0: np.ones((2, 2))}).save(folder / 'results.npz')
    return folder, maps


STORED = {
    'maps': lambda path, maps: Scenery.pack(MapSet.load(path), device='cpu'),
    'field': lambda path, maps: GeodesicField.load(path, maps, 'cpu'),
    'episodes': lambda path, maps: Episodes.load(path, maps),
    'results.npz': lambda path, maps: Results.load(path),
}


@pytest.mark.parametrize('name', STORED)
def test_what_megastep_saves(saved, name, tmp_path):
    """What is read is what was saved: so there is nothing to certify."""
    folder, maps = saved
    path = tmp_path / name
    for content in mutations((folder / name).read_bytes(), 4 * COUNT, seed=2):
        path.write_bytes(content)
        answers(lambda given: STORED[name](given, maps), path, check=lambda found: None)


def packed(folder):
    """What a suite's episodes are played in, and how long they are."""
    suite = Suite.load(folder)
    scenery = Scenery.pack(suite.maps, device='cpu')
    starts = torch.from_numpy(suite.packed.episodes.starts.copy())
    return scenery.walls.vals, scenery.lights.vals, scenery.spawns.vals, starts


def test_suites(saved, tmp_path):
    """A folder of files: any of them may be another, and the error names the folder."""
    folder, _ = saved
    shutil.copytree(folder / 'suite', tmp_path / 'suite')
    same = partial(torch.testing.assert_close, packed(tmp_path / 'suite'), rtol=0, atol=0)
    for file in sorted((tmp_path / 'suite').iterdir()):
        content = file.read_bytes()
        for mutated in mutations(content, COUNT // 2, seed=4):
            file.write_bytes(mutated)
            answers(packed, tmp_path / 'suite', check=same)
        file.write_bytes(content)
    assert list(Suite.load(tmp_path / 'suite')) == ['near', 'far']
