"""Writing files so that nothing is lost: whole or not at all, and never over something that was not to be
touched.
"""

import contextlib
import errno
import functools
import hashlib
import os
import platform
import secrets
import shutil
import stat
import sys
from collections.abc import Callable, Iterable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from impasto.errors import OutputError
from impasto.machine import addresses

if sys.platform != "win32":  # where a file that somebody writes can neither be removed nor renamed
    import fcntl

_KINDS = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}
LONGEST = 255
"""The bytes that a name may have on the usual file systems."""
_LONGEST_JOINED = 200
"""Those of a name that is made of the inputs': what stands beside the result has longer ones."""

_OWN = f".impasto-{hashlib.sha256(platform.node().encode()).hexdigest()[:8]}-"
"""How the names of what this machine is writing begin: whether others write still cannot be known here."""


def at_home(path: str | os.PathLike[str]) -> Path:
    """A path in which a ``~`` at the beginning is the home folder: no shell has seen to those that stand in a
    job, or after a colon.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111  # which raises nothing


def check_writable(path: Path, force: bool) -> None:
    """Find out before the work begins whether ``path`` can be written; nothing is made.

    Raises OutputError when it is a folder or a device, exists without ``force``, has too long a name, or the
    folder that it would be in, or be made in, cannot be written.
    """
    addresses.refuse(path)
    try:
        target = _target(path, force)
        for part in target.parts:
            if len(os.fsencode(part)) > LONGEST:
                raise OutputError(
                    f"{path} cannot be written: {part} has more than {LONGEST} bytes, choose a shorter name."
                )
        there = (each for each in target.parents if each.exists())
        partial, file = _begun(target.parent if path.is_symlink() else next(there))
        file.close()
        partial.unlink(missing_ok=True)  # once it is closed, another that writes there may sweep it away
    except (OSError, ValueError) as error:  # ValueError: no system has such a name
        reason = getattr(error, "strerror", error)
        raise OutputError(f"{path} cannot be written ({reason}): choose another place.") from error


def create_folder(path: Path) -> None:
    """Create a folder where there is none yet. Raises OutputError."""
    addresses.refuse(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {path} cannot be made ({error.strerror}): choose another place.") from error


def remove(path: Path) -> None:
    """Remove a file, if it is there. Raises OutputError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path} cannot be removed ({error.strerror}): remove it yourself.") from error


def refuse_inputs(outputs: Iterable[Path], inputs: Iterable[str | Path]) -> None:
    """Raises OutputError when an output is one of the inputs, by whatever name or link, also through folders
    that are yet to be made.
    """
    there = []
    for path in outputs:
        with contextlib.suppress(OSError, ValueError):  # most are not there, and of bad names the writer tells
            there.append((path, os.stat(os.path.realpath(path))))  # noqa: PTH116
    for source in inputs if there else ():
        with contextlib.suppress(OSError, ValueError):  # of what cannot be read, the reader tells
            known = at_home(source).stat()
            for path, found in there:
                if os.path.samestat(known, found):
                    raise OutputError(f"The output {path} is the input {source} itself: name another file.")


def opened(path: Path, *, piped: bool = False) -> BufferedReader:
    """A file that was named, to be read: the one way to all of them. Raises OSError, with a ``strerror`` that
    can be told, also for a pipe or a device, which may never end, unless it may be ``piped``.
    """
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116
    except FileNotFoundError:
        if os.path.islink(path):  # noqa: PTH114
            raise FileNotFoundError(errno.ENOENT, "it is a link that leads nowhere", str(path)) from None
        if addresses.is_address(path):
            raise FileNotFoundError(errno.ENOENT, addresses.NOT_FETCHED, str(path)) from None
        raise
    if kind in _KINDS and not (piped and kind in (stat.S_IFIFO, stat.S_IFCHR)):
        raise OSError(errno.EINVAL, _KINDS[kind], str(path))
    patient = getattr(os, "O_NONBLOCK", 0)  # or it would be waited for whoever might open a pipe's other end
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | patient))  # noqa: SIM115
    if piped and patient:
        os.set_blocking(file.fileno(), True)
    return file


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError as `opened`."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fits(name: str) -> bool:
    """Whether a name is surely not too long: a character takes four bytes at most."""
    return 4 * len(name) <= LONGEST


def named(stem: str, tail: str, longest: int = LONGEST) -> str:
    """The name ``stem`` + ``tail`` in at most so many bytes: a stem that is too long is cut between two
    characters and marked by its hash, so that two stems stay two.

    >>> named("a" * 300, ".png", 24)
    'aaaaaaaaaaa~9835fa6b.png'
    """
    room = longest - len(os.fsencode(tail))
    if len(os.fsencode(stem)) <= room:
        return stem + tail
    mark = "~" + hashlib.sha256(os.fsencode(stem)).hexdigest()[:8]
    kept = stem[:longest]
    while len(os.fsencode(kept + mark)) > room:
        kept = kept[:-1]
    return kept + mark + tail


