"""A station's configuration keys (1.6 section 9), kept through reboots. Names know no case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from interlock.simulator.v16.local_list import MOST
from interlock.simulator.v16.profiles import MAX_LEVEL, MAX_PERIODS, MAX_PROFILES

BOOLEANS = ("true", "false")
MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import", "Voltage")
"""What its meters measure."""


@dataclass(frozen=True, slots=True)
class Key:
    """One configuration key: a number of at least `least`, a list of some of `words`, or else a boolean."""

    value: str
    readonly: bool = False
    least: int | None = None
    reboot: bool = False
    words: tuple[str, ...] | None = None

    def checked(self, value: str) -> str | None:
        """Return a value as it is kept, None for one that cannot be."""
        if self.least is not None:
            number = value.isascii() and value.isdigit() and len(value) <= 9
            return value if number and int(value) >= self.least else None
        if self.words is not None:
            named = [one.strip() for one in value.split(",") if one.strip()]
            known = {one.casefold(): one for one in self.words}
            unknown = any(one.casefold() not in known for one in named) or len(set(named)) < len(named)
            return None if unknown else ",".join(known[one.casefold()] for one in named)
        return value.lower() if value.lower() in BOOLEANS else None


_key = lru_cache(Key)
"""Stations of a fleet begin with the same keys: one of each for all of them."""


@cache
def _of_features(features: tuple[str, ...]) -> dict[str, Key]:
    """Return the keys that belong to feature profiles."""
    found: dict[str, Key] = {}
    if "LocalAuthListManagement" in features:
        found |= {
            "LocalAuthListEnabled": Key("true"),
            "LocalAuthListMaxLength": Key(str(MOST), readonly=True),
            "SendLocalListMaxLength": Key(str(MOST), readonly=True),
        }
    if "Reservation" in features:
        found |= {"ReserveConnectorZeroSupported": Key("true", readonly=True)}
    if "SmartCharging" in features:
        found |= {
            "ChargeProfileMaxStackLevel": Key(str(MAX_LEVEL), readonly=True),
            "ChargingScheduleAllowedChargingRateUnit": Key("Current,Power", readonly=True),
            "ChargingScheduleMaxPeriods": Key(str(MAX_PERIODS), readonly=True),
            "MaxChargingProfilesInstalled": Key(str(MAX_PROFILES), readonly=True),
        }
    return found


class Configuration:
    """The keys by name, and the ones the station acts on as numbers and truths."""

    __slots__ = (
        "_names",
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
        features: tuple[str, ...] = (),
    ) -> None:
        def number(value: float, least: int = 0) -> Key:
            return _key(str(int(value)), least=least)

        profiles = ",".join(("Core", *(one for one in features if one != "Security")))
        keys: dict[str, Key] = {
            "AllowOfflineTxForUnknownId": _key("true" if offline_unknown else "false"),
            "AuthorizationCacheEnabled": _key("true"),
            "AuthorizeRemoteTxRequests": _key("false"),
            "ClockAlignedDataInterval": number(0),
            "ConnectionTimeOut": number(connection_timeout_s),
            "ConnectorPhaseRotation": _key("NotApplicable", readonly=True),
            "GetConfigurationMaxKeys": _key("50", readonly=True),
            "HeartbeatInterval": number(heartbeat_s),
            "LocalAuthorizeOffline": _key("true"),
            "LocalPreAuthorize": _key("false"),
            "MeterValueSampleInterval": number(meter_interval_s),
            "MeterValuesAlignedData": _key(",".join(MEASURANDS), words=MEASURANDS),
            "MeterValuesSampledData": _key(",".join(MEASURANDS), words=MEASURANDS),
            "NumberOfConnectors": _key(str(connectors), readonly=True),
            "ResetRetries": number(1),
            "StopTransactionOnEVSideDisconnect": _key("true", readonly=True),
            "StopTransactionOnInvalidId": _key("true"),
            "StopTxnAlignedData": _key("", words=MEASURANDS),
            "StopTxnSampledData": _key("", words=MEASURANDS),
            "SupportedFeatureProfiles": _key(profiles, readonly=True),
            "TransactionMessageAttempts": number(3, least=1),
            "TransactionMessageRetryInterval": number(retry_s),
            "UnlockConnectorOnEVSideDisconnect": _key("true", readonly=True),
            "WebSocketPingInterval": _key("0", least=0, reboot=True),
            **_of_features(features),
        }
        self.keys = {name: keys[name] for name in sorted(keys)}
        self._names = _folded(tuple(self.keys))
        self.connection_timeout_s = connection_timeout_s
        self.meter_interval_s = meter_interval_s
        self.retry_s = retry_s

    def truth(self, key: str) -> bool:
        """Return a boolean key; False for one the station does not have."""
        found = self.keys.get(key)
        return found is not None and found.value == "true"

    def number(self, key: str) -> int:
        """Return a numeric key."""
        return int(self.keys[key].value)

    def words(self, key: str) -> tuple[str, ...]:
        """Return a list."""
        return tuple(one for one in self.keys[key].value.split(",") if one)

    def name(self, asked: str) -> str | None:
        """Return a key's name as the standard writes it, None for one the station does not have."""
        return self._names.get(asked.casefold())

    def change(self, asked: str, value: str) -> str:
        """Change a key and return the status word (7.22)."""
        name = self.name(asked)
        if name is None:
            return "NotSupported"
        key = self.keys[name]
        kept = None if key.readonly else key.checked(value)
        if kept is None:
            return "Rejected"
        self.keys[name] = replace(key, value=kept)
        match name:
            case "ConnectionTimeOut":
                self.connection_timeout_s = float(kept)
            case "MeterValueSampleInterval":
                self.meter_interval_s = float(kept)
            case "TransactionMessageRetryInterval":
                self.retry_s = float(kept)
            case _:
                pass
        return "RebootRequired" if key.reboot else "Accepted"


@cache
def _folded(names: Iterable[str]) -> dict[str, str]:
    return {name.casefold(): name for name in names}
