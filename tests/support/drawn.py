"""Hashes of families' plans."""

import hashlib
import json

from megastep.mapgen import FAMILIES


def plan_digest(name, seed, index):
    """A hash of the millimetres of a family's plan by its defaults."""
    family = FAMILIES[name]
    rings, rooms, doors = family.draw(family.rng(seed, index), family.complete({}))[:3]
    return hashlib.sha256(json.dumps([rings, rooms, doors]).encode()).hexdigest()[:32]
