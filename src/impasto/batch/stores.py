"""Stores of objects, s3:// and gs://, in place of folders: what is there is read by way of a local copy of
the same name, when its turn comes; what goes there is made here, and put there whole.
"""

import contextlib
import errno
import functools
import os
import shutil
import tempfile
import urllib.parse
import urllib.request
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from impasto.errors import ImpastoError, NotInstalledError, OutputError, briefly
from impasto.extras import needed
from impasto.machine import files
from impasto.machine.addresses import NOT_FETCHED, is_address
from impasto.machine.files import at_home

Seen = tuple[int, int]
"""The size of a file and when it was changed, by which it is taken for the same."""
STATE = ".impasto"
"""The folder of a batch's index, in that of its results."""
SAVED = 60.0
"""Seconds between two times that the index is put into a store: results carry what it would lose."""
HEARD = 15.0
"""Seconds between two exchanges with a place where others claim, too, and are to know what is made."""
_SCHEMES = ("s3://", "gs://")


class Found(NamedTuple):
    """A file that is there: two of one ``identity`` are one."""

    seen: Seen
    identity: object


def is_remote(path: str) -> bool:
    """Whether a path is one of a store.

    >>> is_remote("s3://bucket/a.jpg"), is_remote("s3:a.jpg")
    (True, False)
    """
    return path.startswith(_SCHEMES)


def plain(path: str) -> str:
    """A path as the system has it, where it was written with ``file://``.

    >>> plain("file:///a/b%20c.jpg"), plain("a.jpg")
    ('/a/b c.jpg', 'a.jpg')
    """
    return urllib.request.url2pathname(urllib.parse.urlparse(path).path) if path.startswith("file://") else path


def joined(base: str, path: str) -> str:
    """A path that is relative to a folder, or to a place in a store.

    >>> joined("s3://bucket/x", "y/a.jpg"), joined("/x", "s3://bucket/a.jpg")
    ('s3://bucket/x/y/a.jpg', 's3://bucket/a.jpg')
    """
    path = plain(path)
    if is_remote(path):
        return path
    path = str(at_home(path))
    return f"{base}/{path}" if is_remote(base) and not os.path.isabs(path) else str(Path(base) / path)


def found(path: str) -> Found:
    """What is there now. Raises OSError, whose ``strerror`` can be told."""
    if not is_remote(path):
        if is_address(path):
            raise FileNotFoundError(errno.ENOENT, NOT_FETCHED, path)
        there = os.stat(os.path.expanduser(path))
        return Found((there.st_size, there.st_mtime_ns), (there.st_dev, there.st_ino))
    with asking(path) as system:
        info = system.info(path)
        if info["type"] != "file":
            raise FileNotFoundError
        return Found(_seen(info), path)


def found_or_none(path: str) -> Found | None:
    """What is there now; None also where there can be nothing."""
    try:
        return found(path)
    except (OSError, ValueError):
        return None


def seen(path: str | Path) -> Seen:
    """Raises OSError as `found`."""
    return found(str(path)).seen


def listed(url: str, prefix: str = "") -> dict[str, Seen]:
    """All that lies below a place in a store and begins with a ``prefix`` there, or that a pattern with ``*``
    finds, by its name. Raises OSError.
    """
    scheme = url.partition("://")[0]
    with asking(url) as system:
        below = f"{url.rstrip('/')}/"
        names = system.glob(url, detail=True) if "*" in url else system.find(below, detail=True, prefix=prefix)
        every = {f"{scheme}://{name}": info for name, info in sorted(names.items())}
        return {name: _seen(info) for name, info in every.items() if info["type"] == "file" and not name.endswith("/")}


def fetch(path: str, folder: Path) -> Path:
    """A copy of what is in a store in a folder of its own; what is a file is its own copy. Raises OSError."""
    if not is_remote(path):
        return at_home(path)
    stem, suffix = os.path.splitext(path.rpartition("/")[2])
    to = Path(tempfile.mkdtemp(dir=folder)) / files.named(stem, suffix)
    with asking(path) as system:
        system.get_file(path, str(to))
    return to


