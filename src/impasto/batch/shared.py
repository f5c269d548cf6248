"""Small files that all workers of a batch see: in a folder, or in a store of objects. What claims need of
them is little: that one can be made which only one can make, and when another was last touched, by one clock.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Protocol

from impasto.batch.stores import Place, asking
from impasto.errors import OutputError, SettingsError
from impasto.machine import files


class Shared(Protocol):
    """A place for such files, by their names. Its methods raise OutputError where it does not answer."""

    def make(self, name: str, text: str) -> bool:
        """Make a file, if there is none: of all that try, one is told that it did."""

    def text(self, name: str) -> str | None:
        """What a file holds, no more than a name is long; None where there is none."""

    def touched(self, name: str) -> float | None:
        """When a file was last written, by the place's own clock; None where there is none."""

    def touch(self, name: str) -> float:
        """Write a file of one's own, without a text, and tell when that was."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""


def shared(place: Place, folder: str) -> Shared:
    """The files in a ``folder`` of where a batch's results go. Raises OutputError, and SettingsError for a
    store that lets two make the same file.
    """
    return _Store(place.of(folder)) if place.url else Folder(place.folder / folder)


class Folder:
    """Of a file system."""

    def __init__(self, folder: Path) -> None:
        """Raises OutputError."""
        self._folder = folder
        files.create_folder(folder)

    def make(self, name: str, text: str) -> bool:
        path = self._folder / name
        try:
            with path.open("x") as file:
                file.write(text)
        except FileExistsError:
            return False
        except OSError as error:
            raise _unwritten(path, error) from error
        return True

    def text(self, name: str) -> str | None:
        path = self._folder / name
        try:
            with files.opened(path) as file:
                return file.read(files.LONGEST).decode(errors="replace")
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not path.is_symlink():
                return None
            raise _unread(path, error) from error

    def touched(self, name: str) -> float | None:
        try:
            return (self._folder / name).stat().st_mtime
        except OSError:
            return None

    def touch(self, name: str) -> float:
        path = self._folder / name
        try:
            path.touch()
            return path.stat().st_mtime
        except OSError as error:
            raise _unwritten(path, error) from error

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()


class _Store:
    """Of a store that makes an object on the condition that there is none: S3 does, and Google's."""

    def __init__(self, url: str) -> None:
        self._url = url
        probe = f"{secrets.token_hex(8)}.probe"
        both = self.make(probe, "") and self.make(probe, "")
        self.remove(probe)
        if both:
            raise SettingsError(
                f"{url} lets two make the same object, which `claim` is not safe with: share the batch by `shard`."
            )

    def make(self, name: str, text: str) -> bool:
        try:
            with asking(self._of(name)) as system:
                system.pipe_file(self._of(name), text.encode(), mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise _unwritten(self._of(name), error) from error
        return True

    def text(self, name: str) -> str | None:
        try:
            with asking(self._of(name)) as system:
                long = system.info(self._of(name))["size"] > files.LONGEST
                return "" if long else bytes(system.cat_file(self._of(name))).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unread(self._of(name), error) from error

    def touched(self, name: str) -> float | None:
        try:
            with asking(self._of(name)) as system:
                return float(system.modified(self._of(name)).timestamp())
        except OSError:
            return None

    def touch(self, name: str) -> float:
        try:
            with asking(self._of(name)) as system:
                system.pipe_file(self._of(name), b"")
                return float(system.modified(self._of(name)).timestamp())
        except OSError as error:
            raise _unwritten(self._of(name), error) from error

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError), asking(self._of(name)) as system:
            system.rm_file(self._of(name))

    def _of(self, name: str) -> str:
        return f"{self._url}/{name}"


def _unwritten(path: str | os.PathLike[str], error: OSError) -> OutputError:
    return OutputError(f"{path} could not be written ({error.strerror}): `claim` needs a place for all.")


def _unread(path: str | os.PathLike[str], error: OSError) -> OutputError:
    return OutputError(f"{path} could not be read ({error.strerror}): remove it, or let all workers read it.")
