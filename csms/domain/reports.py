"""What a station may report: one frozen value per kind of report, independent of the OCPP version.

Each is defined in the file of its concern, which also says which facts it adds to the log and how it is answered
(`facts.reported`).
"""

from __future__ import annotations

from typing import get_args

from interlock.csms.domain import connectors, generic, presence, provisioning, readings, tokens, transactions
from interlock.csms.domain.connectors import Status
from interlock.csms.domain.fast_init import fast_init
from interlock.csms.domain.generic import Deviation, Notice, Several, Transfer
from interlock.csms.domain.presence import Heartbeat
from interlock.csms.domain.provisioning import Boot
from interlock.csms.domain.readings import Meter, Reading, Sample
from interlock.csms.domain.replies import TAKEN, Given, Reply
from interlock.csms.domain.tokens import Authorize
from interlock.csms.domain.transactions import Start, Stop, Update

__all__ = [
    "TAKEN",
    "Authorize",
    "Boot",
    "Deviation",
    "Given",
    "Heartbeat",
    "Meter",
    "Notice",
    "Reading",
    "Reply",
    "Report",
    "Sample",
    "Several",
    "Start",
    "Status",
    "Stop",
    "Transfer",
    "Update",
]

Report = (
    presence.Report
    | provisioning.Report
    | connectors.Report
    | transactions.Report
    | readings.Report
    | tokens.Report
    | generic.Report
)

for _value in (*get_args(Report), Sample, Given, Reply):
    fast_init(_value)
