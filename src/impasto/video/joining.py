"""The whole film of its parts: pictures as they were encoded, sound and subtitles as they are in the clip."""

import heapq
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from impasto.errors import SettingsError
from impasto.video import ffmpeg, times
from impasto.video.clip import Clip
from impasto.video.forms import Form
from impasto.video.needed import av
from impasto.video.parts import ALPHA_MODE, Moment

log = logging.getLogger("impasto")

_NOT_STRICT = 0x20000
"""FFmpeg's flag of forms that hold two packets of a stream for the same time."""


def check_streams(clip: Clip, form: Form, named: str) -> list[int]:
    """The numbers of a clip's streams that are copied into a form of output; what cannot be is told.

    Raises SettingsError for sound that it cannot hold: nobody is to find a silent film.
    """
    with clip.opened() as container:
        others = [each for each in container.streams if each.type in ("audio", "subtitle")]
        if not others:
            return []
        if not form.sound:
            log.warning("%s holds no sound and no subtitles: those of %s are left out.", named, clip.path)
            return []
        with av.open(io.BytesIO(), "w", format=form.container) as trial:
            known = trial.supported_codecs
        kept = []
        for stream in others:
            name = stream.codec_context.codec.canonical_name if stream.codec_context else "an unknown codec"
            if name in known:
                kept.append(stream.index)
            elif stream.type == "audio":
                raise SettingsError(
                    f"{named} cannot hold the sound of {clip.path} ({name}): name a .mkv file, which holds all."
                )
            else:
                log.warning("%s cannot hold the subtitles (%s): name a .mkv file to keep them.", named, name)
        return kept


def join(
    to: BinaryIO,
    form: Form,
    parts: Sequence[Path],
    moments: Sequence[Moment],
    base: Fraction,
    *,
    clip: Clip | None,
    copied: Sequence[int],
    origin: Fraction,
    end: Fraction | None,
    alpha: bool,
    comment: str,
) -> None:
    """Write the film. ``moments`` are its frames' ticks of ``base``; ``copied`` are the numbers of the clip's
    streams that go with it, packet by packet, from ``origin`` to ``end``, times of the clip in seconds.
    """
    options: dict[str, str] = {}
    if form.container in ("mp4", "mov"):
        # In what MP4 counts the time before a late start: thousandths where nothing is said. Its index
        # comes first, so that a film plays before all of it has arrived.
        options = {"movie_timescale": str(base.denominator), "movflags": "+faststart"}

    def read_again(*_: Any) -> BinaryIO:
        """To make room for the index, FFmpeg reads what it has written."""
        to.flush()
        return Path(to.name).open("rb")

    opened = av.open(to, "w", format=form.container, options=options, metadata_errors="ignore", io_open=read_again)
    with opened as film:
        with ffmpeg.opened(parts[0]) as first:
            pictures = film.add_stream_from_template(first.streams.video[0], opaque=True)
            pictures.time_base = base
            pictures.metadata.update(ALPHA_MODE if alpha else {})
        feeds = [_pictures(parts, moments, base, pictures)]
        if clip is not None:
            with clip.opened() as container:
                film.metadata.update(_said(container.metadata))
            if copied:
                feeds.append(_copies(film, clip, copied, origin, end))
        if comment:
            film.metadata["comment"] = comment
        for _, _, packet in heapq.merge(*feeds, key=lambda each: each[:2]):
            film.mux(packet)


def _said(metadata: Mapping[str, str]) -> dict[str, str]:
    """What a clip says of itself that is true of the film, too."""
    return {name: value for name, value in metadata.items() if name in ("title", "artist", "date", "copyright")}


Fed = tuple[Fraction, int, Any]
"""The time of a packet, the number of its feed, and the packet."""


def _pictures(parts: Sequence[Path], moments: Sequence[Moment], base: Fraction, stream: Any) -> Iterator[Fed]:
    upcoming = iter(moments)
    for part in parts:
        with ffmpeg.opened(part) as container:
            for packet in container.demux(video=0):
                if not packet.size:
                    continue
                # The part's own container may have rounded the time.
                tick, lasts = next(upcoming)
                packet.stream, packet.time_base = stream, base
                packet.pts = packet.dts = tick
                packet.duration = lasts
                yield times.seconds(tick, base), 0, packet


def _copies(film: Any, clip: Clip, copied: Sequence[int], origin: Fraction, end: Fraction | None) -> Iterator[Fed]:
    container = clip.opened()
    streams = {index: film.add_stream_from_template(container.streams[index]) for index in copied}
    for index, stream in streams.items():
        stream.metadata.update(container.streams[index].metadata)

    def packets() -> Iterator[Fed]:
        last, reached, warned = Fraction(0), dict[int, int](), False
        with container:
            for packet in container.demux([container.streams[index] for index in copied]):
                if not packet.size or packet.pts is None:
                    continue
                base = times.exact(packet.time_base)
                time = times.seconds(packet.pts, base) - clip.clock.zero
                lasts = times.seconds(packet.duration or 0, base)
                stays = packet.stream.type == "subtitle" and time + lasts > origin
                if origin > 0 and time < origin and not stays:
                    continue
                if end is not None and time >= end:
                    continue
                shift = times.ticks(origin + clip.clock.zero, base)
                packet.pts -= shift
                if packet.dts is not None:
                    packet.dts -= shift
                if origin > 0 and packet.pts < 0:  # a word that stays: all of the film would begin with it
                    packet.duration += packet.pts
                    packet.pts = packet.dts = 0
                decoded, index = packet.pts if packet.dts is None else packet.dts, packet.stream_index
                equal = packet.stream.type == "subtitle" or film.format.flags & _NOT_STRICT
                if index in reached and decoded < reached[index] + (0 if equal else 1):  # which no form takes
                    if not warned:
                        log.warning(
                            "Sound or subtitles of %s go back in time at %.2f s: what is behind is left out, until they go on.",
                            clip.path, float(time),
                        )  # fmt: skip
                    warned = True
                    continue
                reached[index] = decoded
                last = max(last, time - origin)
                packet.stream = streams[index]
                yield last, 1, packet

    return packets()
