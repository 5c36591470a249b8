"""Video recording: an env filmed frame by frame, or by processes beside it."""

from megastep.recording.video import record

__all__ = ['record']
