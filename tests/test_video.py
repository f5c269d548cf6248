"""A film is a job: checked as a whole, made in parts, cut off and gone on with, told of itself."""

import json
import os
import re
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.errors import CheckpointError, OutputError, RecordError, SettingsError, VideoError
from impasto.machine import files, interrupts
from impasto.settings import applies
from impasto.settings.fields import Settings
from impasto.video import film as films
from impasto.video import shotpainter, told
from impasto.video.ahead import Ahead, Behind
from impasto.video.clip import Clip
from impasto.video.job import VideoDelivery, VideoJob
from impasto.video.parts import Parts
from impasto.video.source import Frame
from impasto.video.steady import Steadied
from impasto.video.work import VideoWork, plan
from tests.clips import breaks_at, clip, decoded, drawn, packets
from tests.helpers import painting, photo

FAST = {"network": "multistyle26"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frames = [*drawn(7), *(255 - each for each in drawn(4))]
    clip(tmp_path / "a.mp4", frames, ticks=lambda n: n * 1001, base=Fraction(1, 24000), sound="aac")
    monkeypatch.setattr("impasto.video.fast.Fast.LENGTH", 4)
    return tmp_path


def job(output: str = "out.mp4", **options: Any) -> VideoJob:
    delivery = VideoDelivery(
        output, **{name: options.pop(name) for name in [*options] if name in VideoDelivery.__dataclass_fields__}
    )
    settings = FAST | options.pop("settings", {})
    return VideoJob(
        "a.mp4", style_index=options.pop("style_index", "3"), settings=settings, delivery=delivery, **options
    )


def said(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def test_a_film_keeps_times_sound_and_tells_of_itself(folder: Path) -> None:
    events = list(VideoWork(job(sheet=True)).events())
    assert [each.iteration for each in events] == [*range(1, 12)] and events[-1].done == 1
    assert "frames/s" in events[3].text and events[3].seconds_left is not None
    source, made = Clip("a.mp4").facts, Clip("out.mp4").facts
    assert made.times == source.times and made.end == source.end and made.size == (48, 64)
    assert packets(Path("out.mp4"), "audio") == packets(Path("a.mp4"), "audio")
    record = told.read(Path("out.mp4.json"))
    assert record["steps"] == 11 and record["shots"] == [0.0, round(7 * 1001 / 24000, 3)] and record["bits"] == 8
    assert {*record["time_s"]} == {"decode", "paint", "steady", "encode"} and all(
        each > 0 for each in record["time_s"].values()
    )
    whole = Path("out.mp4").read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat"), "it plays before all of it has arrived"
    within = told.read(Path("out.mp4"))
    assert within["frames"] == 11 and "elapsed_s" not in within and "time_s" not in within
    assert told.job_of(Path("out.mp4")) == job(sheet=True)
    with Image.open("out.mp4.sheet.png") as sheet:
        assert sheet.width > 1000
    assert {each.name for each in folder.iterdir()} == {"a.mp4", "out.mp4", "out.mp4.json", "out.mp4.sheet.png"}
    other = record | {"job": record["job"] | {"clip": "b.mp4"}}
    Path("out.mp4.json").write_text(json.dumps(other))
    assert told.job_of(Path("out.mp4")).clip == "b.mp4", "its files have other paths"
    Path("out.mp4.json").write_text(json.dumps(other | {"hashed": record["hashed"] | {"clip": "0" * 64}}))
    assert told.job_of(Path("out.mp4")).clip == "a.mp4", "what lies beside it is of another film"


def test_the_same_film_is_the_same_bytes(folder: Path) -> None:
    VideoWork(job()).finish()
    first = Path("out.mp4").read_bytes()
    VideoWork(job(), force=True).finish()
    assert Path("out.mp4").read_bytes() == first


@pytest.mark.parametrize("cut", [1, 5, 8, 9])
def test_a_film_that_was_cut_off_goes_on_to_the_same_frames(cut: int, folder: Path) -> None:
    VideoWork(job("whole.mp4")).finish()
    work = VideoWork(job())
    events = work.events()
    for _ in range(cut):
        next(events)
    while cut > 4 and not Path("out.mp4.parts/000000.state").exists():
        time.sleep(0.01)  # the writing thread is behind
    events.close()
    assert work.interrupted and not Path("out.mp4").exists()
    if cut < 4:
        assert not Path("out.mp4.parts").exists()
        with pytest.raises(CheckpointError, match="nothing to go on from"):
            list(VideoWork(job(), resume=True).events())
        return
    assert work.output == Path("out.mp4.parts") and work.record
    done = [each for each in sorted(Path("out.mp4.parts").iterdir()) if each.suffix == ".mp4"]
    assert done and [len(list(Clip(each).frames())) for each in done] == [4, 3][: len(done)], "what is done is playable"
    assert not [each for each in Path("out.mp4.parts").iterdir() if "partial" in each.name]
    with pytest.raises(SettingsError, match="`resume` goes on with it, `force` starts afresh"):
        VideoWork(job())
    with pytest.raises(CheckpointError, match="of another film"):
        list(VideoWork(job(style_index="4"), resume=True).events())
    again = list(VideoWork(job(settings={"device": "cpu"}), resume=True).events())
    assert len(again) < 11
    times, frames = decoded(Path("out.mp4"))
    whole_times, whole = decoded(Path("whole.mp4"))
    assert times == whole_times and all(np.array_equal(a, b) for a, b in zip(frames, whole, strict=True))
    assert not Path("out.mp4.parts").exists()


def test_what_killed_runs_left_behind_is_in_no_film(folder: Path) -> None:
    """Parts beyond a gap, of a folder that was being removed, and frames of another film."""
    VideoWork(job("whole.mp4")).finish()
    events = VideoWork(job()).events()
    for _ in range(9):
        next(events)
    while not Path("out.mp4.parts/000004.state").exists():
        time.sleep(0.01)
    events.close()
    Path("out.mp4.parts/000000.state").unlink()
    VideoWork(job(), resume=True).finish()
    assert packets(Path("out.mp4"), "video") == packets(Path("whole.mp4"), "video")
    hidden = Path("frames.parts/numbered-0")
    hidden.mkdir(parents=True)
    (hidden / "0099.png").touch()
    VideoWork(job("frames"), force=True).finish()
    assert [each.name for each in sorted(Path("frames").iterdir())] == [f"{place:04d}.png" for place in range(1, 12)]
    assert not hidden.parent.exists()


def test_frames_that_were_there_before_the_end_are_gone_on_with(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the last two things that a film does."""
    with monkeypatch.context() as patched:
        patched.setattr(Parts, "remove", lambda self: None)
        VideoWork(job("frames", end=0.2)).finish()
    made = {path: path.read_bytes() for path in Path("frames").iterdir()}
    assert Path("frames.parts").exists() and len(made) == 5
    VideoWork(job("frames", end=0.2), resume=True).finish()
    assert {path: path.read_bytes() for path in Path("frames").iterdir()} == made
    assert not Path("frames.parts").exists()


def test_being_asked_to_stop_leaves_what_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupts, "asked", lambda: True)
    work = VideoWork(job())
    with pytest.raises(KeyboardInterrupt):
        list(work.events())
    assert work.interrupted and {each.name for each in folder.iterdir()} == {"a.mp4"}


def test_one_frame_alone_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert plan(job(end=0.04))["frames"] == 1 and "of a.mp4 this is one frame alone" in caplog.text.lower()


def test_a_part_of_a_clip_has_its_sound(folder: Path) -> None:
    VideoWork(job(start=0.1, end=0.3)).finish()
    source, made = Clip("a.mp4").facts, Clip("out.mp4").facts
    kept = [moment for moment in source.times if 0.1 <= moment < 0.3]
    assert [float(moment) for moment in made.times] == pytest.approx([float(moment) - 0.1 for moment in kept], abs=1e-5)
    contents = {content: moment for moment, content in packets(Path("a.mp4"), "audio")}
    for moment, content in packets(Path("out.mp4"), "audio"):
        assert abs(contents[content] - Fraction(1, 10) - moment) < Fraction(1, 8000)
    with pytest.raises(SettingsError, match=r"no frame between `start` and `end`: a\.mp4 ends at 0\.46 s"):
        VideoWork(job(start=7.0), force=True)


SAID = "1\n00:00:00,050 --> 00:00:00,150\nOne — ünd\n\n2\n00:00:00,200 --> 00:00:00,300\n<i>Two</i>\nlines\n\n"


def test_subtitles_are_copied_bit_for_bit(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip(Path("a.mp4"), drawn(11), subtitles=SAID, container="matroska")
    of_clip = packets(Path("a.mp4"), "subtitles")
    assert [(float(time), text.decode()) for time, text in of_clip] == [(0.05, "One — ünd"), (0.2, "<i>Two</i>\nlines")]
    VideoWork(job("out.mkv")).finish()
    assert packets(Path("out.mkv"), "subtitles") == of_clip
    VideoWork(job("part.mkv", start=0.17)).finish()
    ((moment, text),) = packets(Path("part.mkv"), "subtitles")
    assert text == of_clip[1][1] and abs(float(moment) - 0.03) < 0.0011
    assert plan(job("none.mp4"))["streams_copied"] == 0
    assert ".mp4 cannot hold the subtitles (subrip): name a .mkv file" in caplog.text


def test_few_frames_are_held_at_a_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(Path("a.mp4"), drawn(40))
    read = Clip.frames
    given: list[weakref.ref[Any]] = []
    held: list[int] = []

    def counted(self: Clip, first: int = 0) -> Any:
        for frame in read(self, first):
            given.append(weakref.ref(frame.pixels))
            held.append(sum(each() is not None for each in given))
            yield frame

    monkeypatch.setattr(Clip, "frames", counted)
    VideoWork(job(settings={"size": 32})).finish()
    assert len(given) == 40 and max(held) <= 4 + 4 + 6, "what waits in two queues, and what is being worked at"


@pytest.mark.parametrize("output", ["out.gif", "out.webp", "out.apng", "out", "out.mkv", "out.mov"])
def test_every_form_of_output(output: str, folder: Path) -> None:
    made = VideoWork(job(output, settings={"size": 33, "steady": "shots"})).finish()
    assert made["steps"] == 11
    if output == "out":
        files = sorted(Path("out").iterdir())
        assert [each.name for each in files] == [f"{number:04d}.png" for number in range(1, 12)]
        with Image.open(files[0]) as image:
            assert image.size == (33, 25)
        with pytest.raises(OutputError, match="is there already, and not empty"):
            VideoWork(job(output), force=True)
    elif output == "out.webp":
        with Image.open(output) as image:
            assert getattr(image, "n_frames", 1) == 11 and image.size == (33, 25)
    else:
        facts = Clip(output).facts
        assert len(facts.times) == 11 and facts.size == ((25, 33) if output in ("out.gif", "out.apng") else (24, 32))
    assert told.read(Path(output)).get("frames") == 11
    assert told.is_film(Path(output)) and told.job_of(Path(output)).clip == "a.mp4"
    if output == "out.webp":  # which may be a picture as well
        Image.fromarray(photo(48, 64)).save("a.png")
        said("stylize", "a.png", "--style-index", "3", "--method", "fast", "-o", "still.webp", "--size", "32")
        assert not told.is_film(Path("still.webp")) and told.is_film(Path("out.webp.json"))
        assert "impasto: stylize" in said("info", "still.webp") and "impasto: video" in said("info", "out.webp.json")


@pytest.mark.skipif(os.name == "nt", reason="no name has a colon there")
@pytest.mark.parametrize("output", ["10:30.mp4", "10:30.gif"])
def test_a_colon_in_a_name_is_no_protocol(output: str, folder: Path) -> None:
    Path("a.mp4").rename("9:15.mp4")
    VideoWork(replace(job(output, settings={"size": 32}), clip="9:15.mp4")).finish()
    assert len(Clip(output).facts.times) == 11 and told.job_of(Path(output)).clip == "9:15.mp4"


def test_no_metadata_leaves_no_record_of_another_film(folder: Path) -> None:
    beside = Path("out.mkv.json")
    beside.write_text("of another film")
    VideoWork(job("out.mkv", metadata=False), force=True).finish()
    assert not beside.exists() and Path("out.mkv").exists()


def test_odd_sizes_lose_a_row_before_the_first_frame_is_painted(folder: Path) -> None:
    clip(Path("odd.mkv"), drawn(3, 33, 45), codec="ffv1", form="bgr0", options={})
    odd = VideoJob("odd.mkv", style_index="3", settings=FAST | {"steady": "off"}, delivery=VideoDelivery("odd.mp4"))
    assert plan(odd)["height"] == 32 and plan(odd)["width"] == 44
    VideoWork(odd).finish()
    assert Clip("odd.mp4").facts.size == (32, 44)


def test_transparency_goes_through(folder: Path) -> None:
    veil = np.zeros((32, 48), np.uint8)
    veil[8:24, 8:40] = 255
    clip(
        Path("v.mov"),
        [np.dstack([each[:32, :48], veil]) for each in drawn(3)],
        codec="prores_ks",
        form="yuva444p10le",
        options={"profile": "4"},
    )
    seen = VideoJob("v.mov", style_index="3", settings=FAST, delivery=VideoDelivery("out.mov"))
    VideoWork(seen).finish()
    frames = list(Clip("out.mov").frames())
    assert all(each.alpha is not None and np.abs(each.alpha * 255 - veil).max() < 2 for each in frames)
    with pytest.raises(SettingsError, match=r"\.mp4 holds no transparency"):
        VideoWork(seen.to("out.mp4"))


def test_styles_change_over_time(folder: Path) -> None:
    for name, seed in (("x.png", 1), ("y.png", 9)):
        Image.fromarray(painting(64, 64, seed)).save(name)
    given = {"network": "arbitrary", "steady": "off"}
    for output, at in (("x.mkv", ((0.0, "x.png"),)), ("xy.mkv", ((0.0, "x.png"), (0.2, "y.png")))):
        VideoWork(VideoJob("a.mp4", style_at=at, settings=given, delivery=VideoDelivery(output, codec="ffv1"))).finish()
    VideoWork(
        VideoJob("a.mp4", (("y.png", 1.0),), settings=given, delivery=VideoDelivery("y.mkv", codec="ffv1"))
    ).finish()
    (_, only), (_, both), (_, last) = (decoded(Path(name)) for name in ("x.mkv", "xy.mkv", "y.mkv"))
    assert np.array_equal(both[0], only[0]) and np.array_equal(both[-1], last[-1])
    assert not np.array_equal(both[3], only[3]) and not np.array_equal(both[3], last[3])


def test_strength_changes_over_time(folder: Path) -> None:
    """At its first time it is of one strength, and half way to the other that of what lies between."""
    given = {"steady": "off", "network": "multi", "size": 32}
    plain = VideoDelivery("mixed.mkv", codec="ffv1")
    at = ((0.0, 0.0), (8 * 1001 / 24000, 0.4))
    VideoWork(replace(job(settings=given), strength_at=at, delivery=plain)).finish()
    mixed = decoded(Path("mixed.mkv"))[1]
    for number, strength in ((0, 0.0), (4, 0.2)):
        VideoWork(job("one.mkv", codec="ffv1", settings=given | {"strength": strength}), force=True).finish()
        one = decoded(Path("one.mkv"))[1]
        assert np.abs(mixed[number].astype(int) - one[number]).max() <= 1
        assert np.abs(mixed[number - 3].astype(int) - one[number - 3]).max() > 3
    assert told.job_of(Path("mixed.mkv")).strength_at == at
    told_of: list[bool] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("impasto.tasks.fast._tell_of_strength", lambda: told_of.append(True))
        for strength in (0.5, 0.6):
            plan(job("p.mkv", settings=given | {"strength": strength}))
            plan(replace(job("p.mkv", settings=given), strength_at=((0.0, 0.2), (1.0, strength))))
            assert len(told_of) == (2 if strength > 0.5 else 0), "more than whole is no more, and that is told"
    with pytest.raises(SettingsError, match="`strength` or `strength_at`, not both"):
        job(strength_at=at, settings={"strength": 0.5})


def test_a_frame_is_painted_in_the_memory_that_it_is_given(folder: Path) -> None:
    too_little = r"A frame of 64×48 needs more than the 1 MB that it may take: it takes `memory` (\d+MB)"
    with pytest.raises(SettingsError, match=too_little) as refused:
        VideoWork(job(settings={"memory": "1MB"}))
    told = re.search(too_little, str(refused.value))
    assert told is not None
    VideoWork(job(settings={"memory": told[1]}))
    large = films.Film(job(settings={"memory": "4GB"}))
    assert large.known_by() == films.Film(job()).known_by(), "with another one it goes on"


def test_what_moving_pictures_heed_is_what_they_accept(folder: Path) -> None:
    read: set[str] = set()

    class Watched(Settings):
        def __getattribute__(self, name: str) -> Any:
            read.update({name} & Settings.__dataclass_fields__.keys())
            return super().__getattribute__(name)

    own = {declared.name for declared in applies.fields_of("video")}
    with pytest.MonkeyPatch.context() as patch:
        given = {"strength": 0.3, "network": "multi"}
        watched = Watched(**Settings().changed(**given).dictionary() | {"method": "fast"})
        made = job(settings=given)
        patch.setattr(VideoJob, "chosen", lambda _: watched)
        read.clear()
        films.Film(made).way.painter()
    assert read == own
    with pytest.raises(SettingsError, match="`iterations` has no effect on video"):
        job(settings={"iterations": 3})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"clip": ""}, "needs a `clip`"), ({"styles": [["a.png", 1]]}, "or `style_at` alone"), ({"start": -1}, "`start` must be"),
        ({"end": 0}, "`end` must be after"), ({"rate": 0}, "`rate` must be"), ({"style_index": ""}, "Give one or more"),
        ({"style_index": "", "style_at": [[2, "a.png"], [1, "b.png"]]}, "`style_at` takes rising times"),
        ({"strength_at": [[1, 0.2], [1, 0.3]]}, "`strength_at` takes rising times"),
        ({"strength_at": [[1, 1.2]]}, "`strength_at` takes numbers from 0 to 1"),
        ({"delivery": {"output": "."}}, "or a new folder of numbered pictures, and not"), ({"delivery": {"output": "a/.."}}, "name one"),
        ({"settings": {"steady": "full"}}, "`steady` cannot be 'full'"), ({"clip": "a\0b"}, "is no name of a file"),
    ],
)  # fmt: skip
def test_jobs_that_make_no_sense(changes: dict[str, Any], word: str) -> None:
    plain = job().dictionary()
    assert VideoJob.of(json.loads(json.dumps(plain))) == job()
    with pytest.raises(SettingsError, match=word):
        VideoJob.of(plain | changes)
    for wrong in ({"job": 2}, {"job": "x"}, {"styles": 3}, {"task": "stylize"}):
        with pytest.raises(RecordError):
            VideoJob.of(plain | wrong)


def test_what_cannot_be_written_is_told_before_the_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.mp4").write_text("mine")
    with pytest.raises(OutputError, match=r"out\.mp4 exists already"):
        VideoWork(job())
    with pytest.raises(OutputError, match=r"is the input a\.mp4 itself"):
        VideoWork(job("a.mp4"), force=True)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("", (), {"free": 1000})())
    with pytest.raises(OutputError, match="MB are free"):
        VideoWork(job("b.mp4"))
    assert Path("out.mp4").read_text() == "mine"


def test_a_film_whose_clip_breaks_keeps_its_parts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks_at(monkeypatch, 9, VideoError("It breaks."))
    events: list[Any] = []
    with pytest.raises(VideoError, match="It breaks"):
        events.extend(event for event in VideoWork(job()).events())
    assert Path("out.mp4.parts/000004.state").exists() or Path("out.mp4.parts/000000.state").exists()
    assert not Path("out.mp4").exists()


@pytest.mark.parametrize(
    ("steady", "changes", "shots", "seconds"),
    [
        ("light", {}, 1, 4 * 2.0 + 7 * 0.5),
        ("light", {}, 2, 8 * 2.0 + 3 * 0.5),
        ("light", {}, 9, 11 * 2.0),
        ("off", {}, 0, 11 * 0.5),
        ("light", {"strength_at": ((0, 0.1), (9, 1))}, 0, 11 * 2.0),
    ],
)
def test_how_long_a_film_takes_is_told_by_small_frames(
    folder: Path, monkeypatch: pytest.MonkeyPatch, steady: str, changes: dict[str, Any], shots: int, seconds: float
) -> None:
    """Of a clock by which a frame that statistics are taken of takes two seconds, and others half of one."""
    sides: list[int] = []
    clock = [0.0]

    class Timed(shotpainter.ShotPainter):
        def paint(self, pixels: Any, time: float, *, begins: bool) -> Any:
            sides.append(max(self._size))
            clock[0] += 2.0 if self._frozen and (begins or self._count < shotpainter.SETTLING) else 0.5
            return super().paint(pixels, time, begins=begins)

    monkeypatch.setattr("impasto.video.fast.ShotPainter", Timed)
    for module in ("fast", "shotpainter"):
        monkeypatch.setattr(f"impasto.video.{module}.SETTLING", 4)
    monkeypatch.setattr(films.Film, "shots", lambda _: shots or pytest.fail("counted for nothing"))
    monkeypatch.setattr("impasto.video.fast._TRIED", 64)
    monkeypatch.setattr("impasto.video.fast.time.perf_counter", lambda: clock[0])
    frame = Steadied.frame

    def steadied(self: Steadied, source: Any, painted: Any, *shares: Any, begins: bool) -> Any:
        clock[0] += 0.1 + 1e-5 * painted.shape[0] * painted.shape[1]
        sizes.append(max(painted.shape))
        return frame(self, source, painted, *shares, begins=begins)

    sizes: list[int] = []
    monkeypatch.setattr(Steadied, "frame", steadied)
    told = plan(job(settings={"network": "multi", "steady": steady, "size": 256}, **changes))
    steadying = 11 * (0.1 + 1e-5 * told["width"] * told["height"]) if steady == "light" else 0
    assert {*sizes} == ({64, 128} if steady == "light" else set())
    assert {*sides} == {64} and told["estimated_s"] == pytest.approx(seconds * 16 + steadying, rel=0.03)
    assert told["film_bytes"] == pytest.approx(told["estimated_bytes"] / (8 if steady == "light" else 2), abs=1)


def test_shots_are_told_by_the_first_frames(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of 41 frames with a cut at every tenth: of its first 21, of all, and of a part."""
    views = [photo(48, 64, number) // 2 + 120 * (number % 2) for number in range(5)]
    clip(Path("shots.mkv"), [views[number // 10] for number in range(41)], codec="ffv1", form="bgr0", options={})
    made = VideoJob("shots.mkv", style_index="3", settings={"network": "multi"}, delivery=VideoDelivery("b.mp4"))
    decoded = list[int]()
    frames = Clip.frames

    def noted(self: Clip, first: int = 0) -> Iterator[Frame]:
        for frame in frames(self, first):
            decoded.append(frame.number)
            yield frame

    monkeypatch.setattr(Clip, "frames", noted)
    assert films.Film(made).shots() == 5 and len(decoded) == 41
    monkeypatch.setattr("impasto.video.film._LOOKED", 21)
    decoded.clear()
    assert films.Film(made).shots() == 5 and decoded == [*range(21)]
    assert films.Film(replace(made, end=9.5 / 24)).shots() == 1
    assert films.Film(replace(made, start=5 / 24, end=15.5 / 24)).shots() == 2
    assert films.Film(replace(made, start=5 / 24, end=5.5 / 24)).shots() == 1
    breaks_at(monkeypatch, 11, VideoError("It breaks."))
    assert films.Film(made).shots() == 5, "one cut in eleven frames"


def test_a_clip_is_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256_of, read = files.sha256_of, list[str]()

    def noted(path: Path) -> str:
        read.append(path.name)
        return sha256_of(path)

    monkeypatch.setattr(files, "sha256_of", noted)
    made = VideoWork(job()).finish()
    assert read.count("a.mp4") == 1 and made["hashed"]["clip"] == sha256_of(Path("a.mp4"))


def test_the_command_line(folder: Path) -> None:
    shown = said("video", "a.mp4", "--style-index", "3", "--network", "multistyle26", "-o", "c.mp4", "--dry-run")
    assert "frames: 11" in shown and "codec: h264" in shown and "estimated_s" in shown and not Path("c.mp4").exists()
    assert "film_bytes" in shown
    assert said("video", "a.mp4", "--style-index", "3", "--network", "multistyle26", "-o", "c.mp4", "-q") == "c.mp4"
    assert "impasto: video" in said("info", "c.mp4") and "impasto: video" in said("info", "c.mp4.json")
    Path("job.json").write_text(CliRunner().invoke(app, ["info", "c.mp4", "--job"]).output)
    assert said("run", "job.json", "-o", "d.mp4", "-q") == "d.mp4"
    assert "warping_8" in said("score-video", "a.mp4", "c.mp4", "--against", "d.mp4")
    assert "takes SECONDS:STYLE" in said("video", "a.mp4", "--style-at", "soon:p.png", code=2)
    assert "takes SECONDS:NUMBER" in said("video", "a.mp4", "--strength-at", "1:much", "--style-index", "3", code=2)
    assert "--codec" in said("video", "a.mp4", "--style-index", "3", "--codec", "h9", code=2)
    assert "--start must be at least 0" in said("video", "a.mp4", "--style-index", "3", "--start", "-1", code=2)


def test_a_film_that_many_share_is_estimated_for_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By as many as there are processors, and shots to be parted: two here, in which the first frames are."""
    monkeypatch.setattr("impasto.video.film.Film.estimate", lambda _: (120.0, 1e9))
    for sharers, processors, shots, seconds in (
        (0, 4, 2, 120),
        (1, 4, 2, 120),
        (4, 4, 2, 60),
        (4, 3, 9, 40),
        (2, 8, 9, 60),
    ):
        monkeypatch.setattr("impasto.machine.limits.processors", lambda count=processors: count)
        if shots != 2:
            monkeypatch.setattr("impasto.video.film.Film.shots", lambda _, count=shots: count)
        told = plan(job(settings={"device": "cpu"}), sharers)
        assert told["estimated_s"] == seconds and (told["threads"] == 1 or not sharers)


def test_what_runs_ahead_and_behind_ends_with_its_user() -> None:
    def numbers() -> Any:
        yield from range(100)

    def broken() -> Any:
        yield 1
        raise VideoError("no more")

    ahead: Ahead[int] = Ahead(numbers)
    assert next(iter(ahead)) == 0
    ahead.close()
    failing: Ahead[int] = Ahead(broken)
    with pytest.raises(VideoError, match="no more"):
        list(failing)
    failing.close()
    done: list[int] = []
    behind: Behind[int] = Behind(done.append)
    for number in range(20):
        behind.put(number)
    behind.finish()
    assert done == [*range(20)]

    def refuse(_: int) -> None:
        raise OutputError("full")

    full: Behind[int] = Behind(refuse)
    with pytest.raises(OutputError, match="full"):
        for number in range(1000):
            full.put(number)
    full.close()


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    from impasto.errors import ImpastoError
    from impasto.video import needed

    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ImpastoError, match=r"pip install 'impasto\[video\]'"):
        importlib.reload(needed)
    monkeypatch.undo()
    importlib.reload(needed)
    assert needed.av is av
