"""Maps of a family, of random parameters from the whole of their ranges; and their hashes."""

import hashlib
import json

import numpy as np

from megastep.mapgen import FAMILIES, Choice, certify
from megastep.mapgen.finishing import finish
from megastep.mapgen.options import OPTIONS


def draw_parameters(rng, parameters):
    """A value for each parameter: a name, a number, or a pair of which the first is at most the second."""
    return {name: _draw(rng, parameter) for name, parameter in parameters.items()}


def _draw(rng, parameter):
    if isinstance(parameter, Choice):
        return str(rng.choice(parameter.options))
    if isinstance(parameter.default, tuple):
        return tuple(sorted(_number(rng, parameter, type(parameter.default[0])) for _ in range(2)))
    return _number(rng, parameter, type(parameter.default))


def _number(rng, parameter, kind):
    if rng.random() < 0.2:
        return kind(rng.choice([parameter.least, parameter.most]))
    if kind is int:
        return int(rng.integers(parameter.least, parameter.most + 1))
    return float(rng.uniform(parameter.least, parameter.most))


def certified_maps(name, count, seed, refusal='must come to at most'):
    """Maps of a family, each of parameters of its own; those that it refuses, with this reason, aren't counted."""
    family = FAMILIES[name]
    own = {key: parameter for key, parameter in family.parameters.items() if key not in OPTIONS}
    rng = np.random.default_rng(seed)
    maps = []
    for index in range(20 * count):
        words = family.words(seed, index)
        parameters = family.complete(draw_parameters(rng, own))
        try:
            plan = family.draw(words, parameters)
        except ValueError as error:
            assert refusal in str(error)
            continue
        maps.append(finish(plan, words))
        certify(maps[-1], f'{name} of {parameters}, seed {seed}, index {index}')
        if len(maps) == count:
            break
    assert len(maps) == count
    return maps


def plan_digest(name, seed, index):
    """A hash of the millimetres of a family's plan by its defaults."""
    family = FAMILIES[name]
    rings, rooms, doors = family.draw(family.words(seed, index), family.complete({}))[:3]
    return hashlib.sha256(json.dumps([rings, rooms, doors]).encode()).hexdigest()[:32]
