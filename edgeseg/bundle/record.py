"""What each stage made of a golden frame, as one `.npz`.

Read with NumPy alone: a fault in this machine's image decoder must not reach the record
that it is judged by. Pictures are stored as differences to their neighbours, which makes
them as small as in a PNG.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeseg.errors import ModelError
from edgeseg.images import Image

MAX_BYTES = 64 << 20
"""Of a record unpacked."""


@dataclass(frozen=True, eq=False)
class Record:
    """The results of the stages on the machine that made the bundle."""

    frame: Image
    """Decoded, BGR HxWx3 uint8."""
    resized: Image
    """At the model's size, BGR uint8."""
    picture: Image
    """What the model saw: RGB or grey, uint8."""
    raw: NDArray[Any]
    """The model's output without its batch: HxWxC scores, or class ids as uint8."""

    def to_bytes(self) -> bytes:
        """An .npz; the same record gives the same bytes. Raises ModelError for one too large to be read back."""
        arrays = {"frame": _steps(self.frame), "resized": _steps(self.resized), "raw": self.raw}
        if self.picture.shape[2] == 1:
            arrays["picture"] = _steps(self.picture)
        written = io.BytesIO()
        np.savez_compressed(written, **arrays)  # type: ignore[arg-type]  # its stub means allow_pickle
        if _unpacked(written.getvalue()) > MAX_BYTES:
            shape = "x".join(map(str, self.raw.shape))
            cure = "make it with  edgeseg quantize --output labels,  or smaller"
            raise ModelError(f"the model's output, {shape} {self.raw.dtype}, is too large to record; {cure}")
        return written.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Record:
        """Raises ModelError for what `to_bytes` did not write."""
        try:
            if _unpacked(data) > MAX_BYTES:
                raise ModelError("a golden frame's record is absurdly large; make the bundle again")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                frame, resized = (_summed(arrays[name]) for name in ("frame", "resized"))
                # RGB is BGR backwards, by definition; only a grey picture has to be written down.
                picture = (
                    _summed(arrays["picture"]) if "picture" in arrays else np.ascontiguousarray(resized[..., ::-1])
                )
                return cls(frame, resized, picture, np.array(arrays["raw"]))
        except ModelError:
            raise
        except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
            raise ModelError(f"a golden frame's record cannot be read ({error}); make the bundle again") from error


def _unpacked(data: bytes) -> int:
    """Bytes of all arrays in an .npz."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(each.file_size for each in archive.infolist())


def _steps(image: Image) -> Image:
    """Each value less its left and upper neighbours', modulo 256."""
    down = np.diff(image, axis=0, prepend=np.uint8(0))
    return np.asarray(np.diff(down, axis=1, prepend=np.uint8(0)), np.uint8)


def _summed(steps: Image) -> Image:
    if steps.dtype != np.uint8 or steps.ndim != 3 or not steps.size:
        raise ValueError(f"a picture is HxWxC uint8, not {steps.shape} {steps.dtype}")
    down = np.cumsum(steps, axis=1, dtype=np.uint8)
    return np.asarray(np.cumsum(down, axis=0, dtype=np.uint8), np.uint8)
