"""Pictures taken in: decoded, and written anew, so that nothing of the file that was sent is ever sent on."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from impasto.errors import ImpastoError
from impasto.jobs.job import Job
from impasto.machine.files import sha256_of
from impasto.masks.reading import mask
from impasto.pictures.codecs import load, origin_of, save
from impasto.tasks import record
from impasto.tasks.inputs import check_side
from impasto.video.job import VideoJob


def take(file: str, to: str, kind: str) -> tuple[dict[str, Any], bytes]:
    """Read the picture in ``file``, write it ``to`` a PNG, and tell what it is. Raises ImageError."""
    picture = load(Path(file))
    check_side(picture.size, kind)
    if kind == "mask":
        mask(picture, "mask")
    save(picture, Path(to), origin=origin_of(Path(file)) if kind == "photo" else origin_of(Path(file), "none"))
    height, width = picture.size
    told = {"width": width, "height": height, "transparent": picture.alpha is not None, "stored": sha256_of(Path(to))}
    return told | {"made": None if kind == "mask" else made(lambda: record.read(Path(file)), Job.of)}, b""


def ready() -> tuple[dict[str, Any], bytes]:
    """Nothing: all that is needed is loaded."""
    return {}, b""


def made(read: Callable[[], Mapping[str, Any]], of: Callable[[Any], Job | VideoJob]) -> dict[str, Any] | None:
    """If a picture or a film is a result of Impasto, by the record that is ``read`` from it, the job that it
    was made by, the same with the SHA-256 of its files in their place.
    """
    try:
        told = read()
        return {"job": of(told.get("job")).dictionary(), "hashed": told.get("hashed")}
    except ImpastoError:
        return None
