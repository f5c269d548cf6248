"""Names and numbers in one text: what is there wins, and numbers are digits with a dot."""

from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import impasto
from impasto.cli import app
from impasto.cli.named import parse_region, parse_styles
from impasto.errors import ImageError, OutputError, RecordError, SettingsError
from impasto.jobs.job import Delivery, Job, RegionFiles
from impasto.machine.files import check_writable, named
from impasto.networks import codes
from impasto.pictures.codecs import save
from impasto.settings import names
from impasto.settings.fields import Settings
from impasto.settings.parse import written
from impasto.video.job import job_of
from tests.helpers import painting

FAST = {"settings": {"method": "fast"}}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files with awkward names, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run:2").mkdir()
    for name in ("shot 12:30", "gallery:1_000", "a.jpg", "b:0.5", "mask.png", "run:2/style.jpg", "one,two.png", "{x}"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("a.jpg", ("a.jpg", 1.0)),
        ("a.jpg:0.7", ("a.jpg", 0.7)),
        ("absent.jpg:.5", ("absent.jpg", 0.5)),
        ("shot 12:30", ("shot 12:30", 1.0)),
        ("shot 12:30:2", ("shot 12:30", 2.0)),
        ("gallery:1_000", ("gallery:1_000", 1.0)),
        ("b:0.5", ("b:0.5", 1.0)),
        ("b:0.5:0.25", ("b:0.5", 0.25)),
        ("./a.jpg:2", ("./a.jpg", 2.0)),
        (r"C:\a.jpg", (r"C:\a.jpg", 1.0)),
        (r"C:\a.jpg:2", (r"C:\a.jpg", 2.0)),
        ("absent:b.jpg", ("absent:b.jpg", 1.0)),
        ("absent.jpg:1_000", ("absent.jpg:1_000", 1.0)),
        ("{x}", ("{x}", 1.0)),
        ('{"a.jpg": 0.3}', ("a.jpg", 0.3)),
    ],
)
def test_a_weight_follows_the_last_colon_of_what_is_no_name(text: str, parsed: tuple[str, float], there: Path) -> None:
    assert parse_styles([text]) == (parsed,)


@pytest.mark.parametrize("tail", ["0,7", "1_000", "٣", " 1", "inf", "nan", "1e3", "-1", "+1", "1.2.3", ""])
def test_what_is_no_number_after_a_name_is_told(tail: str, there: Path) -> None:
    with pytest.raises(SettingsError, match="digits and a dot"):
        parse_styles([f"a.jpg:{tail}"])


def test_json_leaves_no_doubt(there: Path) -> None:
    assert parse_styles(['{"shot 12:30": 0.7, "b": 1}']) == (("shot 12:30", 0.7), ("b", 1.0))
    assert parse_region('["run:2", "3:style.jpg"]') == RegionFiles("run:2", "3:style.jpg")
    assert Settings().changed(protect='{"b:0.5": 0.1}').protect == {"b:0.5": 0.1}
    for wrong in ('{"a": "b"}', "{", '{"a": [1]}', "{" * 100_000):
        with pytest.raises(SettingsError):
            parse_styles([wrong])
        with pytest.raises(SettingsError):
            Settings().changed(protect=wrong)
    for wrong in ("[1, 2]", '["a"]', "[", "[" * 100_000):
        with pytest.raises(SettingsError):
            parse_region(wrong)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("mask.png:a.jpg", ("mask.png", "a.jpg", None)),
        ("mask.png:run:2/style.jpg", ("mask.png", "run:2/style.jpg", None)),
        ("mask.png:run:2/style.jpg:mask.png", ("mask.png", "run:2/style.jpg", "mask.png")),
        ("faces:shot 12:30", ("faces", "shot 12:30", None)),
        ("mask.png:b:0.5", ("mask.png", "b:0.5", None)),
        (r"C:\m\sky.png:wave.jpg", (r"C:\m\sky.png", "wave.jpg", None)),
        (r"sky.png:D:/p/wave.jpg:e:\i.png", ("sky.png", "D:/p/wave.jpg", r"e:\i.png")),
        ("absent.png:a.jpg", ("absent.png", "a.jpg", None)),
    ],
)
def test_a_region_is_parted_where_its_files_are(text: str, parsed: tuple[str, str, str | None], there: Path) -> None:
    assert parse_region(text) == RegionFiles(*parsed)


def test_a_region_in_doubt_is_refused(there: Path) -> None:
    (there / "x:y").touch()
    (there / "x").touch()
    (there / "y").touch()
    (there / "y:x").touch()
    with pytest.raises(SettingsError, match="more than one way"):
        parse_region("x:y:x")
    assert parse_region('["x:y", "x"]') == RegionFiles("x:y", "x")
    with pytest.raises(SettingsError, match="takes no weight"):
        parse_region("mask.png:a.jpg:0.5")
    for wrong in ("mask.png", ":", "a:b:c:d", "mask.png:", ""):
        with pytest.raises(SettingsError, match="MASK:STYLE"):
            parse_region(wrong)


