"""What results keep of what a photograph says of itself, and the profile that they are saved in."""

import logging
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import IFDRational

from impasto.errors import SettingsError
from impasto.jobs.deliver import Work
from impasto.jobs.job import Delivery, Job
from impasto.pictures import profiles
from impasto.pictures.codecs import FORMATS, NOWHERE, Origin, load, origin_of, read_description, save
from impasto.pictures.picture import Depth
from tests.helpers import photo

ARTIST, COPYRIGHT = "Zoë Müller, 照", "© 2024 Zoë"
TAKEN: dict[int, Any] = {
    Base.DateTimeOriginal: "2024:05:06 07:08:09",
    Base.OffsetTimeOriginal: "+02:00",
    Base.SubsecTimeOriginal: "123",
}
EXPOSURE: dict[int, Any] = {Base.ExposureTime: IFDRational(1, 250), Base.LensModel: "35 mm"}
PLACE: dict[int, Any] = {1: "N", 2: (48.0, 51.0, 29.0)}
OF_THE_FILE: dict[int, Any] = {Base.MakerNote: b"preview" * 50, Base.ExifImageWidth: 30, Base.ColorSpace: 65535}


def photograph(path: Path, **more: Any) -> Path:
    """A photograph that says all that cameras do."""
    exif = Image.Exif()
    exif.update({Base.Make: "Maker", Base.Orientation: 6, Base.ImageDescription: "theirs", Base.Software: "Firmware"})
    exif.update({Base.Artist: ARTIST.encode(), Base.Copyright: COPYRIGHT.encode()})
    exif.get_ifd(IFD.Exif).update(TAKEN | EXPOSURE | OF_THE_FILE)
    exif.get_ifd(IFD.GPSInfo).update(PLACE)
    if path.suffix == ".avif":  # which Pillow turns itself, and writes all text anew, in ASCII
        del exif[Base.Orientation]
    exif.get_ifd(IFD.IFD1).update({Base.JpegIFOffset: 0, Base.JpegIFByteCount: 9})
    Image.fromarray(photo(20, 30)).save(path, exif=exif, **more)
    return path


def said(path: Path) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any], dict[int, Any]]:
    """What a file says in the main directory, of the photograph, of the place, and of a thumbnail."""
    with Image.open(path) as image:
        exif = image.getexif()
        parts = [dict(exif.get_ifd(part)) for part in (IFD.Exif, IFD.GPSInfo, IFD.IFD1)]
        return dict(exif), parts[0], parts[1], parts[2]


