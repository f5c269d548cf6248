"""Standing still: a process gives its processors up for a moment, wherever it is in its work, for another
that somebody waits for.

A low priority does not do that: Linux parts the processors between sessions first, and priorities count
within one of them alone (autogroup, sched(7)). Only Linux wakes a process whose parent died while it stood
still, so only there does one stand still at all.
"""

import contextlib
import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def woken_with_parents_end() -> None:
    """From here on this process may be `held` by its parent."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)


@contextlib.contextmanager
def held(process: "subprocess.Popen[str]") -> Iterator[None]:
    """Within it, a child that may be held stands still."""
    if sys.platform != "linux":
        yield
        return
    process.send_signal(signal.SIGSTOP)  # of one that has ended, nothing
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
