"""Personas of stations: what they do with a second command, how late they act or answer, what they lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Second = Literal["reject", "accept"]


@dataclass(frozen=True, slots=True)
class Persona:
    """One persona. Times are seconds, drawn evenly between the two."""

    name: str
    summary: str
    second_start: Second = "reject"
    """What becomes of a remote start on a busy connector; `accept`: it ends what is there and starts anew."""
    second_unlock: Second = "reject"
    """What becomes of an unlock of an open lock; `accept`: its motor moves again."""
    act_delay_s: tuple[float, float] = (0.0, 0.0)
    """How long a command that moves something waits before it is acted on (and answered)."""
    answer_delay_s: tuple[float, float] = (0.0, 0.0)
    """How long after acting on such a command it is answered."""
    starts: bool = True
    """Whether an accepted remote start has any effect."""
    keeps_queue: bool = True
    """Whether transaction messages survive a reboot."""
    resends: Literal["same id", "new id"] = "new id"
    """The message id under which a transaction message is sent again."""
    forgets_answer: float = 0.0
    """How often the answer to a transaction message is forgotten, so that the message is sent again."""


PERSONAS: dict[str, Persona] = {
    persona.name: persona
    for persona in (
        Persona("plain", "does as it is told, once"),
        Persona("rejects-second", "rejects a second start or unlock of what is busy or open"),
        Persona(
            "accepts-second",
            "accepts a second start or unlock: the lock moves again, the first session ends",
            second_start="accept",
            second_unlock="accept",
        ),
        Persona("acts-late", "acts 5 to 40 s after the CALL and answers then", act_delay_s=(5.0, 40.0)),
        Persona("answers-late", "acts at once and answers 35 to 90 s later", answer_delay_s=(35.0, 90.0)),
        Persona("never-starts", "accepts a remote start and nothing happens", starts=False),
        Persona("forgets-queue", "loses its queue of transaction messages at a reboot", keeps_queue=False),
        Persona(
            "resends-same-id",
            "sends transaction messages again under the same message id, some that were answered too",
            resends="same id",
            forgets_answer=0.25,
        ),
        Persona(
            "resends-new-id",
            "sends transaction messages again under a new message id, some that were answered too",
            forgets_answer=0.25,
        ),
    )
}
"""Every persona by name."""
