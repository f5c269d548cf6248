"""Pictures in, format by format: what numbers mean, what is converted, what is refused and by which name."""

import io
import itertools
import logging
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from hunt.pictures import findings, seeds
from impasto.errors import ImageError
from impasto.jobs.job import Job
from impasto.machine import memory
from impasto.pictures import av1, bounds, boxes, encodings, opened
from impasto.pictures.codecs import load, size_of
from impasto.pictures.reading import told_by
from tests.helpers import photo

HEIGHT, WIDTH = 21, 34
COLOURS = photo(HEIGHT, WIDTH) / 255
ALPHA = np.linspace(0.2, 1, WIDTH)[None].repeat(HEIGHT, 0)


def pixels(source: Any, **options: Any) -> NDArray[np.float32]:
    found: NDArray[np.float32] = load(source, **options).pixels[0].permute(1, 2, 0).numpy()
    return found


def as_numbers(values: NDArray[np.float64], kind: str) -> NDArray[np.generic]:
    """Values in [0, 1] as a file has them."""
    if kind.startswith("f"):
        return values.astype(kind)
    bits = 8 * int(kind[1])
    return np.minimum(np.floor(values * (2.0**bits - 1) + 0.5), 2.0**bits * (1 - 2.0**-53)).astype(kind)


def tiff(data: NDArray[np.generic], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, data, metadata=None, **options)
    return file.getvalue()


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def with_chunks(*chunks: tuple[bytes, bytes], image: NDArray[np.uint8] | None = None) -> bytes:
    png = saved(Image.fromarray(photo(HEIGHT, WIDTH) if image is None else image), "PNG")
    return png[:33] + b"".join(chunk(*each) for each in chunks) + png[33:]


LAYOUTS: dict[str, tuple[str, list[Any], list[str]]] = {
    "rgb": ("rgb", [COLOURS], []),
    "grey": ("minisblack", [COLOURS[..., :1]], []),
    "white is zero": ("miniswhite", [1 - COLOURS[..., :1]], []),
    "alpha": ("rgb", [COLOURS, ALPHA], ["unassalpha"]),
    "grey with alpha": ("minisblack", [COLOURS[..., :1], ALPHA], ["unassalpha"]),
    "premultiplied": ("rgb", [COLOURS * ALPHA[..., None], ALPHA], ["assocalpha"]),
    "undeclared": ("rgb", [COLOURS, ALPHA * 0], ["unspecified"]),
    "undeclared, then alpha": ("rgb", [COLOURS, ALPHA * 0, ALPHA], ["unspecified", "unassalpha"]),
}


@pytest.mark.parametrize(
    ("layout", "kind"),
    [
        (layout, kind)
        for layout, kind in itertools.product(LAYOUTS, ["u1", "u2", "u4", "u8", "f2", "f4", "f8"])
        if layout != "white is zero" or kind.startswith("u")  # of floats no white is known
    ],
)
def test_tiffs_of_every_layout_are_the_same_picture(layout: str, kind: str) -> None:
    photometric, planes, extra = LAYOUTS[layout]
    data = np.dstack([as_numbers(each, kind) for each in planes])
    grey = layout.startswith(("grey", "white"))
    expected = COLOURS[..., [0, 0, 0]] if grey else COLOURS
    close = {"u1": 1e-6, "f2": 1e-3}.get(kind, 2e-5) * (20_000 if layout == "premultiplied" and kind == "u1" else 10)
    shapes: list[dict[str, Any]] = [{}, {"tile": (16, 16)}, {"rowsperstrip": 4, "bigtiff": True, "byteorder": ">"}]
    for number, (apart, shape) in enumerate(itertools.product((False, True), shapes)):
        written = tiff(
            data[..., 0] if data.shape[2] == 1 else data.transpose(2, 0, 1) if apart else data,
            photometric=photometric,
            extrasamples=extra,
            planarconfig=None if data.shape[2] == 1 else "separate" if apart else "contig",
            compression=[None, "lzw", "zlib", "packbits", "zstd", "lzma"][number],
            predictor=number in (1, 2) and kind not in ("u8", "f2"),
            **shape,
        )
        back = load(written)
        assert back.depth == (8 if kind == "u1" else 16)
        assert np.abs(back.pixels[0].permute(1, 2, 0).numpy() - expected).max() < close
        assert (back.alpha is None) == (
            layout not in ("alpha", "grey with alpha", "premultiplied", "undeclared, then alpha")
        )
        if back.alpha is not None:
            assert np.abs(back.alpha[0, 0].numpy() - ALPHA).max() < 2e-3


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_white_is_the_largest_number_whatever_the_bits(bits: int) -> None:
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 3 % 2**bits
    data = values.astype(bool if bits == 1 else "u1" if bits <= 8 else "u2")
    for photometric in ("minisblack", "miniswhite"):
        found = pixels(tiff(data, photometric=photometric, bitspersample=None if bits == 1 else bits))[..., 0]
        expected = values / (2**bits - 1)
        expected = 1 - expected if photometric == "miniswhite" else expected
        assert np.abs(found - expected).max() <= (0.5 / 255 if bits < 8 else 1e-5) + 1e-6


def with_kinds(kinds: tuple[int, ...]) -> bytes:
    """A TIFF whose channels are of several kinds: SampleFormat, which tifffile writes of one kind alone."""
    data = tiff(np.zeros((20, 20, 3), "u2"), photometric="rgb", extratags=[(337, "H", 3, kinds, True)])
    place = data.index(struct.pack("<HHI", 337, 3, 3))
    return data[:place] + struct.pack("<H", 339) + data[place + 2 :]


