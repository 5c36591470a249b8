"""Real apartments that ship with megastep: 200 floor plans, annotated by hand.

They are of github.com/art-programmer/FloorplanTransformation (Liu et al., Raster-to-Vector, 2017), whose annotations
are under the MIT licence: `apartments.LICENSE` beside this module is its text.
"""

from __future__ import annotations

import json
from pathlib import Path

from megastep.maps.mapset import MapSet
from megastep.maps.packing import PackedMaps
from megastep.maps.storage import tensor_files

FILE = Path(__file__).with_name('apartments.safetensors.xz')
"""The maps as `MapSet.save` writes them, compressed by LZMA."""


def real_apartments() -> MapSet:
    """Annotated floor plans of 200 real apartments, with the rooms' kinds: a map set that comes with megastep.

    Walls lie on a lattice of 1 cm, and a map has 52 to 204 of them (5 to 95 %). They are the maps that
    `MapSet.from_geojson` makes of the annotations, with spawns and lights: none is looked for here, so that they are
    the same on every machine. The recipe's ``names`` say which floor each is. Half of them are a training set:
    ``train, test = real_apartments().split(.5, seed=0)``.
    """
    arrays, metadata = tensor_files.read_shipped(FILE)
    packed = PackedMaps.from_tensors(arrays, json.loads(metadata['kinds']))
    return MapSet(map(packed.geometry, range(len(packed))), recipe=json.loads(metadata['recipe']))
