"""Viewer: replays of an env, to be looked at in a browser or a notebook."""

from megastep.viewer.replay import Replay

__all__ = ['Replay']
