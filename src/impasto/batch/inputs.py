"""What a batch is of: folders, globs, lists, manifests and files, taken apart into photographs and clips."""

import glob
import io
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

from impasto.batch import copies, stores
from impasto.batch.manifest import MANIFESTS, MOST, rows_of, text_of
from impasto.batch.stores import STATE, Seen
from impasto.errors import SettingsError
from impasto.machine import folders
from impasto.machine.addresses import NOT_FETCHED, is_address
from impasto.machine.files import at_home
from impasto.pictures import kinds
from impasto.settings.paths import is_code
from impasto.video.forms import CLIPS

LISTS = (".txt", ".lst")
"""How the names of lists end, in small letters: files with a path in every line."""
SUFFIXES = frozenset((*kinds.SUFFIXES, *CLIPS))
"""How the names of photographs and clips end, in small letters."""


class Source(NamedTuple):
    """A photograph or a clip, the ``place`` of its result among the others' (a folder, "" for the topmost),
    and what a manifest says of it, whose paths are relative to ``base``.
    """

    path: str
    place: str = ""
    row: Mapping[str, Any] = MappingProxyType({})
    base: str = ""
    seen: Seen | None = None
    """What a store's listing tells of it."""


@dataclass(frozen=True)
class Sources:
    """The photographs and clips in order, and how many names of each kind were passed over in folders."""

    found: list[Source]
    passed: Counter[str]


def is_many(text: str) -> bool:
    """Whether an input stands for more than itself: a folder, a list, a manifest, a glob, or
    standard input.

    >>> is_many("photos/*.jpg"), is_many("painting.jpg"), is_many("orders.csv"), is_many("-")
    (True, False, True, True)
    """
    if text == "-":
        return True
    if stores.is_remote(text) and "*" not in text:
        return not (is_code(text) or Path(text).suffix.lower() in SUFFIXES)
    path = at_home(stores.plain(text))
    if path.is_dir() or path.suffix.lower() in (*LISTS, *MANIFESTS):
        return True
    return glob.has_magic(text) and not os.path.lexists(path)


def sources_of(inputs: Sequence[str], output: str | Path) -> Sources:
    """The photographs and clips among ``inputs``, but for what lies in ``output``, or was made by another
    batch.

    In folders and globs, what is hidden, a system's own, or has the suffix of neither is passed over; what
    is named itself is not. Raises SettingsError for what is not there, or stands for nothing.
    """
    passed: Counter[str] = Counter()
    made = _Made(Path(output))
    found: list[Source] = []
    for text in map(stores.plain, inputs):
        path = at_home(text)
        if stores.is_remote(text):
            found += _of_store(text, str(output), passed)
        elif path.is_dir():
            if made.within(path):
                raise _result(text)
            found += _of_folder(path, path, made, passed)
        elif is_address(path):
            raise SettingsError(f"There is no file or folder {text}: {NOT_FETCHED}.")
        elif glob.has_magic(text) and not os.path.lexists(path):
            found += _of_glob(text, made, passed)
        elif not os.path.lexists(path):
            raise SettingsError(f"There is no file or folder {text}.")
        elif path.suffix.lower() in (*LISTS, *MANIFESTS):
            found += _listed(str(path.parent), path)
        else:
            found.append(Source(text))
    if not found:
        what = f" (passed over: {folders.Found([], passed).told()})" if passed else ""
        raise SettingsError(f"There is no picture or clip in {', '.join(inputs)}{what}.")
    return Sources(found, passed)


def _result(text: str) -> SettingsError:
    return SettingsError(
        f"{text} is the output of a batch, and cannot be its input: name a folder of photographs, or one in it for the output."
    )


def piped() -> list[str]:
    """The paths that stand in standard input. Raises SettingsError."""
    return lines_of(text_of(Path("standard input"), "surrogateescape", sys.stdin.buffer))


def lines_of(text: str) -> list[str]:
    """The paths in a list: one a line, or parted by zero bytes, as ``find -print0`` does.

    >>> lines_of("a.jpg\\n\\nb c.jpg\\n"), lines_of("a.jpg\\0b.jpg\\0")
    (['a.jpg', 'b c.jpg'], ['a.jpg', 'b.jpg'])
    """
    by_line = (line.removesuffix("\n") for line in io.StringIO(text, newline=None))  # names may have other breaks
    return [line for line in (text.split("\0") if "\0" in text else by_line) if line.strip()]


class _Made:
    """The folders whose pictures and clips are results: of this batch, of others, or of a film that was cut
    off.
    """

    def __init__(self, output: Path) -> None:
        self._output = os.path.realpath(output)
        self._known: dict[str, bool] = {os.path.dirname(self._output): False}

    def within(self, folder: Path) -> bool:
        """Whether a folder is one of a batch's results, or in one."""
        return self._made(os.path.realpath(folder))

    def _made(self, real: str) -> bool:
        if real == self._output:
            return True
        if real not in self._known:
            up = os.path.dirname(real)
            parts = real.endswith(".parts") and os.path.isfile(os.path.join(real, "film.json"))
            self._known[real] = parts or os.path.isdir(os.path.join(real, STATE)) or (up != real and self._made(up))
        return self._known[real]


