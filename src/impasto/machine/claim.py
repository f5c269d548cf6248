"""One run for one output: the second is told at once, and not by a file that the first one's steps are mixed
into.
"""

import contextlib
import hashlib
import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from impasto.errors import OutputError

fcntl: Any = None
with contextlib.suppress(ImportError):  # Windows
    fcntl = importlib.import_module("fcntl")

_BEYOND = 2**30
"""Windows lets nobody read what is locked, so that is a byte beyond all that is written."""


@contextmanager
def claimed(output: Path) -> Iterator[None]:
    """Within it, no other run makes the same output; its folder has to be there.

    The claim is a lock on a hidden file beside the output, which the system lets go of however a process
    ends: what it leaves behind is no obstacle. Nobody waits for it, and where files cannot be locked there is
    none: what is written is whole all the same. Raises OutputError, naming the process that has it.
    """
    lock = output.with_name(f".impasto-{hashlib.sha256(os.fsencode(output.name)).hexdigest()[:16]}.lock")
    file = _claim(lock, output)
    try:
        yield
    finally:
        if file is not None:
            if fcntl is None:  # where nothing is removed that anybody has open
                file.close()
            with contextlib.suppress(OSError):  # its folder may have gone
                lock.unlink()  # before another can have it
            file.close()


def _claim(lock: Path, output: Path) -> BinaryIO | None:
    while True:
        try:
            file: BinaryIO = lock.open("a+b", buffering=0)  # whatever is still to be written, closing tries again
        except OSError:  # whoever writes there will say so
            return None
        try:
            _lock(file.fileno())
            if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                with contextlib.suppress(OSError):  # on a full disk it is claimed without a word by whom
                    file.truncate(0)
                    file.write(b"%d" % os.getpid())
                return file
            file.close()  # another has just let go of it
        except BlockingIOError:
            file.seek(0)
            found = file.read(32)
            process = f"process {int(found)}" if found.isdigit() else "another process"
            file.close()
            raise OutputError(
                f"{output} is being made by {process}: wait for it or end it, or name another output."
            ) from None
        except OSError:  # this file system has no locks
            file.close()
            with contextlib.suppress(OSError):
                lock.unlink()
            return None


def _lock(file: int) -> None:
    """Raises BlockingIOError where another has locked it, OSError where nothing can be locked."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    msvcrt: Any = importlib.import_module("msvcrt")
    os.lseek(file, _BEYOND, os.SEEK_SET)
    try:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except PermissionError as error:
        raise BlockingIOError from error
