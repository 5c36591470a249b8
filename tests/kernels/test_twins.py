"""Triton's modules and those of their twins: each says which its twin is, and both are told the same."""

import importlib
from pathlib import Path

import numpy as np
import pytest

import megastep

HOUSES = [Path(megastep.__file__).parent / house for house in ('triton', 'numba')]
TWINS = sorted(set.intersection(*({path.stem for path in house.glob('[!_]*.py')} for house in HOUSES)))


def modules(name):
    return [importlib.import_module(f'megastep.{house.name}.{name}') for house in HOUSES]


def constants(module):
    """Its numbers, Triton's out of their wrapping, as float32."""
    found = {name: getattr(value, 'value', value) for name, value in vars(module).items() if name.isupper()}
    return {name: np.float32(value) for name, value in found.items() if isinstance(value, int | float | np.float32)}


def test_kernels_have_twins():
    assert {'collisions', 'impacts', 'light', 'lightmap', 'navigation', 'raycasting', 'shading'} <= set(TWINS)


@pytest.mark.parametrize('name', TWINS)
def test_each_names_its_twin(name):
    one, other = modules(name)
    assert other.__name__ in one.__doc__
    assert one.__name__ in other.__doc__


@pytest.mark.parametrize('name', TWINS)
def test_constants_are_the_same(name):
    one, other = map(constants, modules(name))
    assert {key: one[key] for key in one if key in other} == {key: other[key] for key in other if key in one}


def test_constants_are_found():
    one, other = map(constants, modules('collisions'))
    assert {'SKIN', 'LONGEST', 'SLIDES', 'HALVINGS', 'DEGREE'} <= set(one) & set(other)
