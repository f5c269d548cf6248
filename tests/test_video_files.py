"""Moving pictures are read and written as they are: times, colours, shape, transparency, sound."""

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from impasto.errors import SettingsError, VideoError
from impasto.pictures import bounds
from impasto.video import colour, geometry, joining, planes, times
from impasto.video.clip import Clip
from impasto.video.folder import Folder
from impasto.video.forms import CODECS, FORMS, packing
from impasto.video.parts import Parts
from tests.clips import Picture, clip, drawn, packets


def test_times_are_exact_in_both_of_pyavs_ways() -> None:
    class Rational:  # as PyAV 19 has it
        numerator, denominator = 1001, 24000

    assert times.seconds(3, Rational()) == times.seconds(3, Fraction(1001, 24000)) == Fraction(3003, 24000)
    assert (
        times.ticks(Fraction(1, 3), Fraction(1, 1000)) == 333 and times.ticks(Fraction(1, 2000), Fraction(1, 1000)) == 1
    )


TICKS: dict[str, Any] = {
    "steady": (lambda n: n * 1001, Fraction(1, 24000)),
    "variable": (lambda n: n * n * 7 + n, Fraction(1, 600)),
    "late": (lambda n: 900 + n * 40, Fraction(1, 1000)),
    "before zero": (lambda n: (n - 2) * 3003, Fraction(1, 90000)),
}


@pytest.mark.parametrize("kind", TICKS)
def test_every_frame_has_its_own_time(kind: str, tmp_path: Path) -> None:
    moment, base = TICKS[kind]
    container = "matroska" if kind == "before zero" else None
    path = clip(tmp_path / ("a.mkv" if container else "a.mp4"), drawn(6), ticks=moment, base=base)
    facts = Clip(path).facts
    shift = -moment(0) if kind == "before zero" else 0  # Matroska has no times below 0
    wanted = [(moment(number) + shift) * base for number in range(6)]
    exact = Fraction(1, 1000) if container else 0
    assert all(abs(found - time) <= exact for found, time in zip(facts.times, wanted, strict=True))
    frames = list(Clip(path).frames())
    assert tuple(frame.time for frame in frames) == facts.times
    assert [frame.number for frame in frames] == [*range(6)]
    assert all(frame.duration > 0 for frame in frames)
    assert [frame.number for frame in Clip(path).frames(4)] == [4, 5]


def bars(height: int = 32, width: int = 64) -> Picture:
    """A ramp of greys over patches of colours."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2] = np.linspace(0, 255, width).round()[None, :, None]
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [30, 200, 180], [250, 240, 230],
                        [128, 64, 0], [9, 9, 9]])  # fmt: skip
    picture[height // 2 :] = colours.repeat(width // 8, 0)[None]
    return picture


def by_hand(picture: Picture, matrix: str, full: bool, bits: int) -> list[np.ndarray[Any, Any]]:
    """Y', Cb and Cr of a picture, by the formulas of BT.601, BT.709 and BT.2020."""
    red, green, blue = (picture[..., channel] / 255.0 for channel in range(3))
    kr, kb = {"601": (0.299, 0.114), "709": (0.2126, 0.0722), "2020": (0.2627, 0.0593)}[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    parts = [luma, (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))]
    top = 2**bits - 1
    if full:
        codes = [parts[0] * top, parts[1] * top + 2 ** (bits - 1), parts[2] * top + 2 ** (bits - 1)]
    else:
        step = 2 ** (bits - 8)
        codes = [(219 * parts[0] + 16) * step, (224 * parts[1] + 128) * step, (224 * parts[2] + 128) * step]
    return [np.clip(np.rint(each), 0, top) for each in codes]


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", ["601", "709", "2020"])
def test_a_grey_ramp_and_patches_come_back(matrix: str, full: bool, bits: int, tmp_path: Path) -> None:
    form = "yuv444p" if bits == 8 else "yuv444p10le"

    def frame_of(picture: Picture) -> Any:
        frame = av.VideoFrame(picture.shape[1], picture.shape[0], form)
        for plane, codes in zip(frame.planes, by_hand(picture, matrix, full, bits), strict=True):
            dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
            planes.lines(plane, dtype)[:, : picture.shape[1]] = codes.astype(dtype)
        frame.colorspace, frame.color_range = {"601": 5, "709": 1, "2020": 9}[matrix], 2 if full else 1
        return frame

    def before(stream: Any) -> None:
        context = stream.codec_context
        context.colorspace, context.color_range = {"601": 5, "709": 1, "2020": 9}[matrix], 2 if full else 1
        context.color_primaries = context.color_trc = 2

    lossless = {"qp": "0", "preset": "ultrafast"}
    path = clip(tmp_path / "a.mkv", [bars()] * 2, form=form, options=lossless, before=before, frame_of=frame_of)
    found = next(iter(Clip(path).frames())).pixels * 255
    assert np.abs(found[:16] - bars()[:16]).max() < 1, "greys"
    # 8 bits hold colours so far: half a step of Y' and half a step of the larger of Cb and Cr.
    most = 1.7 if bits == 8 else 0.5
    assert np.abs(found[16:] - bars()[16:]).max() < most
    if bits == 8 and not full and matrix == "709":
        back = planes.written(np.ascontiguousarray(found.astype(np.float32) / 255), None, "yuv444p")
        assert np.abs(planes.read(back)[0] * 255 - found).max() < 1.7


