"""What a batch remembers beside its results: an index, by which a hundred thousand finished items are known
without opening one, and the failures with their reasons.

Both are lines of JSON that are only ever appended to while it works, so that a process that is killed leaves
at worst half a line, which is passed over; the results themselves carry their keys, and what the index has
lost is found in them. Several processes may write the same files, for a line is written at once.
"""

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from impasto.batch.items import Item
from impasto.batch.stores import STATE, Found, Seen, found_or_none, is_remote, seen
from impasto.errors import ImageError, OutputError
from impasto.machine import files

NEWS = 2.0
"""Seconds between two looks at what others have made."""
_LONGEST = 2**30
"""Bytes of a file of lines that are believed: what it has beyond is found in the results."""
_NUMBER = (int, float)
_MADE: dict[str, type | tuple[type, ...]] = {
    **{"output": str, "key": str, "content_sha256": str},
    **{"seen": list, "changed": list, "at": _NUMBER},
}
_FAILED: dict[str, type | tuple[type, ...]] = {
    **{"output": str, "content": str, "pattern": str},
    **{"seen": (list, type(None)), "at": _NUMBER},
}
"""What a line has to say to be one of ours."""


class Ledger:
    """The memory of a batch in a folder. ``made`` and ``failed`` are by the items' outputs."""

    def __init__(self, folder: Path, part: str = "") -> None:
        """``part`` parts the files of those that share a folder, but not a machine."""
        self._folder, self._part = folder, part
        self.index = folder / STATE / f"index{part}.jsonl"
        self.errors = folder / f"errors{part}.jsonl"
        self.made: dict[str, dict[str, Any]] = {}
        self.failed: dict[str, dict[str, Any]] = {}
        self.listed: dict[str, Path] = {}
        """In which list each failure stands."""
        self._read: dict[Path, Found | None] = {}
        self._heard: dict[Path, int] | None = None
        self._listened = -NEWS
        self._news: dict[str, dict[str, Any]] = {}

    def read(self) -> None:
        """Take in what all parts have written."""
        for row in _rows([self.index, *sorted((self._folder / STATE).glob("index*.jsonl"))], _MADE):
            known = self.made.get(row["output"])
            if known is None or known["changed"][1] <= row["changed"][1]:
                self.made[row["output"]] = row
        self.read_failures()

    def read_failures(self) -> None:
        """Take in what has failed anywhere, of files that have grown since."""
        for path in self._lists():
            if (now := found_or_none(str(path))) != self._read.get(path):
                self._read[path] = now
                for row in _rows([path], _FAILED):
                    if row["at"] > self.failed.get(row["output"], {"at": 0})["at"]:
                        self.failed[row["output"]], self.listed[row["output"]] = row, path

    def _lists(self) -> list[Path]:
        """The lists of failures that there may be: one for each index, so that the folder of the results,
        which may be a million, is never gone through.
        """
        parts = {path.stem.removeprefix("index") for path in self.index.parent.glob("index*.jsonl")}
        return [self._folder / f"errors{part}.jsonl" for part in sorted({"", *parts})]

    def is_made(self, item: Item, content: Seen, output: Seen) -> bool:
        """Whether the index says that an output that is there is the result of what is there."""
        row = self.made.get(item.output)
        return (
            row is not None
            and row["changed"] == [*output]
            and row["seen"] == [*content]
            and row["key"] == item.key(row["content_sha256"])
        )

    def is_news(self, item: Item) -> bool:
        """Whether anyone has made an item since this was first asked; of the last seconds it may not be
        known yet. Its photograph is not looked at.
        """
        if time.monotonic() - self._listened >= NEWS:
            self._listen()
            self._listened = time.monotonic()
        row = self._news.get(item.output)
        return row is not None and row["key"] == item.key(row["content_sha256"])

    def _listen(self) -> None:
        """Take in what was appended to any index since the last time; at first, only how long they are."""
        first, self._heard = self._heard is None, self._heard or {}
        for path in (self._folder / STATE).glob("index*.jsonl"):
            with contextlib.suppress(OSError), files.opened(path) as file:
                at = file.seek(0, os.SEEK_END) if first else file.seek(self._heard.get(path, 0))
                text = file.read(_LONGEST)
                whole = text.rfind(b"\n") + 1
                self._heard[path] = at + whole
                rows = (row for row in _parsed(text[:whole].split(b"\n")) if _is_sound(row, _MADE))
                self._news |= {row["output"]: row for row in rows}

    def has_failed(self, item: Item, content: Seen | None) -> bool:
        """Whether an item failed, and nothing has changed since."""
        row = self.failed.get(item.output)
        return row is not None and row["pattern"] == item.pattern.digest and row["seen"] == (content and [*content])

    def has_failed_since(self, item: Item, content: Seen, tried: Mapping[str, float]) -> bool:
        """Whether another has failed at it, and not only then when what is ``tried`` again failed before."""
        self.read_failures()
        return self.has_failed(item, content) and self.failed[item.output]["at"] != tried.get(item.output)

    def note_made(self, item: Item, content: Seen, digest: str, changed: Seen, *, kept: bool = False) -> None:
        """Append that an output is there, ``changed`` then, from a ``content`` of that SHA-256; ``kept``
        where it was there before. Raises OutputError.
        """
        row = {"output": item.output, "key": item.key(digest), "content": item.content, "content_sha256": digest}
        when = {"seen": content, "changed": changed, "at": time.time()}
        _append(self.index, row | when | ({"kept": True} if kept else {}))

    def note_failed(self, item: Item, content: Seen | None, error: Exception, reason: str) -> None:
        """Append why an item failed. Raises OutputError."""
        with contextlib.suppress(OSError):  # of which the list's own is told
            self.index.touch()  # whoever looks for lists looks for indexes
        row = {"output": item.output, "content": item.content, "error": type(error).__name__, "reason": reason}
        pattern = ""  # of which a painting is gone, which may come back: nothing will be taken for this failure
        with contextlib.suppress(ImageError):
            pattern = item.pattern.digest
        _append(self.errors, row | {"pattern": pattern, "seen": content, "at": time.time()})

    def note_lost(self, item: Item, reason: str) -> None:
        """Append that an item's worker has died of it. Raises OutputError."""
        content = None
        with contextlib.suppress(OSError):
            content = seen(item.content)
        self.note_failed(item, content, OutputError(reason), reason)

    def noted_since(self, began: float) -> dict[str, int]:
        """How many were made, kept, and failed since a time, by this part's own files."""
        rows = [row for row in _rows([self.index], _MADE) if row["at"] >= began]
        made = {row["output"]: "kept" if row.get("kept") else "made" for row in rows}
        failed = {row["output"]: "failed" for row in _rows([self.errors], _FAILED) if row["at"] >= began}
        return dict(Counter((failed | made).values()))

    def settle(self, planned: Collection[str]) -> None:
        """Leave in the list of failures those that stand, each once: of outputs that are ``planned``, or
        whose photograph is there. Who is no part of others gathers theirs. Raises OutputError.
        """
        lists = [path for path in self._lists() if path.exists() and (not self._part or path == self.errors)]
        if not lists:
            return
        self.read()
        own = {row["output"]: row for row in sorted(_rows(lists, _FAILED), key=lambda row: row["at"])}
        kept = [
            row
            for output, row in own.items()
            if row["at"] > self.made.get(output, {"at": 0})["at"] and (output in planned or _is_there(row["content"]))
        ]
        if kept:
            files.write_atomic(self.errors, "".join(map(_line, kept)).encode(), force=True)
        for path in lists:
            if path != self.errors or not kept:
                files.remove(path)


