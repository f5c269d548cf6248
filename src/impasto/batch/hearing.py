"""What is said while an item is at work belongs to it: a warning that names no picture helps nobody among a
hundred thousand.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger("impasto")
_item = threading.local()


@contextmanager
def hearing() -> Iterator[None]:
    """Within it, warnings are kept for the item that their thread is `about`; others are said as before."""
    before = _log.handlers
    _log.handlers = [_Ear(before)]
    try:
        yield
    finally:
        _log.handlers = before


@contextmanager
def about(said: list[str]) -> Iterator[None]:
    """Within it, what is said in this thread is put into a list, each once."""
    _item.said = said
    try:
        yield
    finally:
        _item.said = None


class _Ear(logging.Handler):
    def __init__(self, others: list[logging.Handler]) -> None:
        super().__init__(logging.WARNING)
        self._others = others

    def emit(self, record: logging.LogRecord) -> None:
        said: list[str] | None = getattr(_item, "said", None)
        if said is None:
            for each in self._others:
                each.handle(record)
        elif (message := record.getMessage()) not in said:
            said.append(message)
