"""The files of a job, each by what it is: result, picture so far, snapshots, and what it started from."""

import contextlib
import shutil
from pathlib import Path

from impasto.web.folder import is_own

START = "start.png"
"""The name of what a job goes on from."""


class JobFiles:
    """The folder of one job."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.result, self.record = place / "result.png", place / "result.png.json"
        self.checkpoint = place / "result.png.checkpoint"
        self.so_far, self.start = place / "so-far.jpg", place / START

    def begin(self) -> None:
        """Make the folder, without what an earlier try has left but for its checkpoint."""
        self.place.mkdir(exist_ok=True)
        for each in (self.result, self.record):
            each.unlink(missing_ok=True)

    def picture(self) -> Path | None:
        """The result, or else the picture so far; None while there is neither."""
        return next((each for each in (self.result, self.so_far) if is_own(each)), None)

    def snapshot(self, iteration: int) -> Path:
        """The picture so far as it was at an iteration."""
        return self.place / f"snapshot-{iteration:06d}.jpg"

    def keep_snapshot(self, iteration: int) -> bool:
        """Let the picture so far stay as it is; whether it does."""
        with contextlib.suppress(OSError):
            shutil.copyfile(self.so_far, self.snapshot(iteration), follow_symlinks=False)
            return True
        return False

    def start_from(self, other: "JobFiles") -> None:
        """Begin with what another job has made. Raises OSError."""
        picture = other.picture()
        if picture is None:
            raise FileNotFoundError(other.place)
        self.place.mkdir(exist_ok=True)
        self.start.write_bytes(picture.read_bytes())
