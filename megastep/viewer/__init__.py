"""Viewer: replays of an env in a browser or a notebook; driving an agent by keys; and drawing floorplans by hand."""

from megastep.viewer.drawing.session import Draw
from megastep.viewer.drawing.sketch import Sketch
from megastep.viewer.drawing.widget import draw
from megastep.viewer.drive_widget import drive
from megastep.viewer.driving import Drive
from megastep.viewer.replay import Replay
from megastep.viewer.server import serve

__all__ = ['Draw', 'Drive', 'Replay', 'Sketch', 'draw', 'drive', 'serve']
