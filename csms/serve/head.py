"""The head of an HTTP request, checked before it is parsed: what two readers may read differently is refused.

Used on both ports, the stations' and the operators'. Request smuggling exploits proxies and servers that disagree about
where a request ends, or which of two headers counts (RFC 9112 sections 3, 5 and 6, RFC 9110 section 5.3).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

HEAD_BYTES = 16 * 1024
LINES = 100
LINE_BYTES = 8 * 1024
ONCE = frozenset(
    b"host authorization content-length content-type transfer-encoding origin upgrade expect idempotency-key "
    b"last-event-id sec-websocket-key sec-websocket-version".split()
)
"""Headers that may occur once: readers may differ in which of two they use."""
_REQUEST = re.compile(rb"[A-Z]{1,20} ([\x21-\x7e]+) HTTP/1\.[01]")
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e\x80-\xff]?[\t\x20-\x7e\x80-\xff]*)")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_SIGNS = re.compile(rb"[0-9]{1,18}")


class BadHead(Exception):
    """A head that is refused: `status` is the HTTP status, the text says why in one sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


def end_of(data: bytes | bytearray) -> int:
    """Return the offset behind the head's empty line; 0 while that is missing. Raises `BadHead` if it is too long."""
    end = data.find(b"\r\n\r\n", 0, HEAD_BYTES + 4)
    if end < 0:
        if len(data) > HEAD_BYTES:
            raise BadHead(431, f"the head of a request has at most {HEAD_BYTES} bytes")
        if b"\n\n" in data or b"\n\r\n" in data:
            raise BadHead(400, "the lines of a head end with CR LF")
        return 0
    return end + 4


def check(head: bytes) -> dict[bytes, bytes]:
    """Return the headers of a whole head, its empty line included; raise `BadHead` if it is malformed or ambiguous."""
    lines = head[:-4].split(b"\r\n")
    if len(lines) > LINES or max(map(len, lines)) > LINE_BYTES:
        raise BadHead(431, f"a head has at most {LINES} lines of {LINE_BYTES} bytes")
    request = _REQUEST.fullmatch(lines[0])
    if request is None:
        raise BadHead(400, "the first line of a request is METHOD TARGET HTTP/1.1")
    target = request[1]
    if _BAD_PERCENT.search(target):
        raise BadHead(400, "a % in the target is followed by two hex digits")
    if b"%00" in target or b"#" in target:
        raise BadHead(400, "the target holds neither NUL nor #")
    if b"%" in target:
        try:
            unquote_to_bytes(target).decode()  # otherwise a reader replaces different bytes by the same character
        except UnicodeDecodeError:
            raise BadHead(400, "the target, its % decoded, is UTF-8") from None
    found: dict[bytes, bytes] = {}
    for line in lines[1:]:
        header = _HEADER.fullmatch(line)
        if header is None:
            raise BadHead(400, "each line of a head is NAME: VALUE")
        name = header[1].lower()
        if name in ONCE and name in found:
            raise BadHead(400, f"the header {name.decode()} stands there twice")
        found[name] = header[2].rstrip(b" \t")
    length, coding = found.get(b"content-length"), found.get(b"transfer-encoding")
    if length is not None and coding is not None:
        raise BadHead(400, "a request has Content-Length or Transfer-Encoding, not both")
    if length is not None and not _SIGNS.fullmatch(length):
        raise BadHead(400, "Content-Length is a number of bytes")
    if coding is not None and coding.lower() != b"chunked":
        raise BadHead(400, "the only Transfer-Encoding there is here is chunked")
    return found


def answer(refused: BadHead) -> bytes:
    """Return the whole response to a head that is refused, after which the connection is closed."""
    text = f"{refused.why}\n".encode()
    reason = HTTPStatus(refused.status).phrase
    return (
        f"HTTP/1.1 {refused.status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    ).encode() + text
