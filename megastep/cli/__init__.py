"""The `megastep` command."""

from megastep.cli.app import main

__all__ = ['main']
