"""Compact arrays for a page: quantised, packed end to end, deflated, in base64; and pictures as PNG."""

from __future__ import annotations

import base64
import io
import zlib
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image

ABSENT = 2**16 - 1
"""The number that stands for NaN among quantised ones."""

FINEST = 0.001
"""Places are kept to the millimetre, or as finely as 16 bits allow."""

TILE = 4096
"""The frames, at most, that one picture holds: browsers draw no picture that is much larger."""


class Archive:
    """Archive of arrays: each goes by a number, and all of them are deflated together.

    Numbers that change little from frame to frame are kept as differences, which take little room.
    """

    def __init__(self) -> None:
        self._index: list[dict[str, Any]] = []
        self._parts: list[bytes] = []
        self._size = 0

    def exact(self, array: Shaped[np.ndarray, '*axis']) -> int:
        """Adds an array as it is, as float32, int32, uint16 or uint8. Returns its number."""
        kinds: dict[str, Any] = {'f': np.float32, 'i': np.int32, 'b': np.uint8, 'u': array.dtype}
        return self._add(np.ascontiguousarray(array, kinds[array.dtype.kind]))

    def tracked(self, array: Float[np.ndarray, 'frame ...'], finest: float = FINEST) -> int:
        """Adds values over time in 16 bits, NaN among them. Returns their number.

        Args:
            array: The values; infinite ones are kept as NaN.
            finest: They are rounded to a multiple of this, or of more where 16 bits call for it.
        """
        finite = np.isfinite(array)
        low, high = (array[finite].min(), array[finite].max()) if finite.any() else (0.0, 0.0)
        unit = max(finest, float(high - low) / (ABSENT - 1))
        levels = np.where(finite, ((np.where(finite, array, low) - low) / unit).round(), ABSENT).astype(np.uint16)
        steps = np.diff(levels, axis=0, prepend=np.zeros((1, *levels.shape[1:]), np.uint16))  # modulo 2^16
        return self._add(steps, origin=float(low), unit=unit)

    def turning(self, angles: Float[np.ndarray, 'frame ...']) -> int:
        """Adds angles over time, in degrees, to 1/65,536 of a turn. Returns their number."""
        levels = np.round(np.nan_to_num(angles) % 360 / 360 * 2**16).astype(np.int64).astype(np.uint16)
        steps = np.diff(levels, axis=0, prepend=np.zeros((1, *levels.shape[1:]), np.uint16))
        return self._add(steps, origin=0.0, unit=360 / 2**16, whole=True)

    def _add(self, array: np.ndarray, **options: Any) -> int:
        content = np.moveaxis(array, 0, -1) if 'unit' in options else array  # frames last: like stands beside like
        raw = np.ascontiguousarray(content).tobytes()
        self._index.append({'type': array.dtype.name, 'shape': list(array.shape), 'at': self._size, **options})
        self._parts.append(raw + bytes(-len(raw) % 4))
        self._size += len(self._parts[-1])
        return len(self._index) - 1

    def json(self) -> dict[str, Any]:
        """The archive as a page has it."""
        return {'index': self._index, 'bytes': text(zlib.compress(b''.join(self._parts), 9))}


def text(content: bytes) -> str:
    """Bytes in base64."""
    return base64.b64encode(content).decode()


def pictures(pixels: UInt8[np.ndarray, 'frame pixel *channel']) -> list[str]:
    """PNG pictures of rows of pixels over time, in base64: a row of a picture is a frame."""
    return [text(_png(pixels[first : first + TILE])) for first in range(0, len(pixels), TILE)]


def _png(pixels: UInt8[np.ndarray, 'frame pixel *channel']) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, 'PNG')
    return content.getvalue()
