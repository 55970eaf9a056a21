"""Why a connection attempt failed, as one sentence that says what to do about it."""

from __future__ import annotations

import errno
import socket
import ssl

from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

from interlock.simulator.network.address import Address

STATUSES = {
    400: "it takes no such WebSocket handshake; is OCPP's path right, and does it speak {subprotocol}?",
    401: "the password is wrong or missing (--password; the user is the station's id)",
    403: "this station may not connect; is it registered there, with this password?",
    404: "nothing is at that path, or no station of that id is registered",
    426: "it wants another protocol version than WebSocket 13 with {subprotocol}",
    429: "too many connections in too short a time; try a lower --rate",
    502: "a proxy answers, and the CSMS behind it does not",
    503: "it takes no connections now, it is overloaded or starting",
}


class NoSubprotocol(Exception):
    """The handshake was finished without agreeing on a subprotocol."""


class HungUp(Exception):
    """The other side closed the connection before the handshake was over."""


def explain(error: BaseException, address: Address, patience_s: float, subprotocol: str) -> str:
    """Return the sentence for an error of dialling."""
    place = address.place
    if isinstance(error, InvalidStatus):
        return _status(error, place, subprotocol)
    match error:
        case NoSubprotocol():
            return f"{place} did not agree on the subprotocol {subprotocol}; it may speak another OCPP version only"
        case InvalidMessage(__cause__=EOFError()):
            return explain(HungUp(), address, patience_s, subprotocol)
        case InvalidMessage():
            return f"{place} did not answer in HTTP; is it a CSMS" + ("?" if address.secure else ", or is it wss://?")
        case InvalidHandshake():
            return f"{place} answered the WebSocket handshake wrongly: {_short(error)}"
        case HungUp():
            return f"{place} hung up during the handshake; is it {'ws' if address.secure else 'wss'}:// perhaps?"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {place} is not trusted ({_short(error.verify_message)}); see --ca, --insecure"
        case ssl.SSLError():
            return _tls(error, place)
        case socket.gaierror():
            return f"no host is called {address.host} (DNS: {_short(error.strerror or error)})"
        case TimeoutError():
            perhaps = "; does it speak TLS, or is it ws:// perhaps?" if address.secure else ""
            return f"{place} did not answer within {patience_s:g} s{perhaps}"
        case ConnectionRefusedError():
            return f"nothing listens at {place} (connection refused)"
        case ConnectionError():
            return explain(HungUp(), address, patience_s, subprotocol)
        case OSError(errno=errno.EMFILE):
            return "this process may not open more sockets (ulimit -n)"
        case OSError(errno=errno.EADDRNOTAVAIL):
            return f"this machine has no local ports left for {place}"
    return f"{place} cannot be connected: {_short(error)}"


def _status(error: InvalidStatus, place: str, subprotocol: str) -> str:
    code = error.response.status_code
    if 300 <= code < 400:
        return f"{place} answered {code}: it is elsewhere, at {_short(error.response.headers.get('Location', '?'))}"
    why = STATUSES.get(code, "it refused the connection").format(subprotocol=subprotocol)
    body = error.response.body if code == 429 else b""  # a server that limits connections may name the limit
    said = f" ({_short(bytes(body).decode(errors='replace').strip())})" if body else ""
    return f"{place} answered {code}{said}: {why}"


def _tls(error: ssl.SSLError, place: str) -> str:
    reason = error.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNEXPECTED_MESSAGE"):
        return f"{place} does not speak TLS; is it ws:// perhaps?"
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
        return f"{place} ended the TLS handshake; it may want a client certificate (--cert, --key)"
    return f"TLS with {place} failed: {_short(reason or error)}"


def _short(what: object) -> str:
    """Return foreign text shortened to a part of one line."""
    text = "".join(character if character.isprintable() else "?" for character in str(what)[:120])
    return text.strip() or type(what).__name__
