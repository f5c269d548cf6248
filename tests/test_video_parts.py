"""A film goes on from parts that are as they were written, and from no others."""

import contextlib
import errno
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import av
import pytest
from PIL import Image

from impasto.errors import CheckpointError, OutputError
from impasto.video import images
from impasto.video.folder import Folder
from impasto.video.job import VideoJob
from impasto.video.parts import Parts
from impasto.video.shotpainter import ShotPainter
from impasto.video.source import Facts
from impasto.video.work import VideoWork
from tests.clips import clip, drawn, packets
from tests.test_video import job


def film(output: str, **options: str) -> VideoJob:
    return job(output, sheet=True, **options)


@pytest.fixture(scope="module")
def cut_off(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a film, the parts of one like it that was cut off after two of three, and of another, of
    as many frames.
    """
    folder = tmp_path_factory.mktemp("films")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("impasto.video.fast.Fast.LENGTH", 4)
        clip(folder / "a.mp4", drawn(11), ticks=lambda n: n * 1001, base=Fraction(1, 24000))
        VideoWork(film("whole.mkv")).finish()
        for name, index in (("out.mkv", "3"), ("other.mkv", "4")):
            events = VideoWork(film(name, style_index=index)).events()
            for _ in range(9):
                next(events)
            while not Path(f"{name}.parts/000004.state").exists():
                time.sleep(0.01)  # the writing thread is behind
            events.close()
    return folder


def _swapped(parts: Path, *endings: str) -> None:
    for ending in endings:
        one, other = (parts / f"00000{number}{ending}" for number in (0, 4))
        first = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(first)


def _crossed(parts: Path, *endings: str) -> None:
    """The second part is the other film's."""
    for ending in endings:
        shutil.copy(parts.parent / f"other.mkv.parts/000004{ending}", parts / f"000004{ending}")


def _written(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda parts: (parts / name).write_bytes(data)


def _said(parts: Path, **changes: Any) -> None:
    """The second part says something else of itself, or with None nothing."""
    path = parts / "000004.json"
    told = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in told.items() if value is not None}))


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        (lambda parts: _swapped(parts, ".mkv"), 0),
        (lambda parts: _swapped(parts, ".mkv", ".json", ".state"), 0),
        (lambda parts: _swapped(parts, ".state"), 0),
        (lambda parts: _crossed(parts, ".mkv"), 1),
        (lambda parts: _crossed(parts, ".mkv", ".json", ".state"), 1),
        (lambda parts: _crossed(parts, ".state"), 1),
        (lambda parts: os.truncate(parts / "000004.mkv", 500), 1),
        (lambda parts: os.truncate(parts / "000004.state", 500), 1),
        (_written("000000.mkv", b""), 1),
        (_written("000004.json", b'{"moments": [[0, "a"]]}'), 1),
        (_written("000004.json", b"\xff[" * 9), 1),
        (_written("000004.state", b"PK\3\4"), 1),
        (lambda parts: _said(parts, next=4), 1),
        (lambda parts: _said(parts, next="8"), 1),
        (lambda parts: _said(parts, moments=None), 1),
        (_written("0_more.txt", b"what is this"), 2),
        (_written("glance-000002-before.png", b"\x89PNG"), 2),
        (lambda parts: (parts / "glance-000002-before.png").unlink(), 2),
    ],
)
def test_parts_that_are_not_as_they_were_written_are_made_again(
    damage: Callable[[Path], object],
    left: int,
    cut_off: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("impasto.video.fast.Fast.LENGTH", 4)
    shutil.copytree(cut_off, tmp_path, dirs_exist_ok=True)
    parts = tmp_path / "out.mkv.parts"
    damage(parts)
    paint, painted = ShotPainter.paint, list[float]()

    def noted(self: ShotPainter, pixels: Any, time: float, *, begins: bool) -> Any:
        painted.append(time)
        return paint(self, pixels, time, begins=begins)

    monkeypatch.setattr(ShotPainter, "paint", noted)
    *_, last = VideoWork(film("out.mkv"), resume=True).events()
    assert len({*painted}) == len(painted) == 11 - 4 * left and last.done == 1
    assert ("is not as it was written" in caplog.text) == (left < 2)
    assert packets(Path("out.mkv"), "video") == packets(Path("whole.mkv"), "video")
    assert Path("out.mkv.sheet.png").exists() and not parts.exists()


def test_other_pictures_in_a_folder_are_another_film(tmp_path: Path) -> None:
    for number, pixels in enumerate(drawn(2)):
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    before = Folder(tmp_path).known_by()
    assert Folder(tmp_path).known_by() == before
    Image.fromarray(drawn(1)[0] // 2).save(tmp_path / "1.png")
    assert Folder(tmp_path).known_by() != before


@pytest.fixture
def copied(cut_off: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The film that was cut off, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("impasto.video.fast.Fast.LENGTH", 4)
    shutil.copytree(cut_off, tmp_path, dirs_exist_ok=True)
    return tmp_path / "out.mkv.parts"


@pytest.mark.parametrize("ends", ["close", "throw"])
def test_later_parts_outlast_a_run_that_the_first_one_was_not_made_by(ends: str, copied: Path) -> None:
    (copied / "000000.state").unlink()
    events = VideoWork(film("out.mkv"), resume=True).events()
    next(events)
    if ends == "close":
        events.close()
    else:
        assert "is in out.mkv.parts" in events.throw(RuntimeError("dead")).event
        with pytest.raises(RuntimeError):
            next(events)
    assert (copied / "000004.state").exists()
    VideoWork(film("out.mkv"), resume=True).finish()
    assert packets(Path("out.mkv"), "video") == packets(Path("whole.mkv"), "video")


def test_gaps_are_filled_by_one_alone_as_such(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told of it is true: how much is there, and that nobody else is at it."""
    with monkeypatch.context() as patch:
        patch.setattr(VideoWork, "_deliver", Mock(side_effect=RuntimeError("dead")))
        with pytest.raises(RuntimeError):
            VideoWork(film("out.mkv"), resume=True).finish()
    for number in ("000000", "000008"):
        (copied / f"{number}.state").unlink()
    monkeypatch.setattr("impasto.video.painting.time.sleep", Mock(side_effect=AssertionError("nobody is waited for")))
    told = [*VideoWork(film("out.mkv"), resume=True).events()]
    # 4 of 11 frames are there; 4 are painted, then 3, and in between one comes by the 4.
    assert [each.iteration for each in told if each.iteration] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 9, 10, 11]
    assert all(0 <= each.done <= 1 for each in told) and told[-1].done == 1
    assert all(each.seconds_left is None or each.seconds_left >= 0 for each in told)
    assert not any(each.event or "other" in each.text for each in told)
    assert packets(Path("out.mkv"), "video") == packets(Path("whole.mkv"), "video")


def test_a_damaged_part_that_another_makes_again_is_seen(copied: Path, tmp_path: Path) -> None:
    sound = {path: path.read_bytes() for path in copied.glob("000004.*")}
    os.truncate(copied / "000004.mkv", 500)
    work = VideoWork(film("out.mkv"), resume=True)
    work._begin()
    assert work._parts.part(4) is None and work._parts.part(4) is None
    for path in sorted(sound, key=lambda path: path.suffix == ".state"):
        path.write_bytes(sound[path])
    found = work._parts.part(4)
    assert found and found.next == 8


def test_who_makes_the_folder_second_finds_that_of_the_first(tmp_path: Path) -> None:
    packing: Any = Mock(form=Mock(image=False, container="matroska"))
    first, second = (Parts(tmp_path / "out.mkv", packing, Fraction(1, 25), 0) for _ in range(2))
    first.make({"film": 1})
    for own in ({"film": 1}, {"film": 2}):
        second.make(own)
        assert first.holds({"film": 1}) and not first.holds({"film": 2}) and second.holds(own) == (own["film"] == 1)
    second.begin({"film": 1}, resume=True)
    with pytest.raises(CheckpointError, match="of another film"):
        second.begin({"film": 2}, resume=True)
    second.begin({"film": 2}, resume=False)
    assert first.holds({"film": 2})


def test_room_is_asked_for_what_is_not_there_yet(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = sum(path.stat().st_size for path in copied.glob("*.mkv"))
    needed = VideoWork(film("more.mkv")).run.bytes
    assert 0 < held < needed
    for free, fits in ((needed - held, True), (needed - held - 1, False)):
        monkeypatch.setattr("impasto.video.film.shutil.disk_usage", lambda _, free=free: Mock(free=free))
        with contextlib.nullcontext() if fits else pytest.raises(OutputError, match="are free"):
            VideoWork(film("out.mkv"), resume=True)
    with pytest.raises(OutputError, match="are free"):
        VideoWork(film("more.mkv"))


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("whole", [True, False])
def test_two_that_number_the_same_pictures_leave_all_of_them(
    at: int, whole: bool, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One falls asleep after some; the other writes all of them, or dies of it."""
    frames, folder = images.frames, Path("numbered")

    def asleep(parts: Sequence[Path]) -> Iterator[Any]:
        monkeypatch.setattr(images, "frames", other)
        for number, array in enumerate(frames(parts)):
            if number == at:
                with contextlib.nullcontext() if whole else pytest.raises(RuntimeError):
                    images.number(folder, parts, 4, within=copied)
            yield array

    def other(parts: Sequence[Path]) -> Iterator[Any]:
        for number, array in enumerate(frames(parts)):
            if number == 2 and not whole:
                raise RuntimeError("dead")
            yield array

    monkeypatch.setattr(images, "frames", asleep)
    images.number(folder, [copied / "000000.mkv"], 4, within=copied)
    assert sorted(path.name for path in folder.iterdir()) == [f"000{number}.png" for number in range(1, 5)]
    assert not [*copied.glob("numbered*")]


@pytest.mark.parametrize("kind", [av.error.ExternalError, av.error.UnknownError, av.error.ArgumentError])
@pytest.mark.parametrize(
    ("output", "where"),
    [("out.mkv", "joining._pictures"), ("new.gif", "images.frames"), ("new", "images.frames")],
)
def test_whatever_ffmpeg_says_is_a_sentence(
    kind: Any, output: str, where: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Any:
        raise kind(1, "it will not")

    monkeypatch.setattr(f"impasto.video.{where}", fails)
    with pytest.raises(OutputError, match=r"cannot be written \(it will not\)"):
        VideoWork(film(output), resume=output == "out.mkv").finish()


@pytest.mark.parametrize("kind", ["link", "busy", "elsewhere", "half"])
def test_pictures_come_into_an_empty_folder_of_any_kind(
    kind: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link, one on another disk, one that is mounted, also one into which a killed run has moved some."""
    folder, there, replace = Path("numbered"), Path("there"), Path.replace
    there.mkdir()
    folder.symlink_to(there.absolute())
    if kind == "half":
        (there / "0001.png").write_bytes(b"half")

    def refused(path: Path, target: Path) -> Path:
        if path.is_dir() and kind != "link":
            raise OSError(errno.EXDEV if kind == "elsewhere" else errno.EBUSY, "no")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    images.number(folder, [copied / "000000.mkv"], 4, within=copied)
    assert folder.is_symlink() and [len(each.name) for each in there.iterdir()] == [8] * 4
    for path in folder.iterdir():
        with Image.open(path) as picture:
            picture.load()
    (there / "0001.png").unlink()
    (there / "mine.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="not empty"):
        images.number(folder, [copied / "000000.mkv"], 4, within=copied)
    assert (there / "mine.png").read_bytes() == b"mine" and not (there / "0001.png").exists()


def test_frames_rendered_anew_are_another_film(tmp_path: Path) -> None:
    """Though they have the same names and as many bytes."""
    for number, pixels in enumerate(drawn(2)):
        Image.fromarray(pixels).save(tmp_path / f"{number}.tif")
    before, sizes = Folder(tmp_path).known_by(), {each.stat().st_size for each in tmp_path.iterdir()}
    Image.fromarray(255 - drawn(2)[1]).save(tmp_path / "1.tif")
    assert {each.stat().st_size for each in tmp_path.iterdir()} == sizes and Folder(tmp_path).known_by() != before


@pytest.mark.parametrize("rate", [25, 30, 50])
def test_what_is_written_as_a_decimal_is_met_exactly(rate: int) -> None:
    times = tuple(Fraction(number, rate) for number in range(2 * rate))
    facts = Facts((48, 64), 8, False, times, (Fraction(1, rate),) * len(times), Fraction(1, rate))
    for tenth in range(1, 20):  # 0.1 s and so on, as JSON and the command line tell them
        moment, number = float(f"{tenth / 10:.1f}"), tenth * rate / 10
        first, last = facts.between(moment, None)[0], facts.between(0, moment)[-1]
        assert (first, last) == (math.ceil(number), math.ceil(number) - 1), moment
