"""Training from the command line: how far it is on the terminal, and for TensorBoard."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from impasto.cli.execute import shown
from impasto.cli.said import stderr
from impasto.extras import needed
from impasto.jobs import train as job
from impasto.machine import interrupts
from impasto.training.trainer import Reached, Training


def execute_training(
    training: Training,
    outputs: job.Outputs,
    *,
    source: str | None,
    quiet: bool,
    speaks: bool = True,
    board: Path | None = None,
) -> tuple[dict[str, Any], int]:
    """Train, and give a summary and the exit code. When it is asked to stop, what has been learnt is
    saved like a result; with nothing learnt it raises KeyboardInterrupt."""
    steps = job.train(training, outputs, source=source, writes=speaks)
    code: int | None = None
    with contextlib.suppress(KeyboardInterrupt):
        with (
            shown(f"train {training.kind}", quiet or not speaks) as show,
            _board(board if speaks else None) as write,
            contextlib.closing(steps),
        ):
            for step in steps:
                show(step)
                write(training.last)
                if training.last.validation and not quiet and not stderr.is_terminal:
                    stderr.print(step.text, markup=False)
        code = 0
    if not training.last.steps:
        raise KeyboardInterrupt
    if speaks and not quiet:
        state = f", interrupted: the network so far is saved in {outputs.network}, and --resume goes on"
        made = training.last.steps
        counted = f"{made} {'step' if made == 1 else 'steps'}"
        stderr.print(f"{counted} in {training.last.seconds:.1f} s{state if code is None else ''}", markup=False)
    return job.summary(training, outputs), interrupts.code() if code is None else code


@contextlib.contextmanager
def _board(folder: Path | None) -> Iterator[Callable[[Reached], None]]:
    """A function that writes a step for TensorBoard, if that is wanted. Raises NotInstalledError."""
    if folder is None:
        yield lambda reached: None
        return
    with needed("train"):
        from torch.utils.tensorboard import SummaryWriter
    with SummaryWriter(str(folder)) as writer:

        def write(reached: Reached) -> None:
            for group, losses in (("losses", reached.losses), ("validation", reached.validation)):
                for name, value in losses.items():
                    writer.add_scalar(f"{group}/{name}", value, reached.steps)

        yield write
