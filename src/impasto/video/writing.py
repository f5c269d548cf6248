"""What becomes of painted frames, in a thread of its own: steadied, scaled, and written part by part."""

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from impasto.errors import OutputError
from impasto.video import framing
from impasto.video.colour import Floats
from impasto.video.film import Film
from impasto.video.parts import Parts, Writer
from impasto.video.sheet import Glances
from impasto.video.source import Frame
from impasto.video.steady import Steadied


@dataclass(frozen=True)
class Ends:
    """What a part ends with: the number of the frame after it, that of the first one of its stretch, and the
    ``state`` to go on from.
    """

    next: int
    stretch: int
    state: dict[str, Any]


@dataclass(frozen=True)
class Painted:
    """A frame on its way from painting to writing, of the part of a number, which may end with it."""

    frame: Frame
    painted: Floats
    begins: bool
    part: int
    ends: Ends | None


class Writing:
    """The frames of a film, part by part. ``shown`` is the last of them, and ``spent`` the seconds that it
    took.
    """

    def __init__(self, film: Film, parts: Parts, glances: Glances | None) -> None:
        self._film, self._parts, self._glances = film, parts, glances
        self.shown: Floats | None = None
        self.spent = {"steady": 0.0, "encode": 0.0}
        self._steadied: Steadied | None = None
        self._writer: Writer | None = None
        self._next = film.first

    def begin(self, state: dict[str, Any] | None) -> None:
        """Go on from the ``state`` that the last part ended with, if there is one."""
        if self._film.way.steadies:
            self._steadied = Steadied(state and state["steadied"])

    def take(self, item: Painted) -> None:
        """Steady and write a frame; with the last of a part, the part is done. Raises OutputError."""
        film, parts, began = self._film, self._parts, time.perf_counter()
        painted = item.painted
        if self._steadied:
            painted = self._steadied.frame(item.frame.pixels, painted, item.frame.shares, begins=item.begins)
        self.shown = painted = framing.scaled(painted, film.size)
        self.spent["steady"] += time.perf_counter() - began
        began = time.perf_counter()
        if self._glances:
            self._glances.take(item.frame.number - film.first, item.frame.pixels, painted)
        writer = self._writer = self._writer or parts.writer(item.part, film.size)
        if item.begins:
            writer.shots.append(round(float(item.frame.time), 3))
        alpha = item.frame.alpha if film.packing.alpha else None
        writer.write(painted, alpha, item.frame.time, item.frame.duration)
        self._next = item.frame.number + 1
        if ends := item.ends:
            self._writer = None
            writer.finish()
            steadied = {"steadied": self._steadied.state()} if self._steadied else {}
            parts.keep(writer.part(ends.next, ends.stretch), ends.state | steadied)
            parts.unfinished.drop(item.part, ends.next)
        self.spent["encode"] += time.perf_counter() - began

    def close(self, *, keeps: bool) -> None:
        """Leave nothing of a part that is not whole, unless it is to be kept as the last."""
        writer = self._writer
        if writer is None:
            return
        if keeps:
            with contextlib.suppress(OutputError):
                writer.finish()
                self._parts.keep_rest(writer.part(self._next, writer.number))
                return
        writer.drop()
