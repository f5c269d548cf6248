"""Clips as cameras, recorders and cutters leave them: clocks that begin anywhere, frames that tell no time,
lists of edits, beginnings that cannot be decoded.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from impasto.errors import SettingsError, VideoError
from impasto.jobs.job import RegionFiles
from impasto.video import planes, score
from impasto.video.clip import Clip
from impasto.video.film import Film
from impasto.video.folder import Folder
from impasto.video.images import _indexed
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.score import score_video
from impasto.video.work import VideoWork
from tests.clips import clip, decoded, drawn, packets

FAST: dict[str, Any] = {"network": "multistyle26", "steady": "off"}
PAINTED: dict[str, Any] = {"network": "arbitrary", "steady": "off"}
RATE = Fraction(1, 25)
EXACT: dict[str, Any] = {"options": {"qp": "0", "preset": "ultrafast"}, "base": RATE}


def rewritten(
    path: Path, source: Path, *, container: str | None = None, late: Fraction = Fraction(0),
    kept: Callable[[int], bool] = lambda number: True,
) -> Path:  # fmt: skip
    """The packets of a clip in another file, all so much later; of its pictures some alone."""
    with av.open(str(source)) as film, av.open(str(path), "w", format=container) as copy:
        streams = {each.index: copy.add_stream_from_template(each) for each in film.streams}
        numbers = itertools.count()
        for packet in film.demux():
            if not packet.size or (packet.stream.type == "video" and not kept(next(numbers))):
                continue
            shift = round(late / packet.time_base)
            packet.pts, packet.dts = ((each or 0) + shift for each in (packet.pts, packet.dts))
            packet.stream = streams[packet.stream_index]
            copy.mux(packet)
    return path


def numbers(path: Path) -> list[int]:
    """Which of the frames of `drawn` those of a clip are, each by the one that is most like it."""
    wanted = np.stack(drawn(20)).astype(float)
    return [int(np.abs(wanted - each).mean((1, 2, 3)).argmin()) for each in decoded(path)[1]]


def job(source: Path, output: Path, **options: Any) -> VideoJob:
    codec = "ffv1" if output.suffix == ".mkv" else ""
    given: dict[str, Any] = {"style_index": "3", "settings": FAST}
    return VideoJob(str(source), delivery=VideoDelivery(str(output), codec=codec), **given | options)


@pytest.mark.parametrize(("codec", "between"), [("libx264", 0), ("libx264", 2), ("mpeg4", 2)])
def test_frames_that_tell_no_time_are_counted(codec: str, between: int, tmp_path: Path) -> None:
    """AVI has the times of decoding alone, and FFmpeg guesses: 1, 3, 4, 2, 6 …"""
    options = {"bf": str(between)} | ({"b-adapt": "0", "qp": "1"} if codec == "libx264" else {"qscale": "1"})
    path = clip(tmp_path / "a.avi", drawn(20), codec=codec, form="yuv420p", options=options, base=RATE)
    assert Clip(path).facts.times == tuple(number * RATE for number in range(20)) and numbers(path) == [*range(20)]
    assert Clip(path).frame(7).time == 7 * RATE


def test_a_frame_that_avi_shows_on_is_not_missing(tmp_path: Path) -> None:
    """FFmpeg writes a chunk without bytes for it, and counts it."""
    exact = {"qscale": "1", "g": "1"}
    whole = clip(tmp_path / "whole.avi", drawn(20), codec="mpeg4", form="yuv420p", options=exact, base=RATE)
    path = rewritten(tmp_path / "a.avi", whole, kept=lambda number: number != 18)
    facts = Clip(path).facts
    assert facts.times == tuple(number * RATE for number in range(20) if number != 18)
    assert facts.durations[-2] == 2 * RATE and facts.end == 20 * RATE
    assert numbers(path) == [*range(18), 19]


def test_frames_that_avi_does_not_code_shift_none(tmp_path: Path) -> None:
    """Pictures of MPEG-4 of which nothing is coded, that encoders write for what they drop."""
    exact = {"qscale": "1", "g": "1", "bf": "0"}
    path = clip(tmp_path / "a.avi", drawn(20), codec="mpeg4", form="yuv420p", options=exact, base=RATE)
    dropped = {5, 10, 15}
    with av.open(str(path)) as whole, av.open(str(tmp_path / "b.avi"), "w") as film:
        stream = film.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if not packet.size:
                continue
            if (number := packet.dts) in dropped:
                # A picture's start; predicted, in the same second, at a tick of it, not coded; and padding.
                bits = f"0101{number % 25:05b}1001111"
                data = bytes([0, 0, 1, 0xB6, *int(bits, 2).to_bytes(2, "big")])
                empty: Any = av.Packet(data)
                empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
            else:
                empty = packet
            empty.stream = stream
            film.mux(empty)
    read = Clip(tmp_path / "b.avi")
    found = {round(frame.time / RATE): frame for frame in read.frames()}
    assert {*found} == {*range(20)} - dropped and len(read.facts.times) == 20
    wanted = np.stack(drawn(20)).astype(float)
    for number, frame in found.items():
        assert np.abs(wanted - np.rint(frame.pixels * 255)).mean((1, 2, 3)).argmin() == number
    assert read.frame(10).number == 11 and read.frame(19).number == 19


@pytest.mark.parametrize("between", [0, 2])
def test_avi_that_begins_between_key_frames(between: int, tmp_path: Path) -> None:
    options = {"bf": str(between), "qp": "1", "g": "10", "x264-params": "scenecut=0:b-adapt=0"}
    whole = clip(tmp_path / "whole.avi", drawn(20), form="yuv420p", options=options, base=RATE)
    path = rewritten(tmp_path / "a.avi", whole, kept=lambda number: number >= 3)
    found = Clip(path)
    assert numbers(path) == [*range(10, 20)] and len(found.facts.times) == 10
    assert [frame.time for frame in found.frames()] == [*found.facts.times]
    assert float(found.facts.times[-1] - found.facts.times[0]) == pytest.approx(9 / 25)


def test_what_cannot_be_decoded_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "a.mkv", drawn(5), **EXACT)
    losing(monkeypatch, 4)
    with pytest.raises(VideoError, match=r"cannot be decoded at 0\.16 s"):
        Clip(source).frame(4)
    with pytest.raises(VideoError, match="no frame that can be decoded where the film begins"):
        Film(job(source, tmp_path / "o.mkv", start=0.15)).opening()


@pytest.mark.parametrize("container", ["h264", "mkv", "avi"])
def test_a_film_ends_where_it_is_told_to_before_what_cannot_be_read(container: str, tmp_path: Path) -> None:
    path, base = tmp_path / f"a.{container}", Fraction(1, 24)
    if container == "h264":
        small = [np.ascontiguousarray(each[:32, :48]) for each in drawn(3)]
        halves = [
            clip(tmp_path / f"{len(frames)}.h264", frames, container="h264", base=base) for frames in (drawn(5), small)
        ]
        path.write_bytes(b"".join(half.read_bytes() for half in halves))
    else:  # frames of AVI that are shown in another order than that of decoding tell no time
        options = {"bf": "2", "qp": "1", "g": "5", "x264-params": "scenecut=0:b-adapt=0"}
        whole = clip(tmp_path / f"whole.{container}", drawn(20), form="yuv420p", base=base, options=options)
        with av.open(str(whole)) as film, av.open(str(path), "w") as copy:
            stream = copy.add_stream_from_template(film.streams.video[0])
            for number, packet in enumerate(each for each in film.demux() if each.size):
                kept: Any = packet if number < 10 else av.Packet(b"\0\0\0\4none")
                kept.pts, kept.dts, kept.time_base, kept.stream = packet.pts, packet.dts, packet.time_base, stream
                kept.is_keyframe = packet.is_keyframe
                copy.mux(kept)
    all_of_it = Film(job(path, tmp_path / "o.mkv"))
    with pytest.raises(VideoError, match="`end` there") as told:
        list(all_of_it.frames(0, all_of_it.last))
    found = re.search(r"(?:at|after) (\d+\.\d\d) s", str(told.value))
    assert found and float(found[1]) > 0.1
    part = Film(job(path, tmp_path / "o.mkv", end=float(found[1])))
    assert [each.number for each in part.frames(0, part.last)] == [*range(part.count)] and part.count > 3


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_what_a_list_of_edits_leaves_out_is_not_cut_off(container: str, tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mp4", drawn(20), **EXACT)
    path = rewritten(tmp_path / f"a.{container}", whole, late=-4 * RATE)
    assert Clip(path).facts.times == tuple(number * RATE for number in range(16)) and numbers(path) == [*range(4, 20)]


def test_a_file_that_lacks_a_few_frames_at_its_end_is_cut_off(tmp_path: Path) -> None:
    """Less than half a second: its header counts them."""
    path = clip(tmp_path / "whole.mp4", drawn(40), options={"qp": "10", "movflags": "faststart"}, base=RATE)
    with av.open(str(path), "r") as film:
        last = max(packet.pos or 0 for packet in film.demux() if packet.size)
    data = path.read_bytes()
    assert last > len(data) / 2  # the index comes first, or nothing could be read
    (tmp_path / "cut.mp4").write_bytes(data[: last - 400])
    with pytest.raises(VideoError, match="is cut off"):
        _ = Clip(tmp_path / "cut.mp4").facts


@pytest.mark.parametrize("container", ["flv", "matroska", "nut"])
@pytest.mark.parametrize(("late", "kept"), [(4000, False), (5, True)])
def test_a_late_start_is_kept_while_it_can_be_meant(late: int, kept: bool, container: str, tmp_path: Path) -> None:
    made = clip(tmp_path / "made", drawn(4), form="yuv420p", options={"bf": "0"}, base=RATE, container=container)
    source = rewritten(tmp_path / "source", made, container=container, late=Fraction(late))
    assert Clip(source).facts.times == tuple(late * kept + number * RATE for number in range(4))
    assert Clip(source).frame(2).number == 2


@pytest.mark.parametrize(("container", "codec", "sound"), [("mpegts", "libx264", "aac"), ("mpeg", "mpeg2video", "")])
def test_a_clock_that_begins_anywhere_begins_at_nothing(container: str, codec: str, sound: str, tmp_path: Path) -> None:
    """Sound that begins before the pictures stays before them."""
    quality = {"bf": "0"} | ({"qp": "1"} if codec == "libx264" else {"qscale": "1"})
    made = clip(
        tmp_path / "made", drawn(12), codec=codec, form="yuv420p", options=quality, base=RATE, container=container,
        sound=sound, ticks=lambda number: number + 5 * bool(sound),
    )  # fmt: skip
    source = rewritten(tmp_path / "source", made, container=container, late=Fraction(40000))
    heard = packets(source, "audio")[0][0] if sound else Fraction(0)
    late = packets(source, "video")[0][0] - heard if sound else 0
    facts = Clip(source).facts
    assert facts.times == tuple(late + number * RATE for number in range(12)) and (not sound or late > RATE)
    VideoWork(job(source, tmp_path / "film.mkv")).finish()
    film = Clip(tmp_path / "film.mkv").facts
    assert [float(each) for each in film.times] == pytest.approx([float(each) for each in facts.times], abs=1e-3)
    if sound:
        copied = [packets(path, "audio") for path in (source, tmp_path / "film.mkv")]
        # Matroska has no headers within the packets, which transport streams have.
        assert all(theirs.endswith(ours) for (_, theirs), (_, ours) in zip(*copied, strict=True))
        assert float(packets(tmp_path / "film.mkv", "audio")[0][0]) == pytest.approx(0, abs=2e-3)
    VideoWork(job(source, tmp_path / "part.mkv", start=float(late + 4 * RATE), end=float(late + 7 * RATE))).finish()
    assert len(Clip(tmp_path / "part.mkv").facts.times) == 3


def test_a_recording_that_begins_between_key_frames_begins_with_the_first_that_can_be_decoded(tmp_path: Path) -> None:
    made = clip(
        tmp_path / "made", drawn(20), form="yuv420p", options={"bf": "0", "qp": "1", "g": "10", "x264-params": "scenecut=0"},
        base=RATE, container="mpegts",
    )  # fmt: skip
    source = rewritten(tmp_path / "source", made, container="mpegts", kept=lambda number: number >= 3)
    assert Clip(source).facts.times == tuple(number * RATE for number in range(10))
    assert numbers(source) == [*range(10, 20)]
    VideoWork(job(source, tmp_path / "numbered")).finish()
    assert len([*(tmp_path / "numbered").iterdir()]) == 10


def losing(monkeypatch: pytest.MonkeyPatch, lost: int) -> None:
    """Let decoders skip one of the frames that there are packets of."""
    read = Clip._decoded

    def skips(self: Clip, *given: Any) -> Iterator[Any]:
        for number, frame in enumerate(read(self, *given)):
            if number != lost:
                yield frame

    monkeypatch.setattr(Clip, "_decoded", skips)


def test_masks_keep_step_with_frames_that_cannot_be_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = clip(tmp_path / "a.mkv", drawn(8), **EXACT)
    (tmp_path / "masks").mkdir()
    for number in range(8):
        mask = np.full((48, 64), 255 if number == 0 else 0, np.uint8)
        mask[:, : 8 * number] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    Image.fromarray(drawn(1)[0]).save(tmp_path / "style.png")
    losing(monkeypatch, 3)
    region = (RegionFiles(str(tmp_path / "masks"), str(tmp_path / "style.png")),)
    asked = job(source, tmp_path / "numbered", style_index="", settings=PAINTED, regions=region)
    film = Film(asked)
    white = {each.number: float(each.shares[0].mean()) for each in film.frames(0, 8)}
    assert white == pytest.approx({number: number / 8 or 1.0 for number in (0, 1, 2, 4, 5, 6, 7)}, abs=1e-3)
    VideoWork(asked).finish()
    assert sorted(path.name for path in (tmp_path / "numbered").iterdir()) == [f"{n:04d}.png" for n in range(1, 8)]


def test_a_mask_whose_last_frame_cannot_be_decoded_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip(tmp_path / "a.mkv", drawn(5), **EXACT)
    mask = clip(tmp_path / "m.mkv", [np.full((48, 64, 3), 60 * n, np.uint8) for n in (4, 1, 2, 3, 4)], **EXACT)
    Image.fromarray(drawn(1)[0]).save(tmp_path / "style.png")
    region = (RegionFiles(str(mask), str(tmp_path / "style.png")),)
    film = Film(job(source, tmp_path / "o.mkv", style_index="", settings=PAINTED, regions=region))
    losing(monkeypatch, 4)
    found = [float(each[0].mean()) * 255 for each in film._masks.frames(1)]
    assert found == pytest.approx([60, 120, 180, 180], abs=3)


@pytest.mark.parametrize(("rate", "kept"), [(60, 8), (120, 5), (50, 10)])
def test_a_gif_has_no_more_frames_than_it_can_tell(
    rate: int, kept: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No delay of one hundredth, which browsers show as ten; of 60 a second every third is left out."""
    source = clip(tmp_path / "a.mkv", drawn(12 if rate > 50 else 10), base=Fraction(1, rate), options=EXACT["options"])
    count = 12 if rate > 50 else 10
    VideoWork(job(source, tmp_path / "o.gif")).finish()
    with Image.open(tmp_path / "o.gif") as film:
        frames = film.n_frames  # type: ignore[attr-defined]
        delays = []
        for number in range(frames):
            film.seek(number)
            delays.append(film.info["duration"])
    assert min(delays[:-1]) >= 20 and sum(delays) == pytest.approx(1000 * count / rate, abs=20)
    assert ("frames are left out: GIF shows no more than 50 a second" in caplog.text) == (rate > 50)
    assert frames == kept


