"""What all tasks have in common: they are prepared, computed step by step, and leave a picture with its
record.
"""

import io
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from impasto._version import __version__
from impasto.errors import SettingsError
from impasto.machine.devices import choose_device, choose_precision
from impasto.pictures import codecs
from impasto.pictures.codecs import NOWHERE, Origin
from impasto.pictures.large import LargePicture
from impasto.pictures.picture import Depth, Picture, Size
from impasto.progress import Progress
from impasto.settings.fields import Settings
from impasto.tasks import record


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """A finished picture with the record of how it was made."""

    painted: Picture | LargePicture
    record: dict[str, Any]

    def __repr__(self) -> str:
        height, width = self.painted.size
        told = [f"{name} {self.record[name]}" for name in ("recipe", "network", "steps") if name in self.record]
        return f"Result({width}×{height}, {', '.join(told)})"

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        file = io.BytesIO()
        self.painted.image().save(file, "PNG")
        return file.getvalue()

    @property
    def picture(self) -> Picture:
        """The picture in float32: of one of more than `LARGE` pixels a copy, three times the size."""
        return self.painted if isinstance(self.painted, Picture) else codecs.load(self.painted.image())

    def save(
        self,
        path: str | Path,
        *,
        depth: Depth | None = None,
        force: bool = False,
        metadata: bool = True,
        origin: Origin = NOWHERE,
    ) -> None:
        """Write the picture in the format of its suffix, with its record embedded unless ``metadata`` is
        False, and with what ``origin`` (`pictures.origin.origin_of`) holds of the photograph.

        What differs from run to run, and folders, are left out of the embedded record: the same picture is
        the same bytes. Raises OutputError when the file exists without ``force`` or cannot be written.
        """
        said = self._said(Path(path), depth) if metadata else ""
        codecs.save(self.painted, Path(path), description=said, depth=depth, force=force, origin=origin)

    def encoded(
        self, suffix: str = ".png", *, depth: Depth | None = None, metadata: bool = True, origin: Origin = NOWHERE
    ) -> bytes:
        """The bytes that `save` writes under a name with that ``suffix``, for what is no file: an answer, a
        database. Raises OutputError for an unknown suffix, or a format that cannot hold the picture.
        """
        said = self._said(Path(f"picture{suffix}"), depth) if metadata else ""
        return codecs.encoded(self.painted, suffix, description=said, depth=depth, origin=origin)

    def _said(self, path: Path, depth: Depth | None) -> str:
        """The record, as much of it as a file of that name holds."""
        form = codecs.check_format(path, self.painted.size, depth)
        return record.shortened(record.embedded(self.record), form.told)


class Prepared(ABC):
    """A task made ready: sizes are settled, nothing is computed yet."""

    def __init__(self, task: str, recipe: str, settings: Settings, size: Size) -> None:
        """``size`` is the result's."""
        self.task, self.recipe, self.settings, self.size = task, recipe, settings, size
        self.device = choose_device(settings.device)
        self.precision = choose_precision(settings.precision, self.device)
        self.started_at = time.perf_counter()

    def __getstate__(self) -> Any:
        raise TypeError(
            f"A {type(self).__name__} is not pickled, for it holds networks and what is half computed: send a jobs.Job and prepare "
            "it there, or write its checkpoint()."
        )

    @property
    def iterations(self) -> int:
        """Over all scales; 0 where there are none to take snapshots of."""
        return 0

    @property
    def has_picture(self) -> bool:
        """Whether `picture` and `result` can be had already."""
        return False

    def checkpoint(self, path: Path) -> None:
        """Write all that `resume` needs to a file, over what is there, whole or not at all; between steps.
        Raises OutputError.
        """
        raise SettingsError("A checkpoint has no meaning with `method` fast, which has no iterations.")

    def resume(self, path: Path, *, exact: bool = False) -> int:
        """Let `steps` go on from a checkpoint of the same run, and tell the iteration it is of.

        The result is that of a run that was never cut off, on the same machine, with the same ``memory``;
        with another, and on another device, it differs by rounding. Raises CheckpointError where there is
        none, it is damaged, or of another run; with ``exact`` also by another version of Impasto.
        """
        raise SettingsError("`resume` has no meaning with `method` fast, which has no iterations: leave it out.")

    @abstractmethod
    def steps(self) -> Generator[Progress, None, None]:
        """Compute, telling how far it is every now and then. Close the generator to stop."""

    @abstractmethod
    def picture(self) -> Picture:
        """The picture so far, at the final size. Raises NotReadyError before there is one."""

    @abstractmethod
    def result(self) -> Result:
        """The picture so far and its record. Raises NotReadyError before there is one."""

    @abstractmethod
    def plan(self) -> dict[str, Any]:
        """What `steps` will do, for people to read."""

    @abstractmethod
    def estimate(self) -> tuple[float, float]:
        """Roughly the seconds and the bytes that it will take, by trying a small part."""

    def finish(self) -> Result:
        """Compute to the end and give the result."""
        for _ in self.steps():
            pass
        return self.result()

    def _told(self, done: float, elapsed: float, text: str, **also: Any) -> Progress:
        """What to tell after so many seconds, in which a share of the work was done."""
        return Progress(done, text, seconds_left=elapsed * (1 - done) / done if done > 0 else None, **also)

    def _described(self, network: str, digest: str) -> dict[str, Any]:
        """What every record says; ``digest`` is the SHA-256 of the network's weights."""
        return {
            "impasto": self.task,
            "width": self.size[1],
            "height": self.size[0],
            "recipe": self.recipe,
            "settings": self.settings.dictionary(),
            "seed": self.settings.seed,
            "version": __version__,
            "network": network,
            "weights_sha256": digest,
            "device": str(self.device),
            "precision": self.precision,
            "machine": record.machine(),
            "peak_rss_bytes": record.peak_rss_bytes(),
        }
