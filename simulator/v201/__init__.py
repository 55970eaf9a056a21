"""The OCPP 2.0.1 controller of a station: messages, transactions, device model, and what it does for each CALL.

The only room of the simulator that knows OCPP 2.0.1. May import the physical station, `ocppj` and nothing of another
version. Clause numbers are those of part 2 of the standard.
"""

from interlock.simulator.v201.controller import Controller
from interlock.simulator.v201.messages import SCHEMAS, SUBPROTOCOL

__all__ = ["SCHEMAS", "SUBPROTOCOL", "Controller"]
