"""Writing files so that nothing is lost: whole or not at all, and never over something that was not to be
touched.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from impasto.errors import OutputError


def check_writable(path: Path, force: bool) -> None:
    """Find out before the work begins whether ``path`` can be written, and create its folder.

    Raises OutputError when it is a folder, exists without ``force``, or its folder cannot be written.
    """
    try:
        if path.is_dir():
            raise OutputError(f"The output {path} is a folder: name a file in it.")
        _refuse_to_overwrite(path, force)
        path.parent.mkdir(parents=True, exist_ok=True)
        probe = _partial(path)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}): choose another place.") from error


def create_folder(path: Path) -> None:
    """Create a folder where there is none yet. Raises OutputError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {path} cannot be made ({error.strerror}): choose another place.") from error


def opened(path: Path) -> BufferedReader:
    """A file, to be read. Raises OSError, also for a pipe or a device, which may never end."""
    found = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )  # no pipe is waited for
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise OSError(errno.EINVAL, "it is no ordinary file", str(path))
    return os.fdopen(found, "rb")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError as `opened`."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomic(path: Path, content: bytes | Callable[[BinaryIO], None], force: bool) -> None:
    """Write ``content``, or what it writes when called, to ``path`` whole or not at all.

    Raises OutputError, or what ``content`` raises, and then leaves what was there as it was.
    """
    partial = _partial(path)
    try:
        _refuse_to_overwrite(path, force)
        try:
            with partial.open("w+b") as file:
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    content(file)
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave a whole name with half a file
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written ({error.strerror}): free some space or choose another place."
        ) from error


def _refuse_to_overwrite(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise OutputError(f"{path} exists already: choose another name, or allow overwriting with `force`.")


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
