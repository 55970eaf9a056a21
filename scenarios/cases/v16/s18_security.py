"""The security extension: passwords, certificates, logs, signed firmware (1.6 security white paper)."""

from __future__ import annotations

from typing import Any

from interlock.scenarios.cases.language import (
    ABSENT,
    PRESENT,
    Allow,
    Case,
    Connects,
    Cut,
    In,
    Item,
    Other,
    Ref,
    Sent,
    Some,
    one_of,
)
from interlock.scenarios.cases.states import ACCEPTED
from interlock.scenarios.cases.v16._words import (
    BOOT,
    BOOTS,
    after_boot,
    ask,
    csms,
    in_order,
    order,
    station,
    tell,
    tell_status,
)

_ANY, _TLS, _MUTUAL = ("security",), ("security", "tls"), ("security", "mutual_tls")
_ROOT, _CHAIN, _HASH = Ref("certificate"), Ref("chain"), Ref("certificate_hash")
_SIGNED = "SignedFirmwareStatusNotification"
_TRIGGER = {"requestedMessage": "SignChargePointCertificate"}
_CSR = Sent("SignCertificate", {"csr": PRESENT}, given=ACCEPTED)


def _case(id: str, title: str, *script: Item, features: tuple[str, ...] = _ANY, **more: Any) -> Case:
    return station(id, title, "security", *script, profile="Security", features=features, **more)


def _of_csms(id: str, title: str, *script: Item, features: tuple[str, ...] = _ANY, **more: Any) -> Case:
    return csms(id, title, "security", *script, profile="Security", features=features, **more)


def _install(kind: str, word: str = "Accepted") -> tuple[Item, ...]:
    return ask("InstallCertificate", {"certificateType": kind, "certificate": _ROOT}, {"status": word})


def _listed(kind: str) -> tuple[Item, ...]:
    listed = {"status": "Accepted", "certificateHashData": Some(_HASH)}
    return ask("GetInstalledCertificateIds", {"certificateType": kind}, listed)


def _signed(location: str, signature: str) -> dict[str, Any]:
    return {
        "requestId": 1,
        "firmware": {
            "location": Ref(location),
            "retrieveDateTime": In(0),
            "signingCertificate": _ROOT,
            "signature": Ref(signature),
        },
    }


def _event(kind: str) -> dict[str, Any]:
    return {"type": kind, "timestamp": In(0)}


def _told(action: str, *words: str) -> tuple[Item, ...]:
    return tuple(item for word in words for item in tell(action, {"status": word, "requestId": 1}))


