"""What there is of a part that is not whole, of a film whose frames take minutes each: those that are
painted, and how far the one in hand is. Whatever ends the work, it goes on from there.
"""

import contextlib
import logging
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from torch import Tensor

from impasto.errors import CheckpointError, OutputError
from impasto.jobs.checkpointed import checkpointed
from impasto.machine import checkpoint, files, interrupts
from impasto.progress import Progress
from impasto.tasks.run import Run

log = logging.getLogger("impasto")

EVERY = 60.0
"""Seconds of a frame between two checkpoints: so much is lost when the process is killed."""


class Unfinished:
    """The folder of the frames that no part holds yet, by their numbers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def frame(self, number: int) -> Sequence[Tensor] | None:
        """What was kept of a frame, None for nothing. What is damaged is removed, and told of."""
        path = self._file(number, ".frame")
        if path.exists():
            with _afresh(path):
                return checkpoint.load(path)["kept"]  # type: ignore[no-any-return]
        return None

    def keep(self, number: int, kept: Sequence[Tensor]) -> None:
        """Keep a frame that is painted. Raises OutputError."""
        files.create_folder(self._folder)
        checkpoint.save(self._file(number, ".frame"), {"kept": kept})
        files.remove(self._file(number, ".checkpoint"))

    def steps(self, run: Run, number: int) -> Generator[Progress, None, None]:
        """The steps of a frame, from where an earlier process has left it; from the start where that does not
        fit, as where another kind of processor has made the frames before it. They are kept from time to
        time, when the process is asked to stop, which raises KeyboardInterrupt, and when the generator is
        closed.
        """
        path = self._file(number, ".checkpoint")
        files.create_folder(self._folder)
        if path.exists():
            with _afresh(path):
                run.resume(path, exact=True)
        try:
            yield from checkpointed(run, path, EVERY)
        except GeneratorExit:
            with interrupts.held(), contextlib.suppress(OutputError):  # the one before is still there
                run.checkpoint(path)
            raise

    def drop(self, first: int, after: int) -> None:
        """Remove what is of the frames from one to before another: they are in a part."""
        for path in [*self._folder.glob("*.frame"), *self._folder.glob("*.checkpoint")]:
            if first <= int(path.stem) < after:
                files.remove(path)

    @property
    def exists(self) -> bool:
        """Whether there is anything to go on from."""
        return self._folder.is_dir() and any(self._folder.iterdir())

    def _file(self, number: int, suffix: str) -> Path:
        return self._folder / f"{number:06d}{suffix}"


@contextlib.contextmanager
def _afresh(path: Path) -> Iterator[None]:
    """Within it, what a file does not hold is done without it, for a frame is soon painted again."""
    try:
        yield
    except CheckpointError as error:
        log.warning("A frame is begun afresh: %s", error)
        files.remove(path)
