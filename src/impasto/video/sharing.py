"""A film that many make: processes on any machines that see its folder claim stretches of its shots
(`jobs.claims`), and one of them joins the parts.
"""

import contextlib
import os
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from impasto.errors import ImpastoError, OutputError, SettingsError
from impasto.jobs.claims import WAIT, Claims
from impasto.jobs.shared import Folder
from impasto.machine import interrupts, memory
from impasto.machine.devices import one_thread
from impasto.progress import Progress
from impasto.video import told
from impasto.video.job import VideoJob
from impasto.video.parts import known_as, told_by
from impasto.video.work import VideoWork


class SharedWork(VideoWork):
    """A film in the middle of being made by many, one of which this is. Frames are painted by one thread, so
    that they do not depend on whose they are.
    """

    def __init__(self, job: VideoJob, *, resume: bool = False, force: bool = False) -> None:
        """As for a `VideoWork`; what there is of the same film is gone on from in any case. Raises
        SettingsError where that is asked for.
        """
        if resume:
            raise SettingsError("What is shared by `claim` is gone on with by itself: leave out `resume`.")
        with one_thread():  # in which styles are seen, too
            super().__init__(job, force=force)
        self.rescues = False  # all look for it there, and the parts are left to whoever can write it

    @classmethod
    def of(cls, job: Mapping[str, Any], *, resume: bool = False, force: bool = False, sharers: int = 1) -> "SharedWork":
        """In a process that was begun for it, one of so many ``sharers`` of the memory."""
        memory.shared_by(sharers)
        return super().of(job, resume=resume, force=force)

    def events(self) -> Generator[Progress, None, None]:
        """Paint what nobody else has in hand until all is there, telling of every frame that is come by. Then
        join it, unless another does. Raises as `VideoWork.events`.
        """
        try:
            if not self._is_made():
                with one_thread(), contextlib.ExitStack() as self._held:
                    yield from super().events()
                return
        except Exception:
            if not self._is_made():
                raise
        self._parts.remove()  # if one that slept has written there since
        told_there = told.read(self.output) if self.job.delivery.metadata else self._told() | {"steps": self.run.count}
        self.record = told_there | {"output": str(self.output)}
        yield Progress(1.0, event=f"{self.output} is made.")

    def _steps(self) -> Generator[Progress, None, None]:
        yield from self._painting.steps(self._claims)
        while self._claims.take("film") is None:
            yield Progress(1.0, "another joins the parts")
            time.sleep(WAIT)
            if interrupts.asked():
                raise KeyboardInterrupt

    def _begin(self) -> None:
        self._note_hashes()
        if self._parts.gone:
            if self._is_made():
                raise OutputError(f"{self.output} has been made meanwhile.")  # which `events` knows, too
            super()._check()  # or another film has
            self._parts.make(self._film)
        self._parts.begin(self._film, resume=True)
        self._seen = self._force = True  # what is there from now on is this film
        self._claims = self._held.enter_context(Claims(Folder(self._parts.folder / "claims")))

    def _is_made(self) -> bool:
        """Whether it has been made by others: its parts are gone, and it is there. One without a record is
        known again by those alone that have seen its parts.
        """
        if not self._parts.gone:
            return False
        return self._carried() == self._own if self.job.delivery.metadata else self._seen and self.output.exists()

    def _carried(self) -> str | None:
        """By what the film that is there is known; None for none, and for one that was not shared."""
        with contextlib.suppress(ImpastoError, KeyError, OSError):
            if self.output.exists():  # a record beside it may outlast it
                return str(told.read(self.output)["key"])
        return None

    def _check(self) -> None:
        """As far as that can be known before the film is: what is there may be this one."""
        asked = self._force
        self._force = self._resume = asked or os.path.lexists(told_by(self.output)) or self._carried() is not None
        super()._check()
        self._force, self._resume = asked, False

    def _check_parts(self) -> None:
        """What there is of the film is gone on from."""
        self._film = self.run.known_by()
        self._own = known_as(self._film)
        self._seen = self._parts.holds(self._film)
        if not self._seen and self._carried() != self._own:
            super()._check()
        if not self._is_made():
            self.run.check_room(self.output.parent, self._parts.bytes)

    def _alone(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _leaves_parts(self) -> bool:
        return self._parts.begun  # and what is not begun by this one may be by another

    def _told(self) -> dict[str, Any]:
        return super()._told() | {"key": self._own}
