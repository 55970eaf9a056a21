"""I06 accused, rightly: with every bound at two a stop told in two ways was recorded twice."""

from interlock.scenarios.spec import Scenario, step


def told(kind: str, transaction: str, seconds: int, number: int) -> tuple[str, str]:
    at = f"2025-12-31T21:{seconds // 60:02}:{seconds % 60:02}Z"
    text = (
        f'{{"eventType": "{kind}", "timestamp": "{at}", "triggerReason": "CablePluggedIn", "seqNo": {number}, '
        f'"transactionInfo": {{"transactionId": "{transaction}"}}, "evse": {{"id": 1, "connectorId": 1}}}}'
    )
    return "TransactionEvent", text


A_ENDS_OTHERWISE = told("Ended", "a", 120, 2)
SCENARIO = Scenario(
    name="stop-told-otherwise",
    title="A session is told to end in two ways, and forgotten in between",
    covers="What the log knows the log is asked.",
    steps=(
        step(
            "say",
            20.0,
            messages=(
                told("Started", "a", 0, 0),
                told("Ended", "a", 60, 1),
                A_ENDS_OTHERWISE,
                *(told(kind, name, 180, number) for name in "bcd" for number, kind in enumerate(("Started", "Ended"))),
            ),
            number="session",
        ),
        step("say", 50.0, messages=(A_ENDS_OTHERWISE,), number="again"),
    ),
    faults_s=60.0,
    quiet_s=300.0,
    bounds=2,
    fiction=True,
    ocpp="2.0.1",
    absent_in=(("1.6", "its messages are those of 2.0.1"),),
)
