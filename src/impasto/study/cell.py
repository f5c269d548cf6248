"""One variant, computed in a process of its own: its peak memory is its own, and whatever it dies of, the study goes on.

`main` reads a job as JSON from stdin and writes one JSON object a line to stdout: progress, then {"done": true} or why not.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from impasto._version import IMPORTED_AT
from impasto.errors import ImpastoError, OutputError
from impasto.judge.scores import score
from impasto.machine import files
from impasto.pictures.codecs import save
from impasto.pictures.large import LargePicture, resized
from impasto.pictures.picture import Picture, long_side
from impasto.tasks import record
from impasto.tasks.stylize import plan_stylize

CELL, RESULT = "cell.json", "result.png"
JUDGED = 1024
"""The long side at which larger results are scored."""
_PAUSE = 0.2
"""Seconds between two lines of progress."""


def snapshot_name(iteration: int) -> str:
    return f"step-{iteration:05d}.png"


def compute(job: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> None:
    """Compute a variant into its folder: result, snapshots, and last `CELL`, which marks it as finished.

    Raises OutputError when the folder cannot be written, other errors as `tasks.stylize`.
    """
    folder = Path(job["folder"])
    run = plan_stylize(job["content"], job["style"], job["recipe"], **job["settings"])
    run.started_at = IMPORTED_AT
    wanted = [iteration for iteration in job["snapshots"] if iteration <= run.iterations]
    curve: dict[str, list[float]] = {}
    told = 0.0
    for step in run.steps():
        if run.iterations:
            for name, value in {"iteration": step.iteration, **step.losses}.items():
                curve.setdefault(name, []).append(value)
            while wanted and wanted[0] <= step.iteration:
                save(run.picture(step), folder / snapshot_name(wanted.pop(0)), force=True)
        if time.monotonic() > told + _PAUSE:
            told = time.monotonic()
            share, text = run.progress(step)
            tell({"share": share, "text": text})
    result = run.result()
    for iteration in wanted:  # the run came to its end early
        save(result.picture, folder / snapshot_name(iteration), force=True)
    result.save(folder / RESULT, force=True)
    outcome = {
        "fingerprint": job["fingerprint"],
        "record": result.record,  # its peak memory was read before the scores took theirs
        "wall_s": time.perf_counter() - IMPORTED_AT,
        "curve": curve,
        "scores": score(job["content"], job["style"], _judged(result.painted)),
    }
    files.write_atomic(folder / CELL, record.encoded(outcome), force=True)


def _judged(painted: Picture | LargePicture) -> Picture:
    """The result at a size that the scores' network can see whole."""
    small = resized(painted, long_side(painted.size, min(JUDGED, max(painted.size))))
    assert isinstance(small, Picture)
    return small


def main() -> None:
    def tell(message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()

    try:
        compute(json.load(sys.stdin), tell)
        tell({"done": True})
    except ImpastoError as error:
        tell({"failed": str(error), "fatal": isinstance(error, OutputError)})
    except Exception as error:
        tell({"failed": f"{type(error).__name__}: {error}", "fatal": False})
