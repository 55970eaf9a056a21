"""A station shows one wrong card after another, and then a right one: few are told as they are, the rest are Invalid.

So nobody finds out which cards there are by trying (S35). Another station is answered as ever, what is no card is
answered as ever, and after a while so is the right card.
"""

from interlock.scenarios.spec import Scenario, Step, step

_WRONG = (
    ("Authorize", '{"idTag":"TAG-NOBODY-KNOWS"}'),
    ("Authorize", '{"idToken":{"idToken":"TAG-NOBODY-KNOWS","type":"ISO14443"}}'),
)
_RIGHT = (
    ("Authorize", '{"idTag":"TAG-DRIVER"}'),
    ("Authorize", '{"idToken":{"idToken":"TAG-DRIVER","type":"ISO14443"}}'),
)
_TRANSFER = ("DataTransfer", '{"vendorId":"com.example"}')


def tried(which: int) -> tuple[Step, ...]:
    """Return the steps, in the words of 1.6 (0) or 2.0.1 (1)."""
    return (
        step("register", at=5.0, token="TAG-NOBODY-KNOWS", status="Blocked"),
        step("say", at=20.0, messages=(_TRANSFER,) * 90, every_s=0.1, number="transfer"),
        step("say", at=30.0, messages=(_RIGHT[which],), number="before"),
        step("say", at=40.0, messages=(_WRONG[which],) * 100, every_s=0.1, number="wrong"),
        step("say", at=50.2, messages=(_RIGHT[which], _WRONG[which], _TRANSFER), every_s=0.1, number="refused"),
        step("say", at=50.2, messages=(_RIGHT[which],), number="other", station=2),
        step("say", at=220.0, messages=(_RIGHT[which], _WRONG[which]), number="later"),
    )


SCENARIO = Scenario(
    name="guessing",
    title="One wrong card after another, and a right one",
    covers="Who guesses learns nothing, and nobody else notices.",
    stations=2,
    steps=tried(0),
    absent_in=(("2.0.1", "its messages are those of 1.6: guessing-2-0-1 has the others"),),
    fiction=True,
    faults_s=240.0,
    quiet_s=60.0,
)
