"""The files that Impasto writes for itself to read: what version of their form they are of, and how much of
them is believed.

Nothing that such a file says of itself is acted upon before it is held against the file's own size: what it
names must be there, and what is there must be named.
"""

from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.machine import strict_json
from impasto.machine.files import opened

MOST_TEXT = 2**24
"""Bytes: no text of ours within a file is longer, and none is read that is."""


def check_version(told: object, known: int, path: Path, error: type[ImpastoError]) -> None:
    """Refuse a file of a newer form than is ``known`` here, by an ``error``; the first form told of none.
    Raises ValueError for what is no version.
    """
    text = "1" if told is None else str(told)
    if not (text.isascii() and text.isdecimal() and 0 < len(text) < 10 and int(text)):
        raise ValueError("it tells of no version")
    if int(text) > known:
        raise error(
            f"{path} was written by a newer Impasto (format {int(text)}; this one reads up to {known}): update Impasto."
        )


def read(path: Path) -> dict[str, Any]:
    """The JSON object in an ordinary file. Raises OSError, and ValueError as `parsed`."""
    with opened(path) as file:
        return parsed(file.read(MOST_TEXT + 1))


def received(path: Path) -> bytes:
    """What is in a file, or comes through a pipe, up to a byte more than `parsed` takes, for it may be
    endless. A pipe into which nobody writes is empty. Raises OSError.
    """
    with opened(path, piped=True) as file:
        return file.read(MOST_TEXT + 1)


def parsed(text: str | bytes, *, finite: bool = True) -> dict[str, Any]:
    """A JSON object. Raises ValueError for what is none, for one that is too long, and as
    `strict_json.loads`.
    """
    if len(text) > MOST_TEXT:
        raise ValueError(f"its text of {len(text)} bytes is longer than {MOST_TEXT}")
    found = strict_json.loads(text, finite=finite)
    if not isinstance(found, dict):
        raise ValueError("its JSON is no object")
    return found
