"""The parts of a film: each some seconds of it in a file of its own, whole and playable once it is there.

They lie in a folder beside the output as long as it is being made, each under the number of its first frame:
so they can be made in any order. What a part ends with is kept with it, so that the next one goes on as if
nothing had happened in between. Two that make the same film at once write the same parts, each whole.
"""

import contextlib
import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from impasto.errors import CheckpointError, OutputError, briefly
from impasto.machine import checkpoint, files, formats, strict_json
from impasto.machine.checkpoint import State
from impasto.video import ffmpeg, planes, times
from impasto.video.colour import Floats
from impasto.video.forms import Packing
from impasto.video.needed import av
from impasto.video.unfinished import Unfinished

log = logging.getLogger("impasto")

Moment = tuple[int, int]
"""The tick at which a frame is shown, and for how many."""

ALPHA_MODE = {"alpha_mode": "1"}
"""By what Matroska's and WebM's players know that a stream of VP9 is transparent."""


@dataclass(frozen=True)
class Part:
    """What is known of a part: the numbers of its first frame, of that after its last, and of the first one
    of its stretch (`groups`); when its frames are, and the times at which shots begin in it, in seconds.
    """

    number: int
    next: int
    stretch: int
    moments: Sequence[Moment]
    shots: Sequence[float]


class Parts:
    """The folder of a film's parts; ``first`` is the number of the film's first frame."""

    def __init__(self, output: Path, packing: Packing, base: Fraction, first: int) -> None:
        self._told = told_by(output)
        self.folder = self._told.parent
        self.unfinished = Unfinished(self.folder / "unfinished")
        self._packing, self.base, self._first = packing, base, first
        self._suffix = ".mkv" if packing.form.image else output.suffix.lower()
        self._container = "matroska" if packing.form.image else packing.form.container
        self._film = ""
        """By what its parts are known to be of this film."""
        self._sound = dict[int, Part]()
        """Those that are as they were written."""
        self._damaged = dict[int, int | None]()
        """Those that are not, and when they were written: they are made again, by whomever."""
        self._rest: Part | None = None
        """What there is of one that was cut off, if it is kept."""

    def begin(self, own: State, *, resume: bool) -> None:
        """Make the folder, or take up what is there of the same film.

        ``own`` is by what the film is known again. Parts that are not as they were written are told of and
        made again. Raises CheckpointError where there is nothing to take up, or it is of another film, and
        OutputError.
        """
        self._film = known_as(own)
        if not resume:
            self.remove()
            self.make(own)
        try:
            known = formats.read(self._told)
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"There is nothing to go on from in {self.folder} ({briefly(error)}): leave out `resume`."
            ) from error
        if known != _plain(own):
            raise CheckpointError(
                f"{self.folder} is of another film: give it the same clip, styles, settings and precision, or another output."
            )
        for there in sorted(self.folder.glob("*.state")):
            if there.stem.isdecimal() and self.part(number := int(there.stem)) is None:
                self._is_damaged(number)

    def make(self, own: State) -> None:
        """Make the folder, beside others that do: who comes second leaves the first one's. Raises
        OutputError.
        """
        files.create_folder(self.folder)
        try:
            files.write_atomic(self._told, strict_json.dumps(own).encode(), force=False)
        except OutputError:
            if self.gone:
                raise

    def holds(self, own: State) -> bool:
        """Whether parts of that film are there, or about to be."""
        with contextlib.suppress(OSError, ValueError):
            return bool(formats.read(self._told) == _plain(own))
        return False

    @property
    def gone(self) -> bool:
        """Whether there is no such folder, or no more."""
        return not os.path.lexists(self._told)

    @property
    def begun(self) -> bool:
        """Whether there is anything to go on from."""
        return not self.gone and (bool(self._sound) or self.unfinished.exists)

    def part(self, number: int) -> Part | None:
        """The part of that number, None as long as it is not there as it was written."""
        new = number not in self._sound and self._written(number) != self._damaged.get(number)
        if new and (found := self._read(number)):
            self._sound[number] = found
        return self._sound.get(number)

    def line(self) -> list[Part]:
        """The parts that are there one after the other from the first on."""
        found, number = list[Part](), self._first
        while part := self.part(number):
            found.append(part)
            number = part.next
        return found

    def state(self, number: int) -> State | None:
        """What a part has ended with. None, and the part is to be made again, if that is not as it was
        written.
        """
        with contextlib.suppress(CheckpointError):
            state = checkpoint.load(self._file(number, ".state"))
            if (state.get("film"), state.get("part")) == (self._film, number):
                return state
        self._is_damaged(number)
        return None

    def writer(self, number: int, size: tuple[int, int]) -> "Writer":
        """What writes a part, of frames of a height and width."""
        return Writer(
            number, self._file(number, self._suffix), self._container, self._packing, size=size, base=self.base
        )

    def keep(self, part: Part, state: State) -> None:
        """Say what is known of the part that has just been written, and what it ends with: from then on it is
        done.
        """
        digest = files.sha256_of(self._file(part.number, self._suffix))
        told = strict_json.dumps({"film": self._film, "sha256": digest, **asdict(part)})
        files.write_atomic(self._file(part.number, ".json"), told.encode(), force=True)
        checkpoint.save(self._file(part.number, ".state"), {**state, "film": self._film, "part": part.number})
        self._sound[part.number] = part
        self._damaged.pop(part.number, None)

    def keep_rest(self, rest: Part) -> None:
        """Let what has been written of a part that was cut off be the last one, of which nothing goes on."""
        self._rest = rest

    def all(self) -> list[Part]:
        """The parts that the film is made of."""
        line, rest = self.line(), self._rest
        reached = line[-1].next if line else self._first
        return [*line, rest] if rest and rest.number == reached else line

    def files(self) -> list[Path]:
        """The files of `all` parts."""
        return [self._file(part.number, self._suffix) for part in self.all()]

    @property
    def bytes(self) -> int:
        """What they take on the disk, without what is kept with them."""
        taken = 0
        for path in self.folder.glob(f"*{self._suffix}"):
            with contextlib.suppress(OSError):  # another has just removed it
                taken += path.stat().st_size
        return taken

    def remove(self) -> None:
        """Remove the folder with all that is in it. It is `gone` before anything in it is missing."""
        with contextlib.suppress(OSError):
            self._told.unlink()
        for _ in range(2):  # another worker may have touched a file in it meanwhile
            shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self, number: int) -> Part | None:
        try:
            told = formats.read(self._file(number, ".json"))
            found = Part(**{each.name: told[each.name] for each in fields(Part)})
            own = self._film, files.sha256_of(self._file(number, self._suffix))
            sound = (told["film"], told["sha256"]) == own and found.number == number < found.next
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if sound else None

    def _written(self, number: int) -> int | None:
        """When a part was written, in nanoseconds; None where it is not there."""
        with contextlib.suppress(OSError):
            return self._file(number, ".state").stat().st_mtime_ns  # which is written last
        return None

    def _is_damaged(self, number: int) -> None:
        log.warning("The part %s is not as it was written: it is made again.", self._file(number, self._suffix))
        self._sound.pop(number, None)
        self._damaged[number] = self._written(number)

    def _file(self, number: int, suffix: str) -> Path:
        return self.folder / f"{number:06d}{suffix}"


