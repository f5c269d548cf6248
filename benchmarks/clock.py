"""Timing work that a device may carry out after the call for it has returned."""

import statistics
import time
from collections.abc import Callable

import torch


def finish(device: str | torch.device) -> None:
    """Wait until a device has done all that was asked of it."""
    if torch.device(device).type != "cpu":
        torch.accelerator.synchronize(device)


def timed(work: Callable[[], object], device: str | torch.device) -> float:
    """The seconds that it takes."""
    finish(device)
    began = time.perf_counter()
    work()
    finish(device)
    return time.perf_counter() - began


def median(work: Callable[[], object], device: str | torch.device, seconds: float, most: int = 20) -> float:
    """The median of as many times as fit in ``seconds``, three at least, after one that does not count."""
    timed(work, device)
    found = [timed(work, device) for _ in range(3)]
    while sum(found) < seconds and len(found) < most:
        found.append(timed(work, device))
    return statistics.median(found)