def test_channels_that_differ_in_kind_are_named() -> None:
    for kinds, word in {
        (1, 1, 3): "integers without a sign and floats",
        (2, 1, 2): "signed integers and integers without a sign",
        (1, 1, 4): "integers without a sign and of no kind",
        (9, 3, 3): "of an unknown kind and floats",
    }.items():
        with pytest.raises(ImageError, match=f"differ in kind \\({word}\\): save it again"):
            load(with_kinds(kinds))


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("kind", ["u2", "u4"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tiff_may_say_that_its_numbers_are_fewer_than_there_is_room_for(
    bits: int, kind: str, channels: int, caplog: pytest.LogCaptureFixture
) -> None:
    most = 2**bits - 1
    values = (np.arange(HEIGHT * WIDTH * channels).reshape(HEIGHT, WIDTH, channels) * 7 % (most + 1)).astype(kind)
    given = {"photometric": "rgb"} if channels == 3 else {"photometric": "minisblack"}
    values = values if channels == 3 else values[..., 0]

    def said(number: int, data: Any = values) -> NDArray[np.float32]:
        tag = (281, "H", channels, (number,) * channels if channels > 1 else number, True)
        return pixels(tiff(data, **given, extratags=[tag]))

    assert np.abs(said(most) - values.reshape(HEIGHT, WIDTH, channels) / most).max() < 1e-5
    assert not caplog.messages
    white = 65535 if kind == "u2" else 2**32 - 1
    for found in (said(most - 1), pixels(tiff(values, **given))):  # statistics, and nothing
        assert np.abs(found - values.reshape(HEIGHT, WIDTH, channels) / white).max() < 2e-5
    beyond = values.copy()
    beyond[3, 4] = most + 1
    assert said(most, beyond).max() <= (most + 1) / white + 2e-5  # it is not the most


@pytest.mark.parametrize(
    "tag",
    [("B", 1, 255), ("s", 0, "x"), ("I", 1, 2**20 - 1), ("I", 1, 2**24 - 1), ("d", 1, 4095.0), ("H", 3, (1, 2, 3))],
)
def test_other_words_on_the_largest_number_mean_nothing(tag: tuple[str, int, Any]) -> None:
    for kind in ("u1", "u2", "u4"):
        values = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 5 % 250).astype(kind)
        values[2, 3] = np.iinfo(kind).max
        plain, told = (tiff(values, photometric="minisblack", extratags=each) for each in ([], [(281, *tag, True)]))
        assert np.array_equal(pixels(plain), pixels(told))


def test_a_word_on_12_bits_that_are_not_scaled(caplog: pytest.LogCaptureFixture) -> None:
    twelve = (np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) * 6 % 4096).astype("u2")
    ways: list[Callable[[NDArray[np.uint16]], Any]] = [
        lambda data: tiff(data, photometric="minisblack"),
        lambda data: saved(Image.fromarray(data), "PNG"),
        lambda data: saved(Image.fromarray(data), "PPM"),
        Image.fromarray,
        lambda data: data,
    ]
    for way in ways:
        for data, told in [(twelve, True), (twelve * 16, False), (twelve // 16, False), (twelve * 0, False)]:
            caplog.clear()
            load(way(data))
            assert [
                each for each in caplog.messages if "nearly black: its largest number is 409" in each
            ] == caplog.messages
            assert bool(caplog.messages) == told


def test_palettes_inks_and_lab() -> None:
    palette = np.random.default_rng(0).integers(0, 256, (3, 65536)).astype("u2") * 257
    for depth in ("u1", "u2"):
        places = as_numbers(COLOURS[..., 0], depth)
        table = palette[:, : 2 ** (8 * int(depth[1]))]
        expected = (table.T[places.astype(int)] // 257) / 255
        assert np.abs(pixels(tiff(places, photometric="palette", colormap=table)) - expected).max() < 1e-6
        inks = np.dstack([as_numbers(1 - COLOURS, depth), as_numbers(ALPHA * 0, depth)])
        for data, planes in ((inks, "contig"), (inks.transpose(2, 0, 1), "separate")):
            found = pixels(tiff(data, photometric="separated", planarconfig=planes))
            assert np.abs(found - COLOURS).max() < 0.01
    # The primaries of sRGB, white and a grey under D50, as B. Lindbloom tabulates them.
    lab = np.array(
        [[54.29, 80.81, 69.89], [87.82, -79.29, 80.99], [29.57, 68.30, -112.03], [100, 0, 0], [53.585, 0, 0]]
    )
    known = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1], [0.5, 0.5, 0.5]])
    light, chroma = lab[:, :1], lab[:, 1:]
    for photometric, numbers in {
        "cielab": (light * 655.35, chroma * 256 % 65536),
        "icclab": (light * 652.8, (chroma + 128) * 256),
    }.items():
        deep = np.concatenate(numbers, 1).round().astype("u2")[None]
        assert np.abs(pixels(tiff(deep, photometric=photometric))[0] - known).max() < 0.01
    small = np.concatenate([light * 2.55, chroma % 256], 1).round().astype("u1")[None]
    assert np.abs(pixels(tiff(small, photometric="cielab"))[0] - known).max() < 0.04


