"""What of a batch lives in the processes of a cluster: one painter in each, whose network and
styles stay loaded from one call to the next.
"""

import contextlib
import os
import platform
import time
from collections.abc import Generator
from typing import Any

from impasto._version import __version__
from impasto.batch.ledger import Ledger
from impasto.batch.share import Share
from impasto.batch.stores import SAVED, STATE, Place
from impasto.errors import OutputError
from impasto.machine import files, limits

_SELDOM = 1.0
"""Seconds between two words on an item that is not done yet."""


class Painter:
    """Paints what it is given, a few items a call, into a folder that all nodes see at the same place, or
    into a store of objects.
    """

    def __init__(self, here: str, place: str, part: str) -> None:
        """``here`` is the folder that relative paths are of, and ``part`` parts its files from others'."""
        self._here, self._part, self._saved = here, part, time.monotonic()
        self._place = Place(place)
        self._ledger = Ledger(self._place.folder, part)

    def ready(self) -> tuple[str, str]:
        """Get ready, and tell the version installed and the node's number. Raises OutputError."""
        import ray

        try:
            os.chdir(self._here)
        except OSError as error:
            if not self._place.url:  # where photographs may be in stores as well; of others each is told
                raise OutputError(
                    f"The node {platform.node()} has no folder {self._here} ({error.strerror}): a batch needs its folders "
                    "at the same place on all nodes."
                ) from error
        files.create_folder(self._place.folder / STATE)
        return __version__, ray.get_runtime_context().get_node_id()

    def paint(self, items: dict[str, Any], ahead: int) -> Generator[dict[str, Any], None, None]:
        """Carry out some items (`items.dictionary`), telling what a `Share` tells, as plain values: of every
        item that is done, and now and then of the one at hand.
        """
        where = {"part": self._part, "url": self._place.url}
        share = Share.of(str(self._place.folder), items, limits.processors(), ahead=ahead, **where)
        told, counts = time.monotonic(), dict[str, float]()
        with contextlib.closing(share.events()) as events:
            for progress in events:
                if progress.event or progress.counts != counts or time.monotonic() - told >= _SELDOM:
                    told, counts = time.monotonic(), dict(progress.counts)
                    yield progress.dictionary()
        if time.monotonic() - self._saved >= SAVED:
            self.save()

    def save(self) -> None:
        """Put into a store what this painter remembers. Raises OutputError."""
        self._place.save(self._ledger.index, self._ledger.errors)
        self._saved = time.monotonic()
