"""Quiet decoders: what is wrong with a picture is told once, by us."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_lock, _within = threading.Lock(), 0
_warnings = warnings.catch_warnings()


@contextmanager
def silence() -> Iterator[None]:
    """Within it nothing is said of damaged files by Python's warnings and numpy's, in all threads, until the
    last has left it.
    """
    global _within, _warnings  # noqa: PLW0603
    with _lock:
        _within += 1
        if _within == 1:
            _warnings = warnings.catch_warnings()
            _warnings.__enter__()
            warnings.simplefilter("ignore")
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        with _lock:
            _within -= 1
            if _within == 0:
                _warnings.__exit__(None, None, None)
