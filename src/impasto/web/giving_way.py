"""A job gives way to previews, for these are waited for; but not to so many that it would never be done."""

import contextlib
import time
from collections.abc import Callable, Iterator

from impasto.jobs.process import Process

MOST = 10.0
"""Seconds that jobs may have stood still more than gone on: from there on both take turns."""


class GivingWay:
    """Holds what paints, and counts for how long."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._taken, self._ended = clock, 0.0, clock()

    @contextlib.contextmanager
    def of(self, process: Process | None) -> Iterator[None]:
        """Within it, a process stands still, if there is one and it is not its turn. One at a time."""
        began = self._clock()
        self._taken = max(0.0, self._taken - (began - self._ended))
        if process is None or self._taken >= MOST:
            self._ended = began
            yield
            return
        try:
            with process.held():
                yield
        finally:
            self._ended = self._clock()
            self._taken += self._ended - began
