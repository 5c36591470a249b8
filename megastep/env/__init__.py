"""Environments, and the parts that tasks are made of: motion, sensors, goals, combat, starts and endings."""

from megastep.env.base import Env

__all__ = ['Env']
