"""The studio's folder: files by random ids, each whole or not there. Links in it are not followed."""

import contextlib
import hashlib
import logging
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from impasto.errors import OutputError, briefly
from impasto.machine import files

log = logging.getLogger("impasto.web")


class Folder:
    """``pictures/ID.png``, ``clips/ID/…``, ``jobs/ID/…``, ``incoming/`` for what is being sent, and
    ``lost/`` for what nothing is known of.
    """

    def __init__(self, root: Path) -> None:
        """Make what of it is not there. Raises OutputError, also where a part of it is a link."""
        self.root = root
        for part in (root, *(root / name for name in ("pictures", "clips", "jobs", "incoming", "lost"))):
            files.create_folder(part)
            if part != root and part.is_symlink():
                raise OutputError(f"{part} is a link, and none is followed there: remove it, or choose another folder.")

    def picture(self, id: str) -> Path:
        """The file of a picture."""
        return self.root / "pictures" / f"{id}.png"

    def clip(self, id: str) -> Path:
        """The file of a clip, as it was sent, in a folder of its own."""
        return self.root / "clips" / id / "clip"

    def frame(self, id: str, number: int) -> Path:
        """The first, middle or last frame of a clip, 0 to 2; of a picture, that is 0 alone."""
        return self.clip(id).with_name(f"{number}.png") if number else self.picture(id)

    def job(self, id: str) -> Path:
        """The folder of a job, which need not be there."""
        return self.root / "jobs" / id

    def incoming(self, id: str) -> Path:
        """Where an upload is until it is read."""
        return self.root / "incoming" / id

    def tidy(self, pictures: set[str], jobs: set[str]) -> None:
        """Put what belongs to none of these aside, for what the studio knows may be an older copy; and remove
        what a crash has left of uploads.
        """
        for each in (self.root / "incoming").iterdir():
            with contextlib.suppress(OSError):
                each.unlink()
        for place, known in (("pictures", pictures), ("clips", pictures), ("jobs", jobs)):
            for each in (self.root / place).iterdir():
                if each.name.removesuffix(".png") not in known:
                    self._put_aside(each)

    def _put_aside(self, place: Path) -> None:
        """Move it into ``lost/``; what is empty, half written, or a link, is removed."""
        if place.is_symlink() or place.name.startswith(".") or (place.is_dir() and not any(place.iterdir())):
            _drop(place)
            return
        to = self.root / "lost" / place.relative_to(self.root)
        try:
            to.parent.mkdir(exist_ok=True)
            place.rename(to)
            log.warning("put aside", extra={"reason": f"It is not in studio.sqlite: {to}"})
        except OSError as error:  # it stays where it is
            log.warning("not put aside", extra={"reason": f"{place}: {briefly(error)}"})

    def drop_picture(self, id: str) -> None:
        """Remove a picture's file; of a clip, all of them."""
        with contextlib.suppress(OSError):
            self.picture(id).unlink()
        _drop(self.clip(id).parent)

    def drop_job(self, id: str) -> None:
        """Remove all of a job."""
        _drop(self.job(id))

    def told(self, text: str, names: Mapping[str, str] | None = None) -> str:
        """A sentence as a client may hear it: with the ``names`` of pictures, by their ids, in place of their
        files, and without any other path of ours.
        """

        def known(found: re.Match[str]) -> str:
            path = Path(found[1] or "")  # ID.png, or ID/clip
            name = next((names[part] for part in (path.stem, path.parent.name) if names and part in names), "")
            return f" {name}" if name else ""

        for place in _places(self.root):
            text = re.sub(rf"\s?(?<![\w.]){re.escape(place)}(?![\w-])(/[^\s'\",;:)]*)?", known, text)
        return text.lstrip()

    def is_empty(self) -> bool:
        """Whether there are no pictures and no jobs."""
        return not any(any((self.root / part).iterdir()) for part in ("pictures", "jobs"))

    def room(self) -> int:
        """The free bytes."""
        return shutil.disk_usage(self.root).free


def _drop(place: Path) -> None:
    if place.is_symlink() or place.is_file():
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)


def _places(root: Path) -> list[str]:
    """Where files of the server are: of the studio, of its passing work, and of Impasto; those within others
    first. A relative path may be a word of any sentence, and is none of them.
    """
    code = Path(__file__).parents[2]
    places = {root.absolute(), root.resolve(), Path(tempfile.gettempdir()), Path(sys.prefix), code}
    with contextlib.suppress(RuntimeError):  # there is none
        places.add(Path.home())
    return sorted((str(each) for each in places if each.is_absolute() and each.parent != each), key=len, reverse=True)


def is_own(path: Path) -> bool:
    """Whether there is an ordinary file of ours, and no link, also not as its folder."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and not path.parent.is_symlink()
    except OSError:
        return False


def tag(*parts: object) -> str:
    """An ETag for what these parts decide."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'
