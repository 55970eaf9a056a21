"""An HTTP answer that goes on until its reader leaves: starlette's, without a task group for each reader.

The task group's objects refer to each other when it is cancelled, so each reader that left was work for the garbage
collector.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

from interlock.csms.supervise import expect_nobody

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


class Streaming(StreamingResponse):
    """An answer in parts, which ends with its iterator or when the client is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either ends; raise what sending raised."""
        sending = asyncio.ensure_future(self.stream_response(send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        both = {sending, leaving}
        for one in both:
            one.add_done_callback(expect_nobody)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()
            await asyncio.wait(both)
        if not sending.cancelled():
            sending.result()