@pytest.mark.parametrize(("told", "full"), [(0, True), (1, False), (2, True)])
def test_grey_that_says_nothing_uses_all_numbers(told: int, full: bool) -> None:
    frame = av.VideoFrame(256, 2, "gray")
    planes.lines(frame.planes[0], np.dtype(np.uint8))[:, :256] = np.arange(256)
    frame.color_range = told
    codes = np.arange(256.0)
    wanted = codes / 255 if full else np.clip((codes - 16) / 219, 0, 1)
    assert np.abs(planes.read(frame)[0] - wanted[None, :, None]).max() < 1e-4


def test_a_palette_alone_is_no_transparency(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.avi"), "w") as film:
        stream: Any = film.add_stream("msrle", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "pal8"
        for number, picture in enumerate(drawn(3)):
            frame = _indexed(picture)
            frame.pts, frame.time_base = number, RATE
            film.mux(stream.encode(frame))
        film.mux(stream.encode())
    assert not Clip(tmp_path / "a.avi").facts.alpha
    assert Film(job(tmp_path / "a.avi", tmp_path / "o.mp4")).packing.name == "h264"


@pytest.mark.parametrize(
    ("rate", "exact"),
    [
        (24000 / 1001, Fraction(24000, 1001)),
        (23.976, Fraction(2997, 125)),
        (12.5, Fraction(25, 2)),
        (0.0004, Fraction(1, 2500)),
    ],
)
def test_a_rate_is_a_fraction_that_files_hold(rate: float, exact: Fraction, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    for number, picture in enumerate(drawn(3)):
        Image.fromarray(picture).save(tmp_path / "f" / f"{number}.png")
    VideoWork(job(tmp_path / "f", tmp_path / "o.mp4", rate=rate)).finish()
    assert Clip(tmp_path / "o.mp4").facts.times[1] == pytest.approx(1 / exact, abs=1e-9)


def test_pictures_that_become_transparent_are_told(tmp_path: Path) -> None:
    """What is behind would be painted."""
    (tmp_path / "f").mkdir()
    pictures = [np.dstack([each, np.full((48, 64), 255, np.uint8)]) for each in drawn(3)]
    pictures[0], pictures[2][:9, :, 3] = pictures[0][..., :3], 0
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "f" / f"{number}.png")
    frames = Folder(tmp_path / "f").frames()
    assert next(frames).alpha is None and next(frames).alpha is None  # opaque, whatever it could hold
    with pytest.raises(VideoError, match=r"2\.png is transparent, and .*0\.png, the first picture, is not"):
        next(frames)


def test_a_clip_has_a_rate_of_its_own(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", drawn(3))
    with pytest.raises(SettingsError, match="`rate` is for a folder of pictures"):
        Film(job(source, tmp_path / "o.mp4", rate=12.5))


def test_sound_ends_where_a_part_does(tmp_path: Path) -> None:
    """Also where the pictures end before it."""
    pictures = clip(tmp_path / "p.mkv", drawn(50), **EXACT)
    heard = clip(tmp_path / "s.mkv", drawn(150), sound="aac", **EXACT)
    with av.open(str(tmp_path / "a.mkv"), "w") as film, av.open(str(pictures)) as seen, av.open(str(heard)) as sound:
        pairs = [(each.streams[0], film.add_stream_from_template(each.streams[0])) for each in (seen,)]
        pairs.append((sound.streams.audio[0], film.add_stream_from_template(sound.streams.audio[0])))
        for (stream, copy), source in zip(pairs, (seen, sound), strict=True):
            for packet in source.demux(stream):
                if packet.size:
                    packet.stream = copy
                    film.mux(packet)
    VideoWork(job(tmp_path / "a.mkv", tmp_path / "o.mkv", start=1.0, end=4.0)).finish()
    last = packets(tmp_path / "o.mkv", "audio")[-1][0]
    assert len(Clip(tmp_path / "o.mkv").facts.times) == 25 and 2.7 < last < 3


@pytest.mark.parametrize("output", ["o.mkv", "o.mp4"])
def test_sound_that_goes_back_is_left_out_until_it_goes_on(
    output: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As of a recorder whose clock was set: no form takes it, and all had been painted by then."""
    whole = clip(tmp_path / "whole.mkv", drawn(50), sound="aac", **EXACT)
    content, at = bytearray(whole.read_bytes()), 0
    with av.open(str(whole)) as film:
        for number, packet in enumerate(each for each in film.demux(audio=0) if each.size):
            at = content.index(bytes(packet), at + 1)
            if 6 <= number < 8:  # a block's time from its cluster's on stands before the flags and the sound
                content[at - 3 : at - 1] = (int.from_bytes(content[at - 3 : at - 1]) - 400).to_bytes(2)
    (tmp_path / "a.mkv").write_bytes(content)
    before, after = (packets(tmp_path / name, "audio") for name in ("whole.mkv", "a.mkv"))
    assert [time for time, _ in after] != sorted(time for time, _ in after)
    VideoWork(job(tmp_path / "a.mkv", tmp_path / output)).finish()
    made = packets(tmp_path / output, "audio")
    assert [sound for _, sound in made] == [sound for _, sound in [*before[:6], *before[8:]]]
    assert len([each for each in caplog.messages if "go back in time" in each]) == 1


SAID = "0\n00:00:00,100 --> 00:00:00,150\ngone\n\n1\n00:00:00,200 --> 00:00:02,500\nhello\n\n3\n00:00:01,900 --> 00:00:02,200\nshort\n\n4\n00:00:02,600 --> 00:00:02,800\nbye\n\n"


def test_a_subtitle_that_is_there_at_the_start_does_not_delay_the_film(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mkv", drawn(75), subtitles=SAID, **EXACT)
    VideoWork(job(source, tmp_path / "o.mkv", start=2.0, end=2.9)).finish()
    assert Clip(tmp_path / "o.mkv").facts.times[0] == 0
    said = packets(tmp_path / "o.mkv", "subtitles")
    assert [text for _, text in said] == [b"hello", b"short", b"bye"]
    assert [float(time) for time, _ in said] == pytest.approx([0, 0, 0.6], abs=1e-3)
    with av.open(str(tmp_path / "o.mkv")) as film:
        lasts = [
            float(each.duration * each.time_base) for each in film.demux(subtitles=0) if each.size and each.duration
        ]
    assert lasts[:2] == pytest.approx([0.5, 0.2], abs=1e-3)


def test_scores_look_at_four_frames_at_the_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And keep none where no style is asked about."""
    source = clip(tmp_path / "a.mkv", drawn(170, 32, 32), base=RATE)
    kept: list[int] = []

    def noted(frames: list[Any], originals: list[Any], style: Any) -> float:
        kept.extend((len(frames), len(originals)))
        return 0.0

    monkeypatch.setattr(score, "_style", noted)
    score_video(source, source)
    assert kept == []
    score_video(source, source, style="p.png")
    assert kept == [4, 4, 4, 4]
