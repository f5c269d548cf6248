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
        self._held: set[Path] = set()
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
        for path in [*self._held]:
            self._let_go(path)
        self._own.unlink(missing_ok=True)

    def take(self, output: str) -> int | None:
        """Claim an item: how many have tried it, oneself among them, or None while another has it. Raises
        OutputError.
        """
        for tries in itertools.count(1):
            path = self._path(output, tries)
            if self._made(path):
                self._held.add(path)
                return tries
            if not self._path(output, tries + 1).exists() and not self._is_stale(path):
                return None
        raise AssertionError

    def give_back(self, output: str) -> None:
        """Let go of an item that is done, or that another may have."""
        for path in [path for path in self._held if path.name.startswith(_named(output))]:
            self._let_go(path)

    def _let_go(self, path: Path) -> None:
        """Remove a claim and those before it, of workers that have died; of them first, for while there is a
        next one the item is not free. Who slept for a minute has lost his, and leaves all to whom it is now.
        """
        self._held.discard(path)
        stem, tries = path.name.split(".")[:2]
        *own, following = [path.with_name(f"{stem}.{number}.claim") for number in range(1, int(tries) + 2)]
        with contextlib.suppress(OSError):
            if not following.exists():
                for each in own:
                    each.unlink(missing_ok=True)

    def _path(self, output: str, tries: int) -> Path:
        return self._folder / f"{_named(output)}.{tries}.claim"

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
            for path in [*self._held]:
                with contextlib.suppress(OSError):
                    os.utime(path)


def _named(output: str) -> str:
    return hashlib.sha256(output.encode(errors="surrogateescape")).hexdigest()[:32]
