"""Bodies of requests, as far as they are waited for: not too long, not too slow, and not without an end."""

import asyncio
import time

from starlette.types import Message, Receive

from impasto.web.refusals import Refused

PAUSE = 20.0
"""Seconds between two parts of a body."""
GRACE, SLOWEST = 20.0, 4096
"""After so many seconds a body must have come with so many bytes a second."""


class Patient:
    """The messages of a request, with an end to patience: raises Refused, with 413 or 408."""

    def __init__(self, receive: Receive, most: int) -> None:
        """At most so many bytes."""
        self._receive, self._most = receive, most
        self._began, self._came, self._whole = time.monotonic(), 0, False

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is that the client has gone, and that may take as long as it likes
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), PAUSE)
        except TimeoutError:
            raise Refused(408, "The rest of the request did not come: send it again.", last=True) from None
        self._came += len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._came > self._most:
            raise Refused(413, f"This is more than the {self._most} bytes that may be sent: send less.", last=True)
        taken = time.monotonic() - self._began
        if not self._whole and taken > GRACE and self._came < SLOWEST * taken:
            raise Refused(408, "The request came too slowly: send it again.", last=True)
        return message