def test_what_has_no_one_reading_is_refused_by_its_name() -> None:
    grey, four = np.zeros((20, 20)), np.zeros((20, 20, 4), "u1")
    cases = {
        "signed integers of 8 bits": tiff(grey.astype("i1"), photometric="minisblack"),
        "signed integers of 32 bits": tiff(grey.astype("i4"), photometric="minisblack"),
        "complex numbers": tiff(grey.astype("c8"), photometric="minisblack"),
        "floats from 0.8 to 4": tiff(as_numbers(COLOURS * 4 / COLOURS.max(), "f4"), photometric="rgb"),
        "some are no numbers": tiff(np.full((20, 20), np.nan, "f4"), photometric="minisblack"),
        "compressed by JPEG2000": tiff(four[..., :3], photometric="rgb", compression="jpeg2000"),
        "inks of its own": tiff(four, photometric="separated", extratags=[(332, "H", 1, 2, True)]),
        "a volume": tiff(np.zeros((16, 32, 32), "u1"), photometric="minisblack", volumetric=True, tile=(16, 16, 16)),
        "a camera's raw file": tiff(four[..., 0], photometric="cfa"),
    }
    for name, data in cases.items():
        with pytest.raises(ImageError, match=name):
            load(data)


def test_of_many_pages_the_first_that_is_no_preview(caplog: pytest.LogCaptureFixture) -> None:
    file = io.BytesIO()
    small, large = (np.full((side, side, 3), value, "u1") for side, value in ((16, 50), (32, 90)))
    with tifffile.TiffWriter(file) as writer:
        for data, kind in ((small, 1), (large, 0), (small, 0)):
            writer.write(data, photometric="rgb", subfiletype=kind, metadata=None)
    assert load(file.getvalue()).size == (32, 32)
    assert "Page 2 of the TIFF is taken" in caplog.text
    caplog.clear()
    with tifffile.TiffWriter(file := io.BytesIO()) as writer:
        for data in (large, small):
            writer.write(data, photometric="rgb", metadata=None)
    assert load(file.getvalue()).size == (32, 32) and "several pages" in caplog.text
    with tifffile.TiffFile(io.BytesIO(file.getvalue())) as tif:
        second = tif.pages[1].offset
    broken = bytearray(file.getvalue())
    broken[second : second + 2] = b"\xff\xff"  # a page that cannot be read, behind one that can
    assert load(bytes(broken)).size == (32, 32)


def test_nothing_is_shown_that_is_not_in_the_file() -> None:
    """Strips that are missing are black, whatever stood in the memory before."""
    data = tiff(as_numbers(COLOURS, "u2"), photometric="rgb", compression="zlib", rowsperstrip=4)
    with tifffile.TiffFile(io.BytesIO(data)) as tif:
        place = tif.pages[0].tags[279].valueoffset + 2 * 3  # type: ignore[union-attr]
    broken = bytearray(data)
    broken[place : place + 2] = b"\xff\xff"  # the fourth strip claims to go on beyond the end
    with pytest.raises(ImageError, match=r"cut off.*`allow_truncated`"):
        load(bytes(broken))
    rows = pixels(bytes(broken), allow_truncated=True)
    assert np.abs(rows[:12] - COLOURS[:12]).max() < 1e-4 and not rows[12:16].any()


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
def test_high_dynamic_range_is_drawn_in(transfer: str) -> None:
    """Up to three fifths of paper white a picture looks as it is; brighter, it rises and never ends."""
    light = np.array([0.0, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0])  # of paper white, 203 cd/m²
    if transfer == "PQ":  # SMPTE ST 2084, from light to value
        power = (light * 203 / 10000) ** (2610 / 16384)
        value = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    else:  # BT.2100: grey light of a screen of 1000 cd/m² to the scene's, and that to the value
        scene = (light * 203 / 1000) ** (1 / 1.2)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        value = np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    numbers = np.repeat((value * 65535).round().astype("u2")[None, :, None], 3, 2)
    coded = imagecodecs.png_encode(numbers)
    code = bytes([9, 16 if transfer == "PQ" else 18, 0, 1])
    found = pixels(coded[:33] + chunk(b"cICP", code) + coded[33:])[0]
    same = light[:4]
    expected = np.where(same <= 0.0031308, 12.92 * same, 1.055 * same ** (1 / 2.4) - 0.055)
    assert np.abs(found[:4] - expected[:, None]).max() < 1e-3
    assert np.ptp(found, 1).max() < 1e-3 and (np.diff(found[:, 0]) > 0).all() and found.max() <= 1


