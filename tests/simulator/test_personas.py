import pytest

from interlock.simulator.personas import PERSONAS
from tests.simulator.rig import Rig

LATE = 200.0


def test_every_persona_has_its_name_and_a_summary() -> None:
    assert list(PERSONAS) == [
        "plain",
        "rejects-second",
        "accepts-second",
        "acts-late",
        "answers-late",
        "never-starts",
        "forgets-queue",
        "resends-same-id",
        "resends-new-id",
    ]
    for name, persona in PERSONAS.items():
        assert persona.name == name
        assert persona.summary


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_persona_boots_charges_and_unlocks(persona: str) -> None:
    rig = Rig(persona=persona).up().charge(2)
    assert rig.call("UnlockConnector", connectorId=1, wait=LATE) == {"status": "Unlocked"}
    rig.station.unplug(2)
    rig.run(60)
    assert rig.station.outbox_pending == 0
    assert len(rig.unlocks()) == 1
    assert next(said.payload["transactionId"] for said in rig.said("StopTransaction")) > 0


@pytest.mark.parametrize(
    ("persona", "word", "moves"),
    [
        ("plain", "UnlockFailed", 1),
        ("rejects-second", "UnlockFailed", 1),
        ("accepts-second", "Unlocked", 2),
        ("acts-late", "UnlockFailed", 1),
    ],
)
def test_the_second_unlock(persona: str, word: str, moves: int) -> None:
    rig = Rig(persona=persona).up()
    assert rig.call("UnlockConnector", connectorId=1, wait=60) == {"status": "Unlocked"}
    assert rig.call("UnlockConnector", connectorId=1, wait=60) == {"status": word}
    assert [seen["message_id"] for seen in rig.unlocks()] == ["m1", "m2"][:moves]
    assert [seen["status"] for seen in rig.of("obeyed")] == ["Unlocked", word]


def test_the_personas_second_can_be_overridden() -> None:
    rig = Rig(persona="plain", second_unlock="accept", second_start="accept").up()
    rig.call("UnlockConnector", connectorId=1)
    assert rig.call("UnlockConnector", connectorId=1) == {"status": "Unlocked"}
    rig.call("RemoteStartTransaction", connectorId=1, idTag="A")
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="B") == {"status": "Accepted"}


def test_a_second_unlock_while_the_lock_moves() -> None:
    for persona, words in (("rejects-second", ["Unlocked", "UnlockFailed"]), ("accepts-second", ["Unlocked"] * 2)):
        rig = Rig(persona=persona, unlock_s=(2.0, 2.0)).up()
        for name in ("a", "b"):
            rig.peer.call("UnlockConnector", {"connectorId": 1}, name)
        rig.run(20)
        assert sorted(answer["status"] for answer in rig.peer.results.values()) == sorted(words)


def test_the_second_start_is_rejected() -> None:
    rig = Rig(persona="rejects-second").up()
    rig.station.plug(1)
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="A") == {"status": "Accepted"}
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="B") == {"status": "Rejected"}
    assert [seen["id_token"] for seen in rig.of("session.begun")] == ["A"]
    assert rig.of("session.ended") == []


def test_the_second_start_ends_the_first() -> None:
    rig = Rig(persona="accepts-second").up()
    rig.station.plug(1)
    rig.call("RemoteStartTransaction", connectorId=1, idTag="A", wait=100)
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="B") == {"status": "Accepted"}
    assert [(seen["id_token"], seen["message_id"]) for seen in rig.of("session.begun")] == [("A", "m1"), ("B", "m2")]
    first, second = rig.of("session.ended"), rig.of("session.begun")
    assert len(first) == 1
    assert first[0]["meter_wh"] == second[1]["meter_wh"]
    assert [(said.action, said.payload.get("idTag")) for said in rig.said("StartTransaction", "StopTransaction")] == [
        ("StartTransaction", "A"),
        ("StopTransaction", None),
        ("StartTransaction", "B"),
    ]


def test_acting_late() -> None:
    rig = Rig(persona="acts-late").up()
    begun = rig.env.now
    message_id = rig.peer.call("UnlockConnector", {"connectorId": 1})
    rig.run(4)
    assert rig.of("ledger") == []
    rig.run(60)
    move, obeyed = rig.unlocks()[0], rig.of("obeyed")[0]
    assert 5.0 <= move["t"] - begun <= 42.0
    assert move["t"] == obeyed["t"]
    assert rig.peer.results[message_id] == {"status": "Unlocked"}
    answered = [seen["t"] for seen in rig.of("frame", edge="station.sent") if message_id in seen["text"]]
    assert answered == [move["t"]]


def test_answering_late() -> None:
    rig = Rig(persona="answers-late").up()
    rig.station.plug(1)
    begun = rig.env.now
    message_id = rig.peer.call("RemoteStartTransaction", {"connectorId": 1, "idTag": "A"})
    rig.run(5)
    assert rig.of("session.begun")[0]["message_id"] == message_id
    assert rig.of("obeyed")[0]["t"] - begun < 1.0
    assert message_id not in rig.peer.results
    rig.run(100)
    answered = [seen["t"] for seen in rig.of("frame", edge="station.sent") if f'[3,"{message_id}"' in seen["text"]]
    assert 35.0 <= answered[0] - begun <= 91.0
    assert rig.call("GetConfiguration", wait=1.0) is not None  # only what moves something is answered late


def test_never_starting() -> None:
    rig = Rig(persona="never-starts").up()
    rig.station.plug(1)
    assert rig.call("RemoteStartTransaction", connectorId=1, idTag="A", wait=60) == {"status": "Accepted"}
    assert rig.of("session.begun") == []
    assert rig.station.truth()[0]["status"] == "Preparing"
    assert rig.station.swipe(1, "TAG")
    rig.run(5)
    assert len(rig.of("session.begun")) == 1
