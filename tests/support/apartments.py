"""Outlines of real apartments, where the file that has them lies beside the project."""

import json
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[3] / 'shared' / 'data'
APARTMENTS = DATA / 'apartments.geojsonl'


def apartments(most=200):
    if not APARTMENTS.exists():
        pytest.skip(f'{APARTMENTS} is absent')
    collections = [json.loads(line) for line in APARTMENTS.read_text().splitlines()[:most]]
    return [np.array(collection['features'][0]['geometry']['coordinates']) for collection in collections]