def test_wide_gamuts_say_it_in_many_ways_and_are_one_picture(caplog: pytest.LogCaptureFixture) -> None:
    """A green that sRGB has, in Display P3 by code points, by gAMA and cHRM, and in AVIF and HEIC."""
    known = np.array([0.25, 0.6, 0.35])
    light = ((known + 0.055) / 1.055) ** 2.4
    to_p3 = np.array([[0.8224620, 0.1775380, 0], [0.0331942, 0.9668058, 0], [0.0170827, 0.0723974, 0.9105199]])
    p3 = 1.055 * (to_p3 @ light) ** (1 / 2.4) - 0.055  # CSS Color 4, section 18
    flat = np.broadcast_to((p3 * 255).round().astype("u1"), (16, 16, 3)).copy()
    image = Image.fromarray(flat)
    chroma = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    heic = io.BytesIO()
    pillow_heif.from_pillow(image).save(
        heic, quality=-1, chroma=444, color_primaries=12, transfer_characteristics=13, matrix_coefficients=0
    )
    avif = bytearray(saved(image, "AVIF", quality=100, subsampling="4:4:4"))
    place = avif.index(b"colrnclx") + 8
    avif[place : place + 4] = struct.pack(">HH", 12, 13)
    for name, data in {
        "cICP": with_chunks((b"cICP", bytes([12, 13, 0, 1])), image=flat),
        "cHRM": with_chunks((b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chroma), image=flat),
        "cICP over all": with_chunks((b"sRGB", b"\0"), (b"cICP", bytes([12, 13, 0, 1])), image=flat),
        "AVIF": bytes(avif),
        "HEIC": heic.getvalue(),
    }.items():
        assert np.abs(pixels(data)[8, 8] - known).max() < 0.02, name
    as_srgb = with_chunks((b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chroma), image=flat)
    assert np.array_equal(pixels(as_srgb)[8, 8], flat[0, 0] / np.float32(255))
    assert not caplog.text
    linear = with_chunks((b"gAMA", struct.pack(">I", 100000)))
    assert np.abs(pixels(linear) - encodings.coded(photo(HEIGHT, WIDTH) / np.float32(255))).max() < 0.003
    assert np.array_equal(load(with_chunks((b"cICP", bytes([77, 13, 0, 1])))).array(), photo(HEIGHT, WIDTH))
    assert "cICP" in caplog.text


@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize(("primaries", "transfer"), [(12, 13), (9, 16), (9, 18), (1, 8)])
def test_avif_that_says_its_colours_in_its_stream_alone(primaries: int, transfer: int, bits: int) -> None:
    array = photo(HEIGHT, WIDTH).astype("u2" if bits > 8 else "u1") << (bits - 8)
    told = bytes(imagecodecs.avif_encode(array, bitspersample=bits, primaries=primaries, transfer=transfer, matrix=1))
    silent = told.replace(b"colrnclx", b"freenclx")
    assert silent != told and np.array_equal(pixels(silent), pixels(told))
    assert boxes.properties(silent) == boxes.properties(told)
    assert boxes.properties(silent).encoding == encodings.of_code_points(primaries, transfer)


def test_streams_of_avif_are_read_as_far_as_they_go(caplog: pytest.LogCaptureFixture) -> None:
    image = Image.fromarray(photo(HEIGHT, WIDTH))
    moving = saved(image, "AVIF", save_all=True, append_images=[image])  # whose header is not the reduced one
    assert boxes.properties(moving.replace(b"colrnclx", b"freenclx")).encoding == encodings.of_code_points(1, 13)
    whole = bytes(imagecodecs.avif_encode(photo(HEIGHT, WIDTH), primaries=10, transfer=13))  # XYZ, not known here
    unknown = whole.replace(b"colrnclx", b"freenclx")
    assert pixels(unknown).shape == (HEIGHT, WIDTH, 3) and "not known" in caplog.text
    (stream,) = boxes._coded(unknown)
    assert av1.code_points(stream) == (10, 13)
    assert {av1.code_points(stream[:end]) for end in range(len(stream))} == {None, (10, 13)}
    for hostile in (b"", b"\x0a" + b"\xff" * 20, b"\x08" + b"\0" * 50, b"\x08" + b"\xff" * 50, b"\x12\0" * 50):
        assert av1.code_points(hostile) in (None, (255, 255))


