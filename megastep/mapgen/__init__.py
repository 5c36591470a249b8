"""Generates floorplans: families of them, each a pure function of a seed, an index and a few parameters."""

from megastep.mapgen.families import FAMILIES
from megastep.mapgen.family import Choice, Family, Parameter
from megastep.mapgen.finishing.certificate import CertificateError, certify
from megastep.mapgen.generation import GenerationError, generate, make
from megastep.mapgen.mutation import mutate

__all__ = [
    'FAMILIES', 'CertificateError', 'Choice', 'Family', 'GenerationError', 'Parameter', 'certify', 'generate', 'make',
    'mutate',
]  # fmt: skip
