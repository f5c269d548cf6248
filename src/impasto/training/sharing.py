"""Several processes that share a training, each with its part of every batch (torch.distributed, as torchrun
starts them).
"""

import contextlib
import os
from collections.abc import Iterator, Sequence

import torch
import torch.distributed
from torch import Tensor

from impasto.errors import SettingsError


@contextlib.contextmanager
def shared() -> Iterator[bool]:
    """Join the processes that torchrun has started, if it has; whether this one is to speak and write for
    them.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield torch.distributed.get_rank() == 0
    finally:
        torch.distributed.destroy_process_group()


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
