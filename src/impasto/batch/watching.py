"""Workers in processes of their own: what one dies of is the failure of one item, and the others go on."""

import threading
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
        self._process: Process | None = None
        self._lock = threading.Lock()
        self._stopped = False

    def run(self) -> None:
        ahead = 1
        try:
            while self._left and not self._stopped:
                with self._begun(ahead) as process:
                    with self._lock:
                        self._process = process
                    counts = self._watch(process)
                    with self._lock:
                        self._process = None
                if process.outcome == "failed":
                    raise OutputError(process.failure)
                if process.outcome != "died":
                    break
                self._base = {name: self._base.get(name, 0) + counts.get(name, 0) for name in {*counts, *self._base}}
                if self._options["claims"]:  # where an item that has killed three is known
                    continue
                self._left = self._left[int(sum(counts.get(kind, 0) for kind in ENDS)) :]
                if ahead == 0 and self._left:  # it was alone with this one
                    self._fail(self._left.pop(0), process.failure)
                ahead = 1 - ahead
        except Exception as error:
            self._tell(error)
        self._tell(None)

    def stop(self) -> None:
        """Let the worker stop, and begin no other."""
        self._stopped = True
        with self._lock:
            if self._process:
                self._process.cancel(interrupts.PATIENCE)

    def _begun(self, ahead: int) -> Process:
        arguments = {"folder": str(self._folder), "items": items_.dictionary(self._left), "ahead": ahead}
        return Process("impasto.batch.share:Share.of", arguments | self._options)

    def _watch(self, process: Process) -> dict[str, float]:
        counts: dict[str, float] = {}
        for progress in process.events():
            if progress.counts:
                counts = dict(progress.counts)
                self._tell((self._number, self._with_base(progress)))
        return counts

    def _fail(self, item: Item, reason: str) -> None:
        Ledger(self._folder, self._options["part"]).note_lost(item, reason)
        self._base["failed"] = self._base.get("failed", 0) + 1
        self._tell((self._number, self._with_base(Progress(0, event=f"{item.content}: {reason}"))))

    def _with_base(self, progress: Progress) -> Progress:
        names = {*progress.counts, *self._base}
        counts = {name: progress.counts.get(name, 0) + self._base.get(name, 0) for name in names}
        return Progress(progress.done, progress.text, progress.event, counts=counts)
