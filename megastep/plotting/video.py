"""Video files, written frame by frame: mp4 where there is an encoder, else GIF."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from megastep.checks import check_numbers, check_paths
from megastep.maps.storage import atomic, temporaries

Frame = UInt8[np.ndarray, 'height width 3']

SUFFIXES = ('.mp4', '.gif')


def encoder() -> str:
    """The video encoder that there is: ``'ffmpeg'``, which writes mp4, or ``'pillow'``, which writes only GIF.

    The extra ``video`` brings ffmpeg along: ``pip install megastep[video]``.
    """
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return 'pillow'
    return 'ffmpeg'


def record(frames: Iterable[Frame], path: str | Path, fps: float = 10) -> Path:
    """Writes frames to a video file, whole or not at all.

    Args:
        frames: The pictures, sRGB bytes of (height, width, 3), all of one size.
        path: The file: ``.mp4`` or ``.gif``.
        fps: How many frames a second it plays. A GIF plays 50 at the most.

    Returns:
        The file written: ``path``, with the suffix ``.gif`` where there is no encoder for mp4.

    Raises:
        ValueError: if the suffix isn't known, fps isn't above 0, there are no frames, or a frame's shape or type is
            wrong or its size is another than the first's.
    """
    with Recorder(path, fps) as recorder:
        for frame in frames:
            recorder.add(frame)
    return recorder.path


class _Writer(Protocol):
    """Writes frames to one file, in one format."""

    def add(self, frame: Frame) -> None: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...


class _Mp4:
    """H.264 as every browser plays it: colour for each 2 x 2 pixels, its standard named, the index at the front."""

    OPTIONS = (
        '-preset veryfast -movflags +faststart -vf scale=out_color_matrix=bt709:out_range=tv '
        '-colorspace bt709 -color_primaries bt709 -color_trc bt709'
    )

    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._fps, self._count = path, fps, 0
        self._pipe: Generator[None, bytes | None, None] | None = None

    def add(self, frame: Frame) -> None:
        if self._pipe is None:
            self._pipe = self._open(height=frame.shape[0], width=frame.shape[1])
        try:
            self._pipe.send(frame.tobytes())
        except OSError as error:  # its message is ffmpeg's command line
            self._pipe = None
            raise OSError(f'the encoder ended after {self._count} frames, as where the disk is full.') from error
        self._count += 1

    def _open(self, *, height: int, width: int) -> Generator[None, bytes | None, None]:
        from imageio_ffmpeg import write_frames

        quiet = {'ffmpeg_log_level': 'error', 'output_params': self.OPTIONS.split()}
        pipe = write_frames(str(self._path), (width, height), fps=self._fps, quality=7, macro_block_size=2, **quiet)
        pipe.send(None)
        return pipe

    def finish(self) -> None:
        from imageio_ffmpeg import count_frames_and_secs

        self.abandon()
        try:  # for ffmpeg's exit status, of a full disk say, is lost
            written, _ = count_frames_and_secs(str(self._path))
        except RuntimeError:  # it can't read what there is
            written = 0
        if written != self._count:
            raise OSError(f'{self._count} frames were recorded, but {written} were written. Is the disk full?')

    def abandon(self) -> None:
        if self._pipe is not None:
            self._pipe.close()


class _Gif:
    def __init__(self, path: Path, fps: float) -> None:
        self._path, self._duration = path, max(20, 10 * round(100 / fps))  # ms; a GIF counts in hundredths of a second
        self._frames: list[Image.Image] = []

    def add(self, frame: Frame) -> None:
        # an octree is thrice as fast as Pillow's default and, on these pictures, as good
        self._frames.append(Image.fromarray(frame).quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE))

    def finish(self) -> None:
        first, *rest = self._frames
        first.save(self._path, save_all=True, append_images=rest, duration=self._duration, loop=0)

    def abandon(self) -> None:
        self._frames.clear()


class Recorder:
    """Video writer: takes frames as they come. If the block fails, what stood at the path before stays whole.

    >>> with Recorder('out.mp4') as recorder:  # doctest: +SKIP
    ...     recorder.add(frame)

    Args:
        path: The file: ``.mp4`` or ``.gif``.
        fps: How many frames a second it plays. A GIF plays 50 at the most.

    Attributes:
        path: The file really written: with the suffix ``.gif`` where there is no encoder for mp4.

    Raises:
        ValueError: if the suffix isn't known, or fps isn't above 0.
    """

    def __init__(self, path: str | Path, fps: float = 10) -> None:
        check_paths(path=path)
        check_numbers(fps=fps)
        self.path = Path(path)
        if self.path.suffix not in SUFFIXES:
            raise ValueError(f'path must end in {" or ".join(SUFFIXES)}, got {str(path)!r}.')
        if not 0 < fps < math.inf:
            raise ValueError(f'fps must be above 0 and finite, got {fps}.')
        if encoder() == 'pillow':
            self.path = self.path.with_suffix('.gif')
        self._fps = fps
        self._shape: tuple[int, ...] | None = None

    def __enter__(self) -> Recorder:
        with ExitStack() as stack:
            beside = stack.enter_context(atomic.replacing(self.path))
            self._writer: _Writer = (_Mp4 if self.path.suffix == '.mp4' else _Gif)(beside, self._fps)
            stack.push(self._finish)
            self._files = stack.pop_all()
        return self

    def add(self, frame: Frame) -> None:
        """Appends a frame, sRGB bytes of (height, width, 3).

        Raises:
            ValueError: if the frame's shape or type is wrong, or its size is another than the first's.
        """
        if not isinstance(frame, np.ndarray):
            raise ValueError(f'frames must be arrays, got {type(frame).__name__}.')  # noqa: TRY004
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
            raise ValueError(f'frames must be (height, width, 3) of uint8, got {frame.shape} of {frame.dtype}.')
        self._shape = self._shape or frame.shape
        if frame.shape != self._shape:
            raise ValueError(f'frames must all be {self._shape}, as the first was, got {frame.shape}.')
        odd_height, odd_width = frame.shape[0] % 2, frame.shape[1] % 2  # H.264 has colour for each 2 x 2 pixels
        self._writer.add(np.pad(frame, ((0, odd_height), (0, odd_width), (0, 0)), mode='edge'))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.__exit__(kind, error, trace)
        temporaries.clear_abandoned(self.path)  # also what the encoder of one that was killed has made since

    def _finish(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._writer.abandon()
        elif self._shape is None:
            raise ValueError('a recording needs at least 1 frame, got 0.')
        else:
            self._writer.finish()
