"""Authentication of stations: the path names the station, a key proves it, and guessing is slowed down.

OCPP-J 1.6 section 3.1.1 for the address, the security white paper's profiles for the rest: 0 nothing (loopback only,
unless told), 1 a password, 2 a password over TLS, 3 a certificate that names the station. A station that has a key
is never let in without it, nor on a lower profile than one it proved itself with. Unknown names and wrong keys get the
same answer, after the same work.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from interlock.csms import identity
from interlock.csms.bucket import Bucket
from interlock.csms.budgets import Budgets, origin_of
from interlock.csms.domain.bounds import bounds

FAILURES_PER_MINUTE, ADDRESS_FAILURES_PER_MINUTE = 5.0, 30.0
"""Wrong passwords under one station's name from one address, and all wrong passwords of an address."""
ANYWHERE_PER_MINUTE = 60.0
"""Wrong passwords under one station's name from anywhere but the address it proved itself from last."""
WORK = 2**14
"""The cost parameter N of scrypt (r = 8, p = 1): about 40 ms. Paid once for each station and process; then a keyed
digest of the password is remembered."""
HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){16,20}")
"""How 1.6 writes a password down; stations send it so, or the octets it stands for."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: an HTTP status, and a sentence that gives an attacker no information."""

    status: int
    why: str
    headers: tuple[tuple[str, str], ...] = ()


LOWER = Refused(403, "this station uses a higher security profile")
BUSY = Refused(503, "many are being looked at; come back", (("Retry-After", "2"),))
WEB_PAGE = Refused(403, "a web page cannot be a station; say --allow-origin if this one shall be")
UNAUTHORIZED = Refused(401, "who are you?", (("WWW-Authenticate", 'Basic realm="OCPP"'),))


@dataclass(frozen=True, slots=True)
class Key:
    """A station's password as it is stored."""

    salt: bytes
    digest: bytes
    key_id: str = ""
    work: int = WORK

    @classmethod
    def of(cls, password: bytes, salt: bytes, work: int = WORK) -> Key:
        """Digest a password. Takes tens of milliseconds on purpose."""
        return cls(salt, _digested(password, salt, work), work=work)

    def fits(self, password: bytes) -> bool:
        """Whether this is the password, compared in constant time."""
        return hmac.compare_digest(_digested(password, self.salt, self.work), self.digest)


def _digested(password: bytes, salt: bytes, work: int) -> bytes:
    return hashlib.scrypt(octets(password), salt=salt, dklen=32, n=work, r=8, p=1)


def octets(password: bytes) -> bytes:
    """Return the octets of a password that may be written in hex."""
    return bytes.fromhex(password.decode()) if HEX.fullmatch(password) else password


def station_of_path(target: str, base: str) -> str | Refused:
    """Return the station id a request target names below `base`, percent-decoded."""
    path = target.partition("?")[0]
    if not path.startswith(base):
        return Refused(404, f"stations connect to {base}STATION-ID")
    station = identity.decoded(path[len(base) :])
    if station is None:
        return Refused(400, "the station id is not UTF-8")
    if not station or "/" in station:
        return Refused(404, f"stations connect to {base}STATION-ID")
    if not identity.fits(station):
        return Refused(400, identity.RULE)
    return station


