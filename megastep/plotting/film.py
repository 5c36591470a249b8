"""Films of an env while it steps: other processes draw, so that the env's loop only copies what is to be drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from tqdm.auto import tqdm

from megastep.checks import check_counts
from megastep.mapgen.parallel import processes
from megastep.plotting.states import NIGHT, TRAIL, StatePlot, check_size
from megastep.plotting.video import Frame, Recorder
from megastep.world.snapshot import Snapshot

CHUNK = 2 * TRAIL
"""The moments that a process draws at a time. It also looks at the trail that leads up to them."""

Moment = tuple[Snapshot, ...]
"""Snapshots of some envs, all of one moment."""


class Film:
    """Film of snapshots: drawn by other processes, and written to a video file in the order in which they came.

    If the block fails, what stood at the path before stays whole. The processes import the calling script: there, use
    this under ``if __name__ == '__main__':``.

    >>> with Film('out.mp4', fps=10) as film:  # doctest: +SKIP
    ...     for actions in plan:
    ...         env.step(actions)
    ...         film.add(env.snapshot(0))

    Args:
        path: The file: ``.mp4`` or ``.gif``.
        fps: How many frames a second it plays.
        workers: How many processes draw.
        size: The frames' width and height, in pixels. Where several envs are shown, they share it.
        progress: Show a bar.

    Attributes:
        path: The file really written: with the suffix ``.gif`` where there is no encoder for mp4.

    Raises:
        ValueError: if the suffix isn't known, fps isn't above 0, there are no workers, or the size is none that can be
            drawn.
    """

    def __init__(
        self,
        path: str | Path,
        fps: float = 10,
        *,
        workers: int = 1,
        size: tuple[int, int] = (960, 540),
        progress: bool = False,
    ) -> None:
        check_counts(workers=workers)
        check_size(size)
        self._recorder, self._workers, self._size = Recorder(path, fps), workers, size
        self.path = self._recorder.path
        self._chunk: list[Moment] = []
        self._before: list[Moment] = []
        self._drawings: SimpleQueue[Future[list[Frame]] | None] = SimpleQueue()
        self._progress = progress

    def __enter__(self) -> Film:
        with ExitStack() as stack:
            stack.enter_context(self._recorder)
            self._wanted = Path(stack.enter_context(TemporaryDirectory())) / 'film'
            self._wanted.touch()
            self._bar = stack.enter_context(tqdm(desc='film', unit='frames', total=0, disable=not self._progress))
            self._pool, self._thread = processes(self._workers), ThreadPoolExecutor(1)
            self._writing = self._thread.submit(self._write)
            stack.push(self._end)
            self._recording = stack.pop_all()
        return self

    def add(self, *snapshots: Snapshot) -> None:
        """Takes the next moment, of one env or of several, which are shown in a grid; and returns at once.

        Args:
            snapshots: Each env's, in the same order every time.

        Raises:
            ValueError: if it couldn't be drawn, of what was added before, too; or there are no snapshots, not as many
                as before, or more than the film has room for.
        """
        if self._writing.done():
            self._writing.result()  # raises what went wrong
        last = (self._chunk[-1:] or self._before[-1:] or [snapshots])[0]
        if not snapshots or len(snapshots) != len(last):
            wanted = f'{len(last)}, as before' if last else 'at least 1'
            raise ValueError(f'snapshots must be {wanted}, got {len(snapshots)}.')
        if others := [snapshot for snapshot in snapshots if not isinstance(snapshot, Snapshot)]:
            raise ValueError(f'snapshots must be what env.snapshot returns, got {type(others[0]).__name__}.')
        across, up = _grid(len(snapshots))
        check_size(self._size, across=across, up=up)
        self._chunk.append(tuple(map(_sharing, snapshots, last)))
        self._bar.total += 1
        if len(self._chunk) == CHUNK:
            self._hand_over()

    def _hand_over(self) -> None:
        self._drawings.put(self._pool.submit(drawn, self._before, self._chunk, self._size, self._wanted))
        self._before, self._chunk = [*self._before, *self._chunk][-TRAIL:], []

    def _write(self) -> None:
        """Runs in a thread of its own: writes what has been drawn, in order."""
        for drawing in iter(self._drawings.get, None):
            for frame in drawing.result():
                if not self._wanted.exists():
                    return
                self._recorder.add(frame)
                self._bar.update()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recording.__exit__(kind, error, trace)

    def _end(self, kind: type[BaseException] | None, *_: object) -> None:
        """Has what was added drawn and written. After a failure, whoever draws or writes lets go of it at once."""
        try:
            if kind is None:
                self._finish()
        finally:
            self._wanted.unlink()
            self._pool.shutdown(cancel_futures=True)
            self._drawings.put(None)
            self._thread.shutdown()

    def _finish(self) -> None:
        if self._chunk:
            self._hand_over()
        self._drawings.put(None)
        self._writing.result()


def drawn(
    before: Sequence[Moment], moments: Sequence[Moment], size: tuple[int, int], wanted: Path | None = None
) -> list[Frame]:
    """Draws moments one after the other, with the trails that those before them have left.

    Args:
        before: Those before, as many as a trail is long.
        moments: Those that are drawn.
        size: The frames' width and height, in pixels.
        wanted: A file that is there as long as anybody waits for the frames. Once it isn't, no more are drawn: nothing
            else stops a pool's process in the middle of its work.
    """
    first, *later = [*before, *moments]
    grid, frames = Grid(first, size), []
    if not before:
        frames.append(grid.frame())
    for number, moment in enumerate(later, start=1):
        if wanted is not None and not wanted.exists():
            break
        grid.update(moment)
        if number >= len(before):
            frames.append(grid.frame())
    return frames


class Grid:
    """Grid of envs' pictures, as nearly square as it can be, that is brought up to date.

    Args:
        moment: The envs.
        size: The whole picture's width and height, in pixels.
    """

    def __init__(self, moment: Moment, size: tuple[int, int]) -> None:
        self._columns, rows = _grid(len(moment))
        self._size = size
        tile = size[0] // self._columns, size[1] // rows
        self._plots, self._tile = [StatePlot(snapshot, tile) for snapshot in moment], tile

    def update(self, moment: Moment) -> None:
        """Shows another moment."""
        for plot, snapshot in zip(self._plots, moment, strict=True):
            plot.update(snapshot)

    def frame(self) -> Frame:
        """Draws the picture as sRGB bytes."""
        (across, up), (width, height) = self._size, self._tile
        night = np.round(255 * np.array(to_rgb(NIGHT))).astype(np.uint8)
        whole = np.broadcast_to(night, (up, across, 3)).copy()
        for number, plot in enumerate(self._plots):
            top, left = number // self._columns * height, number % self._columns * width
            whole[top : top + height, left : left + width] = plot.frame()
        return whole


def _grid(count: int) -> tuple[int, int]:
    """The columns and rows of a grid for so many, as nearly square as it can be."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)


def _sharing(snapshot: Snapshot, other: Snapshot) -> Snapshot:
    """A snapshot that shares with another the arrays that are the same in both, as most are while the map is."""
    shared: dict[str, Any] = {}
    for field in fields(Snapshot):
        new, old = getattr(snapshot, field.name), getattr(other, field.name)
        if isinstance(new, np.ndarray) and isinstance(old, np.ndarray) and np.array_equal(new, old):
            shared[field.name] = old
    return replace(snapshot, **shared)
