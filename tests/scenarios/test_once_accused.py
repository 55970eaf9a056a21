"""Schedules in which an invariant accused the reference, wrongly or until it was mended: they hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.scenarios.judge.verdict import Verdict
from interlock.scenarios.runner import Job, run

FOLDER = Path(__file__).parent / "once_accused"
SEEDS = {
    "one_that_never_counted": 3511,
    "id_that_is_too_long": 1421,
    "key_refused_as_one_is_used": 4083,
    "answers_recorded_before_the_next_call": 1585,
    "key_used_then_denied_and_changed": 1992,
    "two_deadlines_of_one_moment": 292,
    "two_requests_of_one_moment": 292,
    "update_told_again_at_another_time": 0,
    "session_at_two_places": 0,
    "told_of_after_its_forgotten_end": 0,
    "key_refused_behind_a_crash": 4354,
    "asked_before_it_was_accepted": 4966,
    "probe_that_brought_nothing_new": 7419,
    "denied_what_it_did": 7245,
    "start_by_the_card_in_other_letters": 7943,
    "asked_behind_a_restart": 6846,
    "broken_behind_a_heartbeat": 5616,
    "unlock_shown_after_it_was_given_up": 3980,
    "start_shown_by_an_update": 6350,
    "key_used_then_rejected": 1976,
    "key_offered_and_the_node_gone": 1701,
    "probe_that_brought_a_status": 1989,
    "refusal_of_two_faults": 1680,
    "fault_cleared_twice": 989,
    "start_on_an_overtaken_line": 582,
    "started_twice_in_other_words": 6685,
    "two_faults_in_one_message": 9312,
    "key_asked_of_a_node_away": 6211,
    "one_answer_to_three_tellings": 5169,
    "answer_behind_a_break": 6805,
    "answered_both_ways": 1088,
    "closing_on_a_full_disk": 1,
    "command_behind_a_full_disk": 3307,
    "doubt_closed_twice": 1041,
    "frame_behind_an_append": 3915,
    "note_behind_a_full_disk": 1,
    "probe_before_a_late_answer": 3728,
    "status_that_never_was": 1,
    "stop_told_otherwise": 231,
    "two_unproven_at_once": 3,
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_it_holds(path: Path) -> None:
    outcome = run(Job(str(path), SEEDS[path.stem]))
    assert outcome.word is Verdict.PASS, outcome.failed
