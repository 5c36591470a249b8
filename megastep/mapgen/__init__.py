"""Generates floorplans: families of them, each a pure function of a seed, an index and a few parameters."""

from megastep.mapgen.certificate import CertificateError, certify
from megastep.mapgen.family import Family, Parameter
from megastep.mapgen.generation import FAMILIES, generate

__all__ = ['FAMILIES', 'CertificateError', 'Family', 'Parameter', 'certify', 'generate']
