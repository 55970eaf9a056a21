"""The local authorization list (1.6 sections 5.10, 5.15)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import PRESENT, TAG, C, Each, Hand, Item, Never
from interlock.scenarios.cases.states import START
from interlock.scenarios.cases.v16._words import CHARGING, PREPARING, UNSUPPORTED, ask, csms, order, station

_PROFILE, _FEATURE = "LocalAuthListManagement", ("local_list",)
_ENABLED = {"?LocalAuthListEnabled": "true"}
_ENTRIES = [{"idTag": TAG, "idTagInfo": {"status": "Accepted"}}]


def _list(version: int, kind: str = "Full", entries: Any = None) -> dict[str, Any]:
    return {
        "listVersion": version,
        "updateType": kind,
        "localAuthorizationList": _ENTRIES if entries is None else entries,
    }


def _send(
    version: int, kind: str = "Full", word: str = "Accepted", entries: Any = None, **more: Any
) -> tuple[Item, ...]:
    return ask("SendLocalList", _list(version, kind, entries), {"status": word}, **more)


def _version(number: int, **more: Any) -> tuple[Item, ...]:
    return ask("GetLocalListVersion", {}, {"listVersion": number}, **more)


def _sent(kind: str, word: str) -> tuple[Item, ...]:
    wanted = {"updateType": kind, "listVersion": PRESENT}
    listed = {**wanted, "localAuthorizationList": Each({"idTag": PRESENT, "idTagInfo": PRESENT})}
    return order("SendLocalList", _list(1, kind), {"status": word}, fields=listed if word == "Accepted" else wanted)


def _of_csms(id: str, title: str, *script: Item) -> Any:
    return csms(id, title, "5.15", *script, profile=_PROFILE, features=_FEATURE)


def _of_station(id: str, title: str, *script: Item, features: tuple[str, ...] = _FEATURE, **config: str) -> Any:
    wanted = {**_ENABLED, **config} if features == _FEATURE else {}
    return station(id, title, "5.15", *script, profile=_PROFILE, features=features, config=wanted)


CASES = (
    _of_station(
        "TC_042_1_CS", "Version of a list that is not supported", *_version(-1, errors=UNSUPPORTED),
        features=("!local_list",),
    ),
    _of_station("TC_042_2_CS", "Version of an empty list", *_send(1, entries=[]), *_version(0)),
    _of_station("TC_043_CS", "A list and an update", *_send(1), *_send(2, "Differential")),
    _of_station(
        "TC_043_1_CS", "A list that is not supported", *_send(1, word="NotSupported", errors=UNSUPPORTED),
        features=("!local_list",),
    ),
    _of_station(
        "TC_043_2_CS", "An update that is older than the list",
        *_send(2), *_version(2), *_send(5, "Differential"), *_version(5),
        *_send(4, "Differential", "VersionMismatch"), *_version(5),
    ),
    _of_station(
        "TC_043_3_CS", "A list that cannot be kept", Hand("list_failure"), *_send(9, word="Failed"),
        features=("local_list", "list_failure"),
    ),
    _of_station(
        "TC_008_CS", "Regular session, tag in the list",
        *_send(1),
        Hand("plug"), PREPARING,
        *ask("RemoteStartTransaction", {"connectorId": C, "idTag": TAG}), Never("Authorize", {"idTag": TAG}),
        START, CHARGING,
        LocalPreAuthorize="true", AuthorizeRemoteTxRequests="true",
    ),
    _of_csms("TC_042_1_CSMS", "Version, not supported", *order("GetLocalListVersion", {}, {"listVersion": -1})),
    _of_csms("TC_042_2_CSMS", "Version, empty", *order("GetLocalListVersion", {}, {"listVersion": 0})),
    _of_csms("TC_043_1_CSMS", "A list, not supported", *_sent("Full", "NotSupported")),
    _of_csms("TC_043_3_CSMS", "A list, failed", *_sent("Full", "Failed")),
    _of_csms("TC_043_4_CSMS", "A full list", *_sent("Full", "Accepted")),
    _of_csms(
        "TC_043_5_CSMS", "An update",
        *order("GetLocalListVersion", {}, {"listVersion": 1}), *_sent("Differential", "Accepted"),
    ),
)  # fmt: skip
