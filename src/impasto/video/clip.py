"""Moving pictures in a file, read with FFmpeg: every frame with its own time, upright, in sRGB."""

import contextlib
import itertools
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from impasto.errors import OR_TRUNCATED, ImageError, VideoError, briefly
from impasto.machine import files
from impasto.pictures import bounds, encodings
from impasto.pictures.encodings import SRGB, Encoding
from impasto.video import ffmpeg, planes, times
from impasto.video.clock import Clock
from impasto.video.geometry import Seen, seen
from impasto.video.needed import av
from impasto.video.source import Facts, Frame, check_rate

_FORMS = (
    "3gp,apng,asf,avi,dv,flv,gif,h264,hevc,ivf,m4v,matroska,mov,mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,webm,yuv4mpegpipe,"
    "aac,ac3,aiff,amr,ape,caf,flac,mp3,wav,wv,bmp_pipe,jpeg_pipe,jpegxl_pipe,jpegxl_anim,png_pipe,tiff_pipe,webp_pipe"
)
"""What FFmpeg may take a file for, sound and pictures too, so as to say what it is. Playlists are not among
it: the files and addresses that they name would be opened as well.
"""
_STILL = ("image2", "_pipe")
"""How FFmpeg calls what reads single pictures."""
_HELD = 44
"""Bytes a pixel while a frame is read, measured."""
_MISSING = Fraction(1, 2)
"""Seconds that may be missing at the end of what a file says of its length."""


