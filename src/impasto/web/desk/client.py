"""The desk as the server sees it: a process that answers one request after the other, and is replaced when it
dies, takes too long, or has grown too large.
"""

import asyncio
import contextlib
import heapq
import itertools
import json
import logging
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from impasto import errors
from impasto.errors import ImpastoError
from impasto.web.refusals import Refused

log = logging.getLogger("impasto.web")

LONGEST = 120.0
"""Seconds that a request may take, if it is not said otherwise."""
_LINE = 2**24
"""The most bytes of what is told in an answer, beside a picture's bytes."""


@dataclass(frozen=True)
class Answer:
    """What a request came to: plain values, and the bytes of a picture."""

    told: dict[str, Any]
    content: bytes


class Desk:
    """A process of `desk.main`, begun when it is first needed."""

    def __init__(self, name: str, most_bytes: int) -> None:
        """One that may hold so much memory."""
        self.name, self.replaced = name, 0
        self._most = most_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._line: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._busy = False
        self._closed = False

    async def ask(self, what: str, *, urgency: int = 1, within: float = LONGEST, **arguments: Any) -> Answer:
        """Have something done; the least ``urgency`` number of all that wait is next.

        Raises what was raised there, if it was an ImpastoError, and Refused where the process had to be
        replaced.
        """
        async with self._turn(urgency):
            # Whoever gives up waiting leaves the answer to be read all the same, or the next would get it.
            return await asyncio.shield(asyncio.ensure_future(self._asked(what, within, arguments)))

    async def warm(self) -> None:
        """Begin the process, and let it load what it will need."""
        with contextlib.suppress(ImpastoError, Refused):
            await self.ask("ready", urgency=9)

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        await self._end()

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @contextlib.asynccontextmanager
    async def _turn(self, urgency: int) -> AsyncIterator[None]:
        if self._busy:
            turn = asyncio.get_running_loop().create_future()
            heapq.heappush(self._line, (urgency, next(self._numbers), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._next()
                raise
        self._busy = True
        try:
            yield
        finally:
            self._next()

    def _next(self) -> None:
        while self._line:
            *_, turn = heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False

    async def _asked(self, what: str, within: float, arguments: dict[str, Any]) -> Answer:
        began = time.monotonic()
        try:
            answer = await asyncio.wait_for(self._exchanged({"do": what, **arguments}), within)
        except (TimeoutError, OSError, EOFError, ValueError) as error:  # ValueError: a line beyond `_LINE`
            await self._end()
            self.replaced += 1
            log.warning("desk replaced", extra={"desk": self.name, "doing": what, "because": type(error).__name__})
            why = (
                f"took longer than {within:g} s" if isinstance(error, TimeoutError) else "took more memory than it may"
            )
            raise Refused(422, f"This {why} and was given up: take a smaller picture.") from None
        log.debug("desk", extra={"desk": self.name, "doing": what, "seconds": round(time.monotonic() - began, 3)})
        if answer.told.get("bytes_held", 0) > self._most:
            await self._end()
            self.replaced += 1
        if "failed" in answer.told:
            raised = getattr(errors, answer.told["error"], None)
            if isinstance(raised, type) and issubclass(raised, ImpastoError):
                raise raised(answer.told["failed"])
            log.error("desk failed", extra={"desk": self.name, "doing": what, "because": answer.told["failed"]})
            raise Refused(500, "This should not have happened: see the server's log.")
        return answer

    async def _exchanged(self, request: dict[str, Any]) -> Answer:
        process = await self._running()
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(request).encode() + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            raise EOFError
        told = json.loads(line)
        return Answer(told, await process.stdout.readexactly(told.pop("length", 0)))

    async def _running(self) -> asyncio.subprocess.Process:
        if self._closed:
            raise Refused(503, "The studio is closing: try again in a moment.", retry_after=5)
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "impasto.web.desk.main", str(self._most)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LINE,
                start_new_session=True,  # Ctrl-C is the server's, which then ends it
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
