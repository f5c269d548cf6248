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
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from impasto import errors
from impasto.errors import ImpastoError
from impasto.web.refusals import Refused

log = logging.getLogger("impasto.web")

Done = TypeVar("Done")

LONGEST, STARTING = 60.0, 300.0
"""Seconds that a request may take; and a new process until it is ready."""
AGAIN = 15.0
"""Seconds after which a process that could not make itself ready may try again."""
_LAST = 9
"""The urgency of what can wait for all else."""
_LINE = 2**24
"""The most bytes of what is told in an answer, beside a picture's bytes."""


@dataclass(frozen=True)
class Answer:
    """What a request came to: plain values, and the bytes of a picture."""

    told: dict[str, Any]
    content: bytes


class Desk:
    """A process of `desk.main`, begun when it is first needed."""

    def __init__(self, name: str, most_bytes: int, ready: str) -> None:
        """One that may hold so much memory between two answers. ``ready`` is what a new process does before
        all else.
        """
        self.name, self.replaced = name, 0
        self._most, self._ready, self._told, self._tried = most_bytes, ready, dict[str, Any](), 0.0
        self._process: asyncio.subprocess.Process | None = None
        self._line: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._loaded = self._busy = self._closed = False

    async def ask(self, what: str, arguments: Mapping[str, Any], *, urgency: int = 1) -> Answer:
        """Have something done; the least ``urgency`` number of all that wait is next.

        Raises what was raised there, if it was an ImpastoError, and Refused where the process had to be
        replaced.
        """
        return await self._in_turn(urgency, lambda: self._asked({"do": what, **arguments}))

    async def readiness(self) -> dict[str, Any]:
        """What the process tells once it is ready; it is begun if it is not there, and tries again if it was
        not ready before. Raises what kept it from being ready, as `ask` does.
        """
        await self._in_turn(_LAST, self._readied)
        self._check(self._told, self._ready)
        return self._told

    async def warm(self) -> None:
        """Begin the process, if that can be."""
        with contextlib.suppress(ImpastoError, Refused, OSError):
            await self.readiness()

    async def close(self) -> None:
        """End the process."""
        self._closed = True
        await self._end()

    @property
    def pid(self) -> int | None:
        """The process, if there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    @property
    def ready(self) -> bool:
        """Whether it answers at once, and has not to begin first."""
        return self._loaded and self.pid is not None

    async def _in_turn(self, urgency: int, do: Callable[[], Coroutine[Any, Any, Done]]) -> Done:
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
        # Whoever gives up waiting leaves the answer to be read all the same, or the next would get it.
        doing = asyncio.ensure_future(do())
        doing.add_done_callback(self._over)
        return await asyncio.shield(doing)

    def _over(self, done: "asyncio.Future[Any]") -> None:
        _ = done.cancelled() or done.exception()  # whoever asked may have gone
        self._next()

    def _next(self) -> None:
        while self._line:
            *_, turn = heapq.heappop(self._line)
            if not turn.done():
                turn.set_result(None)
                return
        self._busy = False

    async def _asked(self, request: dict[str, Any]) -> Answer:
        answer = await self._answered(await self._begun(), request, LONGEST)
        if answer.told.get("bytes_held", 0) > self._most:
            await self._end()
            self.replaced += 1
        self._check(answer.told, request["do"])
        return answer

    def _check(self, told: Mapping[str, Any], doing: str) -> None:
        """Raise here what was raised there."""
        if "failed" not in told:
            return
        raised = getattr(errors, told["error"], None)
        if isinstance(raised, type) and issubclass(raised, ImpastoError):
            raise raised(told["failed"])
        log.error("desk failed", extra={"desk": self.name, "doing": doing, "because": told["failed"]})
        raise Refused(500, "This should not have happened: see the server's log.")

    async def _readied(self) -> None:
        process = await self._begun()
        if "failed" in self._told and time.monotonic() - self._tried > AGAIN:  # a file may be there by now, or whole
            await self._make_ready(process)

    async def _make_ready(self, process: asyncio.subprocess.Process) -> None:
        self._told = (await self._answered(process, {"do": self._ready}, STARTING)).told
        self._tried = time.monotonic()

    async def _begun(self) -> asyncio.subprocess.Process:
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
            await self._make_ready(self._process)
            self._loaded = True
        return self._process

    async def _answered(self, process: asyncio.subprocess.Process, request: dict[str, Any], within: float) -> Answer:
        """What a process answers. Raises Refused, and ends it, where it does not."""
        assert process.stdin and process.stdout
        try:
            async with asyncio.timeout(within):
                process.stdin.write(json.dumps(request).encode() + b"\n")
                await process.stdin.drain()
                told = json.loads(await process.stdout.readuntil(b"\n"))
                return Answer(told, await process.stdout.readexactly(told.pop("length")))
        except (TimeoutError, OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            await self._end()
            self.replaced += 1
            because = {"desk": self.name, "doing": request["do"], "because": type(error).__name__}
            log.warning("desk replaced", extra=because)
            late = isinstance(error, TimeoutError)
            why = f"took longer than {within:g} s" if late else "took more memory than it may"
            raise Refused(422, f"This {why} and was given up: take a smaller one.") from None

    async def _end(self) -> None:
        process, self._process = self._process, None
        self._loaded = False
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