def password_of(header: str | None, station: str) -> bytes | None:
    """Return the password of a Basic `Authorization` header whose user is the station, else None."""
    scheme, _, data = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(data.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return password if colon and hmac.compare_digest(user, station.encode()) else None


def is_own(origin: str, host: str) -> bool:
    """Whether an Origin names the dialled address itself, as the libraries of some stations set it.

    Only for an IP address or localhost: the owner of a host name could point it here.
    """
    scheme, _, said = origin.partition("://")
    name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    try:
        literal = name == "localhost" or bool(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return False
    return literal and scheme in ("http", "https", "ws", "wss") and said == host


class Gate:
    """Decides on requests. `salt` is random bytes of this process; keys come and go with `keys`.

    A password that was verified in this process before is never slowed down. Guesses are counted per address and
    station, so they do not keep out the station at another address.
    """

    def __init__(
        self,
        profile: int,
        base: str,
        salt: bytes,
        origins: frozenset[str] = frozenset(),
        told: Callable[[str, str, str], None] = lambda address, path, why: None,
        work: int = WORK,
    ) -> None:
        """`told` learns of each that is not let in: its address, the path it asked for, and why."""
        self.told, self.work = told, work
        self.profile, self.base, self._salt, self._origins = profile, base, salt, origins
        self.keys: dict[str, tuple[Key, ...]] = {}
        """Passwords that fit, by station: two while a change of key is in doubt."""
        self.profiles: dict[str, int] = {}
        """The lowest profile of each station that proved itself with one."""
        self._on_passed: list[Callable[[str, int, str | None], None]] = []
        self._on_revoked: list[Callable[[str], None]] = []
        self._seen: dict[str, bytes] = {}
        self._home: dict[str, str] = {}
        """The address each station proved itself from last."""
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        """Digests of passwords found wrong lately: told again they cost nothing, and are no new guess."""
        self._of_pair = Budgets(FAILURES_PER_MINUTE / 60.0, FAILURES_PER_MINUTE)
        self._of_address = Budgets(ADDRESS_FAILURES_PER_MINUTE / 60.0, ADDRESS_FAILURES_PER_MINUTE)
        self._of_station = Budgets(ANYWHERE_PER_MINUTE / 60.0, ANYWHERE_PER_MINUTE)
        self._nobody = Key(salt, bytes(32), work=work)

    def on_passed(self, told: Callable[[str, int, str | None], None]) -> None:
        """Tell of each station that is let in: with which profile, and with which of several keys if there were."""
        self._on_passed.append(told)

    def on_revoked(self, told: Callable[[str], None]) -> None:
        """Tell of each station whose every key was taken away or replaced."""
        self._on_revoked.append(told)

    def revoked(self, station: str) -> None:
        """Say that every key of a station was taken away or replaced."""
        for told in self._on_revoked:
            told(station)

    def forget(self, station: str) -> None:
        """Ask for the whole proof again: the station's keys changed."""
        self._seen.pop(station, None)
        self._wrong.clear()

    def ask(
        self,
        target: str,
        authorization: str | None,
        named: str | None,
        address: str,
        now: float,
        *,
        origin: str | None = None,
        host: str = "",
    ) -> str | Refused | Callable[[], Key | None]:
        """Decide on a request: a station id, a refusal, or a proof to work out elsewhere and bring to `proved`.

        `named` is the common name of the certificate the peer showed; `origin` and `host` are its headers.
        """
        station = station_of_path(target, self.base)
        if isinstance(station, Refused):
            return station
        if self.profile == 3:
            if named is None or not hmac.compare_digest(named.encode(), station.encode()):
                return Refused(403, "the certificate is another station's")
            return self._in(station, 3, None)
        keys = self.keys.get(station)
        if self.profile == 0 and not keys:
            # Any page in a browser may dial to loopback, and says so in this header, which no page can leave out.
            if origin and origin not in self._origins and not is_own(origin, host):
                return WEB_PAGE
            return self._in(station, 0, None)
        password = password_of(authorization, station)
        if password is None:
            return UNAUTHORIZED
        digest = self._digest(station, password)
        # With several possible keys a remembered proof is not enough: which key is used shows which one the station
        # has.
        seen = self._seen.get(station) if keys and len(keys) == 1 else None
        if seen is not None and hmac.compare_digest(seen, digest):
            return self._in(station, max(1, self.profile), None)
        if digest in self._wrong:
            return UNAUTHORIZED
        for bucket in self._counted(station, address, now):
            if wait_s := bucket.take(now):
                return self.later(wait_s)
        tried = keys or (self._nobody,)

        def proof() -> Key | None:
            # All are checked, so that the time taken does not show which one fits.
            fitting = [key for key in tried if key.fits(password)]
            return fitting[-1] if fitting else None

        return proof

    def _counted(self, station: str, address: str, now: float) -> list[Bucket]:
        origin = origin_of(address)
        found = [self._of_address.of(origin, now), self._of_pair.of((origin, station), now)]
        if self._home.get(station) != origin:
            found.append(self._of_station.of(station, now))
        return found

    def disproved(self, target: str, authorization: str | None) -> Refused:
        """Note that the proof of a request was wrong."""
        station = station_of_path(target, self.base)
        password = password_of(authorization, station) if isinstance(station, str) else None
        if isinstance(station, str) and password is not None:
            self._wrong[self._digest(station, password)] = None
            if len(self._wrong) > bounds().guesses:
                self._wrong.popitem(last=False)
        return UNAUTHORIZED

    def proved(self, target: str, authorization: str | None, address: str, key: Key) -> str | Refused:
        """Note that the proof of a request was right, which was no failure; decide for good."""
        station = station_of_path(target, self.base)
        assert isinstance(station, str)
        password = password_of(authorization, station)
        assert password is not None
        for bucket in self._counted(station, address, 0.0):
            bucket.give()
        keys = self.keys.get(station, ())
        if key not in keys:
            return UNAUTHORIZED  # it was removed meanwhile
        self._seen[station] = self._digest(station, password)
        self._home[station] = origin_of(address)
        return self._in(station, max(1, self.profile), key.key_id if len(keys) > 1 else None)

    def _in(self, station: str, profile: int, key_id: str | None) -> str | Refused:
        if profile < self.profiles.get(station, 0):
            return LOWER
        for told in self._on_passed:
            told(station, profile, key_id)
        return station

    def _digest(self, station: str, password: bytes) -> bytes:
        return hashlib.blake2b(station.encode() + b"\0" + password, key=self._salt).digest()

    @staticmethod
    def later(wait_s: float, why: str = "too many attempts") -> Refused:
        """Refuse for a while."""
        return Refused(429, why, (("Retry-After", str(int(wait_s) + 1)),))
