"""Results as they are downloaded: in the format that was asked for, with the record inside."""

import tempfile
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.jobs.job import Job
from impasto.pictures.codecs import check_format, load, origin_of, save
from impasto.pictures.picture import Depth
from impasto.tasks import record

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".tiff": "image/tiff"}


def download(file: str, ending: str, names: dict[str, str]) -> tuple[dict[str, Any], bytes]:
    """The picture in ``file`` as a file that ends so: a TIFF of 16 bits a channel, the others of 8.

    Its record names the job's files as people know them, by their ``names`` here. Raises ImageError and
    OutputError.
    """
    picture = load(Path(file))
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / f"picture{ending}"
        form = check_format(to, picture.size)
        told = _told(Path(file), names)
        description = record.shortened(told, form.told) if told else ""
        depth: Depth = 16 if ending == ".tiff" else 8
        save(picture, to, description=description, depth=depth, origin=origin_of(Path(file)))
        return {"type": _TYPES[ending]}, to.read_bytes()


def _told(file: Path, names: dict[str, str]) -> dict[str, Any] | None:
    try:
        told = record.read(file)
        job = Job.of(told["job"]).moved(lambda path: names.get(path, path))
    except (ImpastoError, KeyError):  # a picture that was saved as the process died
        return None
    settings = told["settings"] | {name: job.settings[name] for name in ("init", "protect") if name in job.settings}
    return told | {"job": job.dictionary(), "inputs": job.inputs, "output": job.delivery.output, "settings": settings}
