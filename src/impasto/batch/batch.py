"""A batch: a plan carried out, by this process or several, and a report on it."""

import contextlib
import queue
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import psutil

from impasto.batch.ledger import Ledger
from impasto.batch.plan import Plan
from impasto.batch.share import ENDS, STAGES, Share
from impasto.batch.stores import HEARD, SAVED, STATE
from impasto.batch.watching import Watcher
from impasto.machine import files, interrupts, limits
from impasto.machine.claim import claimed
from impasto.machine.devices import choose_device
from impasto.progress import Progress

EACH = 1.5e9
"""Bytes that a worker may come to take, when it is decided how many there are to be."""


def workers_for(count: int, device: str = "auto") -> int:
    """How many workers do so many items best: one for each processor, as memory allows, or one for a GPU."""
    if choose_device(device).type != "cpu":
        return 1
    free = min(psutil.virtual_memory().available, limits.memory_left())
    return max(1, min(count, limits.processors(), int(free / EACH)))


@dataclass
class Batch:
    """A batch made ready. With ``workers`` above one, each is a process, and whatever it dies of, the others
    go on. More than ``most_failures`` end it. ``claims`` shares the folder with other batches that do. With
    the address of a Ray cluster, or "auto", as ``ray`` it is painted there, by at most so many ``workers``,
    as many as have room if 0, on a ``device`` as in `Settings`; with the address of a studio as ``server``,
    there.
    """

    plan: Plan
    ledger: Ledger
    part: str = ""
    workers: int = 1
    most_failures: int | None = None
    claims: bool = False
    ray: str = ""
    device: str = "auto"
    server: str = ""
    stopped: bool = False
    _counts: dict[int, dict[str, float]] = field(default_factory=dict)
    _began: float = field(default_factory=time.perf_counter)
    _ended: float | None = None
    _noted: dict[str, int] = field(default_factory=dict)
    """What had been noted of each end when it was stopped: of the last ones nobody has told."""

    def events(self) -> Generator[Progress, None, None]:
        """Carry it out, telling how far it is, how fast, and of each failure. Close the generator to stop:
        what is done is kept, and another call goes on.

        Raises OutputError when the folder cannot be written, or another process is at work there, and
        SettingsError for ``claims`` in a store that cannot keep them.
        """
        place = self.plan.place
        files.create_folder(place.folder / STATE)
        self._began, since = time.perf_counter(), time.time()
        alone = contextlib.nullcontext() if self.claims else claimed(place.folder / STATE / f"batch{self.part}")
        every = HEARD if self.claims else SAVED
        with alone:
            try:
                events = self._carried_out()
                saved = time.monotonic()
                with contextlib.closing(events):
                    for progress in events:
                        yield progress
                        if time.monotonic() - saved >= every:
                            self._exchange()
                            saved = time.monotonic()
                        if self.most_failures is not None and self.count("failed") > self.most_failures:
                            self.stopped = True
                            break
            except (KeyboardInterrupt, GeneratorExit):
                self.stopped = True
                raise
            finally:
                self._ended = time.perf_counter()
                self._exchange()
                if self.stopped and not (self.ray or self.server):
                    self._noted = self.ledger.noted_since(since)
                self.ledger.settle({item.output for item in self.plan.items})
                place.save(self.ledger.index, self.ledger.errors)

    def count(self, name: str) -> float:
        """How many there are of one of `ENDS`, or the seconds that a stage has taken, as ``paint_s``."""
        if self._noted and name in ENDS:
            return self._noted.get(name, 0)
        return sum(counts.get(name, 0) for counts in self._counts.values())

    @property
    def failures(self) -> int:
        """The items that failed, now or before, and were not tried again."""
        return int(self.count("failed")) + len(self.plan.failed)

    @property
    def _lists(self) -> list[str]:
        """The lists that name them: one's own, and those of others that have not been gathered."""
        own, lists = self.ledger.errors, {self.ledger.listed[each.output] for each in self.plan.failed}
        if self.count("failed"):
            lists.add(own)
        return sorted({self.plan.place.of((path if path.exists() else own).name) for path in lists})

    def report(self) -> dict[str, Any]:
        """What has been done, how fast, and what is left, as plain values for JSON."""
        ended = {kind: int(self.count(kind)) for kind in ENDS}
        elapsed = (self._ended or time.perf_counter()) - self._began
        return {
            "impasto": "batch",
            "output": str(self.plan.place),
            **self.plan.counts,
            "done_now": ended["made"],
            "done_already": ended["kept"],
            "failures": self.failures,
            "left": len(self.plan.to_do) - sum(ended.values()),
            "stopped": self.stopped,
            "errors": self._lists,
            "workers": self.workers,
            "part": self.part.removeprefix("-"),
            "elapsed_s": round(elapsed, 3),
            "pictures_per_s": round(ended["made"] / elapsed, 4) if elapsed else 0.0,
            "seconds": {stage: round(self.count(f"{stage}_s"), 3) for stage in STAGES},
        }

    def _carried_out(self) -> Generator[Progress, None, None]:
        """By whom it is to be."""
        if self.server:
            return self._served()
        return self._clustered() if self.ray else self._alone() if self.workers == 1 else self._together()

    def _exchange(self) -> None:
        """Put into a store what this remembers, and bring what others do, who share it."""
        own = self.ledger.index, self.ledger.errors
        self.plan.place.save(*own)
        if self.claims or self.ray:
            self.plan.place.hear(*own)

    def _alone(self) -> Generator[Progress, None, None]:
        share = Share(self.plan.place.folder, self.plan.to_do, **self._options())
        for progress in share.events():
            yield self._told(0, progress)

    def _clustered(self) -> Generator[Progress, None, None]:
        from impasto.batch.cluster import Cluster

        cluster = Cluster(self.ray, self.plan.place, self.plan.to_do, self.workers or None, self.device)
        with contextlib.closing(cluster.events()) as events:
            for number, progress in events:
                self.workers = cluster.painters
                yield self._told(number, progress)

    def _served(self) -> Generator[Progress, None, None]:
        from impasto.batch.served import Served
        from impasto.batch.studio import Studio

        with contextlib.closing(
            Served(Studio(self.server), self.plan.place, self.plan.to_do, self.part).events()
        ) as events:
            for progress in events:
                yield self._told(0, progress)

    def _together(self) -> Generator[Progress, None, None]:
        told: queue.Queue[tuple[int, Progress] | Exception | None] = queue.Queue()
        parts = [self.plan.to_do[number :: self.workers] for number in range(self.workers)]
        options = self._options() | {"sharers": self.workers}
        watchers = [
            Watcher(number, self.plan.place.folder, items, options, told.put) for number, items in enumerate(parts)
        ]
        for each in watchers:
            each.start()
        left = len(watchers)
        try:
            while left:
                with contextlib.suppress(queue.Empty):
                    found = told.get(timeout=0.5)
                    if found is None:
                        left -= 1
                    elif isinstance(found, Exception):
                        raise found
                    else:
                        yield self._told(*found)
                if interrupts.asked():
                    raise KeyboardInterrupt
                for number, each in enumerate(watchers):
                    if word := each.look():
                        yield self._told(number, word)
        finally:
            stops = [threading.Thread(target=each.stop) for each in watchers]
            for stop in stops:
                stop.start()
            for thread in [*stops, *watchers]:
                thread.join()

    def _options(self) -> dict[str, Any]:
        """What a share is told, whoever carries it out."""
        failed = self.ledger.failed
        # When those failed that are tried again. Of all others, a failure is one that nobody knew of.
        tried = {item.output: failed[item.output]["at"] for item in self.plan.to_do if item.output in failed}
        return {"part": self.part, "claims": self.claims, "tried": tried, "url": self.plan.place.url}

    def _told(self, worker: int, progress: Progress) -> Progress:
        """What a worker tells, of all of them."""
        self._counts[worker] = dict(progress.counts)
        ended, total = sum(self.count(kind) for kind in ENDS), len(self.plan.to_do)
        elapsed, made = time.perf_counter() - self._began, self.count("made")
        rate, failed = made / elapsed if elapsed else 0.0, int(self.count("failed"))
        text = f"{ended:.0f}/{total}, {rate:.2f} results/s" + (f", {failed} failed" if failed else "")
        left = (total - ended) * elapsed / ended if ended else None
        counts = {name: self.count(name) for name in progress.counts}
        return Progress(ended / max(1, total), text, progress.event, seconds_left=left, counts=counts)
