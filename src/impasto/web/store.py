"""What a studio knows, in a SQLite file: visitors' sessions, pictures, and jobs with all that became of them.

Every picture and job is one row with the JSON of its model, and beside it only what is searched for. Rows are
written whole and at once; after a crash there is the state before or after a change.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impasto.errors import OutputError
from impasto.web.models import Job, Picture

_FORM = 1
_SCHEMA = """
CREATE TABLE sessions (key TEXT PRIMARY KEY, visitor TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE pictures (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, visitor TEXT NOT NULL, kind TEXT NOT NULL,
    sha256 TEXT NOT NULL, stored TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX by_hash ON pictures (visitor, sha256);
CREATE INDEX by_stored ON pictures (visitor, stored);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, visitor TEXT NOT NULL, state TEXT NOT NULL,
    place REAL NOT NULL, data TEXT NOT NULL
);
CREATE INDEX by_state ON jobs (state, place);
"""


class Store:
    """The file; its methods are short enough to be called from anywhere."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises OutputError for what is no such file, or cannot be written."""
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            (form,) = self._file.execute("PRAGMA user_version").fetchone()
            if form == 0:
                self._file.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORM}; COMMIT")
        except sqlite3.Error as error:
            self._file.close()
            raise OutputError(f"{path} cannot be used ({error}): choose another folder.") from error
        if form > _FORM:
            self._file.close()
            raise OutputError(f"{path} was written by a newer Impasto: update Impasto, or choose another folder.")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def add_session(self, key: str, visitor: str, created: str) -> None:
        """Let a visitor be known by the hash of a secret."""
        with self._writing() as file:
            file.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)", (key, visitor, created))

    def drop_sessions(self, before: str) -> None:
        """Forget those that were begun before a time."""
        with self._writing() as file:
            file.execute("DELETE FROM sessions WHERE created < ?", (before,))

    def visitor(self, key: str) -> str | None:
        """Whose session it is by its hash."""
        found = self._all("SELECT visitor FROM sessions WHERE key = ?", key)
        return found[0][0] if found else None

    def add_picture(self, visitor: str, picture: Picture, stored: str) -> None:
        """Keep a picture; ``stored`` is the SHA-256 of its file here."""
        row = (picture.id, visitor, picture.kind, picture.sha256, stored, picture.model_dump_json())
        with self._writing() as file:
            file.execute(
                "INSERT INTO pictures (id, visitor, kind, sha256, stored, data) VALUES (?, ?, ?, ?, ?, ?)", row
            )

    def pictures(self, visitor: str, kind: str | None = None) -> list[Picture]:
        """A visitor's, newest first."""
        rows = self._all(
            "SELECT data FROM pictures WHERE visitor = ? AND kind = ifnull(?, kind) ORDER BY number DESC", visitor, kind
        )
        return [Picture.model_validate_json(data) for (data,) in rows]

    def picture(self, visitor: str, id: str) -> Picture | None:
        """One of a visitor's."""
        rows = self._all("SELECT data FROM pictures WHERE visitor = ? AND id = ?", visitor, id)
        return Picture.model_validate_json(rows[0][0]) if rows else None

    def picture_by_hash(self, visitor: str, sha256: str, kind: str | None = None) -> Picture | None:
        """One of a visitor's by the SHA-256 of the file that was sent, or of the one that is here, newest
        first.
        """
        rows = self._all(
            "SELECT data FROM pictures WHERE visitor = ? AND ? IN (sha256, stored) AND kind = ifnull(?, kind) "
            "ORDER BY number DESC LIMIT 1",
            visitor, sha256, kind,
        )  # fmt: skip
        return Picture.model_validate_json(rows[0][0]) if rows else None

    def drop_picture(self, id: str) -> None:
        """Forget a picture."""
        with self._writing() as file:
            file.execute("DELETE FROM pictures WHERE id = ?", (id,))

    def add_job(self, visitor: str, job: Job) -> None:
        """Keep a job, as the last of those that wait."""
        with self._writing() as file:
            file.execute(
                "INSERT INTO jobs (id, visitor, state, place, data) "
                "SELECT ?, ?, ?, ifnull(max(place), 0) + 1, ? FROM jobs",
                (job.id, visitor, job.state, job.model_dump_json()),
            )

    def save_job(self, job: Job) -> None:
        """Keep what has become of a job; of one that was dropped meanwhile, nothing."""
        with self._writing() as file:
            file.execute("UPDATE jobs SET state = ?, data = ? WHERE id = ?", (job.state, job.model_dump_json(), job.id))

    def place_jobs(self, before: list[str], after: list[str]) -> None:
        """Let jobs take one another's places: those that come in the order ``before`` come in ``after``."""
        with self._writing() as file:
            rows = [file.execute("SELECT place FROM jobs WHERE id = ?", (id,)).fetchone() for id in before]
            file.executemany(
                "UPDATE jobs SET place = ? WHERE id = ?",
                [(place, id) for (place,), id in zip(rows, after, strict=True)],
            )

    def jobs(self, visitor: str) -> list[Job]:
        """A visitor's, newest first."""
        rows = self._all("SELECT data FROM jobs WHERE visitor = ? ORDER BY number DESC", visitor)
        return [Job.model_validate_json(data) for (data,) in rows]

    def job(self, visitor: str, id: str) -> Job | None:
        """One of a visitor's."""
        rows = self._all("SELECT data FROM jobs WHERE visitor = ? AND id = ?", visitor, id)
        return Job.model_validate_json(rows[0][0]) if rows else None

    def jobs_in(self, state: str) -> list[tuple[str, Job]]:
        """All in a state with their visitors, in the order in which they wait."""
        rows = self._all("SELECT visitor, data FROM jobs WHERE state = ? ORDER BY place", state)
        return [(visitor, Job.model_validate_json(data)) for visitor, data in rows]

    def drop_job(self, id: str) -> None:
        """Forget a job."""
        with self._writing() as file:
            file.execute("DELETE FROM jobs WHERE id = ?", (id,))

    def ids(self, table: str) -> set[str]:
        """Of all ``pictures`` or ``jobs``."""
        assert table in ("pictures", "jobs")
        return {id for (id,) in self._all(f"SELECT id FROM {table}")}

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                with self._file:  # a whole change or none
                    self._file.execute("BEGIN IMMEDIATE")
                    yield self._file
            except sqlite3.OperationalError as error:  # the disk is full, for one
                raise OutputError(f"What the studio knows cannot be written ({error}): free some space.") from error

    def _all(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._file.execute(query, values).fetchall()
