"""A CSMS that is strict gets the same odd frames: what breaks its schema is refused, with the error that names it."""

from dataclasses import replace

from interlock.csms.settings import Settings
from interlock.scenarios.library.odd_frames import SCENARIO as LENIENT

SCENARIO = replace(
    LENIENT,
    name="odd-frames-strict",
    title="Frames that are no message, calls nobody knows, payloads that break the schema: a strict CSMS",
    covers="What is refused is refused for its rule, and leaves its trace.",
    settings=Settings(acceptance="strict"),
    retold=("spaced",),
)