_LOG = {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": Ref("location")}}
_SECURITY_LOG = {"logType": "SecurityLog", "log": {"remoteLocation": PRESENT}}
_INSTALLED = {"status": "Accepted", "certificateHashData": [_HASH]}
_SIGN = order("ExtendedTriggerMessage", _TRIGGER)
_SIGNS = tell(
    "SignCertificate", {"csr": "-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----"}, ACCEPTED
)
_UPDATE = order(
    "SignedUpdateFirmware", _signed("firmware", "signature"),
    fields={
        "requestId": PRESENT,
        "firmware": {"location": PRESENT, "signature": PRESENT, "signingCertificate": PRESENT},
    },
)  # fmt: skip
_ROOTED = "CentralSystemRootCertificate"


def _ordered(kind: str, word: str = "Accepted") -> tuple[Item, ...]:
    return order(
        "InstallCertificate", {"certificateType": kind, "certificate": _ROOT}, {"status": word},
        fields={"certificateType": kind, "certificate": PRESENT},
    )  # fmt: skip


def _ordered_ids(kind: str) -> tuple[Item, ...]:
    return order("GetInstalledCertificateIds", {"certificateType": kind}, _INSTALLED)


def _reset(*headers: tuple[str, Any]) -> tuple[Item, ...]:
    return *ask("Reset", {"type": "Hard"}), Connects(headers=dict(headers)), BOOT


CASES = (
    _case(
        "TC_073_CS", "A new password",
        *ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": Ref("password")}),
        Cut(), Allow(), Connects(headers={"password": "new"}),
        features=("security", "basic_auth"),
    ),
    _case(
        "TC_074_CS", "A new certificate",
        *ask("ExtendedTriggerMessage", _TRIGGER), _CSR,
        *ask("CertificateSigned", {"certificateChain": _CHAIN}), Connects(headers={"certificate": "new"}),
        features=_MUTUAL,
    ),
    _case(
        "TC_075_1_CS", "A manufacturer's root certificate", *_install("ManufacturerRootCertificate"),
        *_listed("ManufacturerRootCertificate"), features=_TLS,
    ),
    _case("TC_075_2_CS", "A CSMS's root certificate", *_install(_ROOTED), *_listed(_ROOTED), features=_TLS),
    _case(
        "TC_076_CS", "A certificate is deleted",
        *_install(_ROOTED), *_listed(_ROOTED),
        *ask("DeleteCertificate", {"certificateHashData": _HASH}),
        *ask(
            "GetInstalledCertificateIds", {"certificateType": _ROOTED},
            {"certificateHashData": one_of(ABSENT, Other(Some(_HASH)))},
        ),
        features=_TLS,
    ),
    _case(
        "TC_077_CS", "A certificate that is not valid",
        *ask("ExtendedTriggerMessage", _TRIGGER), _CSR,
        *ask("CertificateSigned", {"certificateChain": "not a certificate"}, {"status": "Rejected"}),
        Sent("SecurityEventNotification", {"type": "InvalidChargePointCertificate", "timestamp": PRESENT}),
        features=_MUTUAL,
    ),
    _case(
        "TC_078_CS", "A root certificate that is not valid",
        *ask(
            "InstallCertificate", {"certificateType": _ROOTED, "certificate": "not a certificate"},
            {"status": one_of("Rejected", "Failed")},
        ),
        Sent("SecurityEventNotification", {"type": "InvalidCentralSystemCertificate", "timestamp": PRESENT}),
        features=_TLS,
    ),
    _case(
        "TC_079_CS", "The security log",
        *ask("GetLog", _LOG), *in_order("LogStatusNotification", "Uploading", "Uploaded"),
        features=("security", "file_server"),
    ),
    _case(
        "TC_080_CS", "Signed firmware",
        *ask("SignedUpdateFirmware", _signed("firmware", "signature")),
        *in_order(_SIGNED, "Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed"),
        features=("security", "firmware", "file_server"),
    ),
    _case(
        "TC_081_CS", "Firmware whose signature is wrong",
        *ask("SignedUpdateFirmware", _signed("firmware", "bad_signature")),
        *in_order(_SIGNED, "Downloading", "Downloaded", "InvalidSignature"),
        features=("security", "firmware", "file_server"),
    ),
    _case(
        "TC_083_CS", "A higher security profile",
        *ask(
            "ChangeConfiguration", {"key": "SecurityProfile", "value": "{next_security_profile}"},
            {"status": one_of("Accepted", "RebootRequired")},
        ),
        *_reset(), after_boot("Available"),
        features=_TLS,
    ),
    _case(
        "TC_084_CS", "A lower security profile is refused",
        *ask("ChangeConfiguration", {"key": "SecurityProfile", "value": "1"}, {"status": "Rejected"}),
        features=_TLS,
    ),
    _case("TC_085_CS", "Basic authentication", *_reset(("password", PRESENT)), features=("security", "basic_auth")),
    _case("TC_086_CS", "TLS with the CSMS's certificate", *_reset(("tls", True)), features=_TLS),
    _case("TC_087_CS", "TLS with the station's certificate", *_reset(("certificate", PRESENT)), features=_MUTUAL),
    _of_csms(
        "TC_073_CSMS", "A new password",
        *order(
            "ChangeConfiguration", {"key": "AuthorizationKey", "value": Ref("password")},
            fields={"key": "AuthorizationKey", "value": PRESENT},
        ),
        features=("security", "basic_auth"),
    ),
    _of_csms(
        "TC_074_CSMS", "A new certificate",
        *_SIGN, *_SIGNS, Sent("CertificateSigned", {"certificateChain": PRESENT}, given=ACCEPTED),
        features=_MUTUAL,
    ),
    _of_csms(
        "TC_075_1_CSMS", "A manufacturer's root certificate", *_ordered("ManufacturerRootCertificate"),
        *_ordered_ids("ManufacturerRootCertificate"), features=_TLS,
    ),
    _of_csms("TC_075_2_CSMS", "A CSMS's root certificate", *_ordered(_ROOTED), *_ordered_ids(_ROOTED), features=_TLS),
    _of_csms(
        "TC_076_CSMS", "A certificate is deleted",
        *_ordered_ids(_ROOTED), *order("DeleteCertificate", {"certificateHashData": _HASH}),
        features=_TLS,
    ),
    _of_csms(
        "TC_077_CSMS", "A certificate that is not valid",
        *_SIGN, *_SIGNS, Sent("CertificateSigned", {"certificateChain": PRESENT}, given={"status": "Rejected"}),
        *tell("SecurityEventNotification", _event("InvalidChargePointCertificate")),
        features=_MUTUAL,
    ),
    _of_csms(
        "TC_078_CSMS", "A root certificate that is not valid",
        *_ordered(_ROOTED, "Rejected"), *tell("SecurityEventNotification", _event("InvalidCentralSystemCertificate")),
        features=_TLS,
    ),
    _of_csms(
        "TC_079_CSMS", "The security log",
        *order("GetLog", _LOG, fields=_SECURITY_LOG), *_told("LogStatusNotification", "Uploading", "Uploaded"),
    ),
    _of_csms(
        "TC_080_CSMS", "Signed firmware",
        *_UPDATE, *_told(_SIGNED, "Downloading", "Downloaded", "SignatureVerified", "Installing"),
        *BOOTS, *tell("SecurityEventNotification", _event("FirmwareUpdated")), *tell_status("Available"),
        *_told(_SIGNED, "Installed"),
        features=("security", "firmware"),
    ),
    _of_csms(
        "TC_081_CSMS", "Firmware whose signature is wrong",
        *_UPDATE, *_told(_SIGNED, "Downloading", "Downloaded", "InvalidSignature"),
        features=("security", "firmware"),
    ),
    _of_csms(
        "TC_083_CSMS", "A higher security profile",
        *order(
            "ChangeConfiguration", {"key": "SecurityProfile", "value": "{next_security_profile}"},
            fields={"key": "SecurityProfile", "value": PRESENT},
        ),
        features=_TLS,
    ),
    _of_csms(
        "TC_085_CSMS", "Basic authentication", Cut(), Allow(), Connects(), *BOOTS, features=("security", "basic_auth"),
    ),
    _of_csms("TC_086_CSMS", "TLS with the CSMS's certificate", Cut(), Allow(), Connects(), *BOOTS, features=_TLS),
    _of_csms("TC_087_CSMS", "TLS with the station's certificate", Cut(), Allow(), Connects(), *BOOTS, features=_MUTUAL),
    _of_csms(
        "TC_088_CSMS", "The subprotocol is agreed on",
        Cut(), Allow(), Connects(headers={"subprotocol": "ocpp1.6"}), *BOOTS,
        features=(),
    ),
)  # fmt: skip
