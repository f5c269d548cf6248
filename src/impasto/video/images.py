"""Films that are written as pictures: animated GIF, WebP and PNG, and folders of numbered PNG files."""

import errno
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from impasto.errors import OutputError
from impasto.machine import files
from impasto.video import ffmpeg, planes
from impasto.video.needed import av
from impasto.video.parts import Moment

log = logging.getLogger("impasto")

_ENCODERS: dict[str, tuple[str, str, str, dict[str, str], dict[str, str]]] = {
    "gif": ("gif", "pal8", "pal8", {}, {"loop": "0"}),
    "apng": ("apng", "rgb24", "rgba", {}, {"plays": "0"}),
    "webp": ("libwebp_anim", "bgra", "bgra", {"quality": "85"}, {"loop": "0"}),
}
"""By container: the encoder, its pixel formats without and with transparency, its options and the
container's."""
_TICK = {"gif": (Fraction(1, 100), 2), "apng": (Fraction(1, 1000), 1), "webp": (Fraction(1, 1000), 1)}
"""What time is counted in, and how many from one frame to the next at least: a single hundredth of GIF is
shown as ten."""


def animate(to: BinaryIO, container: str, parts: Sequence[Path], moments: Sequence[Moment], base: Fraction) -> None:
    """Write an animated picture of a film's parts, which are without loss. It is shown again and again.
    Frames that come faster than it can tell are left out, and that is said.
    """
    encoder, opaque, transparent, options, own = _ENCODERS[container]
    tick, least = _TICK[container]
    left_out, last = 0, -least
    with av.open(to, "w", format=container, options=own) as film:
        stream: Any = None
        for (at, lasts), array in zip(moments, frames(parts), strict=True):
            begins, ends = (round(each * base / tick) for each in (at, at + lasts))
            if begins < last + least:
                left_out += 1
                continue
            last = begins
            form = transparent if array.shape[2] == 4 else opaque
            if stream is None:
                stream = film.add_stream(encoder, options=options)
                stream.height, stream.width = array.shape[:2]
                stream.pix_fmt = form
                stream.time_base = stream.codec_context.time_base = tick
            frame = _indexed(array) if form == "pal8" else _packed(array, form)
            frame.pts, frame.duration, frame.time_base = begins, max(1, ends - begins), tick
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    if left_out:
        log.warning("%d of %d frames are left out: %s shows no more than %d a second.", left_out, len(moments),
                    container.upper(), 1 / (least * tick))  # fmt: skip


def number(folder: Path, parts: Sequence[Path], count: int, *, within: Path) -> None:
    """Write a folder of PNG files, 0001.png and so on: first ``within`` another folder beside it, under a
    name that nobody else has. Where somebody else has written it meanwhile, that one stays. Raises
    OutputError.
    """
    digits = max(4, len(str(count)))
    names = [f"{index:0{digits}d}.png" for index in range(1, count + 1)]

    def there() -> bool:
        return folder.is_dir() and sorted(path.name for path in folder.iterdir()) == names

    if there():
        return  # of a run that was killed once it was there, and before its parts were removed
    hidden = within / f"numbered-{secrets.token_hex(4)}"
    files.create_folder(hidden)
    try:
        for name, array in zip(names, frames(parts), strict=True):
            order = cv2.COLOR_RGBA2BGRA if array.shape[2] == 4 else cv2.COLOR_RGB2BGR
            done, coded = cv2.imencode(".png", cv2.cvtColor(array, order))
            assert done
            (hidden / name).write_bytes(coded.tobytes())
        target = folder.resolve()
        try:
            hidden.replace(target)  # only an empty one makes room
        except OSError as error:
            if not there():
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                _fill(target, hidden, names)
    except OSError as error:
        raise OutputError(
            f"{folder} could not be written ({error.strerror}): free some space or choose another place."
        ) from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def _fill(folder: Path, hidden: Path, names: Sequence[str]) -> None:
    """Write pictures into a folder that cannot be replaced, as where something is mounted, or on another disk
    by a link, unless it holds what is not among them, as far as a run that was killed had come. Raises
    OSError and OutputError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not {path.name for path in folder.iterdir() if not path.name.startswith(".")} <= {*names}:
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
    for name in names:
        files.write_atomic(folder / name, (hidden / name).read_bytes(), force=True)


def frames(parts: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    """The frames of parts without loss, (H, W, 3) or, with transparency, (H, W, 4)."""
    for part in parts:
        with ffmpeg.opened(part) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgba" if frame.format.name == "bgra" else "rgb24")


def _packed(array: NDArray[np.uint8], form: str) -> Any:
    made = av.VideoFrame.from_ndarray(array, "rgba" if array.shape[2] == 4 else "rgb24")
    return made if made.format.name == form else made.reformat(format=form)


def _indexed(array: NDArray[np.uint8]) -> Any:
    """A frame of 256 colours of its own."""
    image = Image.fromarray(array).quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    shades = np.frombuffer(bytes(image.getpalette("RGB") or b"").ljust(768, b"\0"), np.uint8).reshape(256, 3)
    palette = np.column_stack([shades[:, ::-1], np.full(256, 255, np.uint8)])  # blue, green, red, alpha
    made = av.VideoFrame(image.width, image.height, "pal8")
    indices, colours = made.planes
    planes.lines(indices, np.dtype(np.uint8))[:, : image.width] = np.asarray(image)
    memory: Any = colours
    np.frombuffer(memory, np.uint8)[:1024] = palette.reshape(-1)
    return made
