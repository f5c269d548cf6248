"""Work that overlaps: frames are read ahead and written behind, each in a thread, with few of them held."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_HELD = 4
"""How many items wait between two threads."""
_PATIENCE = 0.1


class Ahead(Generic[Item]):
    """What an iterator gives, computed in a thread of its own, a few items ahead. Iterate over it, and close
    it. ``seconds`` is what the thread has spent on it.
    """

    def __init__(self, items: Callable[[], Iterator[Item]]) -> None:
        """``items`` makes the iterator, in the thread, which also closes it."""
        self.seconds = 0.0
        self._items, self._queue = items, queue.Queue[tuple[Item | None, BaseException | None]](_HELD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        while True:
            item, error = self._queue.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        error: BaseException | None = None
        items = self._items()
        try:
            while not self._closed.is_set():
                began = time.perf_counter()
                item = next(items, None)
                self.seconds += time.perf_counter() - began
                if item is None or not _put(self._queue, (item, None), self._closed):
                    break
        except BaseException as raised:
            error = raised
        finally:
            if (close := getattr(items, "close", None)) is not None:
                close()
            _put(self._queue, (None, error), self._closed)


class Behind(Generic[Item]):
    """Items handed to a function in a thread of its own. What it raises is raised by the next `put`, or by
    `finish`.
    """

    def __init__(self, function: Callable[[Item], None]) -> None:
        self._function, self._queue = function, queue.Queue[Item | None](_HELD)
        self._error: BaseException | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Hand over an item, once there is room."""
        self._raise()
        _put(self._queue, item, self._closed)
        self._raise()

    def finish(self) -> None:
        """Wait until all are done."""
        _put(self._queue, None, self._closed)
        self._thread.join()
        self._raise()

    def close(self) -> None:
        """Drop what waits, and wait for the thread."""
        self._closed.set()
        self._thread.join()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                try:
                    item = self._queue.get(timeout=_PATIENCE)
                except queue.Empty:
                    continue
                if item is None:
                    return
                self._function(item)
        except BaseException as raised:
            self._error = raised
            self._closed.set()


def _put(to: "queue.Queue[Item]", item: Item, closed: threading.Event) -> bool:
    """Put an item in a queue once there is room; False if it was closed meanwhile."""
    while not closed.is_set():
        try:
            to.put(item, timeout=_PATIENCE)
            return True
        except queue.Full:
            continue
    return False
