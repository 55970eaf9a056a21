"""A tester's answers to the CALLs of the peer: those a case demands, else usual ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.scenarios.cases.language import Reply


@dataclass(slots=True)
class Replies:
    """The replies a script has asked for so far. One with `times` is used up before an older one."""

    wanted: dict[str, list[tuple[Reply, int]]] = field(default_factory=dict)

    def put(self, reply: Reply) -> None:
        """Add a reply."""
        self.wanted.setdefault(reply.action, []).append((reply, reply.times))

    def next(self, action: str) -> Reply | None:
        """Return the reply to the next CALL of `action`, or None where the script has none."""
        waiting = self.wanted.get(action)
        if not waiting:
            return None
        reply, left = waiting[-1]
        if left == 1:
            waiting.pop()
        elif left > 1:
            waiting[-1] = (reply, left - 1)
        return reply
