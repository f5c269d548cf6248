"""A training whose network is kept: what is saved beside it, when, and what a training that was cut off goes
on from.
"""

import contextlib
import json
import logging
import math
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import torch

from impasto.errors import ImpastoError, OutputError, SettingsError
from impasto.machine import files, formats
from impasto.networks.codes import StyleCode
from impasto.networks.contract import save_network
from impasto.pictures import codecs
from impasto.progress import Progress
from impasto.training.trainer import Reached, Training

log = logging.getLogger("impasto")

SAVED_EVERY = 180.0
"""Seconds between one writing of the network, its checkpoint and its sheet and the next."""


def train(
    training: Training,
    output: Path,
    *,
    source: str | None = None,
    resume: bool = False,
    force: bool = False,
    writes: bool = True,
) -> Generator[Progress, None, None]:
    """Train, and tell of every step; `summary` tells what has become of it.

    Writes ``output``, and beside it OUTPUT.checkpoint, .log.jsonl and .sheet.png: every few minutes, at the
    end, and when the work is cut short by Ctrl-C or by closing the generator. ``source`` is the network that
    a style is fitted to; ``resume`` goes on from the checkpoint. Of processes that share a training all but
    one are told not to write. Raises OutputError, SettingsError and CheckpointError before the work begins
    where that can be known then.
    """
    if output.suffix != ".safetensors":
        raise OutputError(f"A network is a .safetensors file: name it so, not {output.name!r}.")
    if source and Path(source).resolve() == output.resolve():
        raise OutputError(
            f"{output} is the network to begin from, and `resume` will want it as it is: name another file."
        )
    kept = _beside(output, ".checkpoint")
    if resume:
        training.resume(kept)
    elif kept.exists() and not force:
        raise SettingsError(
            f"{kept} is of a training that was cut off: `resume` goes on with it, `force` starts afresh."
        )
    for path in (output, _beside(output, ".log.jsonl"), _beside(output, ".sheet.png")):
        files.check_writable(path, force or resume)
    files.check_writable(kept, True)
    return _steps(training, output, source, writes)


def summary(training: Training, output: Path) -> dict[str, Any]:
    """What has become of a training: its files, its steps, and what was told of the last of these."""
    last = training.last
    if last.steps == 0:
        return {"steps": 0}
    named = {"output": output, "sheet": _beside(output, ".sheet.png"), "log": _beside(output, ".log.jsonl")}
    told = _plain(last) if last.losses else {}  # those of the steps before a checkpoint are in the log
    return {name: str(path) for name, path in named.items()} | {"steps": last.steps} | told


def _steps(training: Training, output: Path, source: str | None, writes: bool) -> Generator[Progress, None, None]:
    lines = _lines_until(_beside(output, ".log.jsonl"), training.last.steps)

    def save() -> None:
        if training.last.steps and writes:
            _save(training, output, source, "".join(lines))

    saved = time.monotonic()
    try:
        for step in training.steps():
            lines.append(json.dumps({"step": step.iteration, **_plain(training.last)}) + "\n")
            yield step
            if time.monotonic() - saved >= SAVED_EVERY:
                try:
                    save()
                except OutputError as error:  # what was written before is still there, and the work goes on
                    log.error("%s", error)
                saved = time.monotonic()
    except (KeyboardInterrupt, GeneratorExit):
        save()
        raise
    except Exception:  # whatever it was, what has been learnt is not lost to it
        with contextlib.suppress(ImpastoError):
            save()
        raise
    save()


def _save(training: Training, output: Path, source: str | None, lines: str) -> None:
    """The network, or, as long as only γ and β were learnt, these; and what stands beside them. Raises
    SolverError for a training that has gone astray, and leaves what is there.
    """
    training.check_sound()  # before it takes the place of a good one
    training.checkpoint(_beside(output, ".checkpoint"))
    network = training.result()
    if training.fitting and source:
        colours = network.design.colours_of(torch.ones(1, 1))
        StyleCode(source, network.stylizer.heads.weight[:, :1].T.cpu(), colours).save(output, force=True)
    else:
        save_network(network, output, force=True)
    files.write_atomic(_beside(output, ".log.jsonl"), lines.encode(), True)
    codecs.save(codecs.load(training.sheet()), _beside(output, ".sheet.png"), force=True)


def _beside(output: Path, ending: str) -> Path:
    return output.with_name(output.name + ending)


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
