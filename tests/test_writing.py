"""What encoders and formats will not have: the picture is written all the same, or refused in time."""

import datetime
import json
import logging
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from impasto.errors import OutputError
from impasto.machine import checkpoint
from impasto.pictures import codecs
from impasto.pictures.codecs import FORMATS, Origin, check_format, load, read_description, save
from impasto.pictures.origin import MAIN
from impasto.pictures.picture import Depth, Picture, Size
from impasto.settings.fields import Settings
from impasto.tasks.record import shortened
from impasto.tasks.result import Result
from tests.helpers import photo


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (64, 64), (200, 300), (61, 997), (300, 500)])
@pytest.mark.parametrize("suffix", FORMATS)
def test_pure_noise_is_written(tmp_path: Path, suffix: str, size: Size, capfd: pytest.CaptureFixture[str]) -> None:
    """It is what compresses least: encoders' buffers are too small for it first, and they have words for
    that.
    """
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    save(load(noise), tmp_path / f"a{suffix}", description="{}")
    back = load(tmp_path / f"a{suffix}").array().astype(int)
    assert np.abs(back - noise).mean() < 60 and read_description(tmp_path / f"a{suffix}") == "{}"
    assert capfd.readouterr() == ("", "")


def test_what_is_smooth_is_still_coded_as_well_as_can_be(tmp_path: Path) -> None:
    save(load(photo(300, 400)), tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "b.jpg", quality=95, subsampling="4:4:4", optimize=False)
    assert (tmp_path / "a.jpg").stat().st_size < (tmp_path / "b.jpg").stat().st_size


def thread(length: int, upright: bool, depth: Depth) -> Picture:
    """A picture of one pixel's width."""
    shape = (1, 3, length, 1) if upright else (1, 3, 1, length)
    return Picture(torch.full((1, 3, 1, 1), 0.5).expand(shape), None, depth)


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize(
    ("suffix", "depth", "longest"),
    [(".jpg", 8, 65500), (".webp", 8, 16383), (".avif", 8, 32768), (".png", 16, 10**6), (".tif", 16, 2**20)],
)
def test_the_longest_side_can_be_read_again_and_no_longer_one_is_written(
    tmp_path: Path, suffix: str, depth: Depth, longest: int, upright: bool
) -> None:
    path = tmp_path / f"a{suffix}"
    save(thread(longest, upright, depth), path)
    assert load(path).size == ((longest, 1) if upright else (1, longest)) and load(path).depth == depth
    for depth_asked in (None, depth):
        with pytest.raises(OutputError, match=f"holds {longest} pixels a side, not {longest + 1}"):
            save(thread(longest + 1, upright, depth), tmp_path / f"b{suffix}", depth=depth_asked)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("suffix", "length"), [(".png", 2**21), (".tif", 2**21)])
def test_others_are_as_long_as_one_likes(tmp_path: Path, suffix: str, length: int) -> None:
    save(thread(length, False, 8), tmp_path / f"a{suffix}")
    assert codecs.size_of(tmp_path / f"a{suffix}") == (1, length)


def test_an_avif_holds_so_many_pixels_in_all(tmp_path: Path) -> None:
    """The default limit of libavif, with which others read."""
    check_format(Path("a.avif"), (16384, 16384))
    with pytest.raises(OutputError, match="holds 268435456 pixels, not 268451840: write a"):
        check_format(Path("a.avif"), (16384, 16385))


def record(length: int, of: str) -> dict[str, Any]:
    """One that is long by what is in one of its lists, or elsewhere."""
    settings = Settings().dictionary()
    return {"impasto": "stylize", "settings": settings, of: ["x" * 30] * (length // 40), "job": {"job": 1}}


@pytest.mark.parametrize("of", ["snapshots", "events", "inputs", "losses"])
@pytest.mark.parametrize("length", [1_000, 40_000, 60_000, 66_000, 300_000])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif"])
def test_a_long_record_loses_no_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str, length: int, of: str
) -> None:
    path, told = tmp_path / f"a{suffix}", record(length, of)
    artist = Origin({MAIN: {315: b"a" * 1900}})
    Result(load(photo(20, 30)), told).save(path, origin=artist)
    assert load(path).size == (20, 30)
    with Image.open(path) as image:
        assert image.getexif()[315] == "a" * 1900
    found = read_description(path)
    if suffix != ".jpg" or length < 49_000:
        assert json.loads(found) == told and not caplog.text
    elif of == "losses":  # which is none of the lists that can be left out
        assert json.loads(found)["losses"] == told["losses"] if length < 66_000 else found == ""
        assert length < 66_000 or "has no room for the record" in caplog.text
    else:
        kept = json.loads(found)
        assert of in kept["left_out"] and of not in kept and kept["job"] == told["job"]
        assert "without its" in caplog.text


def test_what_is_said_of_a_picture_fits_to_the_byte(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    room = FORMATS[".jpg"].exif - len(Origin().exif("").tobytes())
    for extra, kept in ((-2, True), (4, False)):
        save(load(photo(9, 9)), tmp_path / "a.jpg", description="x" * (room + extra), force=True)
        assert bool(read_description(tmp_path / "a.jpg")) is kept
    assert "has no room for the record" in caplog.text
    long = Origin({MAIN: {315: b"a" * 70_000}})
    for description in ("told", "x" * 70_000):
        save(load(photo(9, 9)), tmp_path / "a.jpg", description=description, force=True, origin=long)
        assert read_description(tmp_path / "a.jpg") == ("told" if description == "told" else "")
    assert "what the photograph says" in caplog.text


def test_a_short_record_stays_as_it_is() -> None:
    told = record(1000, "events")
    assert json.loads(shortened(told, 10**6)) == told


@pytest.mark.parametrize("year", [1969, 1970, 1979, 2108, 2200])
def test_a_clock_that_is_wrong_ends_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, year: int) -> None:
    """Zip archives, which checkpoints are, know the years from 1980 to 2107."""
    then = datetime.datetime(year, 7, 1, tzinfo=datetime.UTC).timestamp()
    monkeypatch.setattr(time, "time", lambda: then)
    monkeypatch.setattr(time, "localtime", lambda *_: time.struct_time((year, 7, 1, 0, 0, 0, 0, 1, 0)))
    state = {"pixels": torch.rand(1, 3, 4, 5)}
    checkpoint.save(tmp_path / "c", state)
    assert torch.equal(checkpoint.load(tmp_path / "c")["pixels"], state["pixels"])
    for suffix in FORMATS:
        save(load(photo(20, 30)), tmp_path / f"a{suffix}", description="{}")
        assert load(tmp_path / f"a{suffix}").size == (20, 30)


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "impasto")


@pytest.mark.parametrize("suffix", FORMATS)
def test_on_a_full_disk_there_is_no_half_of_a_picture(tmp_path: Path, suffix: str) -> None:
    picture = load(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    whole, path = len(codecs.encoded(picture, suffix)), tmp_path / f"picture{suffix}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in (1, whole // 2, whole - 1):
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
        try:
            with pytest.raises(OutputError, match="could not be written"):
                save(picture, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert not [*tmp_path.iterdir()]
    save(picture, path)
    assert path.stat().st_size == whole