def _is_there(path: str) -> bool:
    if not is_remote(path):
        return os.path.lexists(path)
    try:
        return bool(seen(path))
    except OSError:
        return False


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row) + "\n"


def _append(path: Path, row: dict[str, Any]) -> None:
    try:
        with path.open("a+b", buffering=0) as file:
            whole = file.seek(0, os.SEEK_END) == 0 or (file.seek(-1, os.SEEK_END) and file.read(1) == b"\n")
            text = ("" if whole else "\n") + _line(row)
            if file.write(text.encode()) != len(text):
                raise OutputError(f"{path} could not be written whole: free some space.")
    except OSError as error:
        raise OutputError(f"{path} could not be written ({error.strerror}): free some space.") from error


def _rows(paths: Iterable[Path], fields: Mapping[str, type | tuple[type, ...]]) -> Iterable[dict[str, Any]]:
    """The lines of files that say what ours do; others, as what was cut off, are passed over."""
    for path in dict.fromkeys(paths):
        try:
            with files.opened(path) as file:
                lines = file.read(_LONGEST).split(b"\n")
        except OSError:
            continue
        yield from (row for row in _parsed(lines) if _is_sound(row, fields))


def _is_sound(row: Any, fields: Mapping[str, type | tuple[type, ...]]) -> bool:
    if not isinstance(row, dict):
        return False
    for name, kind in fields.items():  # `all` would take three times as long, and this is for every item
        if not isinstance(row.get(name, ...), kind):
            return False
    states = [state for state in (row["seen"], row.get("changed")) if state is not None]
    return [[*map(type, state)] for state in states] == [[int, int]] * len(states)


def _parsed(lines: list[bytes]) -> Iterable[Any]:
    """The lines that are JSON, all at once if they are, which takes a third of the time."""
    try:
        return list(json.loads(b"[" + b",".join(filter(None, lines)) + b"]"))
    except (ValueError, RecursionError):  # one was cut off, or is not ours
        if len(lines) < 2:
            return []
        middle = len(lines) // 2
        return [*_parsed(lines[:middle]), *_parsed(lines[middle:])]
