"""A share of a batch's items, carried out one after the other in one process: while one is painted, the next
is decoded and the last is encoded.

Every picture is painted by one thread, and many at once by several processes: more threads would add numbers
in another order, and the bytes would depend on how many there were.
"""

import contextlib
import random
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch

from impasto.batch import items as items_
from impasto.batch.copies import as_given
from impasto.batch.hearing import about, hearing
from impasto.batch.items import Item
from impasto.batch.ledger import Ledger
from impasto.batch.shared import shared
from impasto.batch.stores import STATE, Place, Seen, fetch, seen
from impasto.errors import ImageError, ImpastoError, NotReadyError, OutputError
from impasto.jobs.claims import MOST_TRIES, WAIT, Claims, killer
from impasto.jobs.underway import Underway
from impasto.machine import files, interrupts, memory
from impasto.machine.devices import one_thread
from impasto.pictures.picture import LARGE
from impasto.progress import Progress

STAGES = ("prepare", "paint", "deliver")
"""Of which the seconds are counted, too, as ``paint_s``."""
ENDS = ("made", "kept", "passed", "failed")
"""What can become of an item: it is counted under that name."""


@dataclass
class _Turn:
    """An item whose turn it is."""

    item: Item
    content: Seen | None = None
    copy: Path = Path()
    """Where the photograph or the clip can be read."""
    digest: str = ""
    work: Underway[Any] | None = None
    events: Generator[Progress, None, None] | None = None
    state: Literal["", "kept", "busy", "passed"] = ""
    """"kept": it is there; "busy": another worker has it; "passed": another has failed at it."""
    failure: Exception | None = None
    said: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))


