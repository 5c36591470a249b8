"""Attributes that a function assigns, however deep: what a replay, in which no Python runs, sets as a call would."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import FunctionType, MethodType, ModuleType
from typing import Any

import gymnasium
import torch
from torch import Tensor

NO_OWNERS = (type, ModuleType, FunctionType, MethodType, gymnasium.Space, torch.Generator, Tensor)
"""Objects that aren't looked into: nothing that a step assigns is there."""

Places = dict[tuple[int, Any], tuple[Any, Any]]
"""The values in namespaces, which are dictionaries and lists: by the namespace's identity and the value's name there,
the namespace itself and the value.
"""


class Assigned:
    """Attributes that a function has assigned, with the tensors that it made for them.

    Args:
        before: What `places` said before the function ran.
        after: And what it says since.
    """

    def __init__(self, before: Places, after: Places) -> None:
        known = {place for place, _ in before}
        self._dicts: dict[int, tuple[dict[Any, Any], dict[Any, Any]]] = {}
        self._items: list[tuple[list[Any], int, Any]] = []
        for (place, name), (namespace, value) in after.items():
            old = before.get((place, name), (None, None))[1]
            if place not in known or value is old or not _has_tensors(value):
                continue
            if isinstance(namespace, dict):
                self._dicts.setdefault(place, (namespace, {}))[1][name] = value
            else:
                self._items.append((namespace, name, value))

    def restore(self) -> None:
        """Assigns them again."""
        for names, values in self._dicts.values():
            names.update(values)
        for items, number, value in self._items:
            items[number] = value


def places(owner: object, *passed_over: object) -> Places:
    """Finds what an object's attributes are, and the attributes of these, however deep.

    Args:
        owner: The object.
        passed_over: Objects that aren't looked into.
    """
    looked_at, ahead, found = {id(each) for each in passed_over}, deque[Any]([owner]), Places()
    while ahead:
        if id(owner := ahead.popleft()) in looked_at:
            continue
        looked_at.add(id(owner))
        if isinstance(owner, tuple):
            ahead.extend(owner)
        elif (namespace := _namespace(owner)) is not None:
            for name, value in _entries(namespace):
                found[id(namespace), name] = namespace, value
                ahead.append(value)
    return found


def _namespace(owner: Any) -> dict[Any, Any] | list[Any] | None:
    """The dictionary of an object's attributes, or a container itself; None of what has neither."""
    if isinstance(owner, dict | list):
        return owner
    return vars(owner) if hasattr(owner, '__dict__') and not isinstance(owner, NO_OWNERS) else None


def _entries(namespace: dict[Any, Any] | list[Any]) -> Iterator[tuple[Any, Any]]:
    return iter(namespace.items() if isinstance(namespace, dict) else enumerate(namespace))


def _has_tensors(value: Any) -> bool:
    """True of a tensor, and of what has one somewhere within."""
    return any(isinstance(each, Tensor) for _, each in places([value]).values())
