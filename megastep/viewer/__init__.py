"""Viewer: replays of an env, to be looked at in a browser or a notebook; and driving an agent by keys."""

from megastep.viewer.drive_widget import drive
from megastep.viewer.driving import Drive
from megastep.viewer.replay import Replay
from megastep.viewer.server import serve

__all__ = ['Drive', 'Replay', 'drive', 'serve']
