"""Frames in groups of those that are painted together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from impasto.video.shots import Cuts
from impasto.video.source import Frame


@dataclass(frozen=True)
class Group:
    """Frames up to the one that is ``count`` frames into the film; whether they begin a shot, end a part, and
    are the last.
    """

    frames: Sequence[Frame]
    count: int
    begins: bool = False
    ends: bool = False
    last: bool = False


def grouped(frames: Iterable[Frame], cuts: Cuts, before: int, most: int, length: int) -> Iterator[Group]:
    """Frames of a film, after those ``before`` them, so many in a group at most. The first of a shot is
    alone, and no group is of two shots, nor of two parts, of a ``length``. Where a part ends, ``cuts`` has
    seen no frame that comes after.
    """
    waiting: list[Frame] = []
    for count, (frame, last) in enumerate(_marked(frames), before + 1):
        begins = cuts.is_cut(frame.pixels)
        if begins and waiting:
            yield Group(waiting, count - 1)
            waiting = []
        waiting.append(frame)
        ends = last or count % length == 0
        if begins or ends or len(waiting) == most:
            yield Group(waiting, count, begins, ends, last)
            waiting = []


def _marked(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    """Frames, and whether each is the last."""
    waiting: Frame | None = None
    for frame in frames:
        if waiting is not None:
            yield waiting, False
        waiting = frame
    if waiting is not None:
        yield waiting, True
