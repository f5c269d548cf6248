"""The painting of a film: frames are read ahead, painted in groups, and written part by part behind. What is
there of its parts is passed over, and so is what another has in hand.
"""

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from impasto.machine import interrupts, memory
from impasto.machine.devices import convolving
from impasto.progress import Progress
from impasto.video.ahead import Ahead, Behind
from impasto.video.film import Film
from impasto.video.groups import Group, grouped
from impasto.video.optimised import FramePainter
from impasto.video.parted import PartedPainter
from impasto.video.parts import Parts
from impasto.video.shots import Cuts
from impasto.video.source import Frame
from impasto.video.writing import Ends, Painted, Writing


@dataclass
class _Stretch:
    """Parts from one that begins with a shot to the next such (`groups`), as far as they have been come by:
    how many frames each has, by its number, the number of the frame ``after`` them, and whether one was
    ``passed`` over that is not there.
    """

    number: int
    parts: dict[int, int] = field(default_factory=dict)
    after: int = 0
    passed: bool = False


class Painting:
    """Paints the parts of a film that are not there. ``spent`` are the seconds that it took to read and to
    paint.
    """

    def __init__(self, film: Film, parts: Parts, writing: Writing, *, keeps: bool = False) -> None:
        """It ``keeps`` what there is of a part when it is cut short."""
        self._film, self._parts, self._writing, self._keeps = film, parts, writing, keeps
        self.spent = {"decode": 0.0, "paint": 0.0}
        self._left = list[_Stretch]()
        """Those that are to be looked at again."""
        self._began, self._before, self._count = 0.0, 0, 0
        """When it began, how many frames were there then, and how many have been come by."""

    def steps(self) -> Generator[Progress, None, None]:
        """Paint, telling of every frame."""
        film, state = self._film, None
        while (line := self._parts.line()) and state is None:
            state = self._parts.state(line[-1].number)
        number, stretch = film.first, _Stretch(film.first)
        if line:
            number, stretch = line[-1].next, _Stretch(line[-1].stretch)
            stretch.parts = {part.number: len(part.moments) for part in line if part.stretch == stretch.number}
        self._began, self._before = time.perf_counter(), sum(len(part.moments) for part in line)
        self._count = self._before
        if number < film.last:
            yield from self._run(stretch, number, film.last, state)
        while self._left:
            stretch = self._left.pop(0)
            yield from self._again(stretch)

    def _again(self, stretch: _Stretch) -> Generator[Progress, None, None]:
        """Paint what is not there of a stretch that was passed over."""
        state: dict[str, Any] | None = None
        while missing := [number for number in stretch.parts if self._parts.part(number) is None]:
            done = [number for number in stretch.parts if number < missing[0]]
            if done and (state := self._parts.state(done[-1])) is None:
                continue
            rest = sum(stretch.parts.values()) - sum(stretch.parts[number] for number in done)
            self._count = self._film.count - rest - sum(sum(each.parts.values()) for each in self._left)
            own = _Stretch(stretch.number, {number: stretch.parts[number] for number in done})
            yield from self._run(own, missing[0], stretch.after, state)
            return

    def _run(
        self, stretch: _Stretch, first: int, last: int, state: dict[str, Any] | None
    ) -> Generator[Progress, None, None]:
        """Go through the frames from a part's ``first`` one to before the ``last``, from the ``state`` that
        the part before has ended with.
        """
        film, cuts, paints = self._film, Cuts(state and state["cuts"]), True
        painter = film.way.painter(state and state["painter"], self._parts.unfinished)
        self._writing.begin(state)
        ahead: Ahead[Frame] = Ahead(lambda: film.frames(first, last))
        behind: Behind[Painted] = Behind(self._writing.take)
        try:
            with memory.reused(), convolving(film.precision):
                for group in grouped(ahead, cuts, first, film.way.together, film.way.LENGTH):
                    if group.opens:
                        stretch, paints = self._opened(stretch, group, follows=paints)
                    if paints:
                        started = time.perf_counter()
                        with contextlib.closing(painter.steps(group.frames, begins=group.begins)) as steps:
                            for step in steps:
                                yield self._progress(group, step)
                        self.spent["paint"] += time.perf_counter() - started
                    self._count += len(group.frames)
                    stretch.parts[group.part] += len(group.frames)
                    stretch.after = last if group.last else group.frames[-1].number + 1
                    if paints:
                        for item in _painted(group, painter, stretch):
                            behind.put(item)
                    yield self._progress(group)
                    if interrupts.asked():
                        raise KeyboardInterrupt
                self._left += [stretch] if stretch.passed else []
                behind.finish()
        finally:
            ahead.close()
            behind.close()
            self._writing.close(keeps=self._keeps)
            self.spent["decode"] += ahead.seconds

    def _opened(self, stretch: _Stretch, group: Group, *, follows: bool) -> tuple[_Stretch, bool]:
        """The stretch of a part that opens, and whether the part is to be painted: it is not there, and
        ``follows`` one that was painted, or begins with a shot.
        """
        if group.begins and group.part != stretch.number:
            self._left += [stretch] if stretch.passed else []
            stretch = _Stretch(group.part)
        stretch.parts[group.part] = 0
        if self._parts.part(group.part):
            return stretch, False
        paints = follows or group.begins
        stretch.passed |= not paints
        return stretch, paints

    def _progress(self, group: Group, step: Progress | None = None) -> Progress:
        """How far it is: after a group, or at a ``step`` of it."""
        frames, elapsed, count = self._film.count, time.perf_counter() - self._began, self._count
        reached = count if step is None else count + step.done * len(group.frames)
        new = reached - self._before
        left = (frames - reached) * elapsed / new if new > 0 else None
        if step is None:
            rate = new / elapsed
            text, counts = f"frame {count}/{frames}, {rate:.1f} frames/s", {"frames_per_second": round(rate, 3)}
            return Progress(reached / frames, text, iteration=count, seconds_left=left, counts=counts)
        named = f"frame {min(count + len(group.frames), int(reached) + 1)}/{frames}"
        event = step.event and f"{named}: {step.event}"
        return Progress(reached / frames, f"{named}, {step.text}", event, seconds_left=left)


def _painted(group: Group, painter: PartedPainter | FramePainter, stretch: _Stretch) -> Iterator[Painted]:
    """The frames of a group that has been painted, with what their part ends with behind the last of them."""
    *before, last = zip(group.frames, painter.shown, strict=True)
    for frame, shown in before:
        yield Painted(frame, shown, group.begins, group.part, None)
    ends = None
    if group.ends:
        ends = Ends(stretch.after, stretch.number, {"painter": painter.state(), "cuts": group.ends})
    yield Painted(*last, group.begins, group.part, ends)
