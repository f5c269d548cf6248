"""Memory: how much there is, and that what is freed and asked for again at every step stays in the process
while a run lasts.
"""

import ctypes
import gc
import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import torch

from impasto.machine import limits

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4  # malloc.h
_DEFAULT_THRESHOLD, _DEFAULT_MMAP_MAX = 128 * 1024, 65536  # mallopt(3)
_LARGEST_THRESHOLD = 32 * 2**20  # the same
_holders, _lock = 0, threading.Lock()
"""How many are within `reused`: the allocator is the whole process's, and several threads may be at work."""


@contextmanager
def reused() -> Iterator[None]:
    """Within it, freed memory is kept for the next step; at its end what is free goes back to the system.

    glibc maps every large tensor anew and unmaps it when it is freed, and the system has to clear each of its
    pages when it is touched again: at 512 pixels some twenty thousand a step, a third of a step's time. Other
    allocators are left alone. Whoever works on many pictures wraps the loop in it: inside, it does nothing.
    It holds for the process, until the last thread has left it.
    """
    global _holders  # noqa: PLW0603
    if (libc := _glibc()) is None:
        yield
        return
    with _lock:
        _holders += 1
        if _holders == 1:
            libc.mallopt(_M_MMAP_MAX, 0)
            libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                libc.mallopt(_M_MMAP_MAX, _DEFAULT_MMAP_MAX)
                for threshold in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
                    libc.mallopt(threshold, _DEFAULT_THRESHOLD)
                release()


@contextmanager
def uncollected() -> Iterator[None]:
    """Within it, nothing is searched for cycles: among a hundred thousand plain values there is none, and to
    go through all of them again and again takes a third of the time that they are made in.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def return_large() -> None:
    """From here to the end of `reused`, let what is larger than 32 MiB go back when it is freed.

    Tiles are of several shapes, and what one has freed seldom fits the next: kept, the gaps between would add
    up to a tenth of a large picture's memory. In tiles it costs no time; a picture seen whole would take up
    to half as long again.
    """
    if _holders and (libc := _glibc()) is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        libc.mallopt(_M_MMAP_MAX, _DEFAULT_MMAP_MAX)


def release() -> None:
    """Give back what is free: for when the sizes change, and the gaps between tensors fit no longer."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


def ran_out(error: Exception) -> bool:
    """Whether an error says that there was no memory left; but for CUDA neither torch nor its oneDNN has one
    of its own for that.
    """
    said = (
        "allocate memory",
        "not enough memory",
        "out of memory",
        "insufficient memory",
        "could not create a primitive",
        "could not create a memory",
        "could not execute a primitive",
    )
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(each in str(error).lower() for each in said)


_sharers = 1


def shared_by(count: int) -> None:
    """From here on this process is one of so many that share what there is."""
    global _sharers  # noqa: PLW0603
    _sharers = count


def budget(setting: str, device: torch.device) -> int:
    """The bytes a run may take on a device, from a setting like ``4GB``; ``auto`` is half of what is free
    beside this process, of both the part of this process (`shared_by`).
    """
    if setting != "auto":
        number, unit = float(setting[:-2]), setting[-2:]
        return int(number * {"MB": 10**6, "GB": 10**9}[unit]) // _sharers
    free, own = _free_and_own(device)
    return free // 2 // _sharers + own


def setting_for(needed: float) -> str:
    """The setting with which each of those that share it has so many bytes, in whole megabytes."""
    return f"{math.ceil(needed * _sharers / 1e6)}MB"


def most(device: torch.device) -> int:
    """The bytes that a run can take on a device at all: its share of all that is free, and what this process
    has.
    """
    free, own = _free_and_own(device)
    return free // _sharers + own


def _free_and_own(device: torch.device) -> tuple[int, int]:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]), 0
    free = min(int(psutil.virtual_memory().available), limits.memory_left())
    return free, int(psutil.Process().memory_info().rss)


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
