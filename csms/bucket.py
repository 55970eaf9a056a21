"""A token bucket: how often somebody may do something."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """So many tokens a second, at most `burst` saved up. Time is an argument."""

    rate: float
    burst: float
    level: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.burst

    def fill(self, now: float) -> float:
        """Return what is in it."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level

    def owe(self, now: float) -> float:
        """Take one token, on credit if there is none; return the seconds until the debt is paid."""
        self.level = self.fill(now) - 1.0
        return max(0.0, -self.level / self.rate)

    def give(self) -> None:
        """Put a token back."""
        self.level = min(self.burst, self.level + 1.0)

    def take(self, now: float) -> float:
        """Take one token; return the seconds until there is one, 0 when it was there."""
        if self.fill(now) >= 1.0:
            self.level -= 1.0
            return 0.0
        return (1.0 - self.level) / self.rate
