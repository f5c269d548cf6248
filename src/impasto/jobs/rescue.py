"""A result that can no longer be written where it was asked for, after the whole work: it is written
elsewhere, and told.
"""

import contextlib
import itertools
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from impasto.errors import OutputError
from impasto.machine import files
from impasto.pictures.codecs import FORMATS

log = logging.getLogger("impasto")

Write = Callable[[Path, bool], None]
"""Writes a result to a file, over another one if the second argument says so. Raises OutputError."""


def place(path: Path, write: Write, force: bool) -> Path:
    """``write`` a result to ``path``; or, where that fails, beside it under the next free name, as .png if
    its format will not have the picture, or into a new folder of the temporary one, the user's, or the one
    worked in. Where it is then is told, and given.

    Raises OutputError when no place takes it.
    """
    try:
        write(path, force)
    except OutputError as error:
        for other in _places(path):
            with contextlib.suppress(OutputError):
                write(other, False)
                log.error("%s What was to be written is in %s.", error, other)
                return other
        raise
    return path


def _places(path: Path) -> Iterator[Path]:
    """Where else a file can be, the nearest first. The next one is asked for when one was of no use."""
    if os.path.lexists(path):
        yield _free(path)
    if path.suffix.lower() in FORMATS and path.suffix.lower() != ".png":
        yield _free(path.with_suffix(".png"))
    for find in (tempfile.gettempdir, Path.home, Path.cwd):
        with contextlib.suppress(OSError, RuntimeError):  # there is none, or no room for anything
            folder = Path(tempfile.mkdtemp(prefix="impasto-", dir=find()))
            yield folder / path.name
            folder.rmdir()


def _free(path: Path) -> Path:
    """The first of a.png, a-2.png, a-3.png … that is not there."""
    others = (path.with_name(files.named(path.stem, f"-{number}{path.suffix}")) for number in itertools.count(2))
    return next(each for each in itertools.chain([path], others) if not os.path.lexists(each))
