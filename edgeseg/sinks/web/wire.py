"""The message that carries a picture and its label map to the page.

Little-endian: the header's length in bytes (uint32), the header (JSON, UTF-8), the JPEG, the
label map (uint8 class ids row by row, deflated as zlib does). A text message is JSON: either
`hello` (once, what does not change) or `figures` (twice a second). The page answers each
message with a text, `seen` for a picture and `here` for any other; who answers nothing is
not sent to any longer.
"""

from __future__ import annotations

import json
import struct
import zlib

from edgeseg.images import Mask

SEEN = "seen"
LEVEL = 1
"""Of deflate: label maps are flat, and more effort saves little."""


def pack(jpeg: bytes, label_map: Mask, index: int, age_ms: float) -> bytes:
    """One picture as a binary message."""
    squeezed = zlib.compress(label_map.tobytes(), LEVEL)
    header = json.dumps(
        {
            "index": index,
            "age_ms": round(age_ms, 1),
            "height": label_map.shape[0],
            "width": label_map.shape[1],
            "jpeg": len(jpeg),
            "map": len(squeezed),
        }
    ).encode()
    return b"".join((struct.pack("<I", len(header)), header, jpeg, squeezed))