def test_what_does_not_say_how_it_was_made_is_taken_by_its_height() -> None:
    assert colour.coding_of(2, False, 8, 480) == colour.coding_of(6, False, 8, 480)
    assert colour.coding_of(2, False, 8, 720) == colour.coding_of(1, False, 8, 720)


@pytest.mark.parametrize("form", ["nv12", "yuyv422", "gbrp", "rgb24", "yuvj420p", "gray", "yuv410p", "rgb48le"])
def test_other_layouts_are_read(form: str) -> None:
    picture = np.empty((32, 32, 3), np.uint8)
    picture[:] = (120, 120, 120)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(
        format=form, dst_colorspace=5, dst_color_range=2 if form == "yuvj420p" else 1
    )
    assert np.abs(planes.read(frame)[0] * 255 - 120).max() < 3


def test_colours_lie_where_they_are() -> None:
    ramp = np.linspace(0.2, 0.8, 64, dtype=np.float32)[None, :, None].repeat(32, 0)
    colours = np.concatenate([ramp, 1 - ramp, ramp], 2)
    found = planes.read(planes.written(colours, None, "yuv420p10le"))[0]
    assert np.abs(found - colours)[:, 2:-2].max() < 0.004, "shifted by a quarter of a pixel it would be 0.0024 more"