def text(value: str) -> str:
    """In whatever encoding it was: Pillow takes it for Latin-1."""
    return value.encode("latin-1").decode()


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("keep", ["all", "some", "none"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_kept(tmp_path: Path, suffix: str, keep: Any, depth: Depth) -> None:
    if depth not in FORMATS[suffix].depths:
        return
    source, path = photograph(tmp_path / "photo.jpg"), tmp_path / f"a{suffix}"
    picture = load(source)
    assert picture.size == (30, 20)  # turned
    save(picture, path, depth=depth, description='{"ours": 1}', origin=origin_of(source, keep))
    assert np.array_equal(load(path).array(8), picture.array(8)) or FORMATS[suffix].depths == (8,)
    assert read_description(path) == '{"ours": 1}'
    main, taken, place, thumbnail = said(path)
    assert main.get(Base.Orientation, 1) == 1 and not thumbnail
    assert load(path).size == picture.size and not OF_THE_FILE.keys() & taken.keys()
    if keep == "none":
        assert not {Base.Artist, Base.Copyright, Base.Make} & main.keys() and not taken and not place
        return
    assert (text(main[Base.Artist]), text(main[Base.Copyright])) == (ARTIST, COPYRIGHT)
    told = TAKEN | (EXPOSURE if keep == "all" else {})
    assert {tag: value.decode() if isinstance(value, bytes) else value for tag, value in taken.items()} == told
    assert (place, main.get(Base.Make)) == ((PLACE, "Maker") if keep == "all" else ({}, None))


def test_a_tiff_says_it_to_others_too(tmp_path: Path) -> None:
    """Read by another program than Pillow, from a TIFF of several strips."""
    picture = load(photo(600, 90))
    save(picture, tmp_path / "a.tif", origin=origin_of(photograph(tmp_path / "photo.jpg"), "all"))
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        tags = tiff.pages.first.tags
        assert tags[IFD.Exif].value["DateTimeOriginal"] == TAKEN[Base.DateTimeOriginal]
        assert tags[IFD.Exif].value["ExposureTime"] == (1, 250)
        assert tags[IFD.GPSInfo].value["GPSLatitude"] == (48, 1, 51, 1, 29, 1)
        assert [tag.code for tag in tags] == sorted(tag.code for tag in tags)
        assert np.array_equal(tiff.asarray(), picture.array())


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif", ".tif"])
def test_photographs_of_every_format(tmp_path: Path, suffix: str) -> None:
    source = photograph(tmp_path / f"photo{suffix}")
    if suffix == ".tif":  # Pillow writes no directories within: the time stands as TIFF/EP has it
        exif = Image.Exif()
        exif.update({Base.Artist: ARTIST.encode(), Base.Copyright: COPYRIGHT.encode(), **TAKEN})
        Image.fromarray(photo(20, 30)).save(source, exif=exif)
    save(load(source), tmp_path / "a.png", origin=origin_of(source))
    main, taken, _, _ = said(tmp_path / "a.png")
    assert text(main[Base.Artist]) == ARTIST and taken == TAKEN


def test_nonsense_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    exif = Image.Exif()
    exif[Base.Artist] = b"x" * 5000
    exif.get_ifd(IFD.Exif).update({Base.DateTimeOriginal: "2024", Base.UserComment: b"y" * 50_000})
    Image.fromarray(photo(20, 30)).save(tmp_path / "photo.jpg", exif=exif)
    for path in ("a.jpg", "a.tif", "a.png"):
        save(load(photo(9, 9)), tmp_path / path, origin=origin_of(tmp_path / "photo.jpg", "all"))
        main, taken, _, _ = said(tmp_path / path)
        assert Base.Artist not in main and Base.UserComment not in taken
        assert taken[Base.DateTimeOriginal] == "2024"
    caplog.clear()
    for name, block in (("cut", b"Exif\0\0II*\0\x08\0\0\0\x05\0"), ("wild", b"Exif\0\0" + bytes(range(256)))):
        Image.fromarray(photo(20, 30)).save(tmp_path / f"{name}.jpg", exif=block)
        assert not any(origin_of(tmp_path / f"{name}.jpg", "all").tags.values())
    assert origin_of(tmp_path / "none.jpg", "all") == NOWHERE and "is left out" in caplog.text


P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
"""Linear Display P3 to XYZ under D50, as its profiles have it."""
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""The same of sRGB (IEC 61966-2-1, adapted by Bradford)."""


def p3() -> bytes:
    """The profile of Display P3: that of sRGB with other primaries."""
    data = bytearray(profiles.srgb())
    for index in range(struct.unpack(">I", data[128:132])[0]):
        name, place, _ = struct.unpack(">4sII", data[132 + 12 * index : 144 + 12 * index])
        if name in (b"rXYZ", b"gXYZ", b"bXYZ"):
            column = (P3[:, b"rgb".index(name[:1])] * 65536).round().astype(int)
            data[place + 8 : place + 20] = struct.pack(">3i", *column)
    return bytes(data)


def in_p3(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """sRGB in [0, 1] to Display P3 in [0, 1], by the formulas."""
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    wide = np.clip(linear @ (np.linalg.inv(P3) @ SRGB).T, 0, 1)
    coded: np.ndarray[Any, Any] = np.where(wide <= 0.0031308, wide * 12.92, 1.055 * wide ** (1 / 2.4) - 0.055)
    return coded


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize(("suffix", "depth"), [(suffix, d) for suffix, f in FORMATS.items() for d in f.depths])
def test_the_profile_is_kept(tmp_path: Path, suffix: str, depth: Depth, alpha: bool) -> None:
    if alpha and not FORMATS[suffix].alpha:
        return
    source, path = photograph(tmp_path / "photo.jpg", icc_profile=p3()), tmp_path / f"a{suffix}"
    colours = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    if FORMATS[suffix].depths == (8,):
        colours = photo(20, 30).astype(np.uint16) * 257  # which they compress with little loss
    opacity = np.linspace(9000, 65535, 600).astype(np.uint16).reshape(20, 30, 1)
    picture = load(np.concatenate([colours, opacity], -1) if alpha else colours)
    save(picture, path, depth=depth, origin=origin_of(source, profile="keep"))
    with Image.open(path) as image:
        assert image.info["icc_profile"] == p3()
    if suffix in (".tif", ".tiff"):
        stored = tifffile.imread(path)
    elif depth == 16:
        import cv2

        read = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert read is not None
        stored = read[..., [2, 1, 0, 3][: read.shape[2]]]
    else:
        stored = np.asarray(Image.open(path))
    expected = in_p3(picture.array(depth)[..., :3] / (2**depth - 1))
    off = np.abs(stored[..., :3] / (2**depth - 1) - expected)
    lossy = FORMATS[suffix].depths == (8,)
    assert off.mean() < 0.02 if lossy else off.max() < 1.1 / 255
    assert not alpha or np.abs(stored[..., 3] / (2**depth - 1) - opacity[..., 0] / 65535).max() < 0.05
    # And whoever reads the file sees the colours that were meant, but for rounding, seen in the shadows.
    assert np.abs(load(path).array(8).astype(int) - picture.array(8)).mean() < (6 if lossy else 1)


def test_a_profile_that_no_result_can_have_is_srgb_with_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from tests.test_images import _grey_profile

    Image.fromarray(photo(20, 30)[..., 0]).save(tmp_path / "grey.png", icc_profile=_grey_profile())
    assert origin_of(tmp_path / "grey.png", profile="keep").profile == b""
    assert "cannot be that of a result" in caplog.text
    caplog.clear()
    Image.fromarray(photo(20, 30)).save(tmp_path / "srgb.png", icc_profile=profiles.srgb())
    Image.fromarray(photo(20, 30)).save(tmp_path / "none.png")
    for name in ("srgb.png", "none.png"):
        assert origin_of(tmp_path / name, profile="keep") == Origin({}, b"") and not caplog.text


@pytest.mark.parametrize(
    ("delivery", "kept"),
    [
        ({}, True),
        ({"metadata": False}, False),
        ({"metadata": False, "keep_metadata": "some"}, True),
        ({"keep_metadata": "none"}, False),
        ({"profile": "keep"}, True),
    ],
)
def test_a_job_keeps_it(tmp_path: Path, pair: tuple[Path, Path], delivery: dict[str, Any], kept: bool) -> None:
    source = photograph(tmp_path / "photo.jpg", icc_profile=p3())
    settings = {"size": 32, "iterations": 1, "scales": "single", "precision": "float32"}
    asked = Delivery(str(tmp_path / "a.png"), snapshots="1", **delivery)
    job = Job("stylize", str(source), ((str(pair[1]), 1.0),), recipe="statistics", settings=settings, delivery=asked)
    assert Job.of(job.dictionary()) == job
    record = Work(job).finish()
    for path in map(Path, [record["output"], *record["snapshots"]]):
        assert (said(path)[1] == TAKEN) is kept
        with Image.open(path) as image:
            assert (image.info["icc_profile"] == p3()) is (asked.profile == "keep")


def test_what_makes_no_sense() -> None:
    styles = (("b.jpg", 1.0),)
    for name, value in (("keep_metadata", "most"), ("profile", "p3"), ("profile", "")):
        with pytest.raises(SettingsError, match=f"`{name}` must be one of"):
            Delivery(**{name: value})  # type: ignore[arg-type]
    for wanted in (Delivery(keep_metadata="some"), Delivery(profile="keep")):
        with pytest.raises(SettingsError, match="A texture has no photograph"):
            Job("texture", styles=styles, recipe="texture", delivery=wanted)


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "impasto")
