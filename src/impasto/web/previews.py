"""Previews: of every page only the newest counts, and pages take turns."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from impasto.web.desk.client import Answer
from impasto.web.refusals import Refused

_MOST, _MOST_EACH = 128, 16
"""Pages that may wait: of all, and of one visitor among others, who is not to shut them out."""

Paint = Callable[[], Awaitable[Answer]]
_Page = tuple[str, str]
"""A visitor, and one of the visitor's pages."""


class Previews:
    """One preview at a time; a page's newer one takes the place of its older one, which is given up."""

    def __init__(self, users: bool = False) -> None:
        self._each = _MOST_EACH if users else _MOST
        self._waiting: OrderedDict[_Page, tuple[Paint, asyncio.Future[Answer]]] = OrderedDict()
        self._running: tuple[_Page, asyncio.Future[Answer]] | None = None
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, visitor: str, page: str, paint: Paint) -> Answer:
        """What ``paint`` gives, for a visitor's page. Raises what it raises, and Refused where a newer one
        has come.
        """
        asks = visitor, page
        others = [whose for whose, _ in self._waiting]
        if asks not in self._waiting and (len(others) >= _MOST or others.count(visitor) >= self._each):
            raise Refused(429, "Too many previews are asked for: try again in a moment.", retry_after=2)
        if asks in self._waiting:
            _give_up(self._waiting[asks][1])
        if self._running is not None and self._running[0] == asks:
            _give_up(self._running[1])
        result: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[asks] = paint, result
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await result

    async def _work(self) -> None:
        while self._waiting:
            asks, (paint, result) = self._waiting.popitem(last=False)
            if result.done():  # the client has gone
                continue
            self._running = asks, result
            try:
                answer = await paint()
                if not result.done():
                    result.set_result(answer)
            except Exception as error:
                if not result.done():
                    result.set_exception(error)
            finally:
                self._running = None


def _give_up(result: "asyncio.Future[Answer]") -> None:
    if not result.done():
        result.set_exception(Refused(409, "superseded"))