SEEN = {  # by the clockwise turn that a player makes
    0: lambda a: a,
    90: lambda a: np.rot90(a, -1),
    180: lambda a: np.rot90(a, 2),
    270: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("turn", SEEN)
def test_turned_and_mirrored_clips_are_upright(turn: int, mirrored: bool, tmp_path: Path) -> None:
    picture = drawn(1)[0]

    def before(stream: Any) -> None:
        stream.set_display_rotation(-turn, hflip=mirrored)

    path = clip(tmp_path / "a.mp4", [picture] * 2, before=before)
    wanted = SEEN[turn](picture)
    wanted = wanted[:, ::-1] if mirrored else wanted
    frame = next(iter(Clip(path).frames()))
    assert Clip(path).facts.size == wanted.shape[:2]
    assert np.abs(frame.pixels * 255 - wanted).mean() < 4


def test_the_matrix_is_that_of_the_format() -> None:
    """A quarter turn clockwise as FFmpeg writes it (display.h): x' = -y, y' = x."""
    one = 1 << 16
    matrix = struct.pack("<9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    plane = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert np.array_equal(geometry.seen(matrix, None).turned(plane), np.rot90(plane, -1))


def test_pixels_that_are_not_square_become_pixels(tmp_path: Path) -> None:
    def before(stream: Any) -> None:
        stream.sample_aspect_ratio = Fraction(4, 3)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    path = clip(tmp_path / "a.mp4", drawn(2), before=before)
    assert Clip(path).facts.size == (48, 85) and next(iter(Clip(path).frames())).pixels.shape == (48, 85, 3)
    assert geometry.Seen(aspect=Fraction(1, 2)).size((48, 64)) == (96, 64)
    assert geometry.Seen(True, aspect=Fraction(2)).size((48, 64)) == (128, 48)


@pytest.mark.parametrize(("curve", "points"), [("PQ", 16), ("HLG", 18)])
def test_a_high_dynamic_range_is_drawn_in_as_pictures_are(curve: str, points: int, tmp_path: Path) -> None:
    from impasto.pictures import encodings

    def before(stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, points, 9

    def frame_of(picture: Picture) -> Any:
        frame = av.VideoFrame(picture.shape[1], picture.shape[0], "yuv444p10le")
        for plane, codes in zip(frame.planes, by_hand(picture, "2020", False, 10), strict=True):
            planes.lines(plane, np.dtype(np.uint16))[:, : picture.shape[1]] = codes.astype(np.uint16)
        frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = 9, points, 9, 1
        return frame

    options = {"x265-params": "lossless=1:log-level=none"}
    path = clip(
        tmp_path / "a.mkv",
        [bars()] * 2,
        codec="libx265",
        form="yuv444p10le",
        options=options,
        before=before,
        frame_of=frame_of,
    )
    facts, found = Clip(path).facts, next(iter(Clip(path).frames())).pixels
    assert facts.bright == curve and facts.depth == 10
    deep = (bars().astype(np.uint16) * 257).astype(np.uint16)
    wanted = encodings.to_srgb(deep, encodings.of_code_points(9, points) or encodings.Encoding()) / 65535
    assert np.abs(found - wanted)[:16].max() < 0.02


@pytest.mark.parametrize(
    ("name", "codec", "form"),
    [("a.mov", "prores_ks", "yuva444p10le"), ("a.webm", "libvpx-vp9", "yuva420p"), ("a.mkv", "ffv1", "bgra")],
)
def test_transparency_is_read(name: str, codec: str, form: str, tmp_path: Path) -> None:
    veil = np.linspace(0, 255, 64).round().astype(np.uint8)[None].repeat(48, 0)
    frames = [np.dstack([each, veil]) for each in drawn(3)]

    def before(stream: Any) -> None:
        if codec == "libvpx-vp9":
            stream.metadata["alpha_mode"] = "1"

    path = clip(
        tmp_path / name, frames, codec=codec, form=form, options={"crf": "4"} if "vpx" in codec else {}, before=before
    )
    found = list(Clip(path).frames())
    assert Clip(path).facts.alpha
    assert all(frame.alpha is not None and np.abs(frame.alpha * 255 - veil).max() < 3 for frame in found)


def test_a_folder_is_in_the_order_of_its_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number in (1, 2, 10, 11):
        Image.fromarray(np.full((20, 24, 3), number * 10, np.uint8)).save(tmp_path / f"f{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    folder = Folder(tmp_path, Fraction(10))
    assert [round(float(frame.pixels.mean()) * 25.5) for frame in folder.frames()] == [1, 2, 10, 11]
    assert "after f2.png what should follow is missing" in caplog.text
    assert folder.facts.times[3] == Fraction(3, 10) and folder.facts.rate == 10
    Image.fromarray(np.zeros((20, 26, 3), np.uint8)).save(tmp_path / "f12.png")
    with pytest.raises(VideoError, match=r"f12\.png has 26×20 pixels, and the pictures before it 24×20"):
        list(Folder(tmp_path).frames())
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="holds no pictures"):
        Folder(tmp_path / "empty")


def test_what_names_other_files_is_no_clip(tmp_path: Path) -> None:
    clip(tmp_path / "other.mp4", drawn(3))
    listed = tmp_path / "list.mp4"
    listed.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with av.open(str(listed)) as opened:
        assert opened.format.name == "concat", "FFmpeg would follow it"
    with pytest.raises(VideoError, match="holds no moving pictures"):
        Clip(listed)


def test_one_frame_is_found_without_those_before_it(tmp_path: Path) -> None:
    pictures = drawn(30)
    options = {"crf": "4", "preset": "ultrafast", "g": "8"}
    ticks = lambda number: 900 + number * number  # noqa: E731
    for path in (
        clip(tmp_path / "a.mp4", pictures, ticks=ticks, base=Fraction(1, 1000), options=options),
        clip(tmp_path / "a.ts", pictures, form="yuv420p", options=options),
        clip(tmp_path / "b.mkv", pictures, codec="ffv1", form="bgr0", options={}),
    ):
        found = Clip(path)
        whole = list(found.frames())
        for number in (0, 13, 29):
            frame = found.frame(number)
            assert frame.number == number and frame.time == whole[number].time
            assert np.array_equal(frame.pixels, whole[number].pixels), (path, number)


def test_what_is_no_clip_is_told_in_a_sentence(tmp_path: Path) -> None:
    def told(path: Path) -> str:
        with pytest.raises(VideoError) as found:
            for _ in Clip(path).frames():
                pass
        return str(found.value)

    picture, sound, cut, text = (tmp_path / name for name in ("a.png", "a.wav", "cut.mp4", "a.mp4"))
    Image.fromarray(drawn(1)[0]).save(picture)
    text.write_text("this is no film")
    assert "still picture" in told(picture) and "cut off or damaged" in told(text)
    assert "cannot be read" in told(tmp_path / "none.mp4")
    with av.open(str(sound), "w") as film:
        stream: Any = film.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        samples.sample_rate = 8000
        film.mux(stream.encode(samples))
    assert "holds sound alone" in told(sound)
    whole = clip(tmp_path / "whole.mp4", drawn(6))
    for missing in (100, 600, whole.stat().st_size // 2):  # of its index, or all of it
        cut.write_bytes(whole.read_bytes()[:-missing])
        assert "cut off" in told(cut), missing
    whole = clip(tmp_path / "whole.mkv", drawn(40), options={"crf": "4", "preset": "ultrafast", "g": "4"})
    short = tmp_path / "short.mkv"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "is cut off" in told(short) and "allow_truncated" in told(short)
    assert 5 < len(list(Clip(short, allow_truncated=True).frames())) < 40
    fast = clip(tmp_path / "fast.mp4", drawn(4), base=Fraction(1, 90000))
    assert "90000 frames a second" in told(fast)


def test_films_one_behind_the_other_are_told_where_time_begins_anew(tmp_path: Path) -> None:
    """As recordings that are copied together are: their frames would be taken for the same ones."""
    for name, size, late in (("same", (48, 64), 0), ("larger", (64, 96), 0), ("late", (48, 64), 1)):
        parts = [
            clip(
                tmp_path / f"{index}.ts", drawn(8, *each), base=Fraction(1, 50), container="mpegts", form="yuv420p",
                ticks=range(late * index, 99, 2).__getitem__,
            )
            for index, each in enumerate(((48, 64), size))
        ]  # fmt: skip
        joined = tmp_path / f"{name}.ts"
        joined.write_bytes(b"".join(part.read_bytes() for part in parts))
        with pytest.raises(VideoError, match=r"begins anew at .* s after 8 frames"):
            _ = Clip(joined).facts
        assert len(Clip(parts[0]).facts.times) == 8


def test_a_clip_larger_than_pictures_may_be_is_refused_before_a_frame_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clip(tmp_path / "a.mkv", drawn(2, 32, 32))
    monkeypatch.setattr(bounds, "MAX_PIXELS", 32 * 32 - 1)
    monkeypatch.setattr(Clip, "_decoded", None)
    with pytest.raises(VideoError, match="cannot be used: it declares 32×32 pixels, more than"):
        Clip(path)


def test_a_clip_that_changes_its_size_is_told_where(tmp_path: Path) -> None:
    small = [np.ascontiguousarray(each[:32, :48]) for each in drawn(3)]
    parts = [
        clip(tmp_path / f"{index}.h264", frames, container="h264") for index, frames in enumerate((drawn(3), small))
    ]
    joined = tmp_path / "a.h264"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(VideoError, match=r"changes from 64×48 to 48×32 pixels at .* `end`"):
        list(Clip(joined).frames())


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("a.avi", {}, "is of no form of moving pictures"), ("a.mp4", {"codec": "h266"}, "no `codec` 'h266'"),
        ("a.webm", {"codec": "h264"}, "holds no `codec` h264: choose vp9 or av1"), ("a.gif", {"codec": "vp9"}, "leave out `codec`"),
        ("a.mp4", {"alpha": True}, "holds no transparency"), ("a.gif", {"alpha": True}, "holds no transparency"),
        ("a.mkv", {"alpha": True, "codec": "h264"}, "`codec` h264 holds no transparency"),
        ("a.webp", {"bits": 10}, "holds no 10 `bits`"), ("a.webm", {"bits": 10, "alpha": True}, "with transparency"),
        ("a.mp4", {"bits": 12}, "8 or 10, not 12"), ("a.mp4", {"bits": "8"}, "8 or 10, not '8'"), ("a.mp4", {"crf": 60}, r"from 0 \(best\) to 51, not 60"),
        ("a.mp4", {"crf": "20"}, "to 51, not '20'"), ("a.mp4", {"codec": 5}, "no `codec` 5"),
        ("a.mov", {"codec": "prores", "crf": 3}, "`crf` has no meaning for `codec` prores"), ("out", {"crf": 3}, "a folder"),
    ],
)  # fmt: skip
def test_what_an_output_cannot_hold_is_refused(name: str, options: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        packing(Path(name), **{"alpha": False} | options)


def test_the_codec_follows_the_frames() -> None:
    chosen = {name: packing(Path(name), depth=10, alpha=alpha) for name, alpha in (("a.mp4", False), ("a.mov", True))}
    assert [(each.name, each.bits) for each in chosen.values()] == [("h265", 10), ("prores", 10)]
    assert packing(Path("a.webm"), depth=10, alpha=True).bits == 8
    for form in FORMS.values():
        assert {*form.codecs} <= {*CODECS}


def written(path: Path, source: Clip, *, bits: int | None = None, halves: int = 2) -> None:
    """A clip written anew, in parts."""
    facts = source.facts
    chosen = packing(path, bits=bits, depth=facts.depth, alpha=facts.alpha)
    parts = Parts(path, chosen, facts.base, 0)
    parts.begin({}, resume=False)
    frames = list(source.frames())
    for part in range(halves):
        first, after = part * len(frames) // halves, (part + 1) * len(frames) // halves
        writer = parts.writer(first, facts.size)
        for frame in frames[first:after]:
            writer.write(frame.pixels, frame.alpha, frame.time, frame.duration)
        writer.finish()
        parts.keep(writer.part(after, 0), {})
    copied = joining.check_streams(source, chosen.form, path.suffix)
    moments = [moment for part in parts.all() for moment in part.moments]
    with path.open("w+b") as file:
        joining.join(
            file, chosen.form, parts.files(), moments, facts.base,
            clip=source, copied=copied, origin=Fraction(0), end=None, alpha=chosen.alpha, comment="told",
        )  # fmt: skip


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.mov", "b.webm"])
def test_what_is_written_has_the_same_times_pictures_and_sound(name: str, tmp_path: Path) -> None:
    sound = "libopus" if name == "b.webm" else "pcm_s16le" if name != "b.mp4" else "aac"
    rate = 48000 if sound == "libopus" else 8000
    source = clip(tmp_path / "a.mkv" if rate == 48000 else tmp_path / "a.mov", drawn(8), ticks=lambda n: n * 1001 + 500 * (n > 3),
                  base=Fraction(1, 24000), sound="" if rate == 48000 else sound)  # fmt: skip
    written(tmp_path / name, Clip(source))
    found, own = Clip(tmp_path / name), Clip(source)
    shifted = found.facts.times[0] - own.facts.times[0]  # Matroska begins with what is heard first
    exact = Fraction(1, 900) if name in ("b.mkv", "b.webm") else 0
    assert all(abs(a - b - shifted) <= exact for a, b in zip(found.facts.times, own.facts.times, strict=True))
    assert abs(found.facts.end - own.facts.end - shifted) <= max(exact, 0)
    pairs = list(zip(found.frames(), own.frames(), strict=True))
    assert np.mean([np.abs(a.pixels - b.pixels).mean() for a, b in pairs]) < 0.02
    if rate != 48000:
        heard, was = packets(tmp_path / name, "audio"), packets(source, "audio")
        assert [content for _, content in heard] == [content for _, content in was]
        assert all(abs(a - b - shifted) <= exact for (a, _), (b, _) in zip(heard, was, strict=True))


def test_the_same_frames_are_the_same_bytes() -> None:
    """As often as they are encoded: where x264 has AVX-512 and looks ahead, once in a hundred times they are
    not.
    """
    frames = [planes.written(frame.astype(np.float32) / 255, None, "yuv420p") for frame in drawn(4)]
    chosen, seen = packing(Path("a.mp4"), alpha=False), set()
    for number, frame in enumerate(frames):
        frame.pts, frame.time_base = number, Fraction(1, 24)
    for _ in range(1000):
        with av.open(io.BytesIO(), "w", format="mp4") as container:
            stream: Any = container.add_stream(chosen.codec.encoder, options=chosen.options())
            stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, chosen.pixels
            stream.time_base = Fraction(1, 24)
            seen.add(b"".join(bytes(packet) for each in (*frames, None) for packet in stream.encode(each)))
    assert len(seen) == 1 and chosen.options()["rc-lookahead"] == "0"


def test_sound_that_an_output_cannot_hold_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = Clip(clip(tmp_path / "a.mp4", drawn(4), sound="aac"))
    with pytest.raises(SettingsError, match=r"\.webm cannot hold the sound of .* \(aac\): name a \.mkv file"):
        joining.check_streams(source, FORMS[".webm"], ".webm")
    assert joining.check_streams(source, FORMS[".gif"], ".gif") == []
    assert "holds no sound" in caplog.text