class Place:
    """Where the results of a batch go. In place of a store's, ``folder`` holds what the batch remembers, and
    every result until it is there.
    """

    def __init__(self, text: str | Path, folder: Path | None = None) -> None:
        """``folder`` is the one of another place for the same store, in another process."""
        text = plain(str(text))
        self.url = text.rstrip("/") if is_remote(text) else ""
        self.folder = folder or (_lent(self) if self.url else at_home(text))
        self._text = self.url or str(self.folder)
        self.there: dict[str, Seen] = {}
        """What was there when it was `opened`, if it is a store."""

    def __str__(self) -> str:
        return self._text

    def of(self, name: str) -> str:
        """The path of what is called so there."""
        return f"{self._text}/{name}"

    def found(self, name: str) -> Found | None:
        """What was called so there when it was `opened`; in a folder, what is now."""
        if self.url:
            return Found(self.there[name], self.of(name)) if name in self.there else None
        return found_or_none(self.of(name))

    def opened(self) -> None:
        """Find what is there, make sure that it can be written, and read what was remembered. Raises
        OutputError.
        """
        if not self.url:
            return
        try:
            with asking(self.url) as system:
                system.pipe_file(self.of(f"{STATE}/writable"), b"")
                system.rm_file(self.of(f"{STATE}/writable"))
            self.there = {path.removeprefix(f"{self.url}/"): seen for path, seen in listed(self.url).items()}
            for name in self._remembered():
                self.bring(name)
        except OSError as error:
            raise OutputError(f"{self} cannot be written ({error.strerror}): choose another place.") from error

    def bring(self, name: str) -> Path:
        """Where a result can be looked at: where it is, or in a copy, if there is any. Raises OSError."""
        path = self.folder / name
        if self.url:
            path.parent.mkdir(parents=True, exist_ok=True)
            coming = files.beside(path, ".part")
            with contextlib.suppress(FileNotFoundError), asking(self.of(name)) as system:
                system.get_file(self.of(name), str(coming))
                coming.replace(path)
        return path

    def hear(self, *own: Path) -> None:
        """Bring what others remember by now: all but the files of one's ``own``. Raises OutputError."""
        if not self.url:
            return
        try:
            there = listed(f"{self.url}/{STATE}", "index") | listed(self.url, "errors")
            names = {path.removeprefix(f"{self.url}/"): seen for path, seen in there.items()}
            for name, seen in names.items():
                if _is_memory(name) and self.there.get(name) != seen and self.folder / name not in own:
                    self.bring(name)
                    self.there[name] = seen
        except OSError as error:
            raise OutputError(f"{self} cannot be read ({error.strerror}): run the same command again.") from error

    def take(self, name: str, *, new: bool) -> Seen:
        """Put a result where it belongs that was made in the ``folder``, or only looked at. Raises
        OutputError.
        """
        try:
            if self.url:
                if new:
                    self._put(name)
                (self.folder / name).unlink()
            return seen(self.of(name))
        except OSError as error:
            raise OutputError(f"{self.of(name)} could not be written ({error.strerror}).") from error

    def save(self, *own: Path) -> None:
        """Put there what is remembered here by files of one's ``own``, and remove what is no longer. Raises
        OutputError.
        """
        if not self.url:
            return
        try:
            for path in own:
                if path.exists():
                    self._put(path.relative_to(self.folder).as_posix())
            for name in self._remembered():
                if not (self.folder / name).exists():
                    with contextlib.suppress(FileNotFoundError), asking(self.of(name)) as system:
                        system.rm_file(self.of(name))
                    del self.there[name]
        except OSError as error:
            raise OutputError(f"{self} could not be written ({error.strerror}).") from error

    def _put(self, name: str) -> None:
        with asking(self.of(name)) as system:
            system.put_file(str(self.folder / name), self.of(name))

    def _remembered(self) -> list[str]:
        return [name for name in self.there if _is_memory(name)]


def _is_memory(name: str) -> bool:
    return name.startswith((f"{STATE}/index", "errors")) and name.endswith(".jsonl") and name.count("/") <= 1


@contextmanager
def asking(url: str) -> Iterator[Any]:
    """The store of a path, whose errors are told as those of a system's own files. Raises ImpastoError where
    what it needs is not installed.
    """
    try:
        yield _system(url.partition("://")[0])
    except (ImpastoError, FileExistsError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(errno.ENOENT, "there is none", url) from None
    except Exception as error:
        raise OSError(errno.EIO, briefly(error), url) from error


@functools.cache
def _system(scheme: str) -> Any:
    with needed("cloud"):
        import fsspec
    try:
        return fsspec.filesystem(scheme, use_listings_cache=False)
    except ImportError as error:
        raise NotInstalledError(f"{scheme}:// needs a package of its own ({briefly(error)}).") from error


def _lent(owner: object) -> Path:
    """A folder for as long as its owner is there."""
    folder = tempfile.mkdtemp(prefix="impasto-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _seen(info: dict[str, Any]) -> Seen:
    """The size, and the second of the change with a check of the content in the place of nanoseconds."""
    changed = info.get("LastModified") or info["mtime"]
    tag = str(info.get("ETag") or info.get("etag")).strip('"')
    return int(info["size"]), int(changed.timestamp()) * 10**9 + zlib.crc32(tag.encode()) % 10**9
