"""Where the claims of a batch lie: in the folder of its results, or in the store of objects."""

import contextlib
import secrets

from impasto.batch.stores import Place, asking
from impasto.errors import SettingsError
from impasto.jobs.shared import Folder, Shared, unread, unwritten
from impasto.machine import files


def shared(place: Place, folder: str) -> Shared:
    """The files in a ``folder`` of where a batch's results go. Raises OutputError, and SettingsError for a
    store that lets two make the same file.
    """
    return _Store(place.of(folder)) if place.url else Folder(place.folder / folder)


class _Store:
    """Of a store that makes an object on the condition that there is none: S3 does, and Google's."""

    def __init__(self, url: str) -> None:
        self._url = url
        probe = f"{secrets.token_hex(8)}.probe"
        both = self.make(probe, "") and self.make(probe, "")
        self.remove(probe)
        if both:
            raise SettingsError(
                f"{url} lets two make the same object, which `claim` is not safe with: share the batch by `shard`."
            )

    def make(self, name: str, text: str) -> bool:
        try:
            with asking(self._of(name)) as system:
                system.pipe_file(self._of(name), text.encode(), mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise unwritten(self._of(name), error) from error
        return True

    def text(self, name: str) -> str | None:
        try:
            with asking(self._of(name)) as system:
                long = system.info(self._of(name))["size"] > files.LONGEST
                return "" if long else bytes(system.cat_file(self._of(name))).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unread(self._of(name), error) from error

    def touched(self, name: str) -> float | None:
        try:
            with asking(self._of(name)) as system:
                return float(system.modified(self._of(name)).timestamp())
        except OSError:
            return None

    def touch(self, name: str) -> float:
        try:
            with asking(self._of(name)) as system:
                system.pipe_file(self._of(name), b"")
                return float(system.modified(self._of(name)).timestamp())
        except OSError as error:
            raise unwritten(self._of(name), error) from error

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError), asking(self._of(name)) as system:
            system.rm_file(self._of(name))

    def _of(self, name: str) -> str:
        return f"{self._url}/{name}"