class Clip:
    """A file of moving pictures."""

    def __init__(self, path: str | Path, *, allow_truncated: bool = False) -> None:
        """Look through it: every packet is read, none is decoded but the first picture's.

        Raises VideoError for what holds no moving pictures, is cut off (unless that is allowed), or whose
        frames cannot be decoded here.
        """
        self.path, self._allow_truncated = files.at_home(path), allow_truncated
        with self.opened() as container:
            stream = self.stream(container)
            self._check_size(stream.codec_context)
            first = next(self._decoded(container, stream), None)
            if first is None:
                raise VideoError(f"{self.path} has no frame that can be decoded, or is cut off: get it anew.")
            self._stored = first.height, first.width
            self.seen = _seen(first, stream)
            self._encoding = _encoding(first)
            self._depth = 8 if planes.depth_of(first) <= 8 else 10
            self._alpha = planes.has_alpha(first) and _transparent(first)
            self.clock = Clock(container, stream, first)

    def known_by(self) -> str:
        """The SHA-256 of the file."""
        return self._sha256

    @cached_property
    def _sha256(self) -> str:
        return files.sha256_of(self.path)

    @cached_property
    def facts(self) -> Facts:
        """See `source.Facts`: from the packets, for what a header says of its frames is seldom true."""
        found: dict[Fraction, Fraction] = {}
        count, latest = 0, Fraction(0)
        with self.opened() as container:
            stream = self.stream(container)
            usual = 1 / times.exact(stream.guessed_rate or stream.average_rate or 25)
            packets = self._packets(container, stream)
            if self.clock.counts:  # the first frames that can be decoded are those from the first key frame on
                packets = itertools.dropwhile(lambda packet: not packet.is_keyframe, packets)
            for packet in packets:
                time = self.clock.of(packet, usual, count)
                if packet.dts is not None:  # which never fall, but for a frame or two of careless programs
                    decoded = times.seconds(packet.dts, packet.time_base)
                    if count and decoded < latest - 2 * usual:
                        raise VideoError(
                            f"{self.path} begins anew at {float(time):.2f} s after {count} frames, as what is put together of several "
                            "films does: paint each by itself, or write it anew."
                        )
                    latest = decoded
                count += 1
                lasts = times.seconds(packet.duration, packet.time_base) if packet.duration else Fraction(0)
                found[time] = lasts
            base = times.exact(stream.time_base)
            fewer = 0 < count < stream.frames
            declared, least, start = _length(container, stream, usual, fewer=fewer, decodes=self.clock.decodes)
        if not found:
            raise VideoError(f"{self.path} holds no frames: get it anew.")
        moments = sorted(found.items())
        if self.clock.opens is not None:
            moments = [each for each in moments if each[0] >= self.clock.opens] or moments
        all_times = tuple(time for time, _ in moments)
        gaps = [after - before for before, after in itertools.pairwise(all_times)]
        durations = (*gaps, moments[-1][1] or (gaps[-1] if gaps else usual))
        facts = Facts(
            self.seen.size(self._stored), self._depth, self._alpha, all_times, durations, base,
            str(self._encoding.transfer) if self._encoding.is_bright else "",
        )  # fmt: skip
        held = facts.end + self.clock.zero - start
        if held < least and not self._allow_truncated:
            raise VideoError(
                f"{self.path} is cut off: of {float(declared):.1f} s it holds {float(held):.1f} s, "
                f"{count} frames. Get it anew{OR_TRUNCATED}."
            )
        check_rate(facts, str(self.path))
        return facts

    def frames(self, first: int = 0) -> Iterator[Frame]:
        """See `source.Source`."""
        facts = self.facts
        index = {time: number for number, time in enumerate(facts.times)}
        usual, count, last = facts.durations[0], 0, -1
        with self.opened() as container:
            stream = self.stream(container)
            for frame in self._decoded(container, stream):
                time = self.clock.of(frame, usual, count)
                count += 1
                number = last + 1 if self.clock.counts else index.get(time, last + 1)
                if number <= last or number >= len(facts.times):
                    continue  # a second frame for the same time
                if (frame.height, frame.width) != self._stored:
                    raise VideoError(
                        f"{self.path} changes from {self._stored[1]}×{self._stored[0]} to {frame.width}×{frame.height} "
                        f"pixels at {times.told(facts.times[number])} s: let it `end` there, and paint the rest by itself."
                    )
                last = number
                if number >= first:
                    yield Frame(number, *self._read(frame), facts.times[number], facts.durations[number])

    def frame(self, number: int) -> Frame:
        """One frame, decoded from the key frame before it on, or the next that can be. Raises VideoError."""
        facts, clock = self.facts, self.clock
        if not clock.counts:
            with self.opened() as container:
                stream = self.stream(container)
                with contextlib.suppress(av.error.FFmpegError):  # then from the first frame on
                    container.seek(times.ticks(facts.times[number] + clock.zero, facts.base), stream=stream)
                for found in self._decoded(container, stream):
                    if found.pts is None or (time := clock.of(found, Fraction(0), 0)) > facts.times[number]:
                        break
                    if time == facts.times[number]:
                        return Frame(number, *self._read(found), facts.times[number], facts.durations[number])
        if (following := next(self.frames(number), None)) is None:
            raise VideoError(
                f"{self.path} cannot be decoded at {times.told(facts.times[number])} s: let it `end` before."
            )
        return following

    def opened(self) -> Any:
        """Its container, to be closed. Raises VideoError."""
        try:
            files.opened(self.path).close()
        except OSError as error:
            raise VideoError(f"{self.path} cannot be read ({briefly(error)}): give the path of a clip.") from error
        try:
            container = ffmpeg.opened(self.path, options={"format_whitelist": _FORMS, "protocol_whitelist": "file"})
        except (av.error.FFmpegError, ValueError) as error:
            raise VideoError(
                f"{self.path} holds no moving pictures, or is cut off or damaged ({briefly(error)}): get it anew."
            ) from error
        if any(name in container.format.name for name in _STILL):
            webp = container.format.name == "webp_pipe"
            container.close()
            raise VideoError(
                f"{self.path} is a still picture{', or a moving one of WebP, which is not read' * webp}: "
                "paint it with impasto stylize."
            )
        return container

    def stream(self, container: Any) -> Any:
        """The video stream of a container. Raises VideoError."""
        moving = [each for each in container.streams.video if not each.disposition & 0x400]  # no cover of an album
        if not moving:
            held = "sound alone" if container.streams.audio else "no video stream, or is cut off"
            raise VideoError(f"{self.path} holds {held}: give a clip with moving pictures.")
        stream = moving[0]
        if stream.codec_context is None:
            raise VideoError(f"{self.path} is of a codec that is not known here: write it anew, as H.264 for one.")
        stream.thread_type = "AUTO"
        return stream

    def _check_size(self, context: Any) -> None:
        """Whether frames of the size that is declared may be decoded. Raises VideoError."""
        if context.height and context.width:  # else the first frame alone knows it
            try:
                bounds.check((context.height, context.width), held=_HELD)
            except ImageError as error:
                raise VideoError(f"{self.path} cannot be used: {error}") from error

    def _read(self, frame: Any) -> tuple[Any, Any]:
        pixels, alpha = planes.read(frame)
        if not self._encoding.is_srgb:
            deep = np.rint(pixels * 65535).astype(np.uint16)
            pixels = encodings.to_srgb(deep, self._encoding).astype(np.float32) / 65535
        if alpha is not None and self._alpha:
            return self.seen.turned(pixels), self.seen.turned(alpha)
        return self.seen.turned(pixels), None

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        """The packets that hold a frame. Raises VideoError for what is damaged."""
        try:
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    yield packet
        except av.error.FFmpegError as error:
            if not self._allow_truncated:
                raise VideoError(
                    f"{self.path} is cut off or damaged ({briefly(error)}): get it anew{OR_TRUNCATED}."
                ) from error

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        decode, last, count = _decoder(stream), None, 0
        try:
            for packet in container.demux(stream):
                for frame in decode(packet):
                    if frame.pts is not None:
                        frame.time_base = frame.time_base or stream.time_base
                    last, count = frame, count + 1
                    yield frame
        except av.error.FFmpegError as error:
            if not self._allow_truncated:
                after = self._moment(last, count - 1) if last else Fraction(0)
                raise VideoError(
                    f"{self.path} cannot be decoded after {times.told(after)} s ({briefly(error)}): get it anew, let it `end` "
                    f"there{OR_TRUNCATED}."
                ) from error

    def _moment(self, frame: Any, number: int) -> Fraction:
        """The time of a frame that was decoded as that of a number."""
        if self.clock.counts:
            return self.facts.times[min(number, len(self.facts.times) - 1)]
        return self.clock.of(frame, self.facts.durations[0], number)


