"""Frames in groups of those that are painted together, and groups in parts.

A part ends where it is long enough, or where the next frame begins a shot and it is not too short. So parts
depend on the film alone, not on who makes them when; and as a shot owes nothing to those before it, a stretch
of parts, from one that begins with a shot to the next such, can be made by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from impasto.video.shots import Cuts
from impasto.video.source import Frame

_LEAST = 4
"""A part that ends for a shot's sake has a quarter of its length at least: each is a file, with a state."""


@dataclass(frozen=True)
class Group:
    """Frames of a ``part``, which is called by the number of its first frame.

    ``begins`` and ``opens`` tell whether the first of them is a shot's and the part's first one; ``ends`` is
    what `Cuts` goes on from if the part ends with them, and ``last`` whether the film does.
    """

    frames: Sequence[Frame]
    part: int
    begins: bool
    opens: bool
    ends: dict[str, Any] | None
    last: bool


def grouped(frames: Iterable[Frame], cuts: Cuts, part: int, most: int, length: int) -> Iterator[Group]:
    """Frames of a film from a ``part`` on, so many in a group at ``most``. The first of a shot is alone, and
    no group is of two shots, nor of two parts, which have a ``length`` at most.
    """
    waiting: list[Frame] = []
    size = 0
    for frame, begins, state, shot_next in _seen(frames, cuts):
        waiting.append(frame)
        size += 1
        last = shot_next is None
        ends = last or size == length or (shot_next and size >= length // _LEAST)
        if begins or shot_next or ends or len(waiting) == most:
            yield Group(waiting, part, begins, size == len(waiting), state if ends else None, last)
            waiting = []
        if ends:
            part, size = frame.number + 1, 0


def _seen(frames: Iterable[Frame], cuts: Cuts) -> Iterator[tuple[Frame, bool, dict[str, Any], bool | None]]:
    """Frames, whether each is the first of a shot, what ``cuts`` goes on from after it, and whether the next
    one is such a first, None after the last.
    """
    waiting: tuple[Frame, bool, dict[str, Any]] | None = None
    for frame in frames:
        begins = cuts.is_cut(frame.pixels)
        if waiting is not None:
            yield *waiting, begins
        waiting = frame, begins, cuts.state()
    if waiting is not None:
        yield *waiting, None
