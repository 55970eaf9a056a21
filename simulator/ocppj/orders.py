"""CALLs of the CSMS: checked against their schemas, carried out as soon as the persona does so, and answered.

A controller has a table of functions by action. Each decides, has the effect begin, and records with `answer` the
status it gives, at the moment it acts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from interlock.simulator.ocppj.answers import Answers
from interlock.simulator.ocppj.conversation import Conversation
from interlock.simulator.ocppj.link import Payload
from interlock.simulator.ocppj.schemas import Schemas
from interlock.simulator.station import Station


@dataclass(frozen=True, slots=True)
class Order:
    """A CALL of the CSMS. Its payload is valid."""

    message_id: str
    action: str
    payload: dict[str, Any]

    def whole(self, name: str) -> int | None:
        """Return a whole number of the payload; a schema's "integer" may have come as 1.0."""
        return whole(self.payload.get(name))


def whole(value: Any) -> int | None:
    """Return `value` as an int, or None when it is no whole number."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


class Ordered(Protocol):
    """What a controller must have for its orders to be received and answered."""

    @property
    def station(self) -> Station:
        """The physical station."""

    @property
    def conversation(self) -> Conversation:
        """Its exchange with the CSMS."""

    @property
    def answers(self) -> Answers:
        """What sends its answers."""

    @property
    def schemas(self) -> Schemas:
        """The schemas of its version."""


C = TypeVar("C", bound=Ordered)


@dataclass(frozen=True, slots=True)
class Orders(Generic[C]):
    """What a controller does for each action.

    `moving` are the actions that move something, with which a persona may be late; `prompt` are those of them that it
    answers in time all the same.
    """

    actions: Mapping[str, Callable[[C, Order], None]]
    moving: frozenset[str]
    prompt: frozenset[str]

    def receive(self, controller: C, message_id: str, action: str, payload: Payload) -> None:
        """Carry out a CALL, or refuse it as its version spells that."""
        station, link = controller.station, controller.conversation.link
        if controller.answers.given(message_id, action):
            return
        carry_out = self.actions.get(action)
        if carry_out is None:
            code = "NotSupported" if action in controller.schemas.actions else "NotImplemented"
            link.refuse(message_id, code)
            return
        wrong = controller.schemas.wrong_with(action, payload)
        if wrong is not None:
            link.refuse(message_id, *wrong)
            return
        if controller.answers.refuse_first(message_id):
            return
        order = Order(message_id, action, payload)
        if action not in self.moving:
            carry_out(controller, order)
            return
        delay_s = station.rng.uniform(*station.spec.act_s)
        late = station.spec.persona.act_delay_s
        if late != (0.0, 0.0):
            delay_s += station.rng.uniform(*late)
        station.after(delay_s, lambda: carry_out(controller, order))

    def answer(self, controller: C, order: Order, status: str, payload: Payload | None = None) -> None:
        """Record what was decided on an order, at the moment it is acted on, and answer it."""
        station = controller.station
        station.observe(
            "obeyed", station=station.station_id, message_id=order.message_id, action=order.action, status=status
        )
        answer = {"status": status} if payload is None else payload
        late, delay_s = station.spec.persona.answer_delay_s, 0.0
        if late != (0.0, 0.0) and order.action in self.moving and order.action not in self.prompt:
            delay_s = station.rng.uniform(*late)
        controller.answers.send(order.message_id, answer, delay_s)
