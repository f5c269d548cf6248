"""Pictures in and out: every format, depth and mode, and what hostile files do."""

import io
import logging
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import BinaryIO

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from impasto.errors import ImageError, OutputError
from impasto.pictures import codecs, profiles
from impasto.pictures.codecs import FORMATS, load, save
from impasto.pictures.large import load_own
from impasto.pictures.picture import Depth, Picture
from tests.helpers import photo

LOSSLESS = [suffix for suffix, form in FORMATS.items() if 16 in form.depths]


def picture(depth: Depth = 8, alpha: bool = False) -> Picture:
    peak = 2**depth - 1
    random = np.random.default_rng(0)
    pixels = torch.from_numpy(random.integers(0, peak + 1, (1, 3, 20, 30)) / peak).float()
    gradient = torch.linspace(0.1, 1, 30).expand(1, 1, 20, 30)
    return Picture(pixels, (gradient * peak).round() / peak if alpha else None, depth)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("suffix", LOSSLESS)
def test_lossless_round_trip(tmp_path: Path, suffix: str, depth: Depth, alpha: bool) -> None:
    path, original = tmp_path / f"a{suffix}", picture(depth, alpha)
    save(original, path, description='{"a": 1}')
    back = load(path)
    assert back.depth == depth
    assert np.array_equal(back.array(), original.array())
    assert codecs.read_description(path) == '{"a": 1}'
    with Image.open(path) as opened:
        assert opened.info["icc_profile"] == profiles.srgb()


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".avif"])
def test_lossy_round_trip(tmp_path: Path, suffix: str) -> None:
    path, original = tmp_path / f"a{suffix}", load(photo(40, 60))
    save(original, path, description="ü → made by us".encode("ascii", "backslashreplace").decode())
    assert (load(path).pixels - original.pixels).abs().mean() < 0.02
    assert "made by us" in codecs.read_description(path)
    with Image.open(path) as opened:
        assert opened.info["icc_profile"] == profiles.srgb()


@pytest.mark.parametrize("suffix", [".webp", ".avif"])
def test_lossy_formats_keep_alpha(tmp_path: Path, suffix: str) -> None:
    path, original = tmp_path / f"a{suffix}", picture(alpha=True)
    save(original, path)
    back = load(path)
    assert back.alpha is not None and original.alpha is not None
    assert (back.alpha - original.alpha).abs().max() < 0.05


def test_jpeg_lays_transparency_on_white(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    red = Picture(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1).expand(1, 3, 16, 16), torch.full((1, 1, 16, 16), 0.5))
    save(red, tmp_path / "a.jpg")
    assert torch.allclose(load(tmp_path / "a.jpg").pixels[0, :, 8, 8], torch.tensor([1.0, 0.5, 0.5]), atol=0.02)
    assert "laid on white" in caplog.text


def test_sixteen_bits_in_a_format_of_eight(tmp_path: Path) -> None:
    save(picture(16), tmp_path / "a.webp")
    assert load(tmp_path / "a.webp").depth == 8
    with pytest.raises(OutputError, match="WEBP holds 8 bits a channel, not 16"):
        save(picture(16), tmp_path / "b.webp", depth=16)
    with pytest.raises(OutputError, match="WEBP holds 16383 pixels a side, not 20000"):
        codecs.check_format(tmp_path / "b.webp", (10, 20000))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path: Path, orientation: int) -> None:
    image, exif = Image.fromarray(photo(20, 30)), Image.Exif()
    exif[274] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(load(tmp_path / "a.png").array(), expected)
    deep = photo(20, 30).astype(np.uint16) * 257
    payload = [np.frombuffer(exif.tobytes().removeprefix(b"Exif\0\0"), np.uint8)]
    encoded = cv2.imencodeWithMetadata(".png", deep[..., ::-1].copy(), [cv2.IMAGE_METADATA_EXIF], payload)[1]
    (tmp_path / "b.png").write_bytes(encoded.tobytes())
    assert np.array_equal(load(tmp_path / "b.png").array(), expected.astype(np.uint16) * 257)


@pytest.mark.parametrize("orientation", [0, 9, 1000])
def test_an_orientation_that_means_nothing_turns_nothing(tmp_path: Path, orientation: int) -> None:
    for name, pixels in (("a.tif", photo(20, 30)), ("b.tif", photo(20, 30).astype(np.uint16) * 257)):
        tifffile.imwrite(tmp_path / name, pixels, extratags=[(274, "H", 1, orientation, True)])
        assert np.array_equal(load(tmp_path / name).array(), pixels)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "LAB"])
