"""Events on their way to pages: each page gets the latest of every thing, and not too often."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from impasto.web.refusals import Refused

PAUSE = 0.25
"""Seconds between two deliveries to a page."""
_MOST, _MOST_EACH = 256, 32
"""Pages that listen at once: of all, and of one visitor among others, who is not to shut them out."""

Event = tuple[str, BaseModel]


class Listener:
    """A page that listens: what it has not been told yet, of every thing the latest."""

    def __init__(self) -> None:
        self._waiting: dict[str, Event] = {}
        self._some, self._closed = asyncio.Event(), False

    def add(self, key: str, event: Event) -> None:
        """Tell it once it is ready to hear."""
        self._waiting.pop(key, None)  # the latest comes last
        self._waiting[key] = event
        self._some.set()

    def close(self) -> None:
        """Let it go."""
        self._closed = True
        self._some.set()

    async def events(self) -> AsyncIterator[Event]:
        """What there is to tell, as it comes."""
        while True:
            await self._some.wait()
            self._some.clear()
            waiting, self._waiting = self._waiting, {}
            for event in waiting.values():
                yield event
            if self._closed:
                return
            await asyncio.sleep(PAUSE)


class Hub:
    """All that listen."""

    def __init__(self, users: bool = False) -> None:
        self._each = _MOST_EACH if users else _MOST
        self._listeners: dict[str, set[Listener]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Begin, in the loop that pages are told from."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Let everybody go, from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close)

    def tell(self, visitor: str, event: str, key: str, data: BaseModel) -> None:
        """Tell a visitor's pages something about the thing ``key``, from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, visitor, event, key, data)

    @contextmanager
    def listening(self, visitor: str) -> Iterator[Listener]:
        """A page of a visitor's that listens. Raises Refused."""
        if self.count >= _MOST or len(self._listeners.get(visitor, ())) >= self._each:
            raise Refused(429, "Too many pages are open: close some.", retry_after=30)
        listener = Listener()
        self._listeners[visitor].add(listener)
        try:
            yield listener
        finally:
            self._listeners[visitor].discard(listener)
            if not self._listeners[visitor]:
                del self._listeners[visitor]

    @property
    def count(self) -> int:
        """How many listen."""
        return sum(map(len, self._listeners.values()))

    def _tell(self, visitor: str, event: str, key: str, data: BaseModel) -> None:
        for listener in self._listeners.get(visitor, ()):
            listener.add(key, (event, data))

    def _close(self) -> None:
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.close()
