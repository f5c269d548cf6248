"""Folders of pictures as people have them: with what systems, programs and cameras leave in them."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from impasto.machine.files import at_home

_OF_SYSTEMS = (
    "@eadir", "@recycle", "@tmp", "@recently-snapshot", "#recycle", "#snapshot", "$recycle.bin", "__macosx",
    "system volume information", "lost+found", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
)  # fmt: skip
"""What file servers, Windows and macOS leave, in small letters; more of it is hidden, and our own unfinished
files are."""
_NAMED = 3


@dataclass(frozen=True)
class Found:
    """The files of a folder and of those in it, sorted by their paths, and how many names of each kind were
    passed over.
    """

    files: list[Path]
    passed: Counter[str]

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
        return Found([folder], Counter())
    passed: Counter[str] = Counter()
    return Found(sorted(_files(folder, passed, {_identity(folder)})), passed)


def _files(folder: Path, passed: Counter[str], entered: set[tuple[int, int]]) -> Iterator[Path]:
    if not os.access(folder, os.R_OK | os.X_OK):
        passed["folders that cannot be read"] += 1
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.casefold() in _OF_SYSTEMS:
            passed["hidden files" if path.name.startswith(".") else path.name.strip()] += 1
        elif path.is_file():
            yield path
        elif path.is_dir() and (identity := _identity(path)) not in entered:
            entered.add(identity)
            yield from _files(path, passed, entered)


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino
