"""Copies of what is in stores and read once, for all photographs: paintings, masks, lists."""

import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from impasto.batch.stores import fetch, is_remote
from impasto.errors import ImageError, ImpastoError

_given: dict[str, str] = {}
"""What the copies that are kept are copies of."""


@functools.cache
def here(path: str) -> str:
    """A copy of what is in a store, kept as long as this process lives; what is a file is its own. Raises
    ImageError.
    """
    if not is_remote(path):
        return path
    try:
        copy = str(fetch(path, Path(_kept().name)))
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}): name a file in the store.") from error
    _given[copy] = path
    return copy


def as_given(text: str) -> str:
    """A text in which what is in a store is called so, and not by its copy."""
    for copy, path in _given.items():
        text = text.replace(copy, path)
    return text


@contextmanager
def told_as_given() -> Iterator[None]:
    """Within it, errors have texts `as_given`."""
    try:
        yield
    except ImpastoError as error:
        error.args = (as_given(str(error)),)
        raise


@functools.cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="impasto-")
