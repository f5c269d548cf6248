"""A studio: all of its parts, put together once."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import psutil

from impasto.errors import OutputError
from impasto.machine.claim import claimed
from impasto.web.config import Config
from impasto.web.desk.client import Desk
from impasto.web.folder import Folder
from impasto.web.hub import Hub
from impasto.web.intake import Intake
from impasto.web.jobs import Jobs
from impasto.web.metrics import Metrics
from impasto.web.painter import Painter
from impasto.web.previews import Previews
from impasto.web.seen import Seen
from impasto.web.sessions import Sessions
from impasto.web.store import Store

_HELD = 2 * 2**30
"""Bytes that a desk may hold once it has answered; meanwhile it may take twice as many."""


@dataclass
class Studio:
    """The parts, as routes ask for them."""

    config: Config
    folder: Folder
    store: Store
    sessions: Sessions
    hub: Hub
    desk: Desk
    """Reads what is sent, and shows what is kept."""
    easel: Desk
    """Paints at once."""
    intake: Intake
    previews: Previews
    seen: Seen
    jobs: Jobs
    painter: Painter
    metrics: Metrics
    _held: contextlib.ExitStack
    _warming: "list[asyncio.Future[None]]" = field(default_factory=list)

    @classmethod
    def of(cls, config: Config) -> "Studio":
        """A studio in its folder. Raises OutputError, also where another has that."""
        folder = Folder(config.folder)
        with contextlib.ExitStack() as held:
            try:
                held.enter_context(claimed(config.folder / "studio"))
            except OutputError:
                told = f"Another studio works in {config.folder}: end it, or choose another `folder`."
                raise OutputError(told) from None
            store = Store(config.folder / "studio.sqlite", anew=folder.is_empty())
            folder.tidy(store.ids("pictures"), store.ids("jobs"))
            hub, metrics = Hub(config.users), Metrics()
            desk, easel = Desk("pictures", _HELD, "arrive"), Desk("easel", _HELD, "ready")
            jobs = Jobs(config, folder, store, hub)
            return cls(
                config, folder, store, Sessions(config, store), hub, desk, easel, Intake(config, folder, store, desk),
                Previews(config.users), Seen(), jobs, Painter(jobs, metrics.count_job), metrics, held.pop_all(),
            )  # fmt: skip

    def open(self) -> None:
        """Begin, in the loop that answers requests."""
        self.hub.open()
        self.painter.open()
        self._warming = [asyncio.ensure_future(each.warm()) for each in (self.easel, self.desk)]

    async def close(self) -> None:
        """Let the job at hand write what it can be taken up from, end what runs, and close what is open."""
        self.hub.close()
        await asyncio.to_thread(self.painter.close)
        await asyncio.gather(self.desk.close(), self.easel.close())
        self.store.close()
        self._held.close()

    def measured(self) -> bytes:
        """All numbers as they are now."""
        self.metrics.waiting.set(len(self.jobs.positions()))
        self.metrics.listening.set(self.hub.count)
        processes = {"server": psutil.Process().pid, "painter": self.painter.pid}
        for desk in (self.desk, self.easel):
            self.metrics.replaced.labels(desk.name).set(desk.replaced)
            processes[desk.name] = desk.pid
        for name, pid in processes.items():
            with contextlib.suppress(psutil.Error):
                held = psutil.Process(pid).memory_info().rss if pid else 0
                self.metrics.held.labels(name).set(held)
        return self.metrics.text()