def test_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(photo(20, 30))
    image = (
        image.convert("LA").convert("PA") if mode == "PA" else image if mode in ("HSV", "LAB") else image.convert(mode)
    )
    if mode in ("HSV", "LAB"):
        image = image.convert("HSV") if mode == "HSV" else Image.frombytes("LAB", image.size, image.tobytes())
    assert load(image).pixels.shape == (1, 3, 20, 30)
    assert load(image).alpha is None  # opaque alpha is no alpha


def test_a_grey_that_is_multiplied_by_its_transparency_is_what_it_was() -> None:
    loaded = load(Image.new("LA", (20, 20), (200, 128)).convert("La"))
    assert loaded.alpha is not None and (loaded.alpha * 255 - 128).abs().max() < 0.01
    assert (loaded.pixels * 255 - 200).abs().max() <= 1  # 200 · 128 / 255 = 100 is all that it keeps of it


def test_a_pillow_image_that_cannot_be_decoded_is_told_of() -> None:
    """It is opened by whoever gives it, and decoded here."""
    file = io.BytesIO()
    Image.fromarray(noise := np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)).save(file, "PNG")
    closed = Image.fromarray(noise)
    closed.close()
    for image in (Image.open(io.BytesIO(file.getvalue()[:3000])), closed):
        with pytest.raises(ImageError, match="The Pillow image cannot be used"):
            load(image)


def test_palette_transparency(tmp_path: Path) -> None:
    image = Image.fromarray(photo(20, 30)).convert("P")
    clear = image.getpixel((0, 0))
    image.save(tmp_path / "a.png", transparency=clear)
    alpha = load(tmp_path / "a.png").alpha
    assert alpha is not None and alpha[0, 0, 0, 0] == 0 and alpha.max() == 1


def test_sixteen_bit_greyscale(tmp_path: Path) -> None:
    grey = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    Image.fromarray(grey).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", grey)
    for name in ("a.png", "a.tif"):
        back = load(tmp_path / name)
        assert back.depth == 16
        assert np.array_equal(back.array(), np.repeat(grey[..., None], 3, 2))


def test_icc_profile_is_converted_in_8_and_16_bits(tmp_path: Path) -> None:
    """A profile with red and green exchanged: whoever ignores it sees other colours."""
    swapped = _swapped_profile()
    colours = photo(20, 30)
    image = Image.fromarray(colours)
    image.save(tmp_path / "8.png", icc_profile=swapped)
    expected = ImageCms.profileToProfile(image, io.BytesIO(swapped), ImageCms.createProfile("sRGB"))
    assert np.array_equal(load(tmp_path / "8.png").array(), np.asarray(expected))
    deep = colours.astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "16.tif", deep, photometric="rgb", iccprofile=swapped)
    back = load(tmp_path / "16.tif")
    assert back.depth == 16
    assert np.abs(back.array().astype(int) / 257 - np.asarray(expected).astype(int)).max() < 3
    assert np.abs(back.array().astype(int) / 257 - colours.astype(int)).max() > 50


