"""Triton's modules and those of their twins: each says which its twin is, and both are told the same."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

import megastep

HOUSES = [Path(megastep.__file__).parent / house for house in ('triton', 'numba')]
TWINS = sorted(
    set.intersection(
        *(
            {'.'.join(path.relative_to(house).with_suffix('').parts) for path in house.rglob('[!_]*.py')}
            for house in HOUSES
        )
    )
)


def modules(name):
    return [importlib.import_module(f'megastep.{house.name}.{name}') for house in HOUSES]


def constants(module):
    """Its numbers, Triton's out of their wrapping, as float32."""
    found = {name: getattr(value, 'value', value) for name, value in vars(module).items() if name.isupper()}
    return {name: np.float32(value) for name, value in found.items() if isinstance(value, int | float | np.float32)}


def test_kernels_have_twins():
    assert {
        'collisions',
        'impacts',
        'light',
        'lightmap',
        'navigation',
        'raycasting.by_ray',
        'raycasting.shading',
    } <= set(TWINS)


@pytest.mark.parametrize('name', TWINS)
def test_each_names_its_twin(name):
    one, other = modules(name)
    assert other.__name__ in one.__doc__
    assert one.__name__ in other.__doc__


@pytest.mark.parametrize('name', TWINS)
def test_constants_are_the_same(name):
    one, other = map(constants, modules(name))
    assert {key: one[key] for key in one if key in other} == {key: other[key] for key in other if key in one}


def kernels(module):
    """What it launches, by name: the names of its arguments."""
    found = {name: getattr(value, 'fn', getattr(value, 'py_func', None)) for name, value in vars(module).items()}
    return {
        name: list(inspect.signature(function).parameters)
        for name, function in found.items()
        if name.startswith('_') and inspect.isfunction(function) and function.__module__ == module.__name__
    }


OTHERWISE = {'_account', '_forget', '_pay', '_quantize'}
"""Kernels whose twins are operations of PyTorch's, or several loops."""

LAUNCHED = [(name, kernel) for name in TWINS for kernel in sorted(kernels(modules(name)[0]).keys() - OTHERWISE)]


def test_kernels_are_found():
    found = {
        '_advance', '_bake', '_distances', '_draw_integers', '_draw_reals', '_render', '_respawn',
        '_respawn_with_goals', '_tally', '_tick', '_clean', '_count_down', '_spend', '_push', '_turn', '_inertial',
        '_point', '_renew', '_respawn_apart', '_aim', '_fallen', '_fight', '_gauge', '_reward', '_track',
        '_set_out', '_reached', '_score', '_link', '_find_extents', '_find_lights', '_find_visible',
    }  # fmt: skip
    assert {kernel for _, kernel in LAUNCHED} == found


@pytest.mark.parametrize('name, kernel', LAUNCHED)
def test_kernels_take_the_same(name, kernel):
    """Triton's take in the same order what their twins do, and constants, sizes and scratch that those do without."""
    one, other = (kernels(module)[kernel] for module in modules(name))
    assert [argument.lower() for argument in one if argument.lower() in other] == other


def test_constants_are_found():
    one, other = map(constants, modules('collisions'))
    assert {'SKIN', 'LONGEST', 'SLIDES', 'DEGREE'} <= set(one) & set(other)
    one, other = map(constants, modules('obstacles'))
    assert {'SKIN', 'HALVINGS'} <= set(one) & set(other)
