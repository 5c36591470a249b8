"""Every reader answers, whatever it is given: an error that names the file, or maps that keep what is promised of them.

The corpus is the files of `tests/maps/files`; the inputs are mutations of it, a bounded number of them, the same each
time. ``MEGASTEP_FUZZ=10000`` makes more.
"""

import os
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fuzz import mutations
from work import at_most
from worlds import box

from megastep import Geometry, MapSet
from megastep.env.navigation import GeodesicField
from megastep.evaluation.episodes import Episodes
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


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp('saved')
    maps = MapSet([box(), box(right=6.0, spawns=[(2, 2), (3, 3), (4, 2)])], recipe={'family': 'test'})
    maps.save(folder / 'maps')
    GeodesicField.pack(maps, 'cpu').save(folder / 'field')
    Episodes.draw(maps, 'minimal', per_map=2, seed=0).save(folder / 'episodes')
    return folder, maps


STORED = {
    'maps': lambda path, maps: Scenery.pack(MapSet.load(path), device='cpu'),
    'field': lambda path, maps: GeodesicField.load(path, maps, 'cpu'),
    'episodes': Episodes.load,
}


@pytest.mark.parametrize('name', STORED)
def test_what_megastep_saves(saved, name, tmp_path):
    """What is read is what was saved: so there is nothing to certify."""
    folder, maps = saved
    path = tmp_path / name
    for content in mutations((folder / name).read_bytes(), 4 * COUNT, seed=2):
        path.write_bytes(content)
        answers(lambda given: STORED[name](given, maps), path, check=lambda found: None)
