"""Recipes: how map sets were made. One is what JSON can hold; that of a set of several kinds has a list of parts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Int32

Recipe = dict[str, Any] | None


def jsonable(recipe: Mapping[str, Any] | None) -> Recipe:
    """The recipe as a file gives it back.

    Raises:
        ValueError: if JSON can't hold it.
    """
    try:
        return json.loads(json.dumps(recipe, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ValueError(f'recipe must be what JSON can hold, got {recipe!r}: {error}.') from error


def parts(recipe: Recipe) -> list[Recipe]:
    """The recipes that a recipe consists of: its ``'parts'``, or itself if it has none."""
    listed = recipe.get('parts') if isinstance(recipe, dict) else None
    return listed if isinstance(listed, list) and listed else [recipe]


def families(recipe: Recipe) -> list[str]:
    """The name of the family that each part of a recipe makes, ``''`` where it says none."""
    names = [part.get('family') if isinstance(part, dict) else None for part in parts(recipe)]
    return [name if isinstance(name, str) else '' for name in names]


def differences(recipe: Any, other: Any, place: str = '') -> list[str]:
    """The differences of two recipes, as the names that lead to them: ``'parameters.rooms'``."""
    if isinstance(recipe, list) and isinstance(other, list) and len(recipe) == len(other):
        recipe, other = (dict(enumerate(entries)) for entries in (recipe, other))
    if not isinstance(recipe, dict) or not isinstance(other, dict):
        return [] if recipe == other else [place]
    names = sorted({*recipe, *other})
    return [
        found
        for name in names
        for found in differences(recipe.get(name), other.get(name), f'{place}.{name}' if place else str(name))
    ]


def union(recipes: Sequence[Recipe]) -> tuple[Recipe, list[list[int]]]:
    """Joins recipes to one that has all of their parts, each once.

    Returns:
        The recipe; and for each of those given, which of the joint recipe's parts each of its own parts is.
    """
    if all(recipe == recipes[0] for recipe in recipes):
        return recipes[0], [list(range(len(parts(recipe)))) for recipe in recipes]
    joint: list[Recipe] = []
    places = []
    for recipe in recipes:
        joint.extend(part for part in parts(recipe) if part not in joint)
        places.append([joint.index(part) for part in parts(recipe)])
    return {'parts': joint}, places


def check_origins(origins: Int32[np.ndarray, ' map'], recipe: Recipe) -> None:
    """Raises a `ValueError` unless a recipe has the part that each map is said to be of."""
    count = len(parts(recipe))
    wrong = origins[(origins < 0) | (origins >= count)]
    if wrong.size:
        raise ValueError(f'origins must be from 0 to {count - 1}, for the recipe has {count} parts, got {wrong[0]}.')
