"""Claims: any number of workers, on any machines, share one place, and nobody tells them who does what.

Whoever would paint an item makes a file for it with his name in it, which only one can, and every few seconds
touches one file of his own. Who has not done so for a minute has died: who would take his items over makes
the next claim beside his, which again only one can. Times are those of the place's own system, so that no two
clocks have to agree.

A worker that was only asleep for that minute paints on, and so one item may be painted by two. They write the
same bytes, each whole: done twice is done once, in effect.
"""

import contextlib
import hashlib
import itertools
import os
import re
import secrets
import threading
import time

from impasto.errors import OutputError
from impasto.jobs.shared import Shared

BEAT = 10.0
"""Seconds between two touches."""
STALE = 60.0
"""Seconds after which the claims of one who has not touched his file are taken over."""
MOST_TRIES = 3
"""An item whose claim has gone stale so often has killed its workers."""
WAIT = 2.0
"""Seconds between two looks at what others have in hand."""
_NAME = re.compile(r"[^/\\\0]{1,200}")
"""Of a worker: never a path."""


def killer(*, silent: bool = False) -> OutputError:
    """Why an item fails that has, or of which the last has told nothing any more."""
    how = "got lost in it, and told nothing any more" if silent else "died of it, most likely for want of memory"
    return OutputError(f"{MOST_TRIES} workers have {how}.")


class Claims:
    """The claims of one worker; close them, or use them in a ``with``."""

    def __init__(self, shared: Shared, *, beat: float = BEAT, stale: float = STALE) -> None:
        """``shared`` is where all workers' claims lie. Raises OutputError."""
        self._shared, self._beat, self._stale = shared, beat, stale
        self._name = f"{os.uname().nodename if hasattr(os, 'uname') else 'host'}-{os.getpid()}-{secrets.token_hex(4)}"
        self._held: dict[str, int] = {}
        """What is claimed, and how many have tried it."""
        self._closed = threading.Event()
        self._touch()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        for output in [*self._held]:
            self.give_back(output)
        self._shared.remove(_life(self._name))

    def take(self, output: str) -> int | None:
        """Claim an item: how many have tried it, oneself among them, or None while another has it. Raises
        OutputError.
        """
        for tries in itertools.count(1):
            name = _claim(output, tries)
            if self._shared.make(name, self._name):
                self._held[output] = tries
                return tries
            if self._shared.touched(_claim(output, tries + 1)) is None and not self._is_stale(name):
                return None
        raise AssertionError

    def give_back(self, output: str) -> None:
        """Let go of an item that is done, or that another may have.

        The claims before it, of workers that have died, are removed, too, and they first, for while there is
        a next one the item is not free. Who slept for a minute has lost his, and leaves all to whom it is
        now.
        """
        tries = self._held.pop(output, 0)
        if self._shared.touched(_claim(output, tries + 1)) is None:
            for number in range(1, tries + 1):
                self._shared.remove(_claim(output, number))

    def _is_stale(self, claim: str) -> bool:
        """Whether a claim is of one who has died; of one who has left, or has not even written his name, or
        no name at all, it is when the claim itself is as old. Nobody is alive in the future.
        """
        owner = self._shared.text(claim)
        if owner is None:  # it has just been given back
            return False
        touched = self._shared.touched(_life(owner)) if _NAME.fullmatch(owner) else None
        touched = self._shared.touched(claim) if touched is None else touched
        then, here = self._lived
        return touched is not None and abs(then + (time.monotonic() - here) - touched) > self._stale

    def _live(self) -> None:
        while not self._closed.wait(self._beat):
            with contextlib.suppress(OutputError):
                self._touch()

    def _touch(self) -> None:
        self._lived = self._shared.touch(_life(self._name)), time.monotonic()
        """The place's time and the machine's, of one moment."""


def _claim(output: str, tries: int) -> str:
    return f"{hashlib.sha256(output.encode(errors='surrogateescape')).hexdigest()[:32]}.{tries}.claim"


def _life(name: str) -> str:
    return f"{name}.worker"
