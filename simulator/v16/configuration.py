"""A station's configuration keys (1.6 section 9.1), kept through reboots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

BOOLEANS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key. `least` is None for a key that is not a number."""

    value: str
    readonly: bool = False
    least: int | None = None
    reboot: bool = False


_key = lru_cache(Key)
"""Stations of a fleet begin with the same keys: one of each for all of them."""


class Configuration:
    """The keys by name, and the ones the station acts on as numbers and truths."""

    __slots__ = (
        "connection_timeout_s",
        "keys",
        "meter_interval_s",
        "retry_s",
    )

    def __init__(
        self,
        connectors: int,
        connection_timeout_s: float,
        meter_interval_s: float,
        heartbeat_s: float,
        retry_s: float,
        offline_unknown: bool,
    ) -> None:
        def number(value: float, least: int = 0) -> Key:
            return _key(str(int(value)), least=least)

        self.keys: dict[str, Key] = {
            "AllowOfflineTxForUnknownId": _key("true" if offline_unknown else "false"),
            "AuthorizeRemoteTxRequests": _key("false"),
            "ClockAlignedDataInterval": _key("0", readonly=True),
            "ConnectionTimeOut": number(connection_timeout_s),
            "ConnectorPhaseRotation": _key("NotApplicable", readonly=True),
            "GetConfigurationMaxKeys": _key("50", readonly=True),
            "HeartbeatInterval": number(heartbeat_s),
            "LocalAuthorizeOffline": _key("true"),
            "LocalPreAuthorize": _key("false"),
            "MeterValueSampleInterval": number(meter_interval_s),
            "MeterValuesSampledData": _key("Energy.Active.Import.Register,Power.Active.Import,Voltage", readonly=True),
            "NumberOfConnectors": _key(str(connectors), readonly=True),
            "ResetRetries": number(1),
            "StopTransactionOnEVSideDisconnect": _key("true", readonly=True),
            "StopTransactionOnInvalidId": _key("true"),
            "SupportedFeatureProfiles": _key("Core,RemoteTrigger", readonly=True),
            "TransactionMessageAttempts": number(3, least=1),
            "TransactionMessageRetryInterval": number(retry_s),
            "UnlockConnectorOnEVSideDisconnect": _key("true", readonly=True),
            "WebSocketPingInterval": _key("0", least=0, reboot=True),
        }
        self.connection_timeout_s = connection_timeout_s
        self.meter_interval_s = meter_interval_s
        self.retry_s = retry_s

    def truth(self, key: str) -> bool:
        """Return a boolean key."""
        return self.keys[key].value == "true"

    def number(self, key: str) -> int:
        """Return a numeric key."""
        return int(self.keys[key].value)

    def change(self, name: str, value: str) -> str:
        """Change a key and return the status word."""
        key = self.keys.get(name)
        if key is None:
            return "NotSupported"
        if key.readonly:
            return "Rejected"
        if key.least is not None:
            if not (value.isascii() and value.isdigit() and len(value) <= 9) or int(value) < key.least:
                return "Rejected"
        elif value.lower() in BOOLEANS:
            value = value.lower()
        else:
            return "Rejected"
        self.keys[name] = replace(key, value=value)
        match name:
            case "ConnectionTimeOut":
                self.connection_timeout_s = float(value)
            case "MeterValueSampleInterval":
                self.meter_interval_s = float(value)
            case "TransactionMessageRetryInterval":
                self.retry_s = float(value)
            case _:
                pass
        return "RebootRequired" if key.reboot else "Accepted"