def _of_folder(folder: Path, top: Path, made: _Made, passed: Counter[str]) -> Iterator[Source]:
    walked = folders.walk(folder)
    passed.update(walked.passed)
    places: dict[str, tuple[str, bool]] = {}
    for parent, name in walked.names:
        if parent not in places:
            places[parent] = os.path.relpath(parent or os.curdir, top), made.within(Path(parent))
        place, is_made = places[parent]
        if is_made:
            passed["results"] += 1
        elif (suffix := os.path.splitext(name)[1].lower()) not in SUFFIXES:
            passed[suffix or "without a suffix"] += 1
        else:
            yield Source(os.path.join(parent, name), "" if place == os.curdir else place)


def _of_glob(text: str, made: _Made, passed: Counter[str]) -> Iterator[Source]:
    """What a glob finds, placed as it lies below the glob's part without wildcards."""
    pattern = str(at_home(text))
    parts = PurePath(pattern).parts
    top = Path(*[part for index, part in enumerate(parts) if not glob.has_magic("".join(parts[: index + 1]))])
    for name in sorted({*_globbed("", parts)}):
        path = Path(name)
        below = path.relative_to(top).parts
        if any(map(folders.of_system, below)) or not (path.is_file() or path.is_dir()):
            passed["hidden files"] += 1
        elif path.is_dir():
            if "**" not in parts:  # which names what is in it, too
                yield from _of_folder(path, top, made, passed)
        elif made.within(path.parent):
            passed["results"] += 1
        elif path.suffix.lower() not in SUFFIXES:
            passed[path.suffix.lower() or "without a suffix"] += 1
        else:
            yield Source(name, "" if path.parent == top else str(path.parent.relative_to(top)))


def _globbed(folder: str, parts: Sequence[str]) -> Iterator[str]:
    """The names that a glob finds in a folder. What ``**`` stands for is entered as by `folders.walk`, or
    links would be followed round and round.
    """
    at = parts.index("**") if "**" in parts else len(parts)
    found = glob.glob(os.path.join(glob.escape(folder), *parts[:at])) if at else [folder]
    if at == len(parts):
        yield from found
        return
    for top in filter(os.path.isdir, map(Path, found)):
        within = {top, *map(Path, {parent for parent, _ in folders.walk(top).names})}
        for each in within.union(*(each.parents for each in within)):  # of those without files, too
            if each.is_relative_to(top):
                yield from _globbed("" if each == Path() else str(each), parts[at + 1 :] or ["*"])


def _of_store(text: str, output: str, passed: Counter[str]) -> Iterator[Source]:
    """What a name in a store stands for: a list or a manifest, a picture or a clip, a pattern, or all that
    lies below it, but for the results of batches.
    """
    suffix, top = PurePath(text).suffix.lower(), text.rstrip("/")
    if suffix in (*LISTS, *MANIFESTS):
        yield from _listed(text.rpartition("/")[0], Path(copies.here(text)))
        return
    try:
        if suffix in SUFFIXES and "*" not in text:
            yield Source(text, seen=stores.seen(text))
            return
        if f"{top}/".startswith(f"{output}/"):
            raise _result(text)
        there = stores.listed(text)
    except OSError as error:
        raise SettingsError(f"{text} cannot be read ({error.strerror}): name what is in the store.") from error
    made = {f"{output}/", *(name.partition(f"{STATE}/")[0] for name in there if f"/{STATE}/" in name)}
    top = top.partition("*")[0].rpartition("/")[0] if "*" in text else top
    for name, seen in there.items():
        below = [part for part in name.removeprefix(f"{top}/").split("/") if part not in ("", "..", ".")]
        suffix = PurePath(name).suffix.lower()
        if any(map(folders.of_system, below)):
            passed["hidden files"] += 1
        elif name.startswith(tuple(made)):
            passed["results"] += 1
        elif suffix not in SUFFIXES:
            passed[suffix or "without a suffix"] += 1
        else:
            yield Source(name, "/".join(below[:-1]), seen=seen)


def _rows(path: Path, base: str) -> Iterable[dict[str, Any]]:
    """The rows of a manifest, or of a list, whose lines are paths alone."""
    if path.suffix.lower() in MANIFESTS:
        return rows_of(path, base)
    return ({"content": line} for line in lines_of(text_of(path, "surrogateescape")))


def _listed(base: str, path: Path) -> Iterator[Source]:
    """What a list or a manifest names: paths are relative to its own folder, ``base``, and results are placed
    by what is written.
    """
    for number, row in enumerate(_rows(path, base)):
        if number == MOST:
            raise SettingsError(f"{path} names more than {MOST} photographs: part it.")
        named = PurePath(row["content"].partition("://")[2] or row["content"])
        parts = [part for part in named.parent.parts if part not in ("..", "~", named.anchor)]
        rest = {name: value for name, value in row.items() if name != "content"}
        yield Source(stores.joined(base, row["content"]), os.path.join("", *parts), rest, base)
