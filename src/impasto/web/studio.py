"""A studio: all of its parts, put together once."""

from dataclasses import dataclass

from impasto.web.config import Config
from impasto.web.desk.client import Desk
from impasto.web.folder import Folder
from impasto.web.intake import Intake
from impasto.web.sessions import Sessions
from impasto.web.store import Store

_DESK = 2 * 2**30
"""Bytes that a desk may hold."""


@dataclass(frozen=True)
class Studio:
    """The parts, as routes ask for them."""

    config: Config
    folder: Folder
    store: Store
    sessions: Sessions
    desk: Desk
    """Reads what is sent, and shows what is kept."""
    intake: Intake

    @classmethod
    def of(cls, config: Config) -> "Studio":
        """A studio in its folder. Raises OutputError."""
        folder = Folder(config.folder)
        store = Store(config.folder / "studio.sqlite")
        desk = Desk("pictures", _DESK)
        return cls(config, folder, store, Sessions(config, store), desk, Intake(folder, store, desk))

    async def close(self) -> None:
        """End what runs, and close what is open."""
        await self.desk.close()
        self.store.close()
