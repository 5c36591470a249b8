"""Conformance tests for those who write envs: `check_env` finds what a vector env of tensors does wrong."""

from megastep.testing.checks import check_env

__all__ = ['check_env']
