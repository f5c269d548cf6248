"""Small pictures that were made lately, kept in memory, and made once however many ask for them."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from impasto.web.desk.client import Answer

_MOST = 64 * 2**20
"""Bytes."""
_LARGE = 2**20
"""What is larger is not kept."""


class Seen:
    """Answers by their tags."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._making: dict[str, asyncio.Future[Answer]] = {}
        self._bytes = 0

    async def have(self, tag: str, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of a tag, made if it is not here."""
        if tag in self._kept:
            self._kept.move_to_end(tag)
            return self._kept[tag]
        if tag not in self._making:
            self._making[tag] = asyncio.ensure_future(make())
            self._making[tag].add_done_callback(lambda done: self._made(tag, done))
        return await asyncio.shield(self._making[tag])

    def _made(self, tag: str, done: "asyncio.Future[Answer]") -> None:
        self._making.pop(tag, None)
        if done.cancelled() or done.exception() is not None or len(done.result().content) > _LARGE:
            return
        self._kept[tag] = done.result()
        self._bytes += len(done.result().content)
        while self._bytes > _MOST:
            self._bytes -= len(self._kept.popitem(last=False)[1].content)
