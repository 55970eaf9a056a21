"""The description of a station, as a frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from interlock.simulator.clock import ClockSpec
from interlock.simulator.deviations import USUAL, Deviations
from interlock.simulator.personas import PERSONAS, Persona, Second

OcppVersion = Literal["1.6", "2.0.1"]


@dataclass(frozen=True, slots=True)
class StationSpec:
    """The description of a station. Pairs are the bounds of a uniform draw; times are seconds."""

    station_id: str
    ocpp: OcppVersion = "1.6"
    """The OCPP version its controller speaks."""
    evses: int = 2
    connectors_each: int = 1
    """Connectors of each EVSE; in OCPP 1.6 only the first of them can be addressed."""
    vendor: str = "Interlock"
    model: str = "Twin22"
    serial: str = "0001"
    firmware: str = "1.0.0"
    persona: Persona = PERSONAS["plain"]
    second_start: Second | None = None
    """In the place of the persona's."""
    second_unlock: Second | None = None
    """In the place of the persona's."""
    clock: ClockSpec = field(default_factory=ClockSpec)
    slots: int | None = None
    """Sessions it allows at once; None: as many as it has EVSEs."""
    max_power_w: float = 7_400.0
    """The most power an EVSE offers."""
    unlock_s: tuple[float, float] = (0.3, 1.2)
    """How long a lock's motor takes."""
    relock_s: float = 300.0
    """When a lock that was opened remotely, and not used, shuts again."""
    act_s: tuple[float, float] = (0.02, 0.2)
    """How long it takes to act on a CALL that moves something."""
    connection_timeout_s: float = 30.0
    """How long an accepted driver may take to plug in."""
    meter_interval_s: float = 60.0
    """Between meter values in a session; 0: none."""
    call_timeout_s: float = 30.0
    retry_s: float = 10.0
    """When a transaction message without an answer is sent again."""
    timeouts_to_reconnect: int = 3
    """Time-outs in a row after which the station gives the connection up."""
    reconnect_s: tuple[float, float] = (1.0, 5.0)
    """Pause before connecting again; doubled, up to eight times, while nobody answers."""
    old_socket_s: tuple[float, float] = (5.0, 30.0)
    """How long a connection that was replaced stays open."""
    first_boot_s: tuple[float, float] = (0.0, 3.0)
    """From being switched on to its first connection attempt."""
    boot_s: tuple[float, float] = (1.0, 4.0)
    """The same at a reboot."""
    boot_retry_s: float = 10.0
    """When a boot report without an answer is sent again."""
    heartbeat_s: float = 300.0
    """Heartbeat interval until the CSMS gives one."""
    offline_unknown: bool = True
    """Whether unknown tokens may charge while offline."""
    local_list: tuple[str, ...] = ()
    """Tokens that may charge offline in any case."""
    features: tuple[str, ...] = (
        "FirmwareManagement",
        "LocalAuthListManagement",
        "Reservation",
        "SmartCharging",
        "RemoteTrigger",
    )
    """The feature profiles it has beside Core (1.6), and `Security`; what belongs to another is NotSupported."""
    transfer_s: float = 2.0
    """How long a file takes to be uploaded or downloaded, and firmware to be installed."""
    unreachable: tuple[str, ...] = ("//127.0.0.1:1/",)
    """Parts of a location at which no file server is."""
    broken_firmware: tuple[str, ...] = ("broken",)
    """Parts of a location of firmware that cannot be installed."""
    wrong_signatures: tuple[str, ...] = ("d3Jvbmc=",)
    """Signatures that fit no firmware."""
    statuses_overtake: bool = False
    """Whether status notifications are sent before transaction messages that are older."""
    start_point: Literal["charging", "plugged"] = "charging"
    """When a transaction starts (2.0.1): with the session, or as soon as a cable is in, authorized or not."""
    stop_point: Literal["unplugged", "stopped"] = "unplugged"
    """When a transaction ends that a driver or operator stopped (2.0.1): with the cable's removal, or at once."""
    status_by: Literal["status", "event"] = "status"
    """Whether statuses are reported as such or as events of the device model (2.0.1)."""
    message_ids: Literal["random", "counter", "per connection", "uuid"] = "random"
    """`random` and `uuid` (36 characters): never used again; `counter`: 1, 2, 3, and from 1 again after a reboot;
    `per connection`: from 1 again on each connection."""
    deviations: Deviations = USUAL
    dies_silently: bool = False
    """Whether a power loss leaves its socket half-open, instead of letting the other edge learn."""
