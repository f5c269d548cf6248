"""What all work has in common, whatever is made: what it is asked for, and what came of it."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from impasto._version import IMPORTED_AT
from impasto.jobs.rescue import Write, place
from impasto.machine.claim import claimed
from impasto.pictures.codecs import save, so_far
from impasto.pictures.picture import Picture
from impasto.progress import Progress


class Asked(Protocol):
    """A job, of whatever kind."""

    WORK: ClassVar[str]
    """What carries it out, by which a `process.Process` finds it: "module:Class.of"."""

    @property
    def output(self) -> Path: ...

    def dictionary(self) -> dict[str, Any]: ...

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self: ...


Kind = TypeVar("Kind", bound=Asked)


class Underway(ABC, Generic[Kind]):
    """A job in the middle of being carried out. `events` computes; ``record`` is there once it has come to an
    end, and ``output`` says then where the result is. ``misplaced`` tells of every file that could not be
    written where it was asked for.
    """

    KIND: ClassVar[type[Any]]
    """What jobs it is of."""
    run: Any
    """What has been made ready for it: its ``task``, its ``size``, and when it was ``started_at``."""

    def __init__(self, job: Kind, *, resume: bool = False, force: bool = False, key: str = "") -> None:
        """With a ``key`` it is one of many: nothing is placed elsewhere than where it was asked for."""
        self.job, self.output, self._key = job, job.output, key
        self.record: dict[str, Any] | None = None
        self.interrupted = False
        self.rescues = not key
        """Whether what cannot be written where it was asked for is put elsewhere."""
        self.misplaced: list[str] = []
        self._force = force or resume

    @classmethod
    def of(cls, job: Mapping[str, Any], *, resume: bool = False, force: bool = False) -> Self:
        """The work of a job's `dictionary`, in a process that was begun for it."""
        work = cls(cls.KIND.of(job), resume=resume, force=force)
        work.run.started_at = IMPORTED_AT
        return work

    @abstractmethod
    def events(self) -> Generator[Progress, None, None]:
        """Compute and deliver, telling how far it is."""

    @abstractmethod
    def picture(self) -> Picture:
        """The picture so far. Raises NotReadyError before there is one."""

    def lend(self, path: Path) -> None:
        """Write the picture so far, over what is there. Raises NotReadyError and OutputError."""
        with so_far():
            save(self.picture(), path, force=True)

    def checkpoint(self) -> None:
        """Write what can be gone on from, between two events, where that is not written as it goes. Raises
        OutputError.
        """

    def _alone(self) -> AbstractContextManager[None]:
        """Within it, nobody else makes that output; but what has a key comes out the same whoever makes it,
        and one who is still at it is no hindrance. Raises OutputError.
        """
        return nullcontext() if self._key else claimed(self.job.output)

    def finish(self) -> dict[str, Any]:
        """Carry it out to its end, unseen, and give the record."""
        for _ in self.events():
            pass
        assert self.record is not None
        return self.record

    def _placed(self, path: Path, write: Write, force: bool) -> Path:
        """Where something was put: by `rescue.place`, if it ``rescues``. Raises OutputError."""
        if not self.rescues:
            write(path, force)
            return path
        there = place(path, write, force)
        if there != path:
            self.misplaced.append(f"{path} could not be written: it is {there}")
        return there
