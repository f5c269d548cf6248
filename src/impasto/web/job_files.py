"""The files of a job, each by what it is: result, picture so far, snapshots, and what it started from."""

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from impasto.web.folder import is_own

START, SO_FAR = "start.png", "so-far.jpg"
"""The names of what a job goes on from, and of what there is of it."""
_UNDERWAY = "underway"
"""The name of an empty file that is there until the result is whole: to remove it takes no room."""
FILMS = {".mp4": "video/mp4", ".webm": "video/webm"}
"""What films end with, and their types."""


class JobFiles:
    """The folder of one job."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.result = place / "result.png"
        self.so_far, self.start = place / SO_FAR, place / START

    def film_to(self, ending: str) -> Path:
        """Where a film is written."""
        return self.place / f"result{ending}"

    def film(self) -> Path | None:
        """The film, whole or as far as it was painted; None while there is none."""
        return next(
            (each for each in sorted(self.place.glob("result.*")) if each.suffix in FILMS and is_own(each)), None
        )

    def begin(self, output: Path) -> None:
        """Make the folder, without what an earlier try has left at ``output`` but for its checkpoint."""
        self.place.mkdir(exist_ok=True)
        (self.place / _UNDERWAY).touch()
        for each in (output, _record(output)):
            each.unlink(missing_ok=True)

    def finish(self) -> None:
        """Say that the result is whole."""
        (self.place / _UNDERWAY).unlink(missing_ok=True)

    def is_whole(self, output: Path) -> bool:
        """Whether an earlier try has made all of an ``output``, though that could not be told of it."""
        return is_own(output) and bool(self.record(output)) and not (self.place / _UNDERWAY).exists()

    def checkpoint(self, output: Path) -> Path:
        """What the work of an ``output`` can be taken up from, if it is there: a file, or a film's parts."""
        return output.with_name(f"{output.name}.{'parts' if output.suffix in FILMS else 'checkpoint'}")

    def has_parts(self) -> bool:
        """Whether there are whole parts of a film."""
        return any(self.place.glob("*.parts/*.state"))

    def can_be_taken_up(self) -> bool:
        """Whether there is what the same work goes on from: a picture's checkpoint, or a film's parts."""
        return self.has_parts() or is_own(self.checkpoint(self.result))

    def drop_checkpoint(self, output: Path) -> None:
        """Let the work begin anew."""
        place = self.checkpoint(output)
        shutil.rmtree(place, ignore_errors=True)
        place.unlink(missing_ok=True)

    def record(self, output: Path) -> dict[str, Any]:
        """How an ``output`` was made; empty where it was not."""
        with contextlib.suppress(OSError, ValueError):
            told: dict[str, Any] = json.loads(_record(output).read_text())
            return told
        return {}

    def picture(self) -> Path | None:
        """The result, or else the picture so far; None while there is neither."""
        return next((each for each in (self.result, self.so_far) if is_own(each)), None)

    def snapshot(self, iteration: int) -> Path:
        """The picture so far as it was at an iteration."""
        return self.place / f"snapshot-{iteration:06d}.jpg"

    def keep_snapshot(self, iteration: int) -> bool:
        """Let the picture so far stay as it is; whether it does."""
        with contextlib.suppress(OSError):
            shutil.copyfile(self.so_far, self.snapshot(iteration), follow_symlinks=False)
            return True
        return False

    def start_from(self, other: "JobFiles") -> None:
        """Begin with what another job has made: the parts of a film, the checkpoint of a picture and what it
        started from, or a picture. Raises OSError.
        """
        for parts in other.place.glob("*.parts"):
            shutil.copytree(
                parts,
                self.place / parts.name,
                symlinks=True,
                ignore=shutil.ignore_patterns(".*.partial"),  # of a process that was killed
                copy_function=_shared,
            )
            return
        if is_own(kept := other.checkpoint(other.result)):
            self.place.mkdir(exist_ok=True)
            for each in filter(is_own, (kept, other.start)):
                _shared(str(each), str(self.place / each.name))
            return
        picture = other.picture()
        if picture is None:
            raise FileNotFoundError(other.place)
        self.place.mkdir(exist_ok=True)
        self.start.write_bytes(picture.read_bytes())


def _record(output: Path) -> Path:
    return output.with_name(f"{output.name}.json")


def _shared(file: str, to: str) -> None:
    """One file by two names, where the disk can: it is never written in its place, but anew."""
    try:
        os.link(file, to, follow_symlinks=False)
    except OSError:
        shutil.copyfile(file, to, follow_symlinks=False)
