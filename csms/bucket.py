"""A token bucket: limits how often something may be done."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """`rate` tokens a second are added, up to `burst`. Time is an argument."""

    rate: float
    burst: float
    level: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.level = self.burst

    def fill(self, now: float) -> float:
        """Return the tokens in it at `now`, after adding what is due."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        return self.level

    def owe(self, now: float, tokens: float = 1.0) -> float:
        """Take tokens, going below zero if there are too few; return the seconds until it is at zero again."""
        level = min(self.burst, self.level + (now - self.at) * self.rate) - tokens
        self.level, self.at = level, now
        return 0.0 if level >= 0.0 else -level / self.rate

    def give(self) -> None:
        """Put a token back."""
        self.level = min(self.burst, self.level + 1.0)

    def take(self, now: float, tokens: float = 1.0) -> float:
        """Take tokens (at most `burst`) and return 0; where they are not there, return the seconds until they are."""
        tokens = max(1.0, min(tokens, self.burst))
        level = min(self.burst, self.level + (now - self.at) * self.rate)
        self.at = now
        if level >= tokens:
            self.level = level - tokens
            return 0.0
        self.level = level
        return (tokens - level) / self.rate
