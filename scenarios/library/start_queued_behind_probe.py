"""A probe is answered while the station still has the start to tell.

The answer to a remote start is lost, and with it the StartTransaction of the session that began: the station will send
it again minutes later. Asked in between it answers at once, long before its queue has said what happened. Only what
stands in that queue, in its order, is evidence.
"""

from interlock.csms.domain.commands import RemoteStart
from interlock.scenarios.spec import Around, Scenario, ask, step

SCENARIO = Scenario(
    name="start-queued-behind-probe",
    title="A station answers a probe before it has told of the session",
    covers="That a station answers a question proves nothing while its queue is not empty.",
    station=(("retry_s", 160.0), ("timeouts_to_reconnect", 10)),
    moments=(("start", 40.0, 60.0),),
    steps=(
        step("plug", at=20.0, connector=1),
        step("lose_answer", at=25.0, action="RemoteStartTransaction", then_cut=False, seconds=60.0),
        ask(RemoteStart(1, "TAG-OPERATOR"), at=Around("start", 0.0, 0.0)),
        step("silence", at=Around("start", 0.3, 0.5), seconds=4.0),
        step("unplug", at=300.0, connector=1),
    ),
    faults_s=320.0,
)
