"""How stations differ in what they do with commands: frozen values, each seen in the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Persona:
    """A way to behave. Delays are drawn evenly, in seconds."""

    name: str
    summary: str
    second_start: Literal["reject", "accept"] = "reject"
    second_unlock: Literal["reject", "accept"] = "reject"
    act_delay_s: tuple[float, float] = (0.0, 0.0)
    answer_delay_s: tuple[float, float] = (0.0, 0.0)
    starts: bool = True
    keeps_queue: bool = True
    resend: Literal["same id", "new id"] = "same id"


PERSONAS: dict[str, Persona] = {
    persona.name: persona
    for persona in (
        Persona("plain", "does what it says and says what it does"),
        Persona("rejects-second", "rejects a second start, or an unlock of a lock that is open"),
        Persona(
            "accepts-second",
            "accepts a second start over the first, and moves a lock again that is open",
            second_start="accept",
            second_unlock="accept",
        ),
        Persona("acts-late", "acts and answers 5 to 40 s after it was asked", act_delay_s=(5.0, 40.0)),
        Persona("answers-late", "acts at once, answers 35 to 90 s later", answer_delay_s=(35.0, 90.0)),
        Persona("never-starts", "accepts a start, and nothing happens", starts=False),
        Persona("forgets-queue", "loses its queue of transaction messages at a reboot", keeps_queue=False),
        Persona("resends-same-id", "sends again with the same message id", resend="same id"),
        Persona("resends-new-id", "sends again with a new message id", resend="new id"),
    )
}