def test_conventions_of_16_bit_tiffs(tmp_path: Path) -> None:
    """Where white is zero, and where colours are multiplied by alpha, the 16-bit picture is the 8-bit one."""
    grey = photo(20, 30)[..., 0]
    tifffile.imwrite(tmp_path / "8.tif", grey, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "16.tif", grey.astype(np.uint16) * 257, photometric="miniswhite")
    assert np.array_equal(load(tmp_path / "8.tif").array(), load(tmp_path / "16.tif").array(8))
    original = picture(16, alpha=True)
    assert original.alpha is not None
    premultiplied = Picture(original.pixels * original.alpha, original.alpha, 16).array()
    tifffile.imwrite(tmp_path / "a.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    assert (load(tmp_path / "a.tif").pixels - original.pixels).abs().max() < 1e-3


def test_grey_profiles_are_converted_with_and_without_alpha_in_8_and_16_bits(tmp_path: Path) -> None:
    linear = _grey_profile()
    grey = np.arange(600, dtype=np.uint8).reshape(20, 30)
    image = Image.fromarray(grey)
    image.save(tmp_path / "8.png", icc_profile=linear)
    clear = image.convert("LA")
    clear.putalpha(Image.fromarray(np.maximum(grey, 1)))
    clear.save(tmp_path / "alpha.png", icc_profile=linear)
    image.save(tmp_path / "key.png", icc_profile=linear, transparency=7)
    tifffile.imwrite(tmp_path / "16.tif", grey.astype(np.uint16) * 257, photometric="minisblack", iccprofile=linear)
    deep = np.stack([grey, np.maximum(grey, 1)], 2).astype(np.uint16) * 257
    (tmp_path / "16.png").write_bytes(_deep_png(deep, linear))
    tifffile.imwrite(
        tmp_path / "alpha.tif", deep, photometric="minisblack", extrasamples=["unassalpha"], iccprofile=linear
    )
    expected = load(tmp_path / "8.png").array()[..., 0]
    assert expected[1, 20] > grey[1, 20] + 40  # 50 of 255 is a middle grey where values are light
    for name in ("alpha.png", "key.png", "16.tif", "16.png", "alpha.tif"):
        found = load(tmp_path / name).array(8)[..., 0].astype(int)
        visible = grey != 7
        assert np.abs(found - expected.astype(int))[visible].max() <= 1, name


def test_srgb_profile_changes_nothing_and_a_broken_one_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = Image.fromarray(photo(20, 30))
    image.save(tmp_path / "a.png", icc_profile=profiles.srgb())
    assert np.array_equal(load(tmp_path / "a.png").array(), photo(20, 30)) and not caplog.text
    image.save(tmp_path / "b.png", icc_profile=b"not a profile")
    assert np.array_equal(load(tmp_path / "b.png").array(), photo(20, 30))
    assert "sRGB is assumed" in caplog.text


def test_arrays_and_pillow_images() -> None:
    array = photo(20, 30)
    for source in (array, array.astype(np.float32) / 255, array.astype(np.uint16) * 257, Image.fromarray(array)):
        assert np.array_equal(load(source).array(8), array)
    assert load(array[..., 0]).pixels.shape == (1, 3, 20, 30)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 5, 2), np.uint8), "shape"),
        (np.zeros((4,), np.uint8), "shape"),
        (np.zeros((0, 5, 3), np.uint8), "shape"),
        (np.zeros((4, 5, 3), np.int64), "int64"),
        (np.full((4, 5, 3), 2.0), "0 to 1"),
        (np.full((4, 5, 3), np.nan), "0 to 1"),
    ],
)
def test_arrays_that_are_no_pictures(array: profiles.Array, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        load(array)


def test_first_frame_of_an_animation(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert load(tmp_path / "a.gif").pixels[0, :, 0, 0].tolist() == [1, 0, 0]
    assert "first frame" in caplog.text


def _png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def test_hostile_files(tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.fromarray(photo(64, 64)).save(whole, "PNG")
    deep = cv2.imencode(".png", photo(64, 64).astype(np.uint16) * 257)[1].tobytes()
    cases = {
        "empty.png": (b"", "it is empty"),
        "text.jpg": (b"hello, I am no picture", "damaged or not a picture"),
        "truncated.png": (whole.getvalue()[: len(whole.getvalue()) // 2], "is cut off.*`allow_truncated`"),
        "truncated16.png": (deep[: len(deep) // 2], "is cut off.*`allow_truncated`"),
        "bomb.png": (_png(100_000, 100_000), "declares 100000×100000"),
    }
    for name, (data, message) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=message):
            load(tmp_path / name)
    with pytest.raises(ImageError, match="it is a folder"):
        load(tmp_path)
    with pytest.raises(ImageError, match="No such file"):
        load(tmp_path / "missing.png")
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    for source, name in (
        (clear, "Pillow image"),
        (np.asarray(clear), "array"),
        (torch.from_numpy(np.array(clear)).permute(2, 0, 1), "tensor"),
    ):
        with pytest.raises(ImageError, match=f"^The {name} cannot be used: it is transparent everywhere"):
            load(source)


def test_bytes_and_streams_are_read_as_files_are(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[274] = 6
    save(picture(16, alpha=True), tmp_path / "deep.png")
    Image.fromarray(photo(20, 30)).save(tmp_path / "turned.jpg", exif=turned)
    for name, size, depth in (("deep.png", (20, 30), 16), ("turned.jpg", (30, 20), 8)):
        expected, data = load(tmp_path / name), (tmp_path / name).read_bytes()
        assert (expected.size, expected.depth) == (size, depth)
        elsewhere = io.BytesIO(data)
        elsewhere.seek(9)
        with (tmp_path / name).open("rb") as file:
            for source in (data, io.BytesIO(data), elsewhere, file):
                found = load(source)
                assert torch.equal(found.pixels, expected.pixels) and found.depth == depth
            assert not file.closed and not elsewhere.closed
        _, own = load_own(io.BytesIO(data), max)
        assert isinstance(own, Picture) and torch.equal(own.pixels, expected.pixels)


def test_a_stream_is_read_once() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation("seek")

    data = io.BytesIO()
    Image.fromarray(photo(20, 30)).save(data, "PNG")
    pipe = Pipe(data.getvalue())
    assert np.array_equal(load(pipe).array(), photo(20, 30)) and pipe.read() == b""


def test_bytes_and_streams_that_are_no_pictures(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(photo(64, 64)).save(data, "PNG")
    damaged = data.getvalue()[:900] + bytes(10) + data.getvalue()[910:]
    count = len(damaged)
    with pytest.raises(ImageError, match=rf"given as bytes cannot be decoded.*\({count} bytes\)"):
        load(damaged)
    with pytest.raises(ImageError, match=rf"given as a stream cannot be decoded.*\({count} bytes\)"):
        load(io.BytesIO(damaged))
    with pytest.raises(ImageError, match="transparent everywhere"):
        clear = io.BytesIO()
        Image.new("RGBA", (20, 20)).save(clear, "PNG")
        load(clear)
    closed = io.BytesIO(damaged)
    closed.close()
    for source in (closed, io.StringIO("text"), 7):
        with pytest.raises(ImageError, match="give a path, bytes, a binary stream"):
            load(source)  # type: ignore[arg-type]


def test_pillow_keeps_its_own_limit(tmp_path: Path) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    Image.fromarray(photo(20, 20)).save(tmp_path / "a.png")
    load(tmp_path / "a.png")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_resizing_never_distorts() -> None:
    wide = load(photo(40, 80))
    assert wide.fitted(40).size == (20, 40)
    assert wide.fitted((30, 30)).size == (30, 30)
    square = wide.fitted((30, 30)).pixels
    middle = wide.resized((30, 60)).pixels[..., 15:45]
    assert torch.allclose(square[..., 3:-3], middle[..., 3:-3], atol=1e-5)


def test_hidden_colours_do_not_bleed() -> None:
    pixels = torch.zeros(1, 3, 16, 16)
    pixels[:, 0] = 1  # red, and green where nothing is seen
    pixels[:, :2, :, 8:] = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)
    alpha = torch.ones(1, 1, 16, 16)
    alpha[..., 8:] = 0
    small = Picture(pixels, alpha).resized((5, 5))
    assert small.alpha is not None
    seen = small.pixels[:, 1:2][small.alpha > 0.02]
    assert seen.max() < 0.02


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        save(picture(), path)
    assert path.read_text() == "precious"
    save(picture(), path, force=True)
    assert load(path).size == (20, 30)


def test_a_write_that_fails_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_text("precious")

    def full(self: Image.Image, file: BinaryIO, *_: object, **__: object) -> None:
        file.write(b"half a pict")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        save(picture(), path, force=True)
    assert path.read_text() == "precious"
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_an_unknown_format_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"'a\.bmpx' does not end in a known picture format: use one of \.png"):
        save(picture(), tmp_path / "a.bmpx")


def _deep_png(array: NDArray[np.uint16], profile: bytes) -> bytes:
    """A PNG of 16 bits, grey with transparency."""
    plain = bytes(imagecodecs.png_encode(array))
    assert plain[24:26] == b"\x10\x04"
    data = b"iCCPgrey\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return plain[:33] + chunk + plain[33:]


def test_a_large_picture_of_16_bits_is_converted_a_part_at_a_time() -> None:
    """As all at once, in a few bytes a pixel beside what goes in and comes out."""
    profile = profiles.foreign(_swapped_profile(), "RGB")
    assert profile is not None
    deep = np.random.default_rng(0).integers(0, 65536, (8000, 64, 4), dtype=np.uint16)
    tracemalloc.start()
    found = profiles.convert_16_bits(deep, profile)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most - found.nbytes < 30 * 256 * 64 * 4 * 2 + 8e6  # the table, and a strip
    parts = [profiles.convert_16_bits(deep[top : top + 77], profile) for top in range(0, 8000, 77)]
    assert np.array_equal(found, np.concatenate(parts)) and np.array_equal(found[..., 3], deep[..., 3])


def _swapped_profile() -> bytes:
    """sRGB with its red and green primaries exchanged, made by exchanging two entries of the tag table."""
    data = bytearray(profiles.srgb())
    for index in range(struct.unpack(">I", data[128:132])[0]):
        place = 132 + 12 * index
        name = bytes(data[place : place + 4])
        if name in (b"rXYZ", b"gXYZ"):
            data[place : place + 4] = b"gXYZ" if name == b"rXYZ" else b"rXYZ"
    return bytes(data)


def _grey_profile() -> bytes:
    """A grey profile in which values are proportional to light: a header and three tags (ICC.1:2022, section
    7).
    """
    white = struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061)
    curve = struct.pack(">4s4xI", b"curv", 0)
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"grey\0" + bytes(79)
    body, table, place = b"", b"", 128 + 4 + 3 * 12
    for name, data in ((b"wtpt", white), (b"kTRC", curve), (b"desc", text)):
        table += struct.pack(">4sII", name, place + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    length = place + len(body)
    header = struct.pack(">I4sI4s4s4s12x4s", length, bytes(4), 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
    header = header.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">I", 3) + table + body


@pytest.fixture(autouse=True)
def _warnings(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "impasto")
