"""Workers in processes of their own: what one dies of is the failure of one item, and the others go on. One
that has told nothing for long, as where a share in the network does not answer, is told of, and given up in
the end.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from impasto.batch import items as items_
from impasto.batch.items import Item
from impasto.batch.ledger import Ledger
from impasto.batch.share import ENDS
from impasto.errors import OutputError
from impasto.jobs.process import Process
from impasto.machine import interrupts
from impasto.progress import Progress

QUIET = 300.0
"""Seconds after which a word is said of a worker that has told nothing, and again after as many."""
SILENT = 3600.0
"""Seconds after which whoever carries out a share and has told nothing is given up: what lasts tells of every
step, but nothing while a large clip is fetched, hashed or delivered."""


class Watcher(threading.Thread):
    """Watches over one worker, and begins another when it has died."""

    def __init__(
        self,
        number: int,
        folder: Path,
        items: list[Item],
        options: dict[str, Any],
        tell: Callable[[tuple[int, Progress] | Exception | None], None],
    ) -> None:
        """``options`` are those of `Share.of`. ``tell`` is called with its ``number`` and what the worker
        tells; with an error that ends the batch; and at last with None.
        """
        super().__init__(daemon=True)
        self._number, self._folder, self._left, self._options, self._tell = number, folder, items, options, tell
        self._base: dict[str, float] = {}
        self._counts: dict[str, float] = {}
        self._heard = self._said = time.monotonic()
        self._process: Process | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def run(self) -> None:
        ahead = 1
        try:
            while self._left:
                with self._begun(ahead) as process:
                    with self._lock:
                        if self._stopped:  # meanwhile: what is made has done nothing, and may be killed
                            break
                        self._process = process
                    self._watch(process)
                    with self._lock:
                        self._process = None
                if process.outcome == "failed":
                    raise OutputError(process.failure)
                if process.outcome != "died":
                    break
                with self._lock:
                    in_hand = self._in_hand
                    self._base = dict(self._with_base(Progress(0, counts=self._counts)).counts)
                    self._counts, self._heard = {}, time.monotonic()
                    if self._options["claims"]:  # where an item that has killed three is known
                        continue
                    self._left = in_hand
                if ahead == 0 and self._left:  # it was alone with this one
                    self._fail(self._left.pop(0), process.failure)
                ahead = 1 - ahead
        except Exception as error:
            self._tell(error)
        self._tell(None)

    def look(self) -> Progress | None:
        """A word, where the worker has told nothing for long; after `SILENT` seconds it is ended, too, not
        at the first word: where this process stood still, what was told meanwhile is yet to be heard.
        """
        with self._lock:
            now, warned = time.monotonic(), self._said > self._heard
            if self._process is None or now - max(self._said, self._heard) < QUIET:
                return None
            self._said, quiet = now, now - self._heard
            known = [] if self._options["claims"] else self._in_hand[:1]
            at = "".join(f", at {item.content} or after it" for item in known)
            silence, end = f"has told nothing for {quiet / 60:.0f} minutes", "does the place of its files answer?"
            if quiet >= SILENT and warned:
                end = "it is given up."
                self._process.give_up(f"Its process {silence}, and was ended.")
                self._process = None
            return self._with_base(Progress(0, event=f"A worker {silence}{at}: {end}", counts=self._counts))

    def stop(self) -> None:
        """Let the worker stop, and begin no other."""
        self._stopped = True
        with self._lock:
            if self._process:
                self._process.cancel(interrupts.PATIENCE)

    def _begun(self, ahead: int) -> Process:
        arguments = {"folder": str(self._folder), "items": items_.dictionary(self._left), "ahead": ahead}
        return Process("impasto.batch.share:Share.of", arguments | self._options)

    @property
    def _in_hand(self) -> list[Item]:
        """What the worker has not ended yet."""
        return self._left[int(sum(self._counts.get(kind, 0) for kind in ENDS)) :]

    def _watch(self, process: Process) -> None:
        self._counts, self._heard = {}, time.monotonic()
        for progress in process.events():
            self._heard = time.monotonic()
            if progress.counts:
                self._counts = dict(progress.counts)
                self._tell((self._number, self._with_base(progress)))

    def _fail(self, item: Item, reason: str) -> None:
        Ledger(self._folder, self._options["part"]).note_lost(item, reason)
        self._base["failed"] = self._base.get("failed", 0) + 1
        self._tell((self._number, self._with_base(Progress(0, event=f"{item.content}: {reason}"))))

    def _with_base(self, progress: Progress) -> Progress:
        names = {*progress.counts, *self._base}
        counts = {name: progress.counts.get(name, 0) + self._base.get(name, 0) for name in names}
        if self._options["claims"]:  # it has begun anew, and comes again upon what those before it have ended
            for again, ended in (("kept", "made"), ("passed", "failed")):
                before = self._base.get(again, 0)
                counts[again] = max(before, progress.counts.get(again, 0) - self._base.get(ended, 0))
        return Progress(progress.done, progress.text, progress.event, counts=counts)
