"""Signals that ask a run to end, noted until it has saved its work."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

ASKING = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a scheduler sends before it kills."""


class Signals:
    """Handler of signals: while it is entered, the first one to end is noted. A second one does what it did before.

    Attributes:
        received: The number of the signal that came, 0 for none.
    """

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        self._before = {asking: signal.signal(asking, self._note) for asking in ASKING}
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for asking, handler in self._before.items():
            signal.signal(asking, handler)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()
