"""What becomes of painted frames, in a thread of its own: steadied, scaled, and written part by part."""

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
class Painted:
    """A frame on its way from painting to writing; ``ends`` is the state that its part ends with."""

    frame: Frame
    painted: Floats
    begins: bool
    ends: dict[str, Any] | None


class Writing:
    """The frames of a film, one after the other. ``shown`` is the last of them, ``done`` how many are in
    parts, ``reached`` the number of the frame after those, and ``spent`` the seconds that it took.
    """

    def __init__(self, film: Film, parts: Parts, glances: Glances | None) -> None:
        self._film, self._parts, self._glances = film, parts, glances
        self.shown: Floats | None = None
        self.done, self.reached = 0, film.first
        self.spent = {"steady": 0.0, "encode": 0.0}
        self._steadied: Steadied | None = None
        self._writer: Writer | None = None
        self._next = 0

    def begin(self, state: dict[str, Any] | None) -> None:
        """Go on from the ``state`` that the last part ended with, if there is one."""
        if state:
            self.done, self.reached = state["done"], state["next"]
        if self._film.way.steadies:
            self._steadied = Steadied(state and state["steadied"])

    def take(self, item: Painted) -> None:
        """Steady and write a frame; with the last of a part, the part is done. Raises OutputError."""
        film, parts, began = self._film, self._parts, time.perf_counter()
        painted = item.painted
        if self._steadied:
            painted = self._steadied.frame(item.frame.pixels, painted, item.frame.shares, begins=item.begins)
        self.shown = painted = framing.scaled(painted, film.size)
        steadied = time.perf_counter()
        self.spent["steady"] += steadied - began
        if self._glances:
            self._glances.take(item.frame.number - film.first, item.frame.pixels, painted)
        self._writer = self._writer or parts.writer(film.size)
        alpha = item.frame.alpha if film.packing.alpha else None
        self._writer.write(painted, alpha, item.frame.time, item.frame.duration)
        self._next = item.frame.number + 1
        if item.ends is not None:
            writer, self._writer = self._writer, None
            writer.finish()
            parts.keep(item.ends | ({"steadied": self._steadied.state()} if self._steadied else {}), writer.moments)
            parts.unfinished.drop(item.ends["next"])
            self.done, self.reached = item.ends["done"], self._next
        self.spent["encode"] += time.perf_counter() - steadied

    def close(self, *, keeps: bool) -> None:
        """Leave nothing of a part that is not whole, unless it is to be kept as the last."""
        writer = self._writer
        if writer is None:
            return
        if keeps:
            try:
                writer.finish()
            except OutputError:
                keeps = False
        if not keeps:
            writer.drop()
            return
        self._parts.keep_rest(writer.moments)
        self.done, self.reached = self.done + len(writer.moments), self._next
