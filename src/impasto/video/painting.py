"""The painting of a film: frames are read ahead, painted in groups, and written part by part behind. What is
there of its parts is passed over, and so is what another has in hand, who claims whole stretches.
"""

import contextlib
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from impasto.errors import OutputError
from impasto.jobs.claims import MOST_TRIES, WAIT, Claims
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
    claimed: bool = False


class Painting:
    """Paints the parts of a film that are not there. ``spent`` are the seconds that it took to read and to
    paint.
    """

    def __init__(self, film: Film, parts: Parts, writing: Writing, *, keeps: bool = False) -> None:
        """It ``keeps`` what there is of a part when it is cut short."""
        self._film, self._parts, self._writing, self._keeps = film, parts, writing, keeps
        self.spent = {"decode": 0.0, "paint": 0.0}
        self._claims: Claims | None = None
        self._left = list[_Stretch]()
        """Those that are to be looked at again."""
        self._given_up = dict[int, OutputError]()
        """Stretches of which workers have died, by their numbers, and what is said of them in the end."""
        self._began, self._own = 0.0, 0
        """When it began, and how many frames it has painted since."""
        self._there = dict[int, int]()
        """How many frames there are of each part that has been come by."""

    def steps(self, claims: Claims | None = None) -> Generator[Progress, None, None]:
        """Paint, telling of every frame. With ``claims`` it is shared with others that have some. Raises
        OutputError.
        """
        film, self._claims, state = self._film, claims, None
        while (line := self._parts.line()) and state is None:
            state = self._parts.state(line[-1].number)
        number, stretch = film.first, _Stretch(film.first)
        if line:
            number, stretch = line[-1].next, _Stretch(line[-1].stretch)
            stretch.parts = {part.number: len(part.moments) for part in line if part.stretch == stretch.number}
        self._began = time.perf_counter()
        self._there = {part.number: len(part.moments) for part in line}
        if number < film.last:
            yield from self._run(stretch, number, film.last, state)
        if claims and [(each.number, each.after) for each in self._left] == [(film.first, film.last)]:
            yield Progress(0, event="Another paints the film, which has no cut at which it could be shared.")
        while left := self._left:
            self._left, own = [], self._own
            for stretch in left:
                yield from self._again(stretch)
            if self._own == own and self._left:
                for error in self._given_up.values():  # what others have in hand may be kept so by them
                    raise error
                yield Progress(self._count / film.count, "others have the rest in hand")
                time.sleep(WAIT)
                if interrupts.asked():
                    raise KeyboardInterrupt

    def _again(self, stretch: _Stretch) -> Generator[Progress, None, None]:
        """Paint what is not there of a stretch that was passed over, or leave it as long as another has it in
        hand.
        """
        own, state = _Stretch(stretch.number), None
        if self._missing(stretch) and not self._takes(own):
            self._left.append(stretch)
            return
        while missing := self._missing(stretch):
            own.parts = {number: frames for number, frames in stretch.parts.items() if number < missing[0]}
            if not own.parts or (state := self._parts.state(max(own.parts))) is not None:
                yield from self._run(own, missing[0], stretch.after, state)
                return
        self._give_back(own)

    def _missing(self, stretch: _Stretch) -> list[int]:
        """The numbers of the parts of a stretch that are not there; the others count from now on."""
        missing = [number for number in stretch.parts if self._parts.part(number) is None]
        self._there |= {number: frames for number, frames in stretch.parts.items() if number not in missing}
        return missing

    @property
    def _count(self) -> int:
        """How many frames are there, as far as that is known."""
        return sum(self._there.values())

    def _takes(self, stretch: _Stretch) -> bool:
        """Whether a stretch is to be made by this run. One of which workers have died is not, and stays in
        hand, so that nobody else dies of it. Raises OutputError.
        """
        if self._claims is None or stretch.claimed:
            return True
        if stretch.number in self._given_up:
            return False
        tries = self._claims.take(str(stretch.number))
        if tries is not None and tries > MOST_TRIES:
            self._given_up[stretch.number] = OutputError(
                f"{MOST_TRIES} workers have died of the shots from frame {stretch.number} on, most likely for want of memory: "
                "choose a smaller `size`, or fewer workers."
            )
            return False
        stretch.claimed = tries is not None
        return stretch.claimed

    def _give_back(self, stretch: _Stretch) -> None:
        """Let go of a stretch that is done, or that another may have."""
        if self._claims and stretch.claimed:
            self._claims.give_back(str(stretch.number))

    def _write(self, item: Painted | _Stretch) -> None:
        """Write a frame, or let go of a stretch whose frames were before it."""
        if isinstance(item, _Stretch):
            self._give_back(item)
        else:
            self._writing.take(item)

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
        behind: Behind[Painted | _Stretch] = Behind(self._write)
        try:
            with memory.reused(), convolving(film.precision):
                for group in grouped(ahead, cuts, first, film.way.together, film.way.LENGTH):
                    if group.opens and group.begins and group.part != stretch.number:
                        self._leave(stretch, behind)
                        stretch = _Stretch(group.part)
                    if group.opens:
                        paints = self._opens(stretch, group, follows=paints)
                    if paints:
                        started = time.perf_counter()
                        with contextlib.closing(painter.steps(group.frames, begins=group.begins)) as steps:
                            for step in steps:
                                yield self._progress(group, step)
                        self.spent["paint"] += time.perf_counter() - started
                    stretch.parts[group.part] += len(group.frames)
                    self._own += len(group.frames) if paints else 0
                    if paints or self._parts.part(group.part):
                        self._there[group.part] = stretch.parts[group.part]
                    stretch.after = last if group.last else group.frames[-1].number + 1
                    if paints:
                        for item in _painted(group, painter, stretch):
                            behind.put(item)
                    yield self._progress(group)
                    if interrupts.asked():
                        raise KeyboardInterrupt
                self._leave(stretch, behind)
                behind.finish()
        finally:
            ahead.close()
            behind.close()
            self._writing.close(keeps=self._keeps)
            self.spent["decode"] += ahead.seconds

    def _opens(self, stretch: _Stretch, group: Group, *, follows: bool) -> bool:
        """Whether a part that opens is to be painted: it is not there, it ``follows`` one that was painted or
        begins with a shot, and nobody else has its stretch.
        """
        stretch.parts[group.part] = 0
        if self._parts.part(group.part):
            return False
        paints = (follows or group.begins) and self._takes(stretch)
        if self._parts.part(group.part):  # another has made it just now
            return False
        stretch.passed |= not paints
        self._there[group.part] = 0
        return paints

    def _leave(self, stretch: _Stretch, behind: Behind[Painted | _Stretch]) -> None:
        """Go on from a stretch to what comes after it."""
        if stretch.passed:
            self._left.append(stretch)
        behind.put(stretch)

    def _progress(self, group: Group, step: Progress | None = None) -> Progress:
        """How far it is: after a group, or at a ``step`` of it."""
        frames, elapsed, count = self._film.count, time.perf_counter() - self._began, self._count
        more = 0.0 if step is None else step.done * len(group.frames)
        reached, own = count + more, self._own + more
        left = (frames - reached) * elapsed / own if own else None
        if step is None:
            rate = own / elapsed
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