def test_no_text_is_put_together_in_every_way_that_there_is(there: Path) -> None:
    """Of 2000 pieces there are two million ways to three names, and as many parts of a list."""
    asked: list[str] = []

    def known(name: str) -> bool:
        asked.append(name)
        return name == "x"

    with pytest.raises(SettingsError, match="2000 names where 2 or 3"):
        names.parted(":".join(["a"] * 2000), (2, 3), known)
    assert len(asked) < 100
    assert len(names.listed(",".join(["a"] * 2000), known)) == 2000 and len(asked) < 400_000
    assert names.parted("x:x:x", (2, 3), known) == ["x", "x", "x"]
    assert len(named("a" * 3_000_000, ".png")) == 255


def test_messages_name_files_as_they_are_called(there: Path) -> None:
    done = CliRunner().invoke(app, ["edges", "a:b:fire:.png", "-o", "x.png"])
    assert done.exit_code == 1 and "a:b:fire:.png" in done.stderr


def test_masks_that_are_protected(there: Path) -> None:
    amounts = Settings().changed(protect=["faces:0.3,one,two.png:0.8", "b:0.5", "shot 12:30:1"]).protect
    assert amounts == {"faces": 0.3, "one,two.png": 0.8, "b:0.5": 0.5, "shot 12:30": 1.0}
    assert Settings().changed(protect=written("protect", amounts)).protect == amounts
    with pytest.raises(SettingsError, match=r"write faces:0\.5"):
        Settings().changed(protect="faces:0,5")
    with pytest.raises(SettingsError, match="`protect` takes MASK or MASK:AMOUNT"):
        Settings().changed(protect="mask.png:0.5x")


def test_numbers_are_written_as_they_are_read() -> None:
    for value in (1e-5, 0.1 + 0.2, 1e3 / 512**2, 123456789.25, 1e22, 3.0):
        assert names.number(names.written(value)) == value


def test_weights_as_large_as_numbers_go_keep_their_ratio() -> None:
    assert names.normalised([1e308, 1e308]) == [0.5, 0.5]
    assert names.normalised([1.5e308, 0.5e308]) == pytest.approx([0.75, 0.25])
    assert names.normalised([5e-324, 5e-324]) == [0.5, 0.5]
    assert names.normalised([1e308, 5e-324]) == [1, 0]


def test_a_job_takes_names_as_they_are(there: Path) -> None:
    job = Job.of({"job": 1, "task": "texture", "styles": [["b:0.5:2", 0.5]], "recipe": "texture"})
    assert job.styles == (("b:0.5:2", 0.5),)
    learnt = Job.of({"job": 1, "task": "stylize", "content": "a.jpg", "style_index": {"rhone": 0.5, "7": 0.5}} | FAST)
    assert learnt.output == Path("a-style-rhonex0.5+7x0.5.png") and Job.of(learnt.dictionary()) == learnt
    assert torch.equal(codes.learnt_style(learnt.style_index).values, codes.learnt_style("rhone:1,7:1").values)


@pytest.mark.parametrize("of", [{"task": "stylize", "content": "a.jpg"}, {"task": "video", "clip": "a.mp4"}])
def test_a_job_takes_learnt_styles_by_their_numbers(of: dict[str, str]) -> None:
    for index in (0, 3):
        assert job_of({"job": 1, "style_index": index} | of | FAST).style_index == str(index)
    for wrong in (True, 1.5, None, [3]):
        with pytest.raises(RecordError, match="`style_index` is a learnt style's name or number"):
            job_of({"job": 1, "style_index": wrong} | of | FAST)


def test_the_home_folder(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Python, in jobs, and after a colon, where no shell has seen to it."""
    home = there / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    Image.fromarray(painting(40, 40)).save(home / "p.png")
    assert impasto.load("~/p.png").size == (40, 40)
    impasto.load("~/p.png")
    save(impasto.load("~/p.png"), Path("~/deep.png"))
    assert (home / "deep.png").exists() and not (there / "~").exists()
    job = Job("texture", styles=(("~/p.png", 1.0),), recipe="texture", delivery=Delivery("~/out.png"))
    assert job.output == home / "out.png"
    settings = Settings().changed(init="~/p.png", network="~/n.safetensors", protect={"~/p.png": 1})
    assert settings.init == str(home / "p.png") and settings.network == str(home / "n.safetensors")
    assert settings.protect == {str(home / "p.png"): 1}
    assert parse_styles(["~/p.png:0.5"]) == (("~/p.png", 0.5),)
    (home / "x:0.5").touch()
    assert parse_region("~/p.png:~/x:0.5") == RegionFiles("~/p.png", "~/x:0.5")
    done = CliRunner().invoke(app, ["edges", "~/p.png", "--output=~/edges.png", "--size", "32"])
    assert done.exit_code == 0 and (home / "edges.png").exists() and not (there / "~").exists(), done.output
    monkeypatch.delenv("HOME")
    assert impasto.load(home / "p.png").size == (40, 40)


@pytest.mark.parametrize("name", ["\ud800.png", "a\0b.png", "x" * 5000 + ".png"])
def test_names_that_no_system_has(name: str, there: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        impasto.load(name)
    with pytest.raises(OutputError, match="cannot be written"):
        check_writable(Path(name), False)
    assert not names.is_there(name)