class Share:
    """Items to be carried out. ``ahead`` is how many are decoded before their turn. With a place for
    ``claims`` they are shared with others, and ``tried`` is when those failed before that are tried again. Of
    a store at a ``url`` the folder is what its `Place` has here.
    """

    def __init__(
        self,
        folder: Path,
        items: Sequence[Item],
        *,
        part: str = "",
        ahead: int = 1,
        claims: bool = False,
        tried: Mapping[str, float] | None = None,
        url: str = "",
    ) -> None:
        self._folder, self._items, self._ahead, self._claiming = folder, items, ahead, claims
        self._place, self._copies = Place(url or folder, folder), Path()
        self._ledger = Ledger(folder, part)
        self._claims: Claims | None = None
        self._tried, self._broken = tried or {}, dict[tuple[str, str, bool], str]()
        self._counts = dict.fromkeys((*ENDS, *(f"{stage}_s" for stage in STAGES)), 0.0)

    @classmethod
    def of(cls, folder: str, items: dict[str, Any], sharers: int, **options: Any) -> "Share":
        """A share in a process that was begun for it, one of so many ``sharers`` of the memory."""
        memory.shared_by(sharers)
        return cls(Path(folder), items_.of(items), **options)

    def lend(self, path: Path) -> None:
        """There is none to be lent. Raises NotReadyError."""
        raise NotReadyError("A batch has no picture so far: look into its folder.")

    def events(self) -> Generator[Progress, None, None]:
        """Carry them out, telling after each how many there are of every one of `ENDS`, and an event for each
        failure. Raises OutputError when the index cannot be written.
        """
        with one_thread(), memory.reused(), hearing(), tempfile.TemporaryDirectory(prefix="impasto-") as copies:
            self._copies = Path(copies)
            if self._claiming:
                with Claims(shared(self._place, f"{STATE}/claims")) as self._claims:
                    yield from self._until_all_are_done()
            else:
                yield from self._row(self._items)

    def _until_all_are_done(self) -> Generator[Progress, None, None]:
        """Go round what others have in hand until it is done, or can be taken over; in an order of one's own,
        for in one that is everybody's all meet at one place, and there ask for what another has.
        """
        left = random.sample(self._items, len(self._items))
        while left:
            busy = yield from self._row(self._unmade(left))
            yield Progress(self._done, counts=dict(self._counts))
            if len(busy) == len(left):
                time.sleep(WAIT)
                if interrupts.asked():
                    raise KeyboardInterrupt
            left = busy

    def _unmade(self, items: Sequence[Item]) -> Iterator[Item]:
        """Without those that others have made meanwhile: of a million items, each worker paints a few."""
        for item in items:
            if self._ledger.is_news(item):
                self._counts["kept"] += 1
            else:
                yield item

    def _row(self, items: Iterable[Item]) -> Generator[Progress, None, list[Item]]:
        """Carry out a row of items, and give those that others have in hand."""
        coming, going = deque[Future[_Turn]](), deque[Future[_Turn]]()
        rest, busy, ahead = iter(items), list[Item](), self._ahead
        with _thread() as before, _thread() as after:
            try:
                while True:
                    while len(coming) <= ahead and (item := next(rest, None)) is not None:
                        coming.append(before.submit(self._in_stage, self._prepared, _Turn(item)))
                    if not coming:
                        break
                    turn = coming.popleft().result()
                    if turn.state == "busy":
                        busy.append(turn.item)
                        continue
                    if not (turn.state or turn.failure):
                        with about(turn.said):
                            yield from self._painted(turn)
                    area = turn.work.run.size[0] * turn.work.run.size[1] if turn.work else 0
                    ahead = 0 if area > LARGE else self._ahead
                    going.append(after.submit(self._in_stage, self._delivered, turn))
                    while len(going) > ahead:
                        yield self._told(going.popleft().result())
                while going:
                    yield self._told(going.popleft().result())
            finally:
                for each in (before, after):
                    each.shutdown(wait=True, cancel_futures=True)
        return busy

    def _in_stage(self, stage: Callable[[_Turn], _Turn], turn: _Turn) -> _Turn:
        with about(turn.said):
            return stage(turn)

    def _prepared(self, turn: _Turn) -> _Turn:
        """Look whether it is done, and if not, decode it."""
        item, began = turn.item, time.perf_counter()
        try:
            tries = self._claims.take(item.output) if self._claims else 1
            if tries is None:
                turn.state = "busy"
                return turn
            turn.content = seen(item.content)
            if tries > MOST_TRIES:
                raise killer()
            turn.copy = fetch(item.content, self._copies)
            turn.digest = files.sha256_of(turn.copy)
            if self._is_made(turn):
                turn.state = "kept"
            elif self._claims and self._ledger.has_failed_since(item, turn.content, self._tried):
                turn.state = "passed"
            elif not item.pattern.lasts:
                turn.work = self._work(turn)
        except Exception as error:
            turn.failure = error
        turn.seconds["prepare"] = time.perf_counter() - began
        return turn

    def _is_made(self, turn: _Turn) -> bool:
        output = self._place.bring(turn.item.output)
        return output.exists() and turn.item.key_in(output) == turn.item.key(turn.digest)

    def _work(self, turn: _Turn) -> Underway[Any]:
        """Raises as `Item.work`; a broken photograph is decoded once, however many looks it is to have."""
        content = turn.item.content
        cut_off = bool(turn.item.pattern.job.settings.get("allow_truncated"))
        if known := self._broken.get((content, turn.digest, cut_off)):
            raise ImageError(known)
        try:
            return turn.item.work(self._folder, turn.copy, turn.digest)
        except ImageError as error:
            if str(error).startswith(f"The picture {turn.copy} "):
                self._broken[content, turn.digest, cut_off] = str(error).replace(str(turn.copy), content)
            raise

    def _painted(self, turn: _Turn) -> Generator[Progress, None, None]:
        """Compute an item's picture. What lasts is made ready only now, when it has the machine's memory for
        itself, and is delivered at once.
        """
        began = time.perf_counter()
        try:
            fast = turn.work is not None
            turn.work = turn.work or self._work(turn)
            turn.events = turn.work.events()
            for progress in turn.events:
                if fast and turn.work.run.has_picture:
                    break
                yield Progress(self._done, f"{turn.item.output}: {progress.text}", counts=dict(self._counts))
        except GeneratorExit:
            if turn.work is not None:
                with contextlib.suppress(OutputError):  # the one before is still there
                    turn.work.checkpoint()
            if turn.events is not None:
                turn.events.close()
            raise
        except Exception as error:
            turn.failure = error
            with contextlib.suppress(OSError):
                if self._is_made(turn):  # another has, and has removed the film's parts
                    turn.state, turn.failure = "kept", None
        turn.seconds["paint"] = time.perf_counter() - began

    def _delivered(self, turn: _Turn) -> _Turn:
        """Encode and write an item's picture, and note what became of it. Raises OutputError where that
        cannot be noted.
        """
        began, item = time.perf_counter(), turn.item
        changed = turn.content
        if turn.state != "passed" and turn.failure is None:
            try:
                if turn.events is not None:
                    for _ in turn.events:
                        pass
                    if seen(item.content) != turn.content:
                        raise _changed(item.content)
                    if item.pattern.has_changed():
                        raise _changed(", ".join(item.pattern.files()))
                changed = self._place.take(item.output, new=turn.state != "kept")
            except Exception as error:
                turn.failure = error
        if turn.failure is not None:
            self._ledger.note_failed(item, turn.content, turn.failure, _reason(turn))
        elif turn.state != "passed":
            assert turn.content is not None and changed is not None
            self._ledger.note_made(item, turn.content, turn.digest, changed, kept=turn.state == "kept")
        if self._claims:
            self._claims.give_back(item.output)
        turn.seconds["deliver"] = time.perf_counter() - began
        turn.work = turn.events = None  # which hold the picture
        if turn.copy.is_relative_to(self._copies):
            shutil.rmtree(turn.copy.parent, ignore_errors=True)
        return turn

    def _told(self, turn: _Turn) -> Progress:
        failed = turn.failure is not None
        self._counts["failed" if failed else turn.state or "made"] += 1
        for stage in STAGES:
            self._counts[f"{stage}_s"] += turn.seconds[stage]
        said = " ".join([*turn.said, *([_reason(turn)] if failed else [])])
        event = said if turn.item.content in said or not said else f"{turn.item.content}: {said}"
        return Progress(self._done, turn.item.output, event, counts=dict(self._counts))

    @property
    def _done(self) -> float:
        return sum(self._counts[kind] for kind in ENDS) / max(1, len(self._items))


def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, initializer=torch.set_num_threads, initargs=(1,))


def _changed(what: str) -> ImageError:
    return ImageError(f"{what} has changed while it was painted: run the same command again.")


def _reason(turn: _Turn) -> str:
    error = turn.failure
    if isinstance(error, ImpastoError):
        text = as_given(str(error))
        return text.replace(str(turn.copy), turn.item.content) if turn.copy.name else text
    if error is not None and memory.ran_out(error):
        return "There was not enough memory: choose a smaller `size` or fewer `workers`."
    if isinstance(error, OSError):
        return f"It cannot be read ({error.strerror}): give the path of a picture or a clip."
    return f"{type(error).__name__}: {error}"
