"""URLs people type: what is a CSMS's, and one sentence for what is none."""

from __future__ import annotations

import pytest

from interlock.simulator.network.address import NoAddress, parse


@pytest.mark.parametrize(
    ("url", "station", "whole"),
    [
        ("ws://localhost:9000/ocpp", "CP01", "ws://localhost:9000/ocpp/CP01"),
        ("ws://localhost:9000/ocpp/", "CP01", "ws://localhost:9000/ocpp/CP01"),
        ("ws://localhost", "CP01", "ws://localhost/CP01"),
        ("wss://csms.example/steve/websocket/CentralSystemService", "A B/Ü", None),
        ("ws://[::1]:9000", "CP01", "ws://[::1]:9000/CP01"),
        ("wss://csms.example:8443/x", "CP#1?", "wss://csms.example:8443/x/CP%231%3F"),
    ],
)
def test_the_station_id_is_the_last_segment(url: str, station: str, whole: str | None) -> None:
    address = parse(url)
    assert address.url(station) == (whole or "wss://csms.example/steve/websocket/CentralSystemService/A%20B%2F%C3%9C")


def test_ports() -> None:
    assert (parse("ws://h").port, parse("wss://h").port, parse("ws://h:81").port) == (80, 443, 81)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("http://localhost", "ws://"),
        ("localhost:9000", "ws://"),
        ("", "ws://"),
        ("ws://", "names no host"),
        ("ws://host:0", "names no host"),
        ("ws://host:99999", "not a URL"),
        ("ws://host:x", "not a URL"),
        ("ws://user:secret@host", "password"),
        ("ws://host/a?b=c", "come last"),
        ("ws://host/a#b", "come last"),
        ("ws://host/a b", "percent-encode"),
        ("ws://[::1", "not a URL"),
    ],
)
def test_anything_else_is_one_sentence(url: str, word: str) -> None:
    with pytest.raises(NoAddress, match=word) as caught:
        parse(url)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
