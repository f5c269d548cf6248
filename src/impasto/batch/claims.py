"""Claims: any number of workers, on any machines, share one folder, and nobody tells them who does what.

Whoever would paint an item makes a file for it, which only one can, and touches all that he holds every few
seconds. A claim that has not been touched for a minute is of a worker that has died: who would take the item
over makes the next one beside it, which again only one can. Times are those of the folder's own system, by a
file of the worker's there, so that no two clocks have to agree.

A worker that was only asleep for that minute paints on, and so one item may be painted by two. They write the
same bytes, each whole: done twice is done once, in effect.
"""

import contextlib
import hashlib
import itertools
import os
import secrets
import threading
from pathlib import Path

from impasto.errors import OutputError
from impasto.machine import files

BEAT = 10.0
"""Seconds between two touches."""
STALE = 60.0
"""Seconds after which a claim that was not touched is taken over."""
MOST_TRIES = 3
"""An item whose claim has gone stale so often has killed its workers."""


def killer() -> OutputError:
    """Why an item fails that has."""
    return OutputError(f"{MOST_TRIES} workers have died of it, most likely for want of memory.")


class Claims:
    """The claims of one worker; close them, or use them in a ``with``."""

    def __init__(self, folder: Path, *, beat: float = BEAT, stale: float = STALE) -> None:
        """``folder`` is where all workers' claims lie. Raises OutputError."""
        self._folder, self._beat, self._stale = folder, beat, stale
        self._name = f"{os.uname().nodename if hasattr(os, 'uname') else 'host'}-{os.getpid()}-{secrets.token_hex(4)}"
        self._own = folder / f"{self._name}.worker"
        self._held: dict[str, int] = {}
        """What is claimed, and how many have tried it."""
        self._closed = threading.Event()
        files.create_folder(folder)
        self._written(self._own, "x", "")
        self._thread = threading.Thread(target=self._touch, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()
        for output in [*self._held]:
            self.give_back(output)
        self._own.unlink(missing_ok=True)

    def take(self, output: str) -> int | None:
        """Claim an item: how many have tried it, oneself among them, or None while another has it. Raises
        OutputError.
        """
        for tries in itertools.count(1):
            path = self._path(output, tries)
            if self._made(path):
                self._held[output] = tries
                return tries
            if not self._path(output, tries + 1).exists() and not self._is_stale(path):
                return None
        raise AssertionError

    def give_back(self, output: str) -> None:
        """Let go of an item that is done, or that another may have.

        The claims before it, of workers that have died, are removed, too, and they first, for while there is
        a next one the item is not free. Who slept for a minute has lost his, and leaves all to whom it is
        now.
        """
        tries = self._held.pop(output, 0)
        with contextlib.suppress(OSError):
            if not self._path(output, tries + 1).exists():
                for number in range(1, tries + 1):
                    self._path(output, number).unlink(missing_ok=True)

    def _path(self, output: str, tries: int) -> Path:
        named = hashlib.sha256(output.encode(errors="surrogateescape")).hexdigest()[:32]
        return self._folder / f"{named}.{tries}.claim"

    def _made(self, path: Path) -> bool:
        try:
            self._written(path, "x", f"{self._name}\n")
        except FileExistsError:
            return False
        return True

    def _written(self, path: Path, mode: str, text: str) -> None:
        try:
            with path.open(mode) as file:
                file.write(text)
        except FileExistsError:
            raise
        except OSError as error:
            raise OutputError(
                f"{path} could not be written ({error.strerror}): `claim` needs a folder for all."
            ) from error

    def _is_stale(self, path: Path) -> bool:
        try:
            touched = path.stat().st_mtime
        except OSError:  # it has just been given back
            return False
        with contextlib.suppress(OSError):
            os.utime(self._own)
            return self._own.stat().st_mtime - touched > self._stale
        return False

    def _touch(self) -> None:
        while not self._closed.wait(self._beat):
            for output, tries in [*self._held.items()]:
                with contextlib.suppress(OSError):
                    os.utime(self._path(output, tries))
