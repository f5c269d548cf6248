"""Pictures that are sent: counted and hashed as they come, read by the desk, and kept as what it wrote."""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

from impasto.web.desk.client import Desk
from impasto.web.folder import Folder
from impasto.web.models import Kind, Picture, now
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
    """Takes pictures in."""

    def __init__(self, folder: Folder, store: Store, desk: Desk) -> None:
        self._folder, self._store, self._desk = folder, store, desk
        self._sending: Counter[str] = Counter()

    async def take(self, visitor: str, kind: Kind, name: str, body: AsyncIterator[bytes]) -> tuple[Picture, bool]:
        """A visitor's picture from the bytes of its file, and whether it is new: the same again is the one
        that is there.

        Raises Refused and ImageError.
        """
        if self._folder.room() < _SPARE:
            raise Refused(507, FULL)
        if self._sending[visitor] >= _AT_ONCE_EACH or self._sending.total() >= _AT_ONCE:
            raise Refused(429, "Too many pictures are being sent: try again in a moment.", retry_after=2)
        self._sending[visitor] += 1
        try:
            return await self._taken(visitor, kind, name, body)
        finally:
            self._sending[visitor] -= 1
            self._sending += Counter()  # forgets those that send nothing

    async def _taken(self, visitor: str, kind: Kind, name: str, body: AsyncIterator[bytes]) -> tuple[Picture, bool]:
        id = new_id()
        incoming, kept = self._folder.incoming(id), self._folder.picture(id)
        try:
            sha256 = await _written(body, incoming)
            if (there := self._store.picture_by_hash(visitor, sha256, kind)) and there.sha256 == sha256:
                return there, False
            answer = await self._desk.ask("take", {"file": str(incoming), "to": str(kept), "kind": kind})
        finally:
            incoming.unlink(missing_ok=True)
        told = answer.told
        picture = Picture(
            id=id, kind=kind, name=shown(name) or kind, sha256=sha256, created=now(),
            width=told["width"], height=told["height"], transparent=told["transparent"],
            restored=told["made"] and restored(told["made"], visitor, self._store),
        )  # fmt: skip
        self._store.add_picture(visitor, picture, told["stored"])
        return picture, True


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
        raise Refused(415, "There is no picture: the request has no bytes in it.")
    return digest.hexdigest()
