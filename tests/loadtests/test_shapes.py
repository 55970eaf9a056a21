"""Load shapes: the built-in ones, those of a TOML file and of a Python class, and every mistake in a sentence."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from interlock.scenarios.live.load_shape import BUILT_IN, LoadShape, of
from interlock.scenarios.live.load_shape_file import find
from interlock.scenarios.refused import Refused

DOCS = Path(__file__).parents[2] / "docs" / "load.md"


@pytest.mark.parametrize("shape", BUILT_IN.values(), ids=lambda shape: shape.name)
def test_a_shape_is_the_same_after_json(shape: LoadShape) -> None:
    again = of(json.loads(json.dumps(shape.as_json())))
    assert again == shape
    assert 0.0 <= again.users_at(0.0) <= again.users_at(0.5) <= again.users_at(1.0) == 1.0


TOML = """
[users]
curve = [[0.0, 0.2], [0.5, 1.0], [1.0, 0.4]]
[sessions]
stay_s = [2, 4]
[connections]
all_drop_at = [0.5]
[station]
meter_interval_s = 1
reconnect_s = [0.1, 0.2]
[commands]
ClearCache = 3
Reset = 1
"""


def test_a_file_sets_curve_sessions_stations_and_mix(tmp_path: Path) -> None:
    (tmp_path / "evening.toml").write_text(TOML)
    shape = find(str(tmp_path / "evening.toml"))
    assert (shape.name, shape.stay_s, shape.all_drop_at) == ("evening", (2, 4), (0.5,))
    assert [round(shape.users_at(t), 2) for t in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0.2, 0.6, 1.0, 0.7, 0.4]
    assert shape.station == {"meter_interval_s": 1, "reconnect_s": (0.1, 0.2)}
    assert shape.commands == {"ClearCache": 3, "Reset": 1}


def test_a_class_computes_its_curve_and_is_sent_to_workers_as_a_value(tmp_path: Path) -> None:
    (tmp_path / "wave.py").write_text(
        "from interlock.scenarios.live.load_shape import LoadShape\n\n"
        "class Wave(LoadShape):\n    def users_at(self, share):\n        return share * share\n"
    )
    for name in ("wave.py", "wave.py:Wave"):
        shape = find(str(tmp_path / name))
        assert type(shape) is LoadShape
        assert shape.users_at(0.5) == pytest.approx(0.25, abs=0.001)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[user]\ncurve = []", "there is no [user]; did you mean users?"),
        ("[users]\ncurv = []", "[users] has no 'curv'; did you mean curve?"),
        ("[users]\ncurve = [[0.5, 1.0], [0.5, 0.0]]", "goes forward in time"),
        ("[users]\ncurve = [[0, 2]]", "shares from 0 to 1"),
        ("[users]\ncurve = 3", "is a list of"),
        ("[sessions]\nstay_s = [4, 2]", "the least and the most"),
        ("[sessions]\npause_s = 3", "two numbers of seconds"),
        ("[connections]\ndrops_every_s = 0", "above 0"),
        ("[connections]\nall_drop_at = [1.5]", "between 0 and 1"),
        ("[station]\nmeter_intervals_s = 3", "did you mean meter_interval_s?"),
        ("[station]\nmeter_interval_s = 'x'", "meter_interval_s is float, not 'x'"),
        ("[station]\nreconnect_s = 3", "reconnect_s is two numbers"),
        ("[commands]\nUnlockConector = 1", "did you mean UnlockConnector?"),
        ("[commands]\nReset = -1", "weights"),
        ("[commands]\nReset = 0", "no weight above 0"),
        ("curve = 3", "there is no [curve]"),
        ("x", "is not TOML"),
    ],
)
def test_a_mistake_in_a_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(Refused, match=re.escape(says)):
        find(str(tmp_path / "mine.toml"))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("none.toml", None, "cannot be read"),
        ("none.py", None, "there is no load shape file"),
        ("mine.py", "x = 1", "has none"),
        ("mine.py", "raise ValueError('no')", "cannot be loaded: ValueError: no"),
        ("mine.py:Wav", "from interlock.scenarios.live.load_shape import LoadShape\nWave = LoadShape()", "mean Wave?"),
        ("rmp", None, "there is no shape 'rmp'; did you mean ramp?"),
    ],
)
def test_what_is_no_shape_is_told(tmp_path: Path, name: str, text: str | None, says: str) -> None:
    if text is not None:
        (tmp_path / name.partition(":")[0]).write_text(text)
    with pytest.raises(Refused, match=re.escape(says)):
        find(str(tmp_path / name) if "." in name else name)


def test_the_examples_of_the_page_are_shapes(tmp_path: Path) -> None:
    for language, suffix in (("toml", ".toml"), ("python", ".py")):
        (block,) = re.findall(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
        path = tmp_path / f"mine{suffix}"
        path.write_text(block)
        assert find(str(path)).users_at(0.5) <= 1.0


def test_operators_ask_for_what_the_mix_says_and_never_for_the_rest() -> None:
    from interlock.loadtests.users.mix import draw

    rng = random.Random(4)
    counts = Counter(draw(rng, {"ClearCache": 3, "UnlockConnector": 1}, 2, "T")[0] for _ in range(4000))
    assert set(counts) == {"ClearCache", "UnlockConnector"}
    assert counts["ClearCache"] == pytest.approx(3000, rel=0.1)
    for action in BUILT_IN["ramp"].commands:
        assert draw(rng, {action: 1.0}, 2, "T")[0] == action


@pytest.mark.skipif(find_spec("locust") is None, reason="needs the extra load")
def test_the_web_interface_shows_the_verdict_and_its_report(tmp_path: Path) -> None:
    from flask import Flask

    from interlock.loadtests.users.verdict_page import add_verdict

    app, found = Flask("test"), list[dict[str, Any]]()
    app.add_url_rule("/", "index", lambda: '<html><body><div id="root"></div></body></html>')
    add_verdict(app, lambda: found[-1] if found else None)
    client = app.test_client()
    assert 'id="interlock"' in client.get("/").text
    assert client.get("/interlock/verdict").json["verdict"] is None
    assert client.get("/interlock/report").status_code == 404
    assert client.get("/metrics").text == "# EOF\n"
    found.append({"verdict": "FAIL", "failed": ["L03", "T01"], "stations": 3, "commands": 1, "run": str(tmp_path)})
    (tmp_path / "metrics.txt").write_text("x 1\n# EOF\n")
    told = client.get("/interlock/verdict").json
    assert told["line"] == "Interlock: FAIL L03, T01   3 stations, 1 commands"
    assert client.get("/metrics").text.startswith("x 1")
