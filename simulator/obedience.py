"""What a station does with a CALL of the CSMS: whether it obeys, when it acts, when it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import ocppj, v16
from .network import Socket

if TYPE_CHECKING:
    from .connector import Connector
    from .station import Station

Answer = Callable[[dict[str, Any]], None]


class Obedience:
    """The CALLs a station knows."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._configuration: dict[str, str] = {
            "HeartbeatInterval": "300",
            "MeterValueSampleInterval": str(int(station.spec.meter_interval_s)),
            "ConnectionTimeOut": str(int(station.spec.connection_timeout_s)),
            "NumberOfConnectors": str(station.spec.connectors),
            "AuthorizeRemoteTxRequests": "false",
        }
        self._does: dict[str, Callable[[str, dict[str, Any], Answer], None]] = {
            "RemoteStartTransaction": self._remote_start,
            "RemoteStopTransaction": self._remote_stop,
            "UnlockConnector": self._unlock,
            "Reset": self._reset,
            "ChangeAvailability": self._change_availability,
            "TriggerMessage": self._trigger,
            "ChangeConfiguration": self._change_configuration,
            "GetConfiguration": self._get_configuration,
            "ClearCache": self._clear_cache,
            "DataTransfer": self._data_transfer,
        }

    def told(self, socket: Socket, message_id: str, action: str, payload: dict[str, Any]) -> None:
        """Take a CALL: act after the persona's delay, answer after its other."""
        station = self._station
        does = self._does.get(action)
        if does is None:
            code = "NotSupported" if v16.known(action) else "NotImplemented"
            socket.send_up(ocppj.error(message_id, code))
            return
        if not v16.valid(action, payload):
            socket.send_up(ocppj.error(message_id, "FormationViolation", f"{action} breaks its schema"))
            return
        persona = station.spec.persona
        slow = action in ("RemoteStartTransaction", "UnlockConnector", "RemoteStopTransaction")

        def answer(response: dict[str, Any]) -> None:
            delay_s = station.draw(persona.answer_delay_s) if slow else 0.0
            if delay_s:
                station.after(delay_s, lambda: self._send(socket, message_id, response))
            else:
                self._send(socket, message_id, response)

        act_s = station.draw(persona.act_delay_s) if slow else 0.0
        if act_s:
            station.after(act_s, lambda: does(message_id, payload, answer))
        else:
            does(message_id, payload, answer)

    def _send(self, socket: Socket, message_id: str, response: dict[str, Any]) -> None:
        # The connection it was asked on may be gone; the answer is still an answer on the next one.
        current = self._station.talk.socket or socket
        current.send_up(ocppj.result(message_id, response))

    def _note(self, message_id: str, action: str, status: str) -> None:
        self._station.observe(
            "obeyed", station=self._station.station_id, message_id=message_id, action=action, status=status
        )

    def _outlet(self, number: Any) -> Connector | None:
        connectors = self._station.connectors
        return connectors[number] if isinstance(number, int) and 0 < number < len(connectors) else None

    # --- starting and stopping ---

    def _remote_start(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        station, persona = self._station, self._station.spec.persona
        outlet = self._outlet(payload.get("connectorId", 1))
        ready = outlet is not None and station.usable(outlet)
        if ready and outlet is not None and outlet.remote_start is not None:
            ready = persona.second_start == "accept"
        status = "Accepted" if ready else "Rejected"
        self._note(message_id, "RemoteStartTransaction", status)
        answer({"status": status})
        if not ready or not persona.starts or outlet is None:
            return
        if outlet.plugged:
            station.begin_session_soon(outlet, payload["idTag"], message_id)
            return
        waiting = (payload["idTag"], message_id)
        outlet.remote_start = waiting
        station.refresh(outlet.number)

        def nobody_came() -> None:
            if outlet.remote_start == waiting:
                outlet.remote_start = None
                station.refresh(outlet.number)

        station.after(station.spec.connection_timeout_s, nobody_came)

    def _remote_stop(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        station = self._station
        for outlet in station.connectors[1:]:
            if outlet.session is not None and outlet.session.transaction_id == payload["transactionId"]:
                self._note(message_id, "RemoteStopTransaction", "Accepted")
                answer({"status": "Accepted"})
                station.end_session(outlet.number, "Remote")
                return
        self._note(message_id, "RemoteStopTransaction", "Rejected")
        answer({"status": "Rejected"})

    # --- the lock ---

    def _unlock(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        station = self._station
        outlet = self._outlet(payload["connectorId"])
        if outlet is None:
            self._note(message_id, "UnlockConnector", "NotSupported")
            answer({"status": "NotSupported"})
            return
        second = station.spec.second_unlock or station.spec.persona.second_unlock
        if not outlet.lock.locked and second == "reject":
            self._note(message_id, "UnlockConnector", "UnlockFailed")
            answer({"status": "UnlockFailed"})
            return
        station.end_session(outlet.number, "UnlockCommand")

        def moved() -> None:
            # The motor has run: from here on it has happened, whatever becomes of the answer.
            self._note(message_id, "UnlockConnector", "Unlocked")
            outlet.lock.move(locked=False, by="remote", message_id=message_id)
            answer({"status": "Unlocked"})

        station.after(station.draw(station.spec.unlock_s), moved)

    # --- the rest ---

    def _reset(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        station = self._station
        self._note(message_id, "Reset", "Accepted")
        answer({"status": "Accepted"})
        hard = payload["type"] == "Hard"

        def restart() -> None:
            for outlet in station.connectors[1:]:
                station.end_session(outlet.number, "HardReset" if hard else "SoftReset")
            station.reboot("hard reset" if hard else "soft reset")

        station.after(0.5, restart)

    def _change_availability(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        station, number = self._station, payload["connectorId"]
        chosen = station.connectors[1:] if number == 0 else [self._outlet(number)]
        outlets = [outlet for outlet in chosen if outlet is not None]
        status = "Rejected" if not outlets else "Accepted"
        if any(outlet.session is not None for outlet in outlets):
            status = "Scheduled"
        self._note(message_id, "ChangeAvailability", status)
        answer({"status": status})
        for outlet in outlets:
            outlet.operative = payload["type"] == "Operative"
            station.refresh(outlet.number)

    def _trigger(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        station, message, number = self._station, payload["requestedMessage"], payload.get("connectorId")
        chosen = [self._outlet(number)] if number is not None else list(station.connectors[1:])
        outlets = [outlet for outlet in chosen if outlet is not None]
        sends: dict[str, Callable[[], None]] = {
            "BootNotification": station.talk.boot_now,
            "Heartbeat": station.talk.heartbeat,
            "StatusNotification": lambda: [station.talk.tell_status(outlet) for outlet in outlets] and None,
            "MeterValues": lambda: [station.send_meter_values_now(outlet.number) for outlet in outlets] and None,
        }
        send = sends.get(message)
        status = "NotImplemented" if send is None else ("Accepted" if outlets else "Rejected")
        self._note(message_id, "TriggerMessage", status)
        answer({"status": status})
        if status == "Accepted" and send is not None:
            send()

    def _change_configuration(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        key, value = payload["key"], payload["value"]
        status = "Accepted" if key in self._configuration else "NotSupported"
        if key == "NumberOfConnectors":
            status = "Rejected"
        if key == "HeartbeatInterval":
            if value.isdecimal() and int(value) > 0:
                self._station.talk.beat_every(float(value))
            else:
                status = "Rejected"
        if status == "Accepted":
            self._configuration[key] = value
        self._note(message_id, "ChangeConfiguration", status)
        answer({"status": status})

    def _get_configuration(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        wanted = payload.get("key") or list(self._configuration)
        known = [
            {"key": key, "readonly": key == "NumberOfConnectors", "value": self._configuration[key]}
            for key in wanted
            if key in self._configuration
        ]
        self._note(message_id, "GetConfiguration", "Accepted")
        answer({"configurationKey": known, "unknownKey": [key for key in wanted if key not in self._configuration]})

    def _clear_cache(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        self._note(message_id, "ClearCache", "Accepted")
        answer({"status": "Accepted"})

    def _data_transfer(self, message_id: str, payload: dict[str, Any], answer: Answer) -> None:
        self._note(message_id, "DataTransfer", "UnknownVendorId")
        answer({"status": "UnknownVendorId"})
