"""Environments: their base class, and the parts that tasks are made of."""

from megastep.env.base import Env

__all__ = ['Env']
