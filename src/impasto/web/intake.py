"""Pictures and clips that are sent: counted and hashed as they come, and read by the desk. Pictures are kept
as what it wrote.
"""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from impasto.errors import OR_TRUNCATED, ImageError, VideoError
from impasto.web.config import Config
from impasto.web.desk.client import Answer, Desk
from impasto.web.folder import Folder
from impasto.web.models import Held, Moving, Picture, now
from impasto.web.naming import shown
from impasto.web.refusals import Refused
from impasto.web.restoring import restored
from impasto.web.store import Store

_SPARE = 2**28
"""Bytes that are left free on the disk."""
FULL = "The studio's disk is full: delete some pictures, or ask whoever runs it."
_AT_ONCE, _AT_ONCE_EACH = 64, 6
"""Pictures that are being sent: by all, and by one visitor, so that a slow one keeps nobody else waiting."""


def new_id() -> str:
    """Sixteen letters that nobody guesses."""
    return secrets.token_urlsafe(12)


class Intake:
    """Takes pictures and clips in."""

    def __init__(self, config: Config, folder: Folder, store: Store, desk: Desk) -> None:
        self._config, self._folder, self._store, self._desk = config, folder, store, desk
        self._sending: Counter[str] = Counter()

    async def take(
        self, visitor: str, kind: Held, name: str, body: AsyncIterator[bytes], size: int | None = None
    ) -> tuple[Picture, bool]:
        """A visitor's picture from the bytes of its file, of which there are ``size`` if that is known, and
        whether it is new: the same again is the one that is there.

        Raises Refused, ImageError and VideoError.
        """
        most = self._config.max_clip if kind == "clip" else 0  # a picture fits into what is spared
        if self._folder.room() < _SPARE + (most if size is None else min(size, most)):
            raise Refused(507, FULL)
        if self._sending[visitor] >= _AT_ONCE_EACH or self._sending.total() >= _AT_ONCE:
            raise Refused(429, "Too many pictures are being sent: try again in a moment.", retry_after=2)
        self._sending[visitor] += 1
        try:
            return await self._taken(visitor, kind, name, body)
        except (ImageError, VideoError) as error:
            raise type(error)(str(error).replace(OR_TRUNCATED, "")) from error
        finally:
            self._sending[visitor] -= 1
            self._sending += Counter()  # forgets those that send nothing

    async def _taken(self, visitor: str, kind: Held, name: str, body: AsyncIterator[bytes]) -> tuple[Picture, bool]:
        id = new_id()
        incoming = self._folder.incoming(id)
        try:
            sha256 = await _written(body, incoming)
            if (there := self._store.picture_by_hash(visitor, sha256, kind)) and there.sha256 == sha256:
                return there, False
            answer = await (self._filmed(incoming, id) if kind == "clip" else self._read(incoming, id, kind))
        finally:
            incoming.unlink(missing_ok=True)
        told = answer.told
        picture = Picture(
            id=id, kind=kind, name=shown(name) or kind, sha256=sha256, created=now(),
            width=told["width"], height=told["height"], transparent=told["transparent"],
            restored=told["made"] and restored(told["made"], visitor, self._store),
            moving=told.get("moving") and Moving(**told["moving"]),
        )  # fmt: skip
        self._store.add_picture(visitor, picture, told["stored"])
        return picture, True

    async def _read(self, incoming: Path, id: str, kind: Held) -> Answer:
        """Have a picture written anew."""
        to = str(self._folder.picture(id))
        return await self._desk.ask("take", {"file": str(incoming), "to": to, "kind": kind})

    async def _filmed(self, incoming: Path, id: str) -> Answer:
        """Have three frames of a clip written, and keep it as it is: it is decoded again only where it is
        painted.
        """
        clip = self._folder.clip(id)
        await asyncio.to_thread(clip.parent.mkdir)
        try:
            to = [str(self._folder.frame(id, number)) for number in range(3)]
            asked = {"file": str(incoming), "to": to, "most_frames": self._config.max_frames}
            answer = await self._desk.ask("film", asked, urgency=2)
            incoming.rename(clip)
        except BaseException:
            self._folder.drop_picture(id)
            raise
        return answer


async def _written(body: AsyncIterator[bytes], path: Path) -> str:
    """Write what comes to a file, and give its SHA-256. Raises Refused where nothing came."""
    digest, came = hashlib.sha256(), 0
    try:
        with path.open("xb") as file:
            async for part in body:
                digest.update(part)
                came += len(part)
                await asyncio.to_thread(file.write, part)
    except OSError:
        raise Refused(507, FULL) from None
    if not came:
        raise Refused(415, "There is nothing in it: the request has no bytes.")
    return digest.hexdigest()