def _decoder(stream: Any) -> Any:
    """What decodes packets: of transparent VP8 and VP9 libvpx, for FFmpeg's own decoder passes that over."""
    name = stream.codec_context.name
    if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) == "1" and name in ("vp8", "vp9"):
        context: Any = av.CodecContext.create(f"libvpx-{name}" if name == "vp9" else "libvpx", "r")
        context.extradata = stream.codec_context.extradata
        return context.decode
    return stream.codec_context.decode


def _transparent(frame: Any) -> bool:
    """Whether a clip that could be transparent is meant so: all with a palette could, and so their first
    frame is looked at.
    """
    if not frame.format.has_palette:
        return True
    alpha = planes.read(frame)[1]
    return alpha is not None and bool((alpha < 1).any())


def _seen(frame: Any, stream: Any) -> Seen:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    aspect = stream.sample_aspect_ratio or None
    return seen(bytes(matrix) if matrix is not None else None, times.exact(aspect) if aspect else None)


def _encoding(frame: Any) -> Encoding:
    """What the numbers mean as light; the matrix and the range are `planes`' business."""
    own = encodings.of_code_points(int(frame.color_primaries), int(frame.color_trc))
    return own or Encoding(transfer=SRGB)


def _length(
    container: Any, stream: Any, usual: Fraction, *, fewer: bool, decodes: bool
) -> tuple[Fraction, Fraction, Fraction]:
    """How long the pictures are by what the file says, 0 where it says nothing; how long they are to be at
    least; and when they begin.

    Where there are ``fewer`` frames than it counts, some may be such as a list of edits leaves out, or for
    which AVI shows the one before on. So what the count comes to matters where no length is told, or the
    clock ``decodes``: of AVI that is cut off, what is left is told as its length.
    """
    start = times.seconds(stream.start_time, stream.time_base) if stream.start_time is not None else Fraction(0)
    told = Fraction(0)
    if stream.duration:
        told = times.seconds(stream.duration, stream.time_base)
    elif container.duration and not container.streams.audio:
        told = Fraction(container.duration, av.time_base)
    least = told - max(_MISSING, told / 50)
    if fewer:
        told = max(told, stream.frames * usual) if decodes or not told else told
        least = max(least, told - 2 * usual)
    return told, least, start
