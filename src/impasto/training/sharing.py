"""Several processes that share a training, each with its part of every batch (torch.distributed, as torchrun
starts them).
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from datetime import timedelta

import torch
import torch.distributed
from torch import Tensor

from impasto.errors import NotReadyError, SettingsError
from impasto.machine import interrupts

_MEND = "start with torchrun, or unset WORLD_SIZE to train in one process."
_PATIENCE = 300
"""Seconds that a process waits for the others: to come, and at every step."""


@contextlib.contextmanager
def shared() -> Iterator[bool]:
    """Join the processes that torchrun has started, if it has; whether this one is to speak and write for
    them. Raises SettingsError for variables that torchrun would not have set so, and NotReadyError where the
    others cannot be met.
    """
    if _number("WORLD_SIZE", 1, default="1") == 1:
        yield True
        return
    rank, world = _number("RANK", 0), _number("WORLD_SIZE", 1)
    if rank >= world:
        raise SettingsError(f"RANK is {rank}, where WORLD_SIZE {world} allows 0 to {world - 1}: {_MEND}")
    if not os.environ.get("MASTER_ADDR") or not 0 < _number("MASTER_PORT", 1) < 2**16:
        raise SettingsError(f"MASTER_ADDR and MASTER_PORT do not say where the processes meet: {_MEND}")
    try:
        with interrupts.handled(signal.SIG_DFL):  # it waits where no handler is called, and nothing is lost yet
            torch.distributed.init_process_group(
                "nccl" if torch.cuda.is_available() else "gloo", timeout=timedelta(seconds=_PATIENCE)
            )
    except (RuntimeError, ValueError) as error:  # torch has several errors for it, all of them such
        raise NotReadyError(
            f"The other {world - 1} of {world} processes were not met within {_PATIENCE} s ({str(error).splitlines()[0]}): {_MEND}"
        ) from error
    try:
        yield torch.distributed.get_rank() == 0
    finally:
        torch.distributed.destroy_process_group()


def _number(variable: str, least: int, default: str = "") -> int:
    text = os.environ.get(variable, default)
    if not (text.isascii() and text.isdecimal()) or int(text) < least:
        raise SettingsError(f"{variable} is {text!r}, which is no number from {least} on: {_MEND}")
    return int(text)


class Circle:
    """The processes of a training, of which this one is number ``rank``: all of them, if torch.distributed is
    initialised, or this alone.
    """

    def __init__(self, batch: int) -> None:
        """Raises SettingsError when a ``batch`` cannot be shared evenly."""
        together = torch.distributed.is_initialized()
        self.rank, self.world = (
            (torch.distributed.get_rank(), torch.distributed.get_world_size()) if together else (0, 1)
        )
        if batch % self.world:
            raise SettingsError(f"A batch of {batch} cannot be shared evenly by {self.world} processes.")

    def agreed(self, values: list[float], device: torch.device) -> list[float]:
        """The mean over the processes, so that all decide alike."""
        if self.world == 1:
            return values
        # Gloo and NCCL both sum float32.
        shared = torch.tensor(values, device=device)
        torch.distributed.all_reduce(shared)
        return (shared / self.world).tolist()

    def share_gradients(self, parameters: Sequence[Tensor]) -> None:
        """The gradients' mean over the processes: that of the whole batch, as their parts of it are of one
        size.
        """
        if self.world == 1:
            return
        gradients = [each.grad for each in parameters if each.grad is not None]
        together = torch.cat([each.flatten() for each in gradients])
        torch.distributed.all_reduce(together)
        for gradient, part in zip(gradients, torch.split(together, [each.numel() for each in gradients]), strict=True):
            gradient.copy_((part / self.world).view_as(gradient))
