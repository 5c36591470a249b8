"""Films: an env recorded to a video file, frame by frame or in processes beside it."""

from megastep.recording.video import record

__all__ = ['record']
