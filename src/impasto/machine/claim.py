"""One run for one output: the second is told at once, and not by a file that the first one's steps are mixed
into.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from impasto.errors import OutputError

if sys.platform != "win32":
    import fcntl


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
            with contextlib.suppress(OSError):  # its folder may have gone
                lock.unlink()  # before another can have it
            file.close()


def _claim(lock: Path, output: Path) -> IO[str] | None:
    if sys.platform == "win32":
        return None
    while True:
        try:
            file = lock.open("a+")
        except OSError:  # whoever writes there will say so
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if lock.exists() and os.path.samestat(os.fstat(file.fileno()), lock.stat()):
                file.truncate(0)
                file.write(f"{os.getpid()}")
                file.flush()
                return file
            file.close()  # another has just let go of it
        except BlockingIOError:
            file.seek(0)
            process = f"process {found}" if (found := file.read()).isdecimal() else "another process"
            file.close()
            raise OutputError(
                f"{output} is being made by {process}: wait for it or end it, or name another output."
            ) from None
        except OSError:  # this file system has no locks, or is full
            file.close()
            lock.unlink(missing_ok=True)
            return None
