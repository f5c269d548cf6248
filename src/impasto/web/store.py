"""What a studio knows, in a SQLite file: visitors' sessions, pictures, and jobs with all that became of them.

Every picture and job is one row with the JSON of its model, and beside it only what is searched for. Rows are
written whole and at once; after a crash there is the state before or after a change.
"""

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from impasto.errors import OutputError, briefly
from impasto.web.models import Job, Picture

log = logging.getLogger("impasto.web")

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


_ASKED = (
    "key, visitor, created FROM sessions",
    "number, id, stored, data FROM pictures",
    "number, id, place, data FROM jobs",
)
_Model = TypeVar("_Model", Picture, Job)


class Store:
    """The file; its methods are short enough to be called from anywhere. Rows that hold none of ours are left
    out of what it tells, and stay.
    """

    def __init__(self, path: Path, *, anew: bool = True) -> None:
        """Open it, or make it ``anew`` where there is none. Raises OutputError for what is no such file, is
        damaged, or cannot be written.
        """
        self._lock = threading.Lock()
        self._odd = set[str]()
        with contextlib.ExitStack() as closing:
            try:
                self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
                closing.callback(self._file.close)
                (form,) = self._file.execute("PRAGMA user_version").fetchone()
                if form > _FORM:
                    raise OutputError(
                        f"{path} was written by a newer Impasto: update Impasto, or choose another folder."
                    )
                if form == 0 and not anew:
                    raise OutputError(
                        f"{path} is gone or empty, and alone knows whose the pictures and jobs beside it are: put it "
                        "back, or choose another folder."
                    )
                self._file.execute("PRAGMA journal_mode = WAL")
                self._file.execute("PRAGMA synchronous = NORMAL")
                if form == 0:
                    self._file.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORM}; COMMIT")
                (found,) = self._file.execute("PRAGMA quick_check(1)").fetchone()
                if found != "ok":
                    raise sqlite3.DatabaseError(found)
                for asked in _ASKED:
                    self._file.execute(f"SELECT {asked} LIMIT 0")
            except sqlite3.Error as error:
                raise OutputError(f"{path} cannot be used ({briefly(error)}): choose another folder.") from error
            closing.pop_all()

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

    def visitor(self, key: str, since: str) -> str | None:
        """Whose session it is by its hash, if it was not begun before a time."""
        found = self._all("SELECT visitor FROM sessions WHERE key = ? AND created >= ?", key, since)
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
        query = "SELECT id, data FROM pictures WHERE visitor = ? AND kind = ifnull(?, kind) ORDER BY number DESC"
        return self._read(Picture, query, visitor, kind)

    def picture(self, visitor: str, id: str) -> Picture | None:
        """One of a visitor's."""
        return next(
            iter(self._read(Picture, "SELECT id, data FROM pictures WHERE visitor = ? AND id = ?", visitor, id)), None
        )

    def picture_by_hash(self, visitor: str, sha256: str, kind: str | None = None) -> Picture | None:
        """One of a visitor's by the SHA-256 of the file that was sent, or of the one that is here, newest
        first.
        """
        query = (
            "SELECT id, data FROM pictures WHERE visitor = ? AND ? IN (sha256, stored) AND kind = ifnull(?, kind) "
            "ORDER BY number DESC LIMIT 1"
        )
        return next(iter(self._read(Picture, query, visitor, sha256, kind)), None)

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
        return self._read(Job, "SELECT id, data FROM jobs WHERE visitor = ? ORDER BY number DESC", visitor)

    def job(self, visitor: str, id: str) -> Job | None:
        """One of a visitor's."""
        return next(iter(self._read(Job, "SELECT id, data FROM jobs WHERE visitor = ? AND id = ?", visitor, id)), None)

    def jobs_in(self, state: str) -> list[tuple[str, Job]]:
        """All in a state with their visitors, in the order in which they wait."""
        whose = dict(self._all("SELECT id, visitor FROM jobs WHERE state = ?", state))
        found = self._read(Job, "SELECT id, data FROM jobs WHERE state = ? ORDER BY place", state)
        return [(whose[job.id], job) for job in found if job.id in whose]

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
            except sqlite3.DatabaseError as error:
                raise _unusable(error) from error

    def _all(self, query: str, *values: Any) -> list[Any]:
        with self._lock:
            try:
                return self._file.execute(query, values).fetchall()
            except UnicodeEncodeError:  # half of a letter, as JSON may hold it: no text that is kept has one
                return []
            except sqlite3.DatabaseError as error:
                raise _unusable(error) from error

    def _read(self, kind: type[_Model], query: str, *values: Any) -> list[_Model]:
        """What a query for ids and data finds."""
        found: list[_Model] = []
        for id, data in self._all(query, *values):
            try:
                found.append(kind.model_validate_json(data))
            except ValidationError as error:
                if id not in self._odd:
                    log.warning("row left out", extra={"row": id, "reason": briefly(error)})
                self._odd.add(id)
        return found


def _unusable(error: sqlite3.DatabaseError) -> OutputError:
    """The disk is full, which hinders reading, too, or the file has been damaged meanwhile."""
    return OutputError(f"What the studio knows cannot be used ({error}): free some space, or put a copy of it back.")
