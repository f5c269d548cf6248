"""Pictures as a page shows them: small, and in a format that every browser knows."""

import io
from pathlib import Path
from typing import Any

from impasto.pictures.codecs import load
from impasto.pictures.picture import Picture


def show(file: str, side: int | None = None, exact: bool = False) -> tuple[dict[str, Any], bytes]:
    """The picture in ``file``, its long side ``side`` at the most: JPEG, or PNG where it is transparent or
    to be ``exact``.
    """
    picture = load(Path(file))
    if side is not None and side < max(picture.size):
        picture = picture.fitted(side)
    return encoded(picture, exact)


def encoded(picture: Picture, exact: bool = False) -> tuple[dict[str, Any], bytes]:
    """A picture's bytes, and their type."""
    image, file = picture.image(), io.BytesIO()
    if exact or image.mode == "RGBA":
        image.save(file, "PNG", compress_level=3)
        return {"type": "image/png"}, file.getvalue()
    image.save(file, "JPEG", quality=90)
    return {"type": "image/jpeg"}, file.getvalue()
