"""A station's configuration keys (1.6 section 9.1), kept through reboots."""

from __future__ import annotations

from dataclasses import dataclass

BOOLEANS = ("true", "false")


@dataclass(slots=True)
class Key:
    """One configuration key. `least` is None for a key that is not a number."""

    value: str
    readonly: bool = False
    least: int | None = None
    reboot: bool = False


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
            return Key(str(int(value)), least=least)

        self.keys: dict[str, Key] = {
            "AllowOfflineTxForUnknownId": Key("true" if offline_unknown else "false"),
            "AuthorizeRemoteTxRequests": Key("false"),
            "ClockAlignedDataInterval": Key("0", readonly=True),
            "ConnectionTimeOut": number(connection_timeout_s),
            "ConnectorPhaseRotation": Key("NotApplicable", readonly=True),
            "GetConfigurationMaxKeys": Key("50", readonly=True),
            "HeartbeatInterval": number(heartbeat_s),
            "LocalAuthorizeOffline": Key("true"),
            "LocalPreAuthorize": Key("false"),
            "MeterValueSampleInterval": number(meter_interval_s),
            "MeterValuesSampledData": Key("Energy.Active.Import.Register,Power.Active.Import,Voltage", readonly=True),
            "NumberOfConnectors": Key(str(connectors), readonly=True),
            "ResetRetries": number(1),
            "StopTransactionOnEVSideDisconnect": Key("true", readonly=True),
            "StopTransactionOnInvalidId": Key("true"),
            "SupportedFeatureProfiles": Key("Core,RemoteTrigger", readonly=True),
            "TransactionMessageAttempts": number(3, least=1),
            "TransactionMessageRetryInterval": number(retry_s),
            "UnlockConnectorOnEVSideDisconnect": Key("true", readonly=True),
            "WebSocketPingInterval": Key("0", least=0, reboot=True),
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
        key.value = value
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
