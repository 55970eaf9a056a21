"""Same scenario and seed, same bytes of history: again, in another process, under another PYTHONHASHSEED."""

from __future__ import annotations

import os
import subprocess
import sys

from interlock.scenarios.library import scenarios
from interlock.scenarios.runner import Job, run

NAMES = [name for name, found in scenarios().items() if not found.heavy]
CODE = (
    "import sys\nfrom interlock.scenarios.runner import Job, run\n"
    "print(*(run(Job(n, 7, ocpp=v)).history.sha256() for v in ('1.6', '2.0.1') for n in sys.argv[1:]))"
)


def test_twenty_runs_have_the_same_bytes() -> None:
    assert len({run(Job("crash-at-every-point", 3)).history.sha256() for _ in range(20)}) == 1


def test_ten_runs_under_the_later_version_have_the_same_bytes() -> None:
    job = Job("crash-at-every-point", 3, ocpp="2.0.1")
    assert len({run(job).history.sha256() for _ in range(10)}) == 1


def test_two_processes_and_two_hash_seeds_agree_on_every_scenario() -> None:
    told = [
        subprocess.run(
            [sys.executable, "-c", CODE, *NAMES],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "12345")
    ]
    assert told[0] == told[1]
    assert len(set(told[0].split())) == 2 * len(NAMES)


def test_another_seed_is_another_history() -> None:
    assert run(Job("heartbeat-vs-unlock", 1)).history.sha256() != run(Job("heartbeat-vs-unlock", 2)).history.sha256()
