"""Folders of pictures as people have them: with what systems, programs and cameras leave in them."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from impasto.machine.files import at_home

_OF_SYSTEMS = frozenset((
    "@eadir", "@__thumb", "@recycle", "@tmp", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin", "__macosx",
    "system volume information", "lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r",
))  # fmt: skip
"""What file servers, Windows and macOS leave, in small letters; more of it is hidden, and our own unfinished
files are; what Office has open has a mark before its name."""
_NAMED = 3


@dataclass(frozen=True)
class Found:
    """The files of a folder and of those in it, each by its folder and its name, sorted; and how many names
    of each kind were passed over.
    """

    names: list[tuple[str, str]]
    passed: Counter[str]

    @property
    def files(self) -> list[Path]:
        """Their paths, which take longer to make than all the rest."""
        return [Path(*each) for each in self.names]

    def told(self) -> str:
        """What was passed over, in some words; nothing where nothing was."""
        named = ", ".join(f"{name} ({count})" for name, count in sorted(self.passed.items())[:_NAMED])
        return named + ", …" * (len(self.passed) > _NAMED)


def walk(folder: str | os.PathLike[str]) -> Found:
    """All files of a folder and of those in it but for what is hidden or a system's own; always in the same
    order.

    Links are followed, and every folder is entered once, so that those that lead back to themselves come to
    an end. What cannot be entered is passed over. A file in place of a folder is itself what is found.
    """
    folder = at_home(folder)
    if not folder.is_dir():
        return Found([os.path.split(folder)], Counter())
    passed: Counter[str] = Counter()
    top = "" if folder == Path() else str(folder)
    return Found([*_files(top, passed, {_identity(folder)})], passed)


def of_system(name: str) -> bool:
    """Whether a file or folder of that name is hidden, or a system's own.

    >>> of_system(".DS_Store"), of_system("@eaDir"), of_system("~$a.jpg"), of_system("~a.jpg")
    (True, True, True, False)
    """
    return name.startswith((".", "~$")) or name.casefold() in _OF_SYSTEMS


def _files(folder: str, passed: Counter[str], entered: set[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    if not os.access(folder or os.curdir, os.R_OK | os.X_OK):
        passed["folders that cannot be read"] += 1
        return
    with os.scandir(folder or os.curdir) as entries:
        for entry in sorted(entries, key=attrgetter("name")):
            if of_system(entry.name):
                passed["hidden files" if entry.name.startswith(".") else entry.name.strip()] += 1
            elif _is(entry.is_file):
                yield folder, entry.name
            elif _is(entry.is_dir) and (identity := _identity(entry)) not in entered:
                entered.add(identity)
                yield from _files(str(Path(folder, entry.name)), passed, entered)


def _is(kind: Callable[[], bool]) -> bool:
    """What an entry is; a link that leads back to itself is nothing."""
    try:
        return kind()
    except OSError:
        return False


def _identity(folder: "Path | os.DirEntry[str]") -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
