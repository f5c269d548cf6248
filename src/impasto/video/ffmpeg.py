"""Files as FFmpeg is given them."""

from pathlib import Path
from typing import Any, Literal

from impasto.video.needed import av


def opened(path: Path, mode: Literal["r", "w"] = "r", **how: Any) -> Any:
    """A container of PyAV's, to read from or to write to. Raises av.error.FFmpegError and ValueError."""
    # What stands before a colon of a relative path is a protocol to FFmpeg.
    return av.open(str(path.absolute()), mode, **how)
