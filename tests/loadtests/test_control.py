"""A load test asks a CSMS by the same file as `interlock run --control`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interlock.loadtests.users.control import Asked, HttpControl, NoControl, control_of
from interlock.scenarios.names import TARGETS

from ..scenarios.test_target_file import answering

UNLOCK = ("UnlockConnector", {"connectorId": 1})
STEVE = ((TARGETS / "steve.toml").read_text("utf-8")).replace("Basic ${STEVE_BASIC_CREDENTIALS}", "Basic eA==")


def steve(tmp_path: Path, url: str) -> HttpControl:
    (tmp_path / "steve.toml").write_text(STEVE.replace("http://127.0.0.1:8180/steve", url))
    found = control_of(str(tmp_path / "steve.toml"))
    assert found is not None
    return found


def test_commands_outcomes_and_transactions_by_the_file(tmp_path: Path) -> None:
    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        if method == "POST":
            return 200, {"taskId": 5, "successResponses": [{"response": "Unlocked"}]}
        return 200, [{"id": 7, "connectorId": 1, "startValue": "100", "stopValue": None}]

    with answering(answer) as url:
        control = steve(tmp_path, url)
        assert control.ask("CP1", *UNLOCK, key="r1") == Asked("accepted", "5")
        assert control.state("5") == "accepted"
        assert control.transactions("CP1") == [(7, 100, None)]
        assert control.stations() is None  # the file has no [stations]
    assert control.takes(*UNLOCK)
    assert not control.takes("Reset", {"type": "Soft"})
    assert not control.takes("Nonsense", {})


@pytest.mark.parametrize("status", [401, 500])
def test_what_is_not_answered_as_described_is_no_answer(tmp_path: Path, status: int) -> None:
    with answering(lambda *_: (status, {})) as url:
        control = steve(tmp_path, url)
        asked = control.ask("CP1", *UNLOCK, key="r1")
        assert (asked.answer, str(status) in asked.detail) == ("failed", True)
        assert control.transactions("CP1") is None


def test_the_reference_by_its_url_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(method: str, path: str, body: Any) -> tuple[int, Any]:
        if path.startswith("/api/commands/"):
            return 404, {}
        return (
            (200, {"stations": [{"id": "A"}, {"id": "B"}], "next": "B"})
            if path.endswith("after=")
            else (
                200,
                {"stations": [{"id": "C"}], "next": None},
            )
        )

    monkeypatch.delenv("INTERLOCK_API_TOKEN", raising=False)
    with pytest.raises(NoControl, match="INTERLOCK_API_TOKEN"):
        control_of("http://127.0.0.1:1")
    monkeypatch.setenv("INTERLOCK_API_TOKEN", "t")
    with answering(answer) as url:
        control = control_of(url)
        assert control is not None
        assert control.stations() == ["A", "B", "C"]
        assert control.state("c1") == ""  # it does not know the command


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing key url"),
        ('url = "http://h"\n[ask]\nacepted = [200]\n', r"\[ask\] unknown key acepted; did you mean accepted\?"),
        ('token_env = "X"\n', "unknown key token_env"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(NoControl, match=says):
        control_of(str(tmp_path / "c.toml"))
