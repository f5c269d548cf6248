"""A film made by several processes of one machine, of which this is one."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from impasto.jobs.process import Process
from impasto.machine import interrupts
from impasto.video.job import VideoJob

log = logging.getLogger("impasto")


class _Helper(threading.Thread):
    """Watches over a process that shares a film. What one dies of is told; the others take its shots over."""

    def __init__(self, job: VideoJob, sharers: int, *, force: bool) -> None:
        super().__init__(daemon=True)
        self._process = Process(job.SHARED, {"job": job.dictionary(), "force": force, "sharers": sharers})
        self._stopped = False

    def run(self) -> None:
        for _ in self._process.events():
            pass
        if self._process.failure and not self._stopped:
            log.warning("A process that shared the film has ended: %s", self._process.failure)

    def stop(self) -> None:
        """Let it stop and leave what is done."""
        self._stopped = True
        self._process.cancel(interrupts.PATIENCE)
        self.join()
        self._process.close()


@contextlib.contextmanager
def helped(job: VideoJob, helpers: int, *, force: bool = False) -> Iterator[None]:
    """Within it, so many more processes make a film that this one makes as a `sharing.SharedWork`; all begin
    or none.
    """
    begun = list[_Helper]()
    try:
        for _ in range(helpers):
            begun.append(_Helper(job, 1 + helpers, force=force))
            begun[-1].start()
        yield
    finally:
        stops = [threading.Thread(target=each.stop) for each in begun]
        for stop in stops:
            stop.start()
        for stop in stops:
            stop.join()
