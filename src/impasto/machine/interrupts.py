"""Being asked to stop: by Ctrl-C, by a scheduler or a container (SIGTERM), by a terminal that goes away
(SIGHUP).

All of them are told by one exception, which ends the work at hand wherever it is, so that what there is can
be saved. Schedulers and terminals like to ask twice (SIGTERM and SIGHUP at once, or the process and then its
group), and people press Ctrl-C again: what follows the first is no new wish, and does not disturb the saving.
The third Ctrl-C gives that up as well.
"""

import _thread
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

PATIENCE = 10.0
"""Seconds that `asked` may take to be looked at within `patient`: schedulers kill after 30, and saving takes
time, too."""

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK", "SIGXCPU", "SIGUSR1", "SIGUSR2")
"""All that ends a process unless it listens, and is sent before it is killed: the last three by schedulers
when the time that was asked for is nearly over. Windows knows some of them."""
_FORCING = 3


class Interrupted(KeyboardInterrupt):
    """The process was asked to stop. ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def ignored() -> None:
    """From here on this process is not asked: for one that another ends."""
    for number in _numbers():
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def handled(handler: Callable[[int, FrameType | None], Any] | signal.Handlers) -> Iterator[None]:
    """Within it, ``handler`` is called when the process is asked to stop; what was ignored before (by nohup,
    or in a shell's background) stays so. In other threads than the first it does nothing.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in _numbers():
            known = signal.getsignal(number)
            if known not in (signal.SIG_IGN, None):  # None: another program's own, not to be put back from here
                before[number] = known
                signal.signal(number, handler)
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


class _Ear:
    """What has been heard so far, and what to do when there is more."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self.held = 0
        self.patient = self.overdue = self.over = False

    def hear(self, number: int, _: FrameType | None) -> None:
        """The handler."""
        if self.overdue:
            self.overdue = False
            if self.held:
                return
            raise Interrupted(self.came[0])
        self.came.append(number)
        if len(self.came) == 1 and not self.held:
            if not self.patient:
                raise Interrupted(number)
            timer = threading.Timer(PATIENCE, self.insist)
            timer.daemon = True
            timer.start()
        elif number == signal.SIGINT and self.came.count(number) >= _FORCING:
            raise Interrupted(number)

    def insist(self) -> None:
        """Interrupt what has not looked yet."""
        if self.patient:
            self.overdue = True
            _thread.interrupt_main(signal.Signals(self.came[0]))


_ear = _Ear()


@contextmanager
def listening() -> Iterator[None]:
    """Within it, the first thread is interrupted by `Interrupted` when the process is asked to stop."""
    global _ear  # noqa: PLW0603 - the signals are the whole process's, too
    ear = _ear = _Ear()
    try:
        with handled(ear.hear):
            yield
    finally:
        ear.over = True


@contextmanager
def held() -> Iterator[None]:
    """Within it, nothing is interrupted but by the third Ctrl-C: for what must not be lost, and is soon done.
    `asked` tells afterwards. Other threads than the first are not interrupted anyway.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _ear.held += 1
    try:
        yield
    finally:
        _ear.held -= 1


@contextmanager
def patient() -> Iterator[None]:
    """Within it, `asked` is looked at every now and then, and only what takes longer than `PATIENCE` is
    interrupted: for work that can be taken up again from some places only.
    """
    _ear.patient = True
    try:
        yield
    finally:
        _ear.patient = False


def asked() -> bool:
    """Whether the process has been asked to stop while it is `listening`; what is done later is not meant."""
    return bool(_ear.came) and not _ear.over


def code() -> int:
    """The exit code of a process that has stopped because it was asked to, as shells have it: 128 and the
    signal's number, of Ctrl-C (130) if it was none.
    """
    return 128 + (_ear.came[0] if _ear.came else signal.SIGINT)
