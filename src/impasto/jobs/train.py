"""A training whose network is kept: what is saved beside it, when, and what a training that was cut off goes
on from.
"""

import contextlib
import logging
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from impasto.errors import ImpastoError, OutputError, SettingsError
from impasto.jobs.rescue import Write, place
from impasto.machine import files, formats, interrupts, strict_json
from impasto.machine.claim import claimed
from impasto.machine.files import beside
from impasto.machine.tensors import read_tensors
from impasto.networks.codes import StyleCode
from impasto.networks.contract import STYLE_MARK, save_network
from impasto.pictures import codecs
from impasto.progress import Progress
from impasto.training.trainer import Reached, Training

log = logging.getLogger("impasto")

SAVED_EVERY = 180.0
"""Seconds between one writing of the network, its checkpoint and its sheet and the next."""


@dataclass(frozen=True)
class Outputs:
    """The files that a training writes: ``network``, and beside it those of its other properties. `checked`
    makes sure of them.
    """

    network: Path
    resume: bool = False
    """Whether it goes on from the checkpoint."""

    @property
    def checkpoint(self) -> Path:
        return beside(self.network, ".checkpoint")

    @property
    def log(self) -> Path:
        return beside(self.network, ".log.jsonl")

    @property
    def sheet(self) -> Path:
        return beside(self.network, ".sheet.png")

    @classmethod
    def checked(cls, network: Path, inputs: Sequence[str | Path], *, resume: bool = False, force: bool = False) -> Self:
        """Files that can all be written, and none of which is one of the ``inputs``: existing ones only with
        ``resume`` or ``force``. Raises OutputError and SettingsError.
        """
        outputs = cls(network, resume)
        if network.suffix != ".safetensors":
            raise OutputError(f"A network is a .safetensors file: name it so, not {network.name!r}.")
        results = [network, outputs.log, outputs.sheet]
        files.refuse_inputs([*results, outputs.checkpoint], inputs)
        if resume and network.exists() and not outputs.checkpoint.exists():
            on = "" if _holds_style(network) else "on with it as `start`, or "
            raise SettingsError(
                f"The training of {network} is finished, and has left no checkpoint to `resume`: train {on}afresh with `force`."
            )
        if outputs.checkpoint.exists() and not (resume or force):
            raise SettingsError(
                f"{outputs.checkpoint} is of a training that was cut off: `resume` goes on with it, `force` starts afresh."
            )
        for path in results:
            files.check_writable(path, resume or force)
        files.check_writable(outputs.checkpoint, True)
        return outputs


def train(
    training: Training, outputs: Outputs, *, source: str | None = None, writes: bool = True
) -> Generator[Progress, None, None]:
    """Train, and tell of every step; `summary` tells what has become of it.

    Writes the ``outputs`` every few minutes, at the end, and when the work is cut short by KeyboardInterrupt
    or by closing the generator; the checkpoint stays only then. ``source`` is the network that a style is
    fitted to. Of processes that share a training all but one are told not to write. Raises OutputError and
    CheckpointError before the work begins where that can be known then, and OutputError when another training
    has the same output.
    """
    if outputs.resume:
        training.resume(outputs.checkpoint)
    files.create_folder(outputs.network.parent)
    return _claimed_steps(training, outputs, source) if writes else training.steps()


def summary(training: Training, outputs: Outputs) -> dict[str, Any]:
    """What has become of a training that has made a step: its files, its steps, and what was told of the last
    of these.
    """
    last = training.last
    named = {"output": outputs.network, "sheet": outputs.sheet, "log": outputs.log}
    told = _plain(last) if last.losses else {}  # those of the steps before a checkpoint are in the log
    return {name: str(path) for name, path in named.items()} | {"steps": last.steps} | told


def _claimed_steps(training: Training, outputs: Outputs, source: str | None) -> Generator[Progress, None, None]:
    with claimed(outputs.network):
        yield from _steps(training, outputs, source)


def _steps(training: Training, outputs: Outputs, source: str | None) -> Generator[Progress, None, None]:
    lines = _lines_until(outputs.log, training.last.steps)

    @interrupts.held()
    def save(*, last: bool) -> None:
        if training.last.steps:
            _save(training, outputs, source, "".join(lines), last)

    saved = time.monotonic()
    try:
        for step in training.steps():
            lines.append(strict_json.dumps({"step": step.iteration, **_plain(training.last)}) + "\n")
            yield step
            if time.monotonic() - saved >= SAVED_EVERY:
                save(last=False)
                saved = time.monotonic()
    except (KeyboardInterrupt, GeneratorExit):
        save(last=True)
        raise
    except Exception:  # whatever it was, what has been learnt is not lost to it
        with contextlib.suppress(ImpastoError):
            save(last=True)
        raise
    save(last=True)
    files.remove(outputs.checkpoint)  # nothing is left to go on with


def _save(training: Training, outputs: Outputs, source: str | None, lines: str, last: bool) -> None:
    """The network, or, as long as only γ and β were learnt, these; and what stands beside them. Raises
    SolverError for a training that has gone astray, and leaves what is there.

    What cannot be written is told, and what was written before is still there; at ``last`` the network is
    written somewhere else then, and OutputError raised in the end.
    """
    training.check_sound()  # before it takes the place of a good one
    network = training.result()

    def learnt(path: Path, force: bool) -> None:
        if training.fitting and source:
            colours = network.design.colours_of(torch.ones(1, 1))
            StyleCode(source, network.stylizer.heads.weight[:, :1].T.cpu(), colours).save(path, force=force)
        else:
            save_network(network, path, force=force)

    def drawn(path: Path, force: bool) -> None:
        codecs.save(codecs.load(training.sheet()), path, force=force)

    _attempt(outputs.checkpoint, lambda path, _: training.checkpoint(path))
    there = place(outputs.network, learnt, True) if last else outputs.network
    if not last:
        _attempt(outputs.network, learnt)
    _attempt(outputs.log, lambda path, force: files.write_atomic(path, lines.encode(), force))
    _attempt(outputs.sheet, drawn)
    if there != outputs.network:
        raise OutputError(f"The network is not in {outputs.network}, but in {there}.")


def _attempt(path: Path, write: Write) -> None:
    try:
        write(path, True)
    except OutputError as error:
        log.error("%s", error)


def _holds_style(path: Path) -> bool:
    """Whether a file is what a fit leaves, from which nothing can go on."""
    try:
        return read_tensors(path)[0].get("impasto") == STYLE_MARK
    except (OSError, ValueError):
        return False


def _plain(reached: Reached) -> dict[str, Any]:
    rounded = {name: round(value, 6) for name, value in reached.losses.items()}
    told = {"losses": rounded, "learning_rate": reached.learning_rate, "elapsed_s": round(reached.seconds, 2)}
    return told | ({"validation": dict(reached.validation)} if reached.validation else {})


def _lines_until(path: Path, step: int) -> list[str]:
    """The lines of a log up to a step: a checkpoint may be older than the end of it."""
    try:
        lines = path.read_text().splitlines(keepends=True) if step else []
    except (OSError, ValueError):
        return []
    return [line for line in lines if line.endswith("\n") and _step_of(line) <= step]


def _step_of(line: str) -> float:
    """The step that a line of a log tells of; infinity for a line that tells of none."""
    try:
        return float(formats.parsed(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return math.inf