def joined(parts: Sequence[str]) -> str:
    """A name of several, in at most 200 bytes, so that there is room for what comes behind: those of names
    that are too long are cut alike.

    >>> joined(["photo", "painting"]), len(joined(["a" * 300, "b" * 300]))
    ('photo-painting', 199)
    """
    if len(os.fsencode("-".join(parts))) > _LONGEST_JOINED:
        parts = [named(part, "", _LONGEST_JOINED // len(parts) - 1) for part in parts]
    return "-".join(parts)


def placed(output: str | Path, name: str) -> Path:
    """The file to write: ``output``; ``name`` where that is "", and in it where it is a folder, by a slash at
    its end, or one that is there by a name without a suffix.

    >>> [placed(output, "a.png").as_posix() for output in ("", "folder/", "b.png")]
    ['a.png', 'folder/a.png', 'b.png']
    """
    path = at_home(output)
    folder = str(output).endswith(("/", os.sep)) or (not path.suffix and path.is_dir())
    return path / name if folder else path


def beside(path: Path, ending: str) -> Path:
    """The file that goes with another, by its name and an ``ending``; a name that would be too long is
    shortened.
    """
    return path.with_name(named(path.name, ending))


def write_atomic(path: Path, content: bytes | Callable[[BinaryIO], None], force: bool) -> None:
    """Write ``content``, or what it writes when called, to ``path`` whole or not at all.

    What is written over keeps its mode; of a link, it is what the link leads to. Raises OutputError, or what
    ``content`` raises, and then leaves what was there as it was.
    """
    try:
        target = _target(path, force)
        _sweep(target.parent.absolute())
        partial, file = _begun(target.parent)
        try:
            with file:
                if target.exists():
                    _keep_mode(target, partial)
                if isinstance(content, bytes):
                    file.write(content)
                else:
                    content(file)
                file.flush()
                os.fsync(file.fileno())  # or a power cut could leave a whole name with half a file
                if sys.platform == "win32":
                    file.close()  # elsewhere it stays open, and locked, to the end
                _put(partial, target, force)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path} could not be written ({error.strerror}): free some space or choose another place."
        ) from error


def _target(path: Path, force: bool) -> Path:
    """The file that is really written: the end of a link. Raises OutputError, OSError, and ValueError for a
    name that no system has.
    """
    if "\0" in str(path):
        raise ValueError("it has a zero byte in it")
    if not os.path.lexists(path):
        return path
    with contextlib.suppress(FileNotFoundError):  # a link that leads nowhere yet
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise OutputError(f"The output {path} is a folder: name a file in it.")
        if not stat.S_ISREG(mode):
            raise OutputError(
                f"The output {path} is a device or a pipe: name a file, and hand it on from there once it is written."
            )
    if not force:
        raise _taken(path)
    return path.resolve() if path.is_symlink() else path


def _taken(path: Path) -> OutputError:
    return OutputError(f"{path} exists already: choose another name, or allow overwriting with `force`.")


def _begun(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file in a folder, under a name that no other has, and locked as long as it is open. Raises
    OSError.
    """
    while True:
        partial = folder / f"{_OWN}{secrets.token_hex(8)}.partial"
        file = partial.open("x+b")
        if sys.platform == "win32":
            return partial, file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if partial.exists():
                return partial, file
        except BlockingIOError:
            pass
        except OSError:  # a file system without locks, where nobody else gets one either
            return partial, file
        file.close()  # between its making and its locking somebody else has swept it away


@functools.cache
def _sweep(folder: Path) -> None:
    """Remove what processes that were killed had begun to write in a folder: what nobody has locked."""
    if sys.platform == "win32":
        return
    for stale in folder.glob(f"{_OWN}*.partial"):
        with contextlib.suppress(OSError):
            place = os.open(stale, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW)
            try:
                fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
                stale.unlink()
            finally:
                os.close(place)


def _keep_mode(target: Path, partial: Path) -> None:
    """Give a new file the owner and the mode of the one that it will replace, as far as the system allows."""
    found = target.stat()
    if hasattr(os, "chown") and (found.st_uid, found.st_gid) != (os.getuid(), os.getgid()):
        with contextlib.suppress(OSError):
            os.chown(partial, found.st_uid, found.st_gid)
    with contextlib.suppress(OSError):
        shutil.copymode(target, partial)


def _put(partial: Path, target: Path, force: bool) -> None:
    """Give a whole file its name. Raises OutputError where it was taken meanwhile, OSError."""
    if not force:
        try:
            os.link(partial, target)  # unlike a renaming, it fails where there is something
        except FileExistsError:
            raise _taken(target) from None
        except OSError:  # a file system without hard links
            if os.path.lexists(target):
                raise _taken(target) from None
        else:
            return
    partial.replace(target)
