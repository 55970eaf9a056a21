"""A stream that nobody reads, or nobody reads any more, holds up nobody."""

from __future__ import annotations

import io
import os
from threading import Thread

from interlock.scenarios.cli.serve_lines import WAITING, Lines


def test_a_pipe_that_nobody_reads_blocks_no_one_and_what_is_left_out_is_counted() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading, "rb") as reader:
        lines, many = Lines(stream), 3 * WAITING
        for number in range(many):
            lines.say(f"{number:0200d}")
        read: list[bytes] = []
        thread = Thread(target=lambda: read.extend(reader))
        thread.start()
        lines.end()
        stream.close()
        thread.join()
    told, note = read[:-1], read[-1].decode()
    assert told == [b"%0200d\n" % number for number in range(len(told))]
    assert note == f"({many - len(told)} lines were not printed: nobody read them)\n"
    assert len(told) < many


def test_a_reader_that_is_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        lines = Lines(stream)
        lines.say("one")
        lines.say("two")
        lines.end()


def test_lines_come_in_order_where_there_is_no_file() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.say("one")
    lines.say("\ud800")
    lines.end()
    assert stream.getvalue() == "one\n\ud800\n"