def told_by(output: Path) -> Path:
    """The file that tells which film the parts beside an output are of, as long as they are there."""
    return files.beside(output, ".parts") / "film.json"


def _plain(own: State) -> Any:
    """What is read of what was written of it."""
    return strict_json.loads(strict_json.dumps(own))


def known_as(own: State) -> str:
    """By what a film is known again, in short."""
    return hashlib.sha256(strict_json.dumps(own).encode()).hexdigest()


class Writer:
    """Writes one part: hidden until it is whole."""

    def __init__(
        self, number: int, path: Path, container: str, packing: Packing, *, size: tuple[int, int], base: Fraction
    ) -> None:
        self.number, self._path, self._packing, self._base = number, path, packing, base
        self._hidden = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        with writing(path):
            self._container = ffmpeg.opened(self._hidden, "w", format=container)
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
        self._moments = list[Moment]()
        self.shots = list[float]()

    def write(self, pixels: Floats, alpha: Floats | None, time: Fraction, duration: Fraction) -> None:
        """One more frame, of a time and a duration in seconds. Raises OutputError."""
        frame = planes.written(pixels, alpha, self._packing.pixels)
        frame.pts = times.ticks(time, self._base)
        frame.duration = max(1, times.ticks(time + duration, self._base) - frame.pts)
        frame.time_base = self._base
        self._moments.append((frame.pts, frame.duration))
        with writing(self._path):
            self._container.mux(self._stream.encode(frame))

    def part(self, after: int, stretch: int) -> Part:
        """What is known of it, with the numbers of the frame after it and of its stretch."""
        return Part(self.number, after, stretch, self._moments, self.shots)

    def finish(self) -> None:
        """The part is whole. Raises OutputError."""
        with writing(self._path):
            self._container.mux(self._stream.encode())
            self._container.close()
            self._hidden.replace(self._path)

    def drop(self) -> None:
        """Leave nothing of it."""
        with contextlib.suppress(OSError, av.error.FFmpegError):
            self._container.close()
        self._hidden.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Within it, FFmpeg's errors are OutputError."""
    try:
        yield
    except (OSError, ValueError, av.error.FFmpegError) as error:  # some of FFmpeg's are of neither kind
        said = getattr(error, "strerror", None) or briefly(error)
        raise OutputError(f"{path} cannot be written ({said}): free some space or choose another place.") from error
