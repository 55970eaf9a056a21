"""Who is let in: the station's key as operators set it and stations took it, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.scenarios.judge.invariants.declare import Looked, invariant, story
from interlock.scenarios.judge.verdict import Violation
from interlock.scenarios.record.history import OUTCOMES, History, Observation

IN, SLOWED, DONE = 101, 429, 204
"""HTTP statuses: let in, told to come later because of others' guesses, and a key that is set or taken away."""
_ENDS = ("node.crashed", "node.broke")
_KINDS = ("key.asked", "key.answered", "request.asked", "request.answered", *_ENDS, "stored", "knock")
TAKEN, NOT_TAKEN = ("accepted", "confirmed"), ("rejected", "refuted")


class Keys:
    """The keys one station may have now, from old to new."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str | None]] = []
        """Each key, with the command that carried it; None for one that an operator set here."""
        self.phases: dict[str, str] = {}
        self.used: str | None = None
        """The one of several that it was found to have."""
        self.tried: str | None = None
        """The key that let somebody in last."""
        self.open = 0
        """Changes that are under way or of which it is not known whether they were made: nothing can be said."""

    def set(self, password: str | None) -> None:
        """Have this key and no other, or none."""
        self.sent, self.used = ([] if password is None else [(password, None)]), None

    def offer(self, password: str, command: str) -> None:
        """Have one more key, if the station takes it."""
        if not self.sent:
            self.open += 1  # it had none: whether it needs the new one before it took it is left open
        may_be = self.possible()
        self.sent = [*(one for one in self.sent if one[0] in may_be), (password, command)]
        self.used, self.phases[command] = None, "requested"

    def use(self, password: str) -> None:
        """Have this one: whoever shows a key has it, whatever is said later of the command that carried it."""
        at = max((at for at, one in enumerate(self.sent) if one[0] == password), default=-1)
        self.sent, self.used = [(password, None), *self.sent[at + 1 :]], password

    def possible(self) -> list[str]:
        """Return the keys it may have."""
        found: list[str] = []
        for password, command in self.sent:
            phase = self.phases.get(command or "", "requested")
            if command is None or phase in TAKEN:
                found = [password]
            elif phase not in NOT_TAKEN:
                found.append(password)
        return [self.used] if self.used in found else found


def _knocks(history: History) -> Looked:
    looked = Looked()
    stations: dict[str, Keys] = {}
    secrets: dict[str, str] = {}
    carried: dict[str, str] = {}
    last: dict[str, Observation] = {}
    if not history.of("knock"):
        return looked
    asking: dict[str, Observation] = {}
    for seen in history.of_any(*_KINDS):
        if seen.kind == "request.asked":
            if seen["command"]["kind"] == "SetPassword":
                secrets[seen["request_id"]] = seen["command"]["secret"]
                asking[seen["request_id"]] = seen
            continue
        if seen.kind == "request.answered":
            asking.pop(seen["request_id"], None)
            continue
        if seen.kind in _ENDS:
            # It went between the key's record and the command's, perhaps: either is right.
            for request in [one for one in asking.values() if one["node"] == seen["node"]]:
                stations.setdefault(request["station"], Keys()).open += 1
                del asking[request["request_id"]]
            continue
        if seen.kind == "stored":
            _stored(seen, stations, secrets, carried, last)
            continue
        station = seen["station"]
        keys = stations.setdefault(station, Keys())
        if seen.kind == "key.asked":
            keys.open += 1
        elif seen.kind == "key.answered":
            if seen["status"] == DONE:
                keys.set(seen["password"])
                keys.open = 0
        elif not keys.open:
            looked.checked += 1
            looked.violations += _wrong(seen, keys, last.get(station))
            if seen["status"] == IN:
                keys.tried = seen["password"]
        if seen.kind != "knock":
            last[station] = seen
    return looked


def _stored(
    seen: Observation,
    stations: dict[str, Keys],
    secrets: dict[str, str],
    carried: dict[str, str],
    last: dict[str, Observation],
) -> None:
    type, data = seen["type"], seen["data"]
    if type == "KeyUsed":
        keys = stations.setdefault(data["station"], Keys())
        if keys.tried is not None:
            keys.use(keys.tried)
        return
    station = str(seen["stream"]).removeprefix("station-")
    if type == "CommandRequested" and data["command"]["kind"] == "SetPassword":
        carried[data["command_id"]] = station
        secret = secrets.get(data["request_id"])
        keys = stations.setdefault(station, Keys())
        if secret is None:
            keys.open += 1
        else:
            keys.offer(secret, data["command_id"])
        last[station] = seen
    elif (phase := OUTCOMES.get(type)) is not None and data["command_id"] in carried:
        stations[station].phases[data["command_id"]] = phase
        last[station] = seen


def _wrong(seen: Observation, keys: Keys, before: Observation | None) -> Iterator[Violation]:
    possible, password, status = keys.possible(), seen["password"], seen["status"]
    fits = password in possible if possible else True
    if status == SLOWED or (status == IN) == fits:
        return
    number = next((at for at, one in enumerate(keys.sent) if one[0] == password), None)
    which = "no key" if password is None else "a key it never had" if number is None else f"key {number + 1} of those"
    yield Violation(
        f"{seen['node']} {'let somebody in' if status == IN else 'refused somebody'} as {seen['station']} with {which}",
        f"{len(possible)} keys may be its own" if possible else "it has no key, so nobody is asked for one",
        f"answered {status}",
        seen["station"],
        story(before, seen),
    )


@invariant(
    "I48",
    "key = let in",
    needs=lambda history: history.derive(_knocks).scope,
    absent="nobody asked to be let in with a key",
    frames=True,
    records="log",
    ref="Improved security for OCPP 1.6-J, A00 and A01; OCPP 2.0.1 A01.FR.03",
)
def the_key_lets_in(history: History) -> Iterator[Violation]:
    """Whoever shows the station's key is let in, and nobody else, at every node and after every restart.

    The key an operator set is the only one from then on; one that was sent to the station counts once it took it, and
    then alone; one it refused never does. While it is in doubt which of them it has, each is let in, until one is used.
    """
    yield from history.derive(_knocks).violations
