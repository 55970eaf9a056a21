"""Presence: a station is never recorded offline while its frames arrive, nor online long after the last one.

The two halves of what a failure detector may promise (Chandra and Toueg, Unreliable Failure Detectors, 1996): I16 is
its accuracy, I17 its completeness.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from interlock.scenarios.judge.invariants.calls_as_asked import socket_versions
from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.invariants.model import STORE_FAULTS
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import History, LogEvent, Observation, seconds, station_of

TOLERANCE_S = 1e-3
"""Frames this close to a decision are taken as not known to whoever made it."""


def _presence(history: History) -> dict[str, list[LogEvent]]:
    """CameOnline and WentOffline by station, in the order of the log."""
    found: dict[str, list[LogEvent]] = {}
    for stream, events in history.streams.items():
        station = station_of(stream)
        if station is not None:
            changes = [event for event in events if event.type in ("CameOnline", "WentOffline")]
            if changes:
                found[station] = changes
    return found


def _heard(history: History) -> dict[str, list[Observation]]:
    """Frames the CSMS received, by station."""
    found: dict[str, list[Observation]] = {}
    for seen, _, received in history.csms_frames:
        if received:
            found.setdefault(seen.fields["station"], []).append(seen)
    return found


def _time(seen: Observation) -> float:
    return seen.t


# --- accuracy --------------------------------------------------------------------------------------------------------


def _departures(history: History) -> Looked:
    looked = Looked()
    by_node: dict[tuple[str, str], list[Observation]] = {}
    for station, frames in history.derive(_heard).items():
        for frame in frames:
            by_node.setdefault((station, frame.fields["node"]), []).append(frame)
    for station, changes in history.derive(_presence).items():
        nodes: dict[int, str] = {}
        came: dict[int, LogEvent] = {}
        for number, event in enumerate(changes):
            epoch = event.data["epoch"]
            if event.type == "CameOnline":
                nodes[epoch], came[epoch] = event.data["node"], event
                continue
            after = changes[number + 1] if number + 1 < len(changes) else None
            if after is not None and _replaces(after, event):
                if "takeover_s" in history.rules and nodes.get(epoch) == after.data["node"]:
                    looked.checked += 1
                    if (usurper := _usurper(history, station, event, came[epoch])) is not None:
                        looked.violations.append(_taken_over(station, usurper, event, history.rules["takeover_s"]))
                continue
            looked.checked += 1
            heard = by_node.get((station, nodes.get(epoch, "")), [])
            last = bisect_left(heard, event.at - TOLERANCE_S, key=_time)
            silent_from = event.at - history.rules["offline_after_s"] + TOLERANCE_S
            if last and heard[last - 1].t > silent_from:
                frame = heard[last - 1]
                looked.violations.append(
                    Violation(
                        f"{station} was called offline while it spoke",
                        f"no frame for {history.rules['offline_after_s']:g} s",
                        f"a frame {event.at - frame.t:.3f} s before",
                        station,
                        story(frame, event),
                    )
                )
    return looked


def _usurper(history: History, station: str, event: LogEvent, came: LogEvent) -> Observation | None:
    """Return the socket that took the place of the connection that `came`, sooner than that one could be asked.

    None: it did not stand open any more, the newer one had proved itself, or one waited long enough. One that never
    counted, as the disk was full when it came, has no place that could be taken.
    """
    takeover_s, node = history.rules["takeover_s"], came.data["node"]
    found: dict[int, Observation] = {}
    everyone: dict[int, Observation] = {}
    for seen in history.of_any("socket.opened", "socket.closed", "node.started"):
        if seen.t > event.at:
            break
        if seen.kind == "node.started":
            found = {number: opened for number, opened in found.items() if opened["node"] != seen["node"]}
        elif seen["station"] == station and seen["node"] == node:
            if seen.kind == "socket.opened":
                found[seen["socket"]] = everyone[seen["socket"]] = seen
            elif seen["edge"] == "csms" and seen["socket"] in found and seen.i < event.i:
                del found[seen["socket"]]  # what a takeover closes is closed after it is in the log
    newer = [found[number] for number in sorted(found)[1:]]
    authenticated = history.rules.get("authenticated", True)
    if (
        not newer
        or found[min(found)].t > came.at + TOLERANCE_S
        or any(authenticated and opened.get("proven", True) for opened in newer)
        # One that is gone may have waited long enough, too, and left a frame.
        or any(
            number > min(found) and opened.t <= event.at - takeover_s + TOLERANCE_S
            for number, opened in everyone.items()
        )
    ):
        return None
    return newer[-1]


def _taken_over(station: str, usurper: Observation, event: LogEvent, takeover_s: float) -> Violation:
    return Violation(
        f"a connection of {station} was taken over by one that proved nothing",
        f"the older one has {takeover_s:g} s to give a sign of life",
        f"it was replaced {event.at - usurper.t:.3f} s after the newer one opened",
        station,
        story(usurper, event),
    )


def _replaces(after: LogEvent, event: LogEvent) -> bool:
    """Whether a newer connection took over at once: then the old one ended without a silence."""
    return (
        after.type == "CameOnline"
        and after.version == event.version + 1
        and after.data["at"] == event.data["at"]
        and after.data["epoch"] > event.data["epoch"]
    )


@invariant(
    "I16",
    "offline justified",
    needs=lambda history: history.derive(_departures).scope,
    absent="no station was called offline",
    frames=True,
    rest=True,
    ref="Chandra and Toueg, Unreliable Failure Detectors for Reliable Distributed Systems, 1996",
)
def offline_justified(history: History) -> Iterator[Violation]:
    """A station is called offline only after the offline time-out passed without a frame of it.

    Any frame counts, not only heartbeats, and each restarts the timer. Counted are frames received by the node that had
    the connection; one that a newer connection replaced may end without a silence, if it was asked and did not answer.
    """
    yield from history.derive(_departures).violations


# --- completeness ----------------------------------------------------------------------------------------------------


def _silences(history: History) -> Looked:
    looked = Looked()
    if not history.observations:
        return looked
    bound = 2 * history.rules["offline_after_s"] + history.rules.get("max_down_s", 0.0)
    rest = history.phase("rest")
    end = (rest or history.observations[-1]).t
    for station, heard in history.derive(_heard).items():
        changes = history.derive(_presence).get(station, [])
        for number, frame in enumerate(heard):
            until = heard[number + 1].t if number + 1 < len(heard) else end
            if until - frame.t <= bound:
                continue
            # A node that restarts arms the timer in full.
            since = frame.t
            for started in history.of("node.started"):
                if started["node"] == frame["node"] and since < started.t <= since + bound:
                    since = started.t
            # So does a connection that counts before its first frame.
            for came in changes:
                if came.type == "CameOnline" and since < came.at <= since + bound:
                    since = came.at
            if until - since <= bound:
                continue
            looked.checked += 1
            due = since + bound + TOLERANCE_S
            known = [event for event in changes if event.at <= due]
            if known and known[-1].type == "CameOnline":
                looked.violations.append(
                    Violation(
                        f"{station} was silent for {until - frame.t:.0f} s and nobody noticed",
                        f"WentOffline within {bound:g} s",
                        f"{bound:g} s after its last frame the log still calls it online",
                        station,
                        story(known[-1], frame, heard[number + 1 : number + 2] or rest),
                    )
                )
    return looked


@invariant(
    "I17",
    "offline within bound",
    level="SHOULD",
    needs=lambda history: history.derive(_silences).scope,
    absent="no station was silent for long",
    frames=True,
    rest=True,
    ref="Chandra and Toueg, Unreliable Failure Detectors for Reliable Distributed Systems, 1996",
)
def offline_in_time(history: History) -> Iterator[Violation]:
    """Each long silence is noticed: within two offline time-outs and the longest time a node was down.

    Two, because a timer that cannot be saved is armed in full after a restart, and a sweep comes late by half of one.
    A timer that a crash took with it is what this finds.
    """
    yield from history.derive(_silences).violations


# --- dated -----------------------------------------------------------------------------------------------------------

EXACT_S, WATCHED_S, LATE_S, QUEUED_S = 0.005, 10.0, 5.0, 1.0
"""How exactly a sign of life is dated, how long after a start or a connection a node may begin to listen, how late a
silence that is over may be noticed, how long a frame may wait for its turn."""


def _dates(history: History) -> Looked:
    looked = Looked()
    if not any(event.type == "WentOffline" for event in history.log):
        return looked
    signs: dict[tuple[str, str], list[float]] = {}
    for seen in history.of_any("frame", "pong"):
        if seen.fields.get("edge", "csms.received") == "csms.received":
            signs.setdefault((seen.fields["station"], seen.fields["node"]), []).append(seen.t)
    for seen in history.of("append.acked"):
        # A frame that waits for the one before it to be durable may be dated by when its turn came.
        taken = signs.get((station_of(seen.fields["stream"]) or "", seen.fields["node"]), [])
        before = bisect_right(taken, seen.t) - 1
        if before >= 0 and seen.t - taken[before] <= QUEUED_S:
            insort(taken, seen.t)
    after_s = history.rules["offline_after_s"] * (1.5 if history.rules.get("offline_timer") == "polled" else 1.0)
    disturbed = any(seen.fields["fault"] in STORE_FAULTS for seen in history.of("fault.begun"))
    for station, changes in history.derive(_presence).items():
        came: dict[int, LogEvent] = {}
        for number, event in enumerate(changes):
            epoch = event.data["epoch"]
            if event.type == "CameOnline":
                came[epoch] = event
                continue
            after = changes[number + 1] if number + 1 < len(changes) else None
            if (begun := came.get(epoch)) is None or "last_seen" not in event.data:
                continue
            if after is not None and _replaces(after, event):
                continue
            looked.checked += 1
            node, last_s = begun.data["node"], seconds(event.data["last_seen"])
            heard = any(abs(t - last_s) <= EXACT_S for t in signs.get((station, node), ()))
            begins = [begun.at, *(seen.t for seen in history.of("node.started") if seen.fields["node"] == node)]
            if not heard and not any(0.0 <= last_s - t <= WATCHED_S for t in begins):
                what = "a frame or a pong, or when it began to be listened for"
                looked.violations.append(_misdated(station, "was last seen", what, last_s, begun, event))
            if event.at - last_s > after_s + LATE_S and not disturbed and not history.of("append.unconfirmed"):
                what = f"within {after_s:g} s of its last sign of life at {last_s:.3f} s"
                looked.violations.append(_misdated(station, "went offline", what, event.at, begun, event))
    return looked


def _misdated(station: str, what: str, expected: str, at_s: float, begun: LogEvent, event: LogEvent) -> Violation:
    return Violation(f"{station} {what} at another time", expected, f"{at_s:.3f} s", station, story(begun, event))


@invariant(
    "I42",
    "silence is dated",
    records="log",
    needs=lambda history: history.derive(_dates).scope,
    absent="no station fell silent",
    frames=True,
    rest=True,
)
def silence_is_dated(history: History) -> Iterator[Violation]:
    """Whoever is recorded offline was last seen when the record says so, and is recorded when its time is over.

    A frame, a pong, the connection or the start of the node that listens: one of these is the last sign of life. From
    there the offline time-out runs once; a sweep may come half of one later.
    """
    yield from history.derive(_dates).violations


# --- versions --------------------------------------------------------------------------------------------------------


def _not_spoken(history: History, station: str, event: LogEvent) -> str | None:
    """Return that no socket of a station spoke the version that a connection is recorded with."""
    protocol = event.data.get("protocol")
    versions = history.derive(socket_versions)
    spoken = {version for (name, _), version in versions.items() if name == station}
    return (
        f"CameOnline in {protocol}, which no socket spoke" if protocol and spoken and protocol not in spoken else None
    )


# --- alternation -----------------------------------------------------------------------------------------------------


@invariant(
    "I23",
    "presence alternates",
    records="log",
    needs=lambda history: sum(map(len, history.derive(_presence).values())),
    absent="no station came online",
    rest=True,
)
def presence_alternates(history: History) -> Iterator[Violation]:
    """CameOnline and WentOffline take turns, each pair with one epoch, each epoch the next, in the version spoken.

    Two of a kind in a row, or an offline for a connection that was replaced, means that somebody recorded presence
    without looking, or that an old connection's end was taken for the new one's.
    """
    for station, changes in history.derive(_presence).items():
        online, epoch, before = False, 0, None
        for event in changes:
            came = event.type == "CameOnline"
            wrong = None
            if came == online:
                wrong = f"{event.type} of epoch {event.data['epoch']} while it was {'online' if online else 'offline'}"
            elif came and event.data["epoch"] != epoch + 1:
                wrong = f"epoch {event.data['epoch']} after epoch {epoch}"
            elif came and (spoken := _not_spoken(history, station, event)) is not None:
                wrong = spoken
            elif not came and event.data["epoch"] != epoch:
                wrong = f"WentOffline of epoch {event.data['epoch']} in epoch {epoch}"
            if wrong is not None:
                yield Violation(
                    f"the presence of {station} does not alternate",
                    f"{'WentOffline' if online else 'CameOnline'} after epoch {epoch}",
                    wrong,
                    station,
                    story(before, event),
                )
            online, before = came, event
            epoch = max(epoch, event.data["epoch"])
