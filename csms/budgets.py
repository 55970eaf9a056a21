"""Token buckets by name: use is counted per station or address, across its sockets."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

from interlock.csms.bucket import Bucket

KEPT = 50_000


class Budgets:
    """A bucket for each name. The least recently used ones are dropped, so many different names do not fill memory."""

    def __init__(self, rate: float, burst: float, kept: int = KEPT) -> None:
        self.rate, self.burst, self._kept = rate, burst, kept
        self._buckets: OrderedDict[object, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, name: object, now: float) -> Bucket:
        """Return the bucket of a name; a full one for a new name."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(self.rate, self.burst, at=now)
            if len(self._buckets) > self._kept:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        return bucket


def origin_of(address: str) -> str:
    """Return the key a peer is counted by: its IPv4 address, or the /64 of an IPv6 one, as one host may use it all."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
