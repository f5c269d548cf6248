"""Who is asking: the printed token is exchanged for a session, kept in a cookie that scripts cannot read.

Only hashes of secrets are kept. Without users all sessions are one visitor's; with them every session that
the printed token begins is a new visitor's, and what a visitor makes is nobody else's to see.
"""

import hashlib
import secrets
from datetime import timedelta

from impasto.errors import OutputError
from impasto.web.config import LONGEST_TOKEN, Config
from impasto.web.models import now
from impasto.web.store import Store

LASTS = timedelta(days=60)
_RENEWED = timedelta(days=1)
"""The age from which a session that is used lasts anew."""
OWNER = "owner"
"""The visitor that the printed token itself stands for."""


class Sessions:
    """The sessions of a studio."""

    def __init__(self, config: Config, store: Store) -> None:
        """Those that are too old are forgotten."""
        self._config, self._store = config, store
        self.cookie = f"impasto-{config.port}"
        store.drop_sessions(_oldest())

    def visitor(self, secret: str | None) -> str | None:
        """Whose secret this is: the printed token's, or a session's. None where it is nobody's."""
        if not secret or len(secret) > LONGEST_TOKEN:
            return None
        if self._is_printed(secret):
            return OWNER
        return self._store.visitor(_hash(secret), _oldest())

    def begun(self, secret: str) -> str | None:
        """The secret of a new session for whoever shows the printed token, or the secret of another session;
        None for anybody else.
        """
        visitor = self.visitor(secret)
        if visitor is None:
            return None
        if self._config.users and self._is_printed(secret):
            visitor = secrets.token_urlsafe(12)
        return self.another(visitor)

    def renewed(self, secret: str | None) -> bool:
        """Let a session last from now on; whether it was old enough for that."""
        if not secret or self._store.visitor(key := _hash(secret), (now() - _RENEWED).isoformat()) is not None:
            return False
        if (visitor := self._store.visitor(key, _oldest())) is None:
            return False
        try:
            self._store.add_session(key, visitor, now().isoformat())
        except OutputError:  # the disk is full: another time
            return False
        return True

    def _is_printed(self, secret: str) -> bool:
        return secrets.compare_digest(secret.encode(), self._config.token.encode())

    def another(self, visitor: str) -> str:
        """The secret of one more session of a visitor."""
        secret = secrets.token_urlsafe(24)
        self._store.add_session(_hash(secret), visitor, now().isoformat())
        return secret


def _oldest() -> str:
    """When the oldest session was begun that lasts still."""
    return (now() - LASTS).isoformat()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
