"""Small files that all workers see who share something: here in a folder, by `batch.shared` in a store
of objects. What claims need of them is little: that one can be made which only one can make, and when another
was last touched, by one clock.
"""

import contextlib
import os
from pathlib import Path
from typing import Protocol

from impasto.errors import OutputError
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
            raise unwritten(path, error) from error
        return True

    def text(self, name: str) -> str | None:
        path = self._folder / name
        try:
            with files.opened(path) as file:
                return file.read(files.LONGEST).decode(errors="replace")
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not path.is_symlink():
                return None
            raise unread(path, error) from error

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
            raise unwritten(path, error) from error

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self._folder / name).unlink()


def unwritten(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """What is raised where a file cannot be made or touched."""
    return OutputError(f"{path} could not be written ({error.strerror}): `claim` needs a place for all.")


def unread(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """What is raised where one cannot be read."""
    return OutputError(f"{path} could not be read ({error.strerror}): remove it, or let all workers read it.")
