"""What nobody comes back to is freed: what visitors have left whose sessions are over, and masks that nothing
names. The page sends one whenever the brush rests, and it alone remembers which is the latest; one that is
older than any session, and that no job was asked for with, is taken to be of no use.
"""

import asyncio
import logging

from impasto.errors import OutputError, briefly
from impasto.web.folder import Folder
from impasto.web.models import now
from impasto.web.sessions import LASTS, OWNER
from impasto.web.store import Store

log = logging.getLogger("impasto.web")

_EVERY = 24 * 3600.0
"""Seconds."""


async def freeing(store: Store, folder: Folder) -> None:
    """Free it now and every day, until this is cancelled."""
    while True:
        try:
            await asyncio.to_thread(free, store, folder)
        except (OutputError, OSError) as error:  # another time
            log.warning("not freed", extra={"reason": briefly(error)})
        await asyncio.sleep(_EVERY)


def free(store: Store, folder: Folder) -> None:
    """Free it, files first: what is cut short is found again. Raises OutputError and OSError."""
    oldest = now() - LASTS
    store.drop_sessions(oldest.isoformat())
    for id in store.left("jobs", OWNER):
        folder.drop_job(id)
        store.drop_job(id)
    for id in store.left("pictures", OWNER) | store.unnamed_masks(oldest):
        folder.drop_picture(id)
        store.drop_picture(id)
