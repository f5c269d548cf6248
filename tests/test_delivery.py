"""What is delivered when something goes wrong at the last moment: nothing that is finished is lost, and it is
told where it is.
"""

import errno
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from impasto.cli import app
from impasto.errors import OutputError, SettingsError
from impasto.jobs.deliver import Work
from impasto.jobs.job import Delivery, Job, RegionFiles
from impasto.jobs.rescue import place
from impasto.machine import checkpoint, files
from impasto.pictures import codecs, writing
from impasto.pictures.codecs import FORMATS
from impasto.pictures.picture import Picture
from impasto.progress import Progress
from impasto.settings.fields import Settings
from impasto.tasks.result import Prepared, Result
from tests.helpers import photo

FAULTS = [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ESTALE]


class Instant(Prepared):
    """A run of three iterations that computes nothing; ``then`` happens after the second."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        super().__init__("stylize", "statistics", Settings(precision="float32"), (20, 30))
        self.then, self.at = then, -1

    iterations = 3

    @property
    def has_picture(self) -> bool:
        return self.at >= 0

    def steps(self) -> Generator[Progress, None, None]:
        for self.at in range(4):
            if self.at == 3:
                self.then()
            yield Progress(self.at / 3, iteration=self.at)

    def picture(self) -> Picture:
        return codecs.load(photo(20, 30))

    def result(self) -> Result:
        told = {"steps": self.at, "complete": self.at == 3, "elapsed_s": 0.0, "events": []}
        return Result(self.picture(), self._described("none", "0") | told)

    def checkpoint(self, path: Path) -> None:
        checkpoint.save(path, {"pixels": torch.zeros(1000)})

    def resume(self, path: Path, *, exact: bool = False) -> int:
        checkpoint.load(path)
        return 1

    def plan(self) -> dict[str, Any]:
        return {}

    def estimate(self) -> tuple[float, float]:
        return 0.0, 0.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[Path, Path]) -> Path:
    """Where results are asked for; the temporary folder, the user's and the one worked in are beside it."""
    for name in ("out", "temp", "home", "cwd"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "out"


def work(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    then: Callable[[], object] = lambda: None,
    *,
    name: str = "a.png",
    resume: bool = False,
    force: bool = False,
    **delivery: Any,
) -> Work:
    monkeypatch.setattr(Job, "prepared", lambda job: Instant(then))
    content, style = folder.parent / "content.png", folder.parent / "style.jpg"
    asked = Delivery(str(folder / name), **delivery)
    job = Job("stylize", str(content), ((str(style), 1.0),), settings={"iterations": 3}, delivery=asked)
    return Work(job, resume=resume, force=force)


def failing(monkeypatch: pytest.MonkeyPatch, folder: Path, code: int) -> Callable[[], None]:
    """Lets what is written into a folder fail from the moment when it is called, with an error of the
    system.
    """
    begun = files._begun

    def no_room(where: Path) -> tuple[Path, BinaryIO]:
        if where == folder:
            raise OSError(code, os.strerror(code))
        return begun(where)

    return lambda: monkeypatch.setattr(files, "_begun", no_room)


def whole(record: dict[str, Any] | None, suffix: str = ".png") -> Path:
    """The result that a record tells of, with its record beside it."""
    assert record is not None
    output = Path(record["output"])
    assert output.suffix == suffix and codecs.load(output).size == (20, 30)
    beside = json.loads(files.beside(output, ".json").read_text())
    assert beside["output"] == str(output) and beside["complete"]
    assert json.loads(codecs.read_description(output))["output"] == output.name
    return output


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("code", FAULTS)
def test_a_picture_that_its_folder_does_not_take_is_in_the_temporary_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int, suffix: str
) -> None:
    begun = work(folder, monkeypatch, failing(monkeypatch, folder, code), name=f"a{suffix}", checkpoint_every=0.0)
    record = begun.finish()
    output = whole(record, suffix)
    assert output.parent.parent == folder.parent / "temp" and output.name == f"a{suffix}"
    assert begun.output == output and str(output) in caplog.text and os.strerror(code) in caplog.text
    assert any(str(output) in event for event in record["events"]) and begun.misplaced
    assert [each.name for each in folder.iterdir()] == [f"a{suffix}.checkpoint"]  # kept, for the result is not here
    assert output.parent.stat().st_mode & 0o077 == 0  # others read there, too


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("taken", ["file", "folder", "pipe", "link"])
def test_a_picture_whose_name_was_taken_has_the_next_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, suffix: str, taken: str
) -> None:
    path = folder / f"a{suffix}"

    def take() -> None:
        (folder / f"a-2{suffix}").write_text("another")
        if taken == "file":
            path.write_text("theirs")
        elif taken == "folder":
            path.mkdir()
        elif taken == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("nowhere")

    begun = work(folder, monkeypatch, take, name=path.name, checkpoint_every=0.0)
    assert whole(begun.finish(), suffix) == begun.output == folder / f"a-3{suffix}"
    assert str(begun.output) in caplog.text
    assert (folder / f"a-2{suffix}").read_text() == "another" and os.path.lexists(path)
    assert taken != "file" or path.read_text() == "theirs"
    assert (folder / f"a{suffix}.checkpoint").exists()


