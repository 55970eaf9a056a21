"""The OCPP 1.6 controller of a station: its messages, status words, configuration keys and what it does for each CALL.

The only room of the simulator that knows OCPP 1.6. connectorId n is EVSE n, connector 1. May import the physical
station, `ocppj` and nothing of another version.
"""

from interlock.simulator.v16.controller import Controller
from interlock.simulator.v16.messages import SCHEMAS, SUBPROTOCOL

__all__ = ["SCHEMAS", "SUBPROTOCOL", "Controller"]
