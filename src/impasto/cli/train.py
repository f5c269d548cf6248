"""Training from the command line: folders in; a network, its log and a sheet to watch out."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.cli.execute import shown
from impasto.cli.options import INTERRUPTED, stderr
from impasto.errors import ImpastoError, OutputError, SettingsError
from impasto.machine import files
from impasto.progress import Progress

if TYPE_CHECKING:
    from impasto.training.trainer import Training, TrainStep

SAVED_EVERY = 180.0
"""Seconds between one writing of the network, its checkpoint and its sheet and the next."""


@contextlib.contextmanager
def shared() -> Iterator[bool]:
    """Join the processes that torchrun has started, if it has; whether this one is to speak and write for them."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    import torch

    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield torch.distributed.get_rank() == 0
    finally:
        torch.distributed.destroy_process_group()


def execute_training(
    training: "Training",
    output: Path,
    *,
    source: str | None,
    resume: bool,
    force: bool,
    quiet: bool,
    speaks: bool = True,
    board: Path | None = None,
) -> tuple[dict[str, Any], int]:
    """Train, and give a summary and the exit code. On Ctrl-C what has been learnt is saved like a result.

    Writes ``output``, and beside it OUTPUT.checkpoint, .log.jsonl and .sheet.png. ``source`` is the network that a style is fitted to.
    """
    kept, log, sheet = (output.with_name(output.name + end) for end in (".checkpoint", ".log.jsonl", ".sheet.png"))
    if output.suffix != ".safetensors":
        raise OutputError(f"A network is a .safetensors file: name it so, not {output.name!r}.")
    if source and Path(source).resolve() == output.resolve():
        raise OutputError(
            f"{output} is the network to begin from, and --resume will want it as it is: name another file."
        )
    if resume:
        reached = training.resume(kept)
    elif kept.exists() and not force:
        raise SettingsError(
            f"{kept} is of a training that was cut off: --resume goes on with it, --force starts afresh."
        )
    for path in (output, log, sheet):
        files.check_writable(path, force or resume)
    files.check_writable(kept, True)
    lines = _lines_until(log, reached) if resume else []
    code, step = 0, None

    def save() -> None:
        if not speaks:
            return
        training.checkpoint(kept)
        _save_result(training, output, source)
        files.write_atomic(log, "".join(lines).encode(), True)
        from impasto.pictures import codecs

        codecs.save(codecs.load(training.sheet()), sheet, force=True)

    saved = time.monotonic()
    title = f"train {training.kind}"
    try:
        with shown(title, quiet or not speaks) as show, _board(board if speaks else None) as write:
            for step in training.steps():
                show(Progress(training.progress(step), _said(step, training.course.batch)))
                lines.append(json.dumps({"step": step.step, **_plain(step)}) + "\n")
                write(step)
                if step.event and not quiet:
                    stderr.print(f"impasto: step {step.step}: {step.event}", markup=False)
                if step.validation and not quiet and not stderr.is_terminal:
                    stderr.print(_said(step, training.course.batch), markup=False)
                if time.monotonic() - saved >= SAVED_EVERY:
                    try:
                        save()
                    except OutputError as error:  # what was written before is still there, and the work goes on
                        stderr.print(f"impasto: {error}", markup=False)
                    saved = time.monotonic()
    except KeyboardInterrupt:
        code = INTERRUPTED
    if step is None and not resume:
        return {"steps": 0}, code or INTERRUPTED
    save()
    done = step.step if step else reached
    return {
        "output": str(output),
        "sheet": str(sheet),
        "log": str(log),
        "steps": done,
        **(_plain(step) if step else {}),
    }, code


def _save_result(training: "Training", output: Path, source: str | None) -> None:
    """The network, or, as long as only γ and β were learnt, these."""
    import torch

    from impasto.networks.codes import StyleCode
    from impasto.networks.contract import save_network

    network = training.result()
    if training.fitting and source:
        colours = network.design.colours_of(torch.ones(1, 1))
        StyleCode(source, network.stylizer.heads.weight[:, :1].T.cpu(), colours).save(output, force=True)
    else:
        save_network(network, output, force=True)


def _plain(step: "TrainStep") -> dict[str, Any]:
    rounded = {name: round(value, 6) for name, value in step.losses.items()}
    told = {"losses": rounded, "learning_rate": step.learning_rate, "elapsed_s": round(step.elapsed, 2)}
    return told | ({"validation": dict(step.validation)} if step.validation else {})


def _said(step: "TrainStep", batch: int) -> str:
    rate = step.step * batch / max(step.elapsed, 1e-9) * 3600
    losses = step.validation or step.losses
    told = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
    return f"step {step.step} {'held out: ' if step.validation else ''}{told} · {rate:.0f} images/h"


def _lines_until(log: Path, step: int) -> list[str]:
    """The lines of a log up to a step: a checkpoint may be older than the end of it."""
    try:
        lines = log.read_text().splitlines(keepends=True)
    except OSError:
        return []
    return [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= step]


@contextlib.contextmanager
def _board(folder: Path | None) -> "Iterator[Callable[[TrainStep], None]]":
    """A function that writes a step for TensorBoard, if that is wanted. Raises ImpastoError when it is not installed."""
    if folder is None:
        yield lambda step: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise ImpastoError("--tensorboard needs the package tensorboard: pip install tensorboard.") from None
    with SummaryWriter(str(folder)) as writer:

        def write(step: "TrainStep") -> None:
            for group in ("losses", "validation"):
                for name, value in asdict(step)[group].items():
                    writer.add_scalar(f"{group}/{name}", value, step.step)

        yield write
