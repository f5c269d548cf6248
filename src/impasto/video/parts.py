"""The parts of a film: each some seconds of it in a file of its own, whole and playable once it is there.

They lie in a folder beside the output as long as it is being made. What a part ends with is kept with it, so
that the next one goes on as if nothing had happened in between. Two that make the same film at once, as in a
batch one that was taken for dead may, write the same parts, each whole.
"""

import contextlib
import hashlib
import logging
import secrets
import shutil
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto.errors import CheckpointError, OutputError, briefly
from impasto.machine import checkpoint, files, formats, strict_json
from impasto.machine.checkpoint import State
from impasto.video import planes, times
from impasto.video.colour import Floats
from impasto.video.forms import Packing
from impasto.video.needed import av
from impasto.video.unfinished import Unfinished

log = logging.getLogger("impasto")

Moment = tuple[int, int]
"""The tick at which a frame is shown, and for how many."""

ALPHA_MODE = {"alpha_mode": "1"}
"""By what Matroska's and WebM's players know that a stream of VP9 is transparent."""


class Parts:
    """The folder of a film's parts."""

    def __init__(self, output: Path, packing: Packing, base: Fraction) -> None:
        self.folder = files.beside(output, ".parts")
        self.unfinished = Unfinished(self.folder / "unfinished")
        self._packing, self.base = packing, base
        self.count = 0
        """How many parts are done, from the first on, for this run: another may add to them."""
        self._suffix = ".mkv" if packing.form.image else output.suffix.lower()
        self._container = "matroska" if packing.form.image else packing.form.container
        self._film = ""
        """By what its parts are known to be of this film."""
        self._rest: list[Moment] = []

    def begin(self, own: State, *, resume: bool) -> State | None:
        """Make the folder, or take up what is there of the same film: the state after its last part, None
        before the first.

        ``own`` is by what the film is known again. Parts that are not as they were written are told of and
        made again, with all that come after. Raises CheckpointError where there is nothing to take up, or it
        is of another film, and OutputError.
        """
        self._film = hashlib.sha256(strict_json.dumps(own).encode()).hexdigest()
        told = self.folder / "film.json"
        if resume:
            try:
                known = formats.read(told)
            except (OSError, ValueError) as error:
                raise CheckpointError(
                    f"There is nothing to go on from in {self.folder} ({briefly(error)}): leave out `resume`."
                ) from error
            if known != strict_json.loads(strict_json.dumps(own)):
                raise CheckpointError(
                    f"{self.folder} is of another film: give it the same clip, styles and settings, or leave out `resume`."
                )
            there = self._found()
            self.count, state = self._sound(there)
            if self.count < there:
                log.warning(
                    "The parts of %s from %05d on are not as they were written: they are made again.",
                    self.folder,
                    self.count,
                )
            for left in self.folder.glob("[0-9]*"):  # beyond a gap, too, where it was being removed
                if not left.stem.isdecimal() or int(left.stem) >= self.count:
                    files.remove(left)
            return state
        self.remove()
        files.create_folder(self.folder)
        files.write_atomic(told, strict_json.dumps(own).encode(), force=True)
        return None

    @property
    def begun(self) -> bool:
        """Whether there is anything to go on from."""
        return self.count > 0 or self.unfinished.exists

    def _found(self) -> int:
        """How many parts are there, one after the other from the first."""
        number = 0
        while self._file(number, ".state").exists() and self._file(number, self._suffix).exists():
            number += 1
        return number

    def writer(self, size: tuple[int, int]) -> "Writer":
        """What writes the next part, of frames of a height and width."""
        return Writer(self._file(self.count, self._suffix), self._container, self._packing, size, self.base)

    def keep(self, state: State, moments: Sequence[Moment]) -> None:
        """Say what the part that has just been written ends with, and when its frames are: from then on it is
        done.
        """
        number = self.count
        own = {"film": self._film, "part": number}
        told = own | {"sha256": files.sha256_of(self._file(number, self._suffix)), "moments": moments}
        files.write_atomic(self._file(number, ".json"), strict_json.dumps(told).encode(), force=True)
        checkpoint.save(self._file(number, ".state"), {**state, **own})
        self.count += 1

    def _sound(self, there: int) -> tuple[int, State | None]:
        """How many of the parts that are there are as they were written, and the state after the last of
        them.
        """
        done = 0
        while done < there and self._is_sound(done):
            done += 1
        while done:
            with contextlib.suppress(CheckpointError):
                state = checkpoint.load(self._file(done - 1, ".state"))
                if (state.get("film"), state.get("part")) == (self._film, done - 1):
                    return done, state
            done -= 1
        return 0, None

    def _is_sound(self, number: int) -> bool:
        try:
            told = formats.read(self._file(number, ".json"))
            digest = files.sha256_of(self._file(number, self._suffix))
        except (OSError, ValueError):
            return False
        return (told.get("film"), told.get("part"), told.get("sha256")) == (self._film, number, digest)

    def keep_rest(self, moments: Sequence[Moment]) -> None:
        """Let what has been written of a part that was cut off be the last one, of which nothing goes on."""
        self._rest = list(moments)

    def moments(self) -> list[Moment]:
        """When the frames of all parts are."""
        found = [formats.read(self._file(number, ".json"))["moments"] for number in range(self.count)]
        return [(tick, lasts) for part in (*found, self._rest) for tick, lasts in part]

    def files(self) -> list[Path]:
        """The files of all parts, in their order."""
        return [self._file(number, self._suffix) for number in range(self.count + bool(self._rest))]

    def remove(self) -> None:
        """Remove the folder with all that is in it, if it is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:05d}{suffix}"


class Writer:
    """Writes one part: hidden until it is whole."""

    def __init__(self, path: Path, container: str, packing: Packing, size: tuple[int, int], base: Fraction) -> None:
        self._path, self._packing, self._base = path, packing, base
        self._hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        with _told(path):
            self._container = av.open(str(self._hidden), "w", format=container)
            stream: Any = self._container.add_stream(packing.codec.encoder, options=packing.options())
            stream.height, stream.width = size
            stream.pix_fmt = packing.pixels
            stream.time_base = stream.codec_context.time_base = base
            context = stream.codec_context
            context.color_primaries = context.color_trc = 1
            if not packing.pixels.startswith(("gbr", "bgr")):
                context.colorspace, context.color_range = 1, 1
            if packing.name == "h265" and container in ("mp4", "mov"):
                context.codec_tag = "hvc1"  # what Apple's players ask for
            stream.metadata.update(ALPHA_MODE if packing.alpha else {})
            self._stream = stream
        self.moments: list[Moment] = []

    def write(self, pixels: Floats, alpha: Floats | None, time: Fraction, duration: Fraction) -> None:
        """One more frame, of a time and a duration in seconds. Raises OutputError."""
        frame = planes.written(pixels, alpha, self._packing.pixels)
        frame.pts = times.ticks(time, self._base)
        frame.duration = max(1, times.ticks(time + duration, self._base) - frame.pts)
        frame.time_base = self._base
        self.moments.append((frame.pts, frame.duration))
        with _told(self._path):
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """The part is whole. Raises OutputError."""
        with _told(self._path):
            self._container.mux(self._stream.encode())
            self._container.close()
            self._hidden.replace(self._path)

    def drop(self) -> None:
        """Leave nothing of it."""
        with contextlib.suppress(OSError, av.error.FFmpegError):
            self._container.close()
        self._hidden.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Within it, FFmpeg's errors are OutputError."""
    try:
        yield
    except (OSError, ValueError) as error:  # FFmpegError is one or the other
        said = getattr(error, "strerror", None) or briefly(error)
        raise OutputError(f"{path} cannot be written ({said}): free some space or choose another place.") from error