def test_a_folder_that_vanished_or_became_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = work(folder, monkeypatch, lambda: shutil.rmtree(folder))
    assert whole(begun.finish()).is_relative_to(folder.parent / "temp")
    assert not folder.exists()  # what was mounted there may come back

    def replaced() -> None:
        shutil.rmtree(folder)
        folder.write_text("a file")

    folder.mkdir()
    assert whole(work(folder, monkeypatch, replaced).finish()).is_relative_to(folder.parent / "temp")


@pytest.mark.parametrize("gone", ["temp", "temp home"])
def test_the_next_folder_is_taken_when_that_is_of_no_use_either(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    def vanish() -> None:
        for name in ("out", *gone.split()):
            shutil.rmtree(folder.parent / name)

    output = whole(work(folder, monkeypatch, vanish).finish())
    assert output.is_relative_to(folder.parent / ("home" if gone == "temp" else "cwd"))


@pytest.mark.parametrize("code", FAULTS)
def test_snapshots_are_kept_too_and_do_not_end_the_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    record = work(folder, monkeypatch, failing(monkeypatch, folder, code), snapshots="0,3").finish()
    first, last = map(Path, record["snapshots"])
    assert first == folder / "a-00000.png" and last.name == "a-00003.png"
    assert last.is_relative_to(folder.parent / "temp")
    assert all(codecs.load(each).size == (20, 30) for each in (first, last))


def test_a_record_whose_name_was_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = work(folder, monkeypatch, lambda: (folder / "a.png.json").write_text("theirs"))
    begun.finish()
    assert (folder / "a.png.json").read_text() == "theirs" and begun.misplaced
    assert json.loads((folder / "a.png-2.json").read_text())["output"] == str(folder / "a.png")


def test_a_picture_that_its_format_will_not_have_becomes_a_png(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = Image.Image.save

    def refuse(image: Image.Image, file: BinaryIO, kind: str, **options: Any) -> None:
        if kind != "PNG":
            raise ValueError("partition 0 overflows")
        save(image, file, kind, **options)

    monkeypatch.setattr(Image.Image, "save", refuse)
    for suffix in (".jpg", ".webp", ".avif"):
        assert whole(work(folder, monkeypatch, name=f"a{suffix}", force=True).finish()).suffix == ".png"


def test_an_old_checkpoint_makes_room_for_the_whole_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full wherever one looks, as long as the checkpoint is there."""
    begun_at = files._begun
    kept = folder / "a.png.checkpoint"

    def full() -> None:
        def no_room(where: Path) -> tuple[Path, BinaryIO]:
            if kept.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return begun_at(where)

        monkeypatch.setattr(files, "_begun", no_room)

    assert whole(work(folder, monkeypatch, full, checkpoint_every=0.0).finish()) == folder / "a.png"
    assert not kept.exists()

    def full_and_cut_short() -> None:
        full()
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "_begun", begun_at)
    (folder / "a.png").unlink()
    begun = work(folder, monkeypatch, full_and_cut_short, checkpoint_every=0.0, force=True)
    with pytest.raises(OutputError, match="No space left"):
        begun.finish()
    assert kept.exists()  # which is worth more than a picture that is not complete


def test_a_checkpoint_whose_room_is_not_enough_is_written_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, begun_at = folder / "a.png.checkpoint", files.write_atomic

    def full() -> None:
        def no_room(path: Path, content: Any, force: bool) -> None:
            if path != kept:
                raise OutputError(f"{path} could not be written (No space left on device).")
            begun_at(path, content, force)

        for module in (checkpoint, writing):
            monkeypatch.setattr(module, "write_atomic", no_room)

    with pytest.raises(OutputError, match=r"a\.png could not be written"):
        work(folder, monkeypatch, full, checkpoint_every=0.0).finish()
    assert checkpoint.load(kept) and [each.name for each in folder.iterdir()] == [kept.name]


def test_when_no_place_is_left_the_first_reason_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(path: Path, force: bool) -> None:
        raise OutputError(f"{path.name} is refused.")

    with pytest.raises(OutputError, match=r"^a\.png is refused"):
        place(folder / "a.png", none, False)
    assert not [*folder.rglob("*"), *(folder.parent / "temp").iterdir(), *(folder.parent / "home").iterdir()]


def test_the_command_line_says_where_the_picture_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[Path, Path]
) -> None:
    monkeypatch.setattr(Job, "prepared", lambda job: Instant((folder / "late.png").touch))
    asked = ["stylize", *map(str, pair), "-o", str(folder / "late.png"), "-q", "--iterations", "3"]
    told = CliRunner().invoke(app, asked)
    assert (told.exit_code, told.stdout) == (1, f"{folder / 'late-2.png'}\n")
    assert "exists already" in told.stderr and "is in" in told.stderr


def test_what_cannot_be_written_is_told_before_anything_is_prepared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepared(job: Job) -> None:
        raise AssertionError("it was prepared")

    content, style = folder.parent / "content.png", folder.parent / "style.jpg"
    (folder / "taken.png").touch()
    (folder / "cut.png.checkpoint").touch()
    for name, error, told in (
        ("taken.png", OutputError, "exists already"),
        ("a.xyz", OutputError, "known picture format"),
        ("taken.png/a.png", OutputError, r"taken.png/a.png cannot be written \(Not a directory\)"),
        ("cut.png", SettingsError, "was cut off"),
        ("new/" + "x" * 256 + ".png", OutputError, "more than 255 bytes"),
    ):
        delivery = Delivery(str(folder / name))
        job = Job("stylize", str(content), ((str(style), 1.0),), delivery=delivery)
        monkeypatch.setattr(Job, "prepared", prepared)
        with pytest.raises(error, match=told) as caught:
            Work(job)
        assert ".checkpoint" not in str(caught.value) or name == "cut.png"
    assert not (folder / "new").exists()


def test_an_output_that_is_an_input_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Job, "prepared", lambda job: Instant())
    names = ["content.png", "style.png", "mask.png", "other.png", "within.png", "init.png", "protect.png"]
    for name in names:
        Image.fromarray(photo(40, 40)).save(folder / name)
    content, style, mask, other, within, init, protect = (str(folder / name) for name in names)
    settings = {"init": init, "protect": {protect: 0.5}, "method": "iterative"}
    link = folder / "link.png"
    for name in names:
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        os.link(folder / name, folder / f"hard-{name}")
        for output, snapshots in ((name, ""), ("link.png", ""), (f"hard-{name}", ""), (f"{name[:-4]}-00001.png", "1")):
            if snapshots:
                os.link(folder / name, folder / output)
            asked = Delivery(str(folder / (name if snapshots else output)), snapshots=snapshots)
            job = Job(
                "stylize", content, ((style, 1.0),), regions=(RegionFiles(mask, other, within),), settings=settings,
                delivery=asked,
            )  # fmt: skip
            with pytest.raises(OutputError, match="is the input"):
                Work(job, force=True)
    assert {*names} <= {each.name for each in folder.iterdir()}


def test_long_names(folder: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[Path, Path]) -> None:
    """Of 250 bytes, and made of two inputs' that are as long."""
    name = "照" * 82 + ".png"
    begun = work(folder, monkeypatch, name=name, snapshots="1", checkpoint_every=0.0)
    record = begun.finish()
    assert whole(record) == folder / name and Path(record["snapshots"][0]).exists()
    long = Job("stylize", "c" * 245 + ".jpg", (("照" * 80 + ".jpg", 1.0),), delivery=Delivery(snapshots="every:20"))
    assert len(long.output.name.encode()) < 210 and long.output.name.count("~") == 2
    other = Job("stylize", "c" * 246 + ".jpg", (("照" * 80 + ".jpg", 1.0),))
    assert other.output != long.output


def test_what_is_past_when_a_run_goes_on_is_not_listed_unless_it_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Instant().checkpoint(folder / "a.png.checkpoint")
    Image.fromarray(photo(20, 30)).save(folder / "a-00001.png")
    record = work(folder, monkeypatch, resume=True, snapshots="0,1,3").finish()
    assert [Path(each).name for each in record["snapshots"]] == ["a-00001.png", "a-00003.png"]
    assert all(Path(each).exists() for each in record["snapshots"])
    assert "iteration 0" in caplog.text
    fresh = work(folder, monkeypatch, force=True, snapshots="0").finish()
    assert [Path(each).exists() for each in fresh["snapshots"]] == [True]


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "impasto")
