"""Clips that are drawn and written with PyAV, for the tests of moving pictures."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from impasto.video.clip import Clip
from tests.helpers import photo

Picture = NDArray[np.uint8]
FILM = Fraction(24000, 1001)
"""Frames a second as in cinemas' films on television."""


def drawn(count: int, height: int = 48, width: int = 64) -> list[Picture]:
    """Frames of a view that moves by two pixels each."""
    view = photo(height, width + 2 * count, seed=3)
    return [np.ascontiguousarray(view[:, 2 * number : 2 * number + width]) for number in range(count)]


def clip(
    path: Path,
    frames: Sequence[Picture],
    *,
    ticks: Callable[[int], int] | None = None,
    base: Fraction = 1 / FILM,
    codec: str = "libx264",
    form: str = "yuv444p",
    options: dict[str, str] | None = None,
    sound: str = "",
    sound_late: int = 0,
    subtitles: str = "",
    before: Callable[[Any], None] = lambda stream: None,
    container: str | None = None,
    frame_of: Callable[[Picture], Any] | None = None,
) -> Path:
    """Write a clip. ``ticks`` gives the tick of every frame; ``subtitles`` are the text of a SubRip file;
    ``before`` changes the stream before the first frame; ``frame_of`` makes frames of the pictures.
    """
    moment = ticks or (lambda number: number)
    with av.open(str(path), "w", format=container) as film:
        stream: Any = film.add_stream(codec, options=options or {"crf": "4", "preset": "ultrafast"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.time_base = form, base
        stream.codec_context.time_base = base
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = 1, 1, 1, 1
        before(stream)
        heard: Any = film.add_stream(sound, rate=8000, layout="mono") if sound else None
        if subtitles:
            read: Any = av.open(io.BytesIO(subtitles.encode()), format="srt")
            with read:
                said = film.add_stream_from_template(read.streams[0])
                lines = [packet for packet in read.demux() if packet.size]
        for number, picture in enumerate(frames):
            frame = frame_of(picture) if frame_of else _frame(picture, form)
            frame.pts, frame.time_base = moment(number), base
            frame.duration = moment(number + 1) - moment(number)
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
        if heard is not None:
            length = int(8000 * (moment(len(frames)) - moment(0)) * base)
            wave = (8000 * np.sin(np.arange(length) / 3)).astype(np.int16)
            for start in range(0, length, 1024):
                samples = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "s16", "mono")
                samples.sample_rate, samples.pts, samples.time_base = 8000, start + sound_late, Fraction(1, 8000)
                film.mux(heard.encode(samples))
            film.mux(heard.encode())
        if subtitles:
            for line in lines:
                line.stream = said
                film.mux(line)
    return path


def _frame(picture: Picture, form: str) -> Any:
    from impasto.video import planes

    alpha: Any = picture[..., 3].astype(np.float32) / 255 if picture.shape[2] == 4 else None
    rgb = np.ascontiguousarray(picture[..., :3]).astype(np.float32) / 255
    return planes.written(rgb, alpha, form)


def packets(path: Path, kind: str) -> list[tuple[Fraction, bytes]]:
    """Time and content of the packets of the first stream of a kind."""
    with av.open(str(path)) as film:
        stream = getattr(film.streams, kind)[0]
        found = [packet for packet in film.demux(stream) if packet.size]
        return [(Fraction(packet.pts) * Fraction(packet.time_base), bytes(packet)) for packet in found]


def decoded(path: Path) -> tuple[list[Fraction], list[Picture]]:
    """Times and pictures of a clip, by our own reader."""
    from impasto.video.clip import Clip

    frames = list(Clip(path).frames())
    return [each.time for each in frames], [np.rint(each.pixels * 255).astype(np.uint8) for each in frames]


@dataclass(frozen=True)
class Scene:
    """A moving scene that is exactly known: its frames, for each but the first where every pixel was in the
    one before, (H, W, 2), right and down, and whether it could be seen there, (H, W).
    """

    frames: list[Picture]
    steps: list[NDArray[Any]]
    visible: list[NDArray[Any]]


def scene(count: int, height: int = 96, width: int = 128) -> Scene:
    """A disc with a pattern moves three pixels right and one down a frame, over a ground that moves two to
    the left.
    """
    ground, disc = strokes(height, width + 2 * count, 3), strokes(height, width, 9)
    down, across = np.mgrid[0:height, 0:width]

    def inside(number: int) -> NDArray[Any]:
        inner: NDArray[Any] = (across - 30 - 3 * number) ** 2 + (down - 40 - number) ** 2 < 22**2
        return inner

    frames, steps, visible = [], [], []
    for number in range(count):
        frame = ground[:, 2 * number : 2 * number + width].copy()
        mask = inside(number)
        frame[mask] = np.roll(disc, (number, 3 * number), (0, 1))[mask]
        frames.append(frame)
        if number:
            step = np.where(mask[..., None], np.array([-3.0, -1.0]), np.array([2.0, 0.0])).astype(np.float32)
            was_ground = ~np.roll(inside(number - 1), -2, 1) & (across < width - 2)
            steps.append(step)
            visible.append(np.where(mask, True, was_ground))
    return Scene(frames, steps, visible)


def strokes(height: int, width: int, seed: int) -> Picture:
    """A picture with detail everywhere."""
    noise = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2)
    picture: Picture = np.clip((blurred - 0.5) * 900 + 128, 0, 255).astype(np.uint8)
    return picture


def breaks_at(monkeypatch: pytest.MonkeyPatch, number: int, error: Exception) -> None:
    """Let the reading of clips end in an error at a frame."""
    read = Clip.frames

    def breaks(self: Clip, first: int = 0) -> Any:
        for frame in read(self, first):
            if frame.number == number:
                raise error
            yield frame

    monkeypatch.setattr(Clip, "frames", breaks)
