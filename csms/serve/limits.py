"""Limits on what a station, or a peer that claims to be one, may cost this process. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may do. Times are seconds."""

    frame_bytes: int = 256 * 1024
    fragments: int = 1024
    """Fragments of a message, empty ones included."""
    message_s: float = 120.0
    """A socket whose message is still incomplete after this is closed."""
    unfinished_bytes: int = 2 * 1024 * 1024
    """Of messages that are not whole yet, of all sockets of an address; beyond this the socket that adds is closed."""
    handshake_s: float = 10.0
    first_frame_s: float = 120.0
    """A socket on which no frame arrived after this is closed."""
    silence_s: float = 60.0
    """Beyond the time after which a station counts as offline, its socket is closed after this."""
    unread_bytes: int = 1024 * 1024
    unread_s: float = 10.0
    """A peer that does not read for this long is disconnected: keep-alive would not notice."""
    waiting: int = 16
    """Frames that wait to be handled, beyond which the socket is not read."""
    messages_per_s: float = 50.0
    messages_burst: float = 500.0
    """Of a station, on all its sockets one after another; beyond this its frames wait, and it is read no further."""
    message_bytes: int = 2048
    """Characters of a message of which nearly all have less (OCPP 2.1 part 4 section 5.2); one with more counts as so
    many messages, so that a few large ones do not fill the disk."""
    address_messages_per_s: float = 5000.0
    address_messages_burst: float = 50_000.0
    """Of all stations of an address; beyond this the frames of those wait that came less than `settled_s` ago."""
    settled_s: float = 60.0
    connects_per_s: float = 0.5
    connects_burst: float = 60.0
    """Handshakes of an address under one station's name; beyond this they are refused for a while. Where nothing is
    proven, so many of all addresses together that the station is not at home at."""
    new_names_per_s: float = 1.0
    new_names_burst: float = 5000.0
    """Stations the log does not know that an address may bring up without proof."""
    arriving: int = 4
    """Unproven sockets under one name that wait to be decided on; beyond this one is told to come back."""
    proofs: int = 256
    proofs_of_address: int = 64
    """Passwords that are worked out, or wait to be; beyond this whoever is not known yet is told to come back."""
    controls_per_s: float = 10.0
    controls_burst: float = 100.0
    """Pings and pongs beyond this close the socket."""
    closing_s: float = 2.0
    stopping_s: float = 20.0
    """How long a stop waits for what is under way; a store that takes nothing would keep it for ever."""
