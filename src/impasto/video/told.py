"""What a film tells of how it was made: the record in its container, or beside it."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from impasto.errors import RecordError
from impasto.jobs.deliver import job_told, sidecar
from impasto.tasks import record
from impasto.video.forms import FORMS
from impasto.video.job import TASK, VideoJob

if TYPE_CHECKING:
    from impasto.video.clip import Clip


def is_film(result: Path) -> bool:
    """Whether a result is a film: by its name, and, as WebP may be a picture as well, by the record beside
    it.
    """
    beside = result.suffix.lower() == ".json"
    ending = Path(result.stem if beside else result.name).suffix.lower()
    if ending != ".webp" or result.is_dir():
        return ending in {*FORMS} - {""} or result.is_dir()
    with contextlib.suppress(RecordError):
        return bool(record.read(result if beside else sidecar(result))["impasto"] == TASK)
    return False


def read(result: Path) -> dict[str, Any]:
    """The record in a film's file, or in the JSON beside it. Raises RecordError and VideoError."""
    if result.suffix.lower() == ".json":
        return record.read(result)
    if result.is_dir() or FORMS[result.suffix.lower()].image:  # which have no place for it
        return record.read(sidecar(result))
    from impasto.video.clip import Clip

    return carried(Clip(result))


def carried(clip: "Clip") -> dict[str, Any]:
    """The record that is in a clip. Raises RecordError, for one that was not painted, and VideoError."""
    with clip.opened() as container:
        said = {name.lower(): text for name, text in container.metadata.items()}
    return record.of_text(said.get("comment", ""), clip.path)


def job_of(result: Path) -> VideoJob:
    """The job that a film came from; see `deliver.job_told`. Raises RecordError and VideoError."""
    return VideoJob.of(job_told(result, read))