def test_video_range_and_adobe_rgb() -> None:
    grey = np.repeat(np.array([[16, 235, 126]], "u1")[..., None], 3, 2)
    narrow = with_chunks((b"cICP", bytes([1, 13, 0, 0])), image=grey)
    assert np.abs(pixels(narrow)[0, :, 0] - [0, 1, 110 / 219]).max() < 0.003
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 2
    green = Image.new("RGB", (16, 16), (0, 160, 0))
    for form in ("JPEG", "PNG"):
        options = {"quality": 100, "subsampling": 0} if form == "JPEG" else {}
        found = pixels(saved(green, form, exif=exif, **options))[8, 8]
        assert found[0] == 0 and found[2] < 0.01 and abs(found[1] - 0.6288) < 0.01  # beyond sRGB's green: cut


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_jpeg_2000_keeps_all_its_bits(bits: int, channels: int) -> None:
    planes = np.dstack([COLOURS[..., : 1 if channels < 3 else 3], *([ALPHA] if channels % 2 == 0 else [])])
    numbers = np.rint(planes * (2**bits - 1)).astype("u1" if bits == 8 else "u2")
    numbers[0, 0] = 2**bits - 1
    for form in ("JP2", "J2K"):
        if form == "J2K" and channels == 2:  # which nothing says to be transparency
            continue
        given = numbers[..., 0] if channels == 1 else numbers
        data = bytes(imagecodecs.jpeg2k_encode(given, level=0, bitspersample=bits, codecformat=form))
        found = load(data)
        assert found.depth == (8 if bits == 8 else 16) and size_of_bytes(data) == (HEIGHT, WIDTH)
        expected = numbers / (2**bits - 1)
        colours = expected[..., [0, 0, 0] if channels < 3 else [0, 1, 2]]
        assert np.abs(found.pixels[0].permute(1, 2, 0).numpy() - colours).max() < (1e-6 if bits == 8 else 1e-4)
        if channels % 2 == 0 and found.alpha is not None:
            assert np.abs(found.alpha[0, 0].numpy() - expected[..., -1]).max() < 1e-4


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_jpeg_2000_of_sycc_keeps_its_bits_too(bits: int) -> None:
    """Brightness and two differences of colour (IEC 61966-2-1, amendment 1), said in the box of colours."""
    red, green, blue = np.moveaxis(COLOURS, -1, 0)
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = np.dstack([brightness, (blue - brightness) / 1.772, (red - brightness) / 1.402])
    numbers = np.rint(planes * (2**bits - 1) + (0, 2 ** (bits - 1), 2 ** (bits - 1))).clip(0, 2**bits - 1)
    numbers = numbers.astype("u1" if bits == 8 else "u2")
    data = bytes(imagecodecs.jpeg2k_encode(numbers, level=0, bitspersample=bits, codecformat="JP2"))
    found = load(data.replace(b"colr\1\0\0\0\0\0\x10", b"colr\1\0\0\0\0\0\x12"))
    assert found.depth == (8 if bits == 8 else 16)
    close = max(2.5 / (2**bits - 1), 1e-4)  # OpenJPEG rounds down, by a matrix of three digits
    assert np.abs(found.pixels[0].permute(1, 2, 0).numpy() - COLOURS).max() < close


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p12le", "yuv422p16le"])
def test_jpeg_2000_of_sycc_by_another_encoder(form: str) -> None:
    """FFmpeg's, which says sYCC by itself; colours have half the size or not, and sides are odd."""
    bits = int(form[7:].removesuffix("le") or 8)
    red, green, blue = expected = np.array((200, 100, 50)) / 255
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    levels = brightness, (blue - brightness) / 1.772 + 0.5, (red - brightness) / 1.402 + 0.5
    data = by_ffmpeg(form, [round(level * (2**bits - 1)).to_bytes((bits + 7) // 8, "little") for level in levels])
    assert b"colr\1\0\0\0\0\0\x12" in data and load(data).depth == (8 if bits == 8 else 16)
    assert np.abs(pixels(data) - expected).max() < max(2.5 / (2**bits - 1), 3e-4)


def test_jpeg_2000_of_other_sizes_of_colours_is_refused() -> None:
    """Of these OpenJPEG makes no RGB, and Pillow another picture."""
    for form in ("yuv410p", "yuv411p", "yuv440p"):
        with pytest.raises(ImageError, match="smaller than others"):
            load(by_ffmpeg(form, [b"\x80"] * 3))


def by_ffmpeg(form: str, numbers: list[bytes]) -> bytes:
    """A JPEG 2000 file of one colour, of odd sides, without loss."""
    encoder = av.CodecContext.create("jpeg2000", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = WIDTH - 1, HEIGHT, form, Fraction(1)
    encoder.options = {"pred": "dwt53"}
    frame = av.VideoFrame(WIDTH - 1, HEIGHT, form)
    for plane, number in zip(frame.planes, numbers, strict=True):
        plane.update(number * (plane.buffer_size // len(number)))
    return b"".join(map(bytes, [*encoder.encode(frame), *encoder.encode(None)]))


def size_of_bytes(data: bytes) -> tuple[int, int]:
    return opened.size_of(io.BytesIO(data))


def jpeg2000(colr: bytes) -> bytes:
    """A JPEG 2000 file of one colour, that says so of its colours."""
    plain = np.full((HEIGHT, WIDTH, 3), (200, 100, 50), np.uint8)
    data = bytes(imagecodecs.jpeg2k_encode(plain, level=0, codecformat="JP2"))
    head, box = data.index(b"jp2h") - 4, data.index(b"colr") - 4
    length = int.from_bytes(data[box : box + 4], "big")
    new = struct.pack(">I4s", 8 + len(colr), b"colr") + colr
    header = struct.pack(">I", int.from_bytes(data[head : head + 4], "big") - length + len(new))
    return data[:head] + header + data[head + 4 : box] + new + data[box + length :]


def bitmap(colours: bytes, profile: bytes = b"") -> bytes:
    """A BMP of one colour with a header of version 5, of which that stands from bV5CSType to bV5GammaBlue."""
    row = bytes((50, 100, 200)) * WIDTH
    rows = (row + bytes(-len(row) % 4)) * HEIGHT
    head = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 24, 0, len(rows), 0, 0, 0, 0) + bytes(16) + colours
    head += struct.pack("<4I", 4, 124 + len(rows) if profile else 0, len(profile), 0)
    return b"BM" + struct.pack("<IHHI", 138 + len(rows) + len(profile), 0, 0, 138) + head + rows + profile


# Display P3 under D50 (SMPTE EG 432-1, adapted), and as it is under D65, by its chromaticities and as XYZ.
P3_D50 = [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)]
P3_XY = [(0.68, 0.32, 0.0), (0.265, 0.69, 0.045), (0.15, 0.06, 0.79)]
P3_XYZ = [(0.48657, 0.22897, 0.0), (0.26567, 0.69174, 0.04511), (0.19822, 0.07929, 1.04394)]


def display_p3() -> bytes:
    """An ICC profile of its primaries and a power of 2.2."""

    def number(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(each * 65536) for each in values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78)
    white = number((0.9642, 1, 0.8249))
    parts = [(b"desc", text), (b"cprt", b"text\0\0\0\0x\0\0\0"), (b"wtpt", white)]
    parts += [(name, number(each)) for name, each in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3_D50, strict=True)]
    parts += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body = struct.pack(">I", len(parts)), b""
    for name, part in parts:
        table += name + struct.pack(">II", 132 + 12 * len(parts) + len(body), len(part))
        body += part + bytes(-len(part) % 4)
    head = struct.pack(">I4sI4s4s4s", 128 + len(table + body), b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ ")
    return head + bytes(12) + b"acsp" + bytes(28) + white[8:] + bytes(48) + table + body


def test_old_formats_say_their_colours_too(caplog: pytest.LogCaptureFixture) -> None:
    """(200, 100, 50) of Display P3 with a power of 2.2, by ICC, by chromaticities and by lights."""
    light = (np.array((200, 100, 50)) / 255) ** 2.2
    matrix = [[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]  # P3 to sRGB, both under D65
    linear = (np.array(matrix) @ light).clip(0, 1)
    expected = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)

    def calibrated(ends: list[tuple[float, float, float]]) -> bytes:
        numbers = [round(each * 2**30) for colour in ends for each in colour]
        return bytes(4) + struct.pack("<9I3I", *numbers, *[round(2.2 * 65536)] * 3)

    plain = np.array((200, 100, 50)) / 255
    cases = {
        "jp2 by ICC": (jpeg2000(b"\2\0\0" + display_p3()), expected, 0.01),
        "jp2 by any ICC": (jpeg2000(b"\3\0\0" + display_p3()), expected, 0.01),
        "jp2 sRGB": (jpeg2000(b"\1\0\0\0\0\0\x10"), plain, 1e-6),
        "bmp by ICC": (bitmap(b"DEBM" + bytes(48), display_p3()), expected, 0.01),
        "bmp by XYZ": (bitmap(calibrated(P3_XYZ)), expected, 0.05),  # its curve is taken for sRGB's
        "bmp by x, y and z": (bitmap(calibrated(P3_XY)), expected, 0.05),
        "bmp sRGB": (bitmap(b"BGRs" + bytes(48)), plain, 1e-6),
        "bmp that says nothing": (bitmap(bytes(52)), plain, 1e-6),
    }
    for name, (data, wanted, close) in cases.items():
        assert np.abs(pixels(data)[0, 0] - wanted).max() < close, name
    assert np.abs(pixels(cases["bmp by XYZ"][0]) - pixels(cases["bmp by x, y and z"][0])).max() < 0.005
    assert not caplog.records
    for number, name in ((14, "CIE L"), (21, "ROMM RGB"), (99, "no. 99")):
        with pytest.raises(ImageError, match=name):
            load(jpeg2000(b"\1\0\0" + number.to_bytes(4, "big")))
    jpeg = saved(Image.new("RGB", (16, 16)), "JPEG", icc_profile=display_p3() + bytes(70_000))
    second = jpeg.index(b"ICC_PROFILE\0\2")
    gif = saved(Image.new("P", (16, 16)), "GIF")
    place = gif.index(b",", 13 + 3 * 2 ** ((gif[10] & 7) + 1))
    odd = {
        "in another file": bitmap(b"KNIL" + bytes(48)),
        "makes no sense": bitmap(bytes(4) + b"\xff" * 48),
        "broken or incomplete": jpeg[:second] + b"X" + jpeg[second + 1 :],
        "left out, as viewers do": gif[:place] + b"!\xff\x0bICCRGBG1012\1x\0" + gif[place:],
    }
    for message, data in odd.items():
        caplog.clear()
        load(data)
        assert message in caplog.text, message


def test_tiffs_say_what_is_black_and_white() -> None:
    """Of Y and colour differences as in video (16 to 235 and 240), by BT.709's weights, and of inks that are
    counted down."""
    luma = np.array([0.2126, 0.7152, 0.0722])
    for weights, narrow in ((luma, False), (np.array([0.299, 0.587, 0.114]), True), (luma, True)):
        light = COLOURS @ weights
        of_blue, of_red = ((COLOURS[..., each] - light) / (2 * (1 - weights[each])) for each in (2, 0))
        ends = (16, 219, 224) if narrow else (0, 255, 255)
        planes = [ends[0] + ends[1] * light, 128 + ends[2] * of_blue, 128 + ends[2] * of_red]
        numbers = np.dstack(planes).clip(0, 255).round().astype("u1")
        tags: list[Any] = [(529, 5, 3, tuple(int(each) for w in weights for each in (w * 10000 + 0.5, 10000)), True)]
        if narrow:
            tags.append((532, 5, 6, (16, 1, 235, 1, 128, 1, 240, 1, 128, 1, 240, 1), True))
        data = tiff(numbers, photometric="ycbcr", subsampling=(1, 1), extratags=tags)
        assert np.abs(pixels(data) - COLOURS).max() < 0.02
    head = tiff(
        np.full((2, 2, 3), (16, 128, 235), "u1"), photometric="rgb", extratags=[(532, 5, 6, (16, 1, 235, 1) * 3, True)]
    )
    assert np.abs(pixels(head)[0, 0] - (0, 112 / 219, 1)).max() < 0.003
    for depth in ("u1", "u2"):
        peak = 2 ** (8 * int(depth[1])) - 1
        inks = np.dstack([as_numbers(COLOURS, depth), np.full((HEIGHT, WIDTH), peak, depth)])
        data = tiff(inks, photometric="separated", extratags=[(336, 3, 2, (peak, 0), True)])
        assert np.abs(pixels(data) - COLOURS).max() < 0.01
    odd = tiff(np.full((2, 2, 3), 100, "u1"), photometric="rgb", extratags=[(532, 5, 6, (9, 0, 9, 1) * 3, True)])
    assert np.abs(pixels(odd) - 100 / 255).max() < 1e-6


def test_a_tiff_whose_parts_have_no_length_is_not_black() -> None:
    for rows in (HEIGHT, 4):
        data = bytearray(tiff(as_numbers(COLOURS, "u1"), photometric="rgb", rowsperstrip=rows))
        with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
            tag = file.pages.first.tags[279]
            data[tag.valueoffset : tag.valueoffset + tag.valuebytecount] = bytes(tag.valuebytecount)
        assert np.abs(pixels(bytes(data)) - COLOURS).max() < 0.003


def test_heic_opens_whatever_it_is_called(tmp_path: Path) -> None:
    heic, colours = io.BytesIO(), photo(64, 48)
    pillow_heif.from_pillow(Image.fromarray(colours)).save(heic, quality=95, chroma=444)
    (tmp_path / "a.jpg").write_bytes(heic.getvalue())
    assert np.abs(pixels(tmp_path / "a.jpg") - colours / 255).mean() < 0.02
    assert size_of(tmp_path / "a.jpg") == (64, 48)
    deep = io.BytesIO()
    values = colours.astype("u2") * 257
    pillow_heif.from_bytes("RGB;16", (48, 64), values.tobytes()).save(deep, quality=-1, chroma=444)
    back = load(deep.getvalue())
    assert back.depth == 16 and np.abs(back.pixels[0].permute(1, 2, 0).numpy() - colours / 255).max() < 0.02
    with pytest.raises(ImageError, match="a damaged HEIC"):
        load(heic.getvalue()[:40] + bytes(500))


def test_avif_of_more_than_8_bits_keeps_them() -> None:
    ramp = np.repeat(np.arange(1024, dtype="u2").reshape(16, 64)[..., None], 3, 2)
    back = load(bytes(imagecodecs.avif_encode(ramp, bitspersample=10, level=100, pixelformat="444")))
    assert back.depth == 16 and np.abs(back.pixels[0, 0].numpy() - ramp[..., 0] / 1023).max() < 0.004
    assert len(np.unique(back.array())) > 600


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\x0a\0\0", "JPEG XL.*djxl"),
        (b"8BPS\0\1", "Photoshop document.*export it"),
        (b"%PDF-1.7", "PDF.*pdftoppm"),
        (b"<?xml version='1.0'?><svg xmlns='x'/>", "SVG drawing.*render it"),
        (b"II*\0\x10\0\0\0CR\2\0", "raw file.*CR2.*develop"),
        (b"\0\0\0\x18ftypcrx \0\0\0\0", "raw file.*CR3"),
        (b"FUJIFILMCCD-RAW 0201", "raw file.*Fujifilm"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video.*ffmpeg"),
        (b"\x1aE\xdf\xa3\0", "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"v/1\x01\2\0\0\0", "OpenEXR.*map its tones"),
        (b"PK\x03\x04", "zip archive"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "what macOS keeps"),
        (b"version https://git-lfs.github.com/spec/v1", "Git LFS"),
        (b"/annex/objects/SHA256E-s1--ab.jpg\n", "git-annex.*git annex get"),
        (b"\0\xffKA\x0a\0\0\0nsrP", "Affinity document.*export it"),
        (b"\1\0\0\0\x6c\0\0\0" + bytes(32) + b" EMF", "Windows metafile.*render it"),
        (b"PF\n4 4\n-1.0\n", "PFM.*map its tones"),
        (b"P7\nWIDTH 4\n", "PAM.*export it"),
        (bytes(65), "nothing but zeros"),
        (b"x" * 257 + b"ustar", "tar archive.*take the picture out"),
        (b"\xfd7zXZ\0", "xz.*take the picture out"),
        (b"OggS\0\2", "video.*ffmpeg"),
        (b"\x93NUMPY\1\0", "NumPy.*export it"),
        (b"\x01\xda\1\1", "Silicon Graphics picture"),
        (b"\x8aMNG\r\n\x1a\n", "MNG"),
        (b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xda\0\x08", "JPEG of a lossless"),
    ],
)
def test_what_is_not_opened_is_named_with_what_to_do(head: bytes, name: str) -> None:
    with pytest.raises(ImageError, match=name):
        load(head + bytes(300))


def test_odd_metadata_costs_no_pixels(caplog: pytest.LogCaptureFixture) -> None:
    huge, exif = bytes(6_000_000), b"\0\x08\0\2\1\x12\0\3"
    cases = {
        "iCCP": (b"iCCP", b"display\0\0" + zlib.compress(huge)),
        "zTXt": (b"zTXt", b"workflow\0\0" + bytes(np.random.default_rng(0).bytes(5_000_000))),
        "eXIf": (b"eXIf", exif),
        "gAMA": (b"gAMA", b"\0"),
        "cICP": (b"cICP", b"\1"),
    }
    for name, given in cases.items():
        caplog.clear()
        assert np.array_equal(load(with_chunks(given)).array(), photo(HEIGHT, WIDTH))
        assert f"left out, its pixels are read: {name}" in caplog.text
    caplog.clear()
    for kind in (b"iTXt", b"zTXt"):
        load(with_chunks((kind, b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(huge))))
    assert not caplog.text


def test_an_orientation_in_xmp_alone_turns_nothing() -> None:
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    image = Image.fromarray(photo(HEIGHT, WIDTH))
    for form in ("JPEG", "WEBP", "TIFF"):
        data = saved(image, form, xmp=xmp)
        assert load(data).size == (HEIGHT, WIDTH)
        with Image.open(io.BytesIO(data)) as opened:
            assert load(opened).size == (HEIGHT, WIDTH)
    assert load(with_chunks((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))).size == (HEIGHT, WIDTH)


@pytest.mark.parametrize("name", ["plain.jpg", "passes.jpg", "plain.png", "palette.png", "deep.png", "plain.tif"])
def test_what_is_cut_off_is_refused_or_read_as_far_as_it_goes(name: str, caplog: pytest.LogCaptureFixture) -> None:
    image = Image.fromarray(photo(200, 160))
    data = {
        "plain.jpg": saved(image, "JPEG", quality=95),
        "passes.jpg": saved(image, "JPEG", quality=95, progressive=True),
        "plain.png": saved(image, "PNG"),
        "palette.png": saved(image.convert("P"), "PNG"),
        "deep.png": bytes(imagecodecs.png_encode(photo(200, 160).astype("u2") * 257)),
        "plain.tif": tiff(photo(200, 160), photometric="rgb", rowsperstrip=10),
    }[name]
    whole, cut = pixels(data), data[: len(data) * 7 // 10]
    with pytest.raises(ImageError, match=r"cut off.*take what there is with `allow_truncated`"):
        load(cut)
    there = pixels(cut, allow_truncated=True)
    assert "is cut off" in caplog.text
    assert there.shape == whole.shape and np.abs(there[:60] - whole[:60]).mean() < 0.03
    with pytest.raises(ImageError, match="cut off"):
        load(data[: len(data) // 50], allow_truncated=True)
    job = Job("stylize", "a.jpg", (("b.jpg", 1.0),), settings={"allow_truncated": True})
    assert Job.of(job.dictionary()) == job and job.dictionary()["settings"] == {"allow_truncated": True}


def test_what_a_header_asks_for_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = io.BytesIO()
    with tifffile.TiffWriter(pages) as writer:
        for _ in range(500):
            writer.write(np.zeros((16, 16), "u1"), contiguous=False, metadata=None)
    assert load(pages.getvalue()).size == (16, 16)
    icon = bytearray(saved(Image.new("RGB", (32, 32)), "ICO", sizes=[(32, 32)], bitmap_format="bmp"))
    icon[26:30] = struct.pack("<I", 30000)
    cases: dict[str, bytes] = {
        "filled up with nothing": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff" * 10**7 + b"\xd9",
        "parts before its pixels": b"\xff\xd8" + b"\xff\xe5\0\2" * 10**6,
        "passes over": saved(Image.new("L", (64, 64)), "JPEG").replace(b"\xff\xd9", b"\xff\xda\0\2" * 2000),
        "cannot hold": saved(Image.new("L", (64, 64)), "JPEG").replace(b"\0\x40\0\x40", b"\x40\0\x40\0"),
        "chunks": with_chunks(*[(b"tEXt", b"a\0b")] * 210_000),
        "comments have no end": b"GIF89a\x40\0\x40\0\0\0\0" + b"\x21\xfe\1a\0" * 10**6,
        "no icon has": bytes(icon),
        "MB of text": b"P3 64 64 255 " + b"1 " * 6_000_000,
    }
    for message, data in cases.items():
        with pytest.raises(ImageError, match=message):
            load(data)
    wide = bytearray(saved(Image.new("L", (64, 64)), "PNG")[:-20])  # cut off: what is missing would be made
    wide[16:24] = b"\xff" * 8
    for read in (load, lambda data: told_by(data, lambda told: told.texts)):
        with pytest.raises(ImageError, match="declares 4294967295×4294967295 pixels"):
            read(bytes(wide))
    gif = saved(Image.new("RGB", (16, 16)), "GIF")[:-1]
    assert load(gif + b"\x21\xfe\1a\0" * 10**6 + b";").size == (16, 16)  # at once, for what follows is not read
    monkeypatch.setattr(memory, "budget", lambda *_: 0)
    with pytest.raises(ImageError, match=r"to decode them takes 2\.1 GB, and 0\.0 GB may be taken"):
        bounds.check((16383, 8191), "WEBP")
    bounds.check((1000, 1000), "WEBP")


def test_seeds_of_the_hunt_are_sound() -> None:
    for name, data in seeds().items():
        assert max(load(data).size) in (32, 56), name


def test_mutated_pictures_are_read_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "impasto")
    assert not list(findings(seeds(), 100, seed=23, seconds=8))


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("alpha", [False, True])
def test_the_bits_of_a_dark_avif_are_those_that_it_says(bits: int, alpha: bool) -> None:
    """A night picture has no value above a quarter."""
    array = np.random.default_rng(0).integers(0, 2**bits // 5, (32, 48, 4 if alpha else 3), dtype=np.uint16)
    if alpha:
        array[..., 3] = 2**bits // 5
    told = bytes(imagecodecs.avif_encode(array, level=100, bitspersample=bits, pixelformat="444"))
    found = load(told)
    assert found.pixels.mean().item() == pytest.approx(array[..., :3].mean() / (2**bits - 1), rel=0.05)
