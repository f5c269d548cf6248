"""Items: one photograph or clip in one look, which is a job, and the key by which its result is known
again.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from impasto import weights
from impasto._version import __version__
from impasto.batch import copies, stores
from impasto.batch.stores import Found
from impasto.errors import ImageError, ImpastoError
from impasto.jobs.deliver import Work
from impasto.jobs.job import Job
from impasto.jobs.underway import Underway
from impasto.machine import files
from impasto.machine.files import at_home
from impasto.tasks import record
from impasto.video import told
from impasto.video.job import VideoJob, job_of

CHECKPOINT_EVERY = 60.0
"""Seconds between two checkpoints of what has iterations: so much is lost when its worker dies."""
ANY = "photograph"
"""What stands for the content in the job of a `Pattern`."""

_State = Found | None
"""By what a file is taken for the same; None where there is none."""


@dataclass(frozen=True)
class Pattern:
    """What many items have in common: a job for any photograph or clip, `ANY` and without an output."""

    job: Job | VideoJob

    @property
    def is_film(self) -> bool:
        """Whether it is of moving pictures."""
        return isinstance(self.job, VideoJob)

    @property
    def lasts(self) -> bool:
        """Whether each takes so long that it leaves what can be gone on from."""
        return isinstance(self.job, VideoJob) or self.job.iterations > 0

    @property
    def digest(self) -> str:
        """Of all that decides what a result is, but for the photograph: the job, with every file by its
        SHA-256 in place of its path; what its recipe's settings come to; the weights; and the version.

        The files are read, once. Raises ImageError for one that cannot be.
        """
        return self._read[0]

    @functools.cached_property
    def _read(self) -> tuple[str, list[_State]]:
        """The digest, and the states of the files that it is of."""
        job, states = self.job, self._states()
        decided = {
            "version": __version__,
            "weights": {name: each.sha256 for name, each in weights.REGISTRY.items()},
            "settings": {name: value for name, value in job.chosen().dictionary().items() if name not in job.settings},
            "job": self.here.moved(_by_content).dictionary(),
        }
        return hashlib.sha256(json.dumps(decided, sort_keys=True).encode()).hexdigest()[:32], states

    def has_changed(self) -> bool:
        """Whether a file is no longer what the digest is of."""
        return self._states() != self._read[1]

    def _states(self) -> list[_State]:
        return [_state(path) for path in self.files()]

    def files(self) -> list[str]:
        """The paths of the files that are read for every photograph."""
        found: list[str] = []
        self.here.moved(lambda path: found.append(path) or path)  # type: ignore[func-returns-value]
        return [path for path in found if path != ANY]

    @functools.cached_property
    def here(self) -> Job | VideoJob:
        """The job with copies, on this machine, of the files that are in stores. Raises ImageError."""
        return self.job.moved(lambda path: path if path == ANY else copies.here(path))


class Item(NamedTuple):
    """A photograph or a clip, ``content``, in a look. ``output`` is a path within the batch's folder, with
    slashes.
    """

    content: str
    output: str
    pattern: Pattern

    def job(self, folder: Path, content: Path | None = None) -> Job | VideoJob:
        """What makes the result, of its ``content`` in a copy if there is one. What has iterations leaves
        checkpoints beside it, and a film its parts, until it is there.
        """
        job, path = self.pattern.here.to(str(folder / self.output)), str(content or self.content)
        if isinstance(job, VideoJob):
            return replace(job, clip=path)
        every = CHECKPOINT_EVERY if job.iterations else None
        return replace(job, content=path, delivery=replace(job.delivery, checkpoint_every=every))

    def work(self, folder: Path, content: Path, digest: str) -> Underway[Any]:
        """That job about to be carried out, of a ``content`` of that SHA-256. Raises as `Work` and
        `VideoWork` do, and NotInstalledError.
        """
        job, key = self.job(folder, content), self.key(digest)
        if isinstance(job, VideoJob):
            from impasto.video.work import VideoWork  # which needs more than every installation has

            return VideoWork(job, force=True, key=key)
        return Work(job, force=True, key=key)

    def key_in(self, result: Path) -> str | None:
        """The key that a result carries, None where there is none, or no result."""
        try:
            return str((told if self.pattern.is_film else record).read(result)["key"])
        except (ImpastoError, KeyError):
            return None

    def key(self, content: str) -> str:
        """By what the result is known for one of this very ``content``, given by its SHA-256.

        >>> pattern = Pattern(Job("stylize", ANY, style_index="rhone", settings={"method": "fast"}))
        >>> Item("a.jpg", "a.png", pattern).key("00") == Item("b.jpg", "b.png", pattern).key("00")
        True
        """
        decided = (self.pattern.digest, content, os.path.splitext(self.output)[1].lower())
        return hashlib.sha256("\0".join(decided).encode()).hexdigest()[:32]


def dictionary(items: list[Item]) -> dict[str, Any]:
    """Items as plain values for JSON; `of` makes the same of them."""
    patterns = {id(item.pattern): item.pattern for item in items}
    numbers = {name: number for number, name in enumerate(patterns)}
    return {
        "patterns": [pattern.job.dictionary() for pattern in patterns.values()],
        "items": [[item.content, item.output, numbers[id(item.pattern)]] for item in items],
    }


def of(data: Mapping[str, Any]) -> list[Item]:
    """The items of a `dictionary`."""
    patterns = [Pattern(job_of(job)) for job in data["patterns"]]
    return [Item(content, output, patterns[number]) for content, output, number in data["items"]]


def _state(path: str) -> _State:
    try:
        return stores.found(path)
    except OSError:
        return None


@functools.lru_cache(4096)
def _sha256_of(path: str, _: _State) -> str:
    return files.sha256_of(at_home(path))


def _by_content(path: str) -> str:
    """A name that says what a file holds, and of what kind it is."""
    if path == ANY:
        return path
    try:
        return _sha256_of(path, _state(path)) + Path(path).suffix.lower()
    except OSError as error:
        raise ImageError(f"{path} cannot be read ({error.strerror}): give the path of a file.") from error
