"""HEIC files that say of their colours nothing but in the HEVC stream itself, or what nobody knows."""

import io
import itertools
import struct
import time
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from impasto.pictures import boxes, hevc
from impasto.pictures.codecs import load
from tests.helpers import photo

_PHOTO = photo(24, 40)


def heic(primaries: int, transfer: int, **options: Any) -> bytes:
    file = io.BytesIO()
    points = {"color_primaries": primaries, "transfer_characteristics": transfer, "matrix_coefficients": 6}
    pillow_heif.from_pillow(Image.fromarray(_PHOTO)).save(file, quality=95, chroma=444, **points, **options)
    return file.getvalue()


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (12, 13), (9, 16), (9, 18), (12, 8)])
def test_colours_that_stand_in_the_stream_alone(primaries: int, transfer: int) -> None:
    told = heic(primaries, transfer)
    silent = told.replace(b"colrnclx", b"freenclx")
    assert silent != told and np.array_equal(load(silent).pixels, load(told).pixels)
    is_srgb = np.abs(load(silent).pixels[0].permute(1, 2, 0).numpy() * 255 - _PHOTO).mean() < 4
    assert is_srgb == ((primaries, transfer) == (1, 13))


@pytest.mark.parametrize(("primaries", "transfer"), [(200, 13), (1, 200), (10, 13), (1, 17)])
def test_code_points_that_nobody_knows_cost_no_pixels(
    primaries: int, transfer: int, caplog: pytest.LogCaptureFixture
) -> None:
    known = load(heic(1, 13))
    assert not caplog.text
    assert np.array_equal(load(heic(primaries, transfer)).pixels, known.pixels)
    assert "not known here: sRGB is assumed" in caplog.text


def test_a_profile_counts_before_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    silent = heic(9, 16).replace(b"colrnclx", b"colrprof")  # no ICC profile that anybody could read
    assert np.abs(load(silent).pixels[0].permute(1, 2, 0).numpy() * 255 - _PHOTO).mean() < 4


class Written:
    """A parameter set as the recommendation has it, bit by bit."""

    def __init__(self) -> None:
        self.bits = ""

    def u(self, *fields: tuple[int, int]) -> None:
        """Numbers, each with its count of bits."""
        self.bits += "".join(f"{value:0{count}b}" for count, value in fields)

    def ue(self, *values: int) -> None:
        for value in values:
            self.bits += "0" * ((value + 1).bit_length() - 1) + f"{value + 1:b}"

    def box(self) -> bytes:
        """The body of hvcC, with a video parameter set before it."""
        bits = self.bits + "1" + "0" * (-(len(self.bits) + 1) % 8)
        unit = bytearray(b"\x42\x01")
        for byte in int(bits, 2).to_bytes(len(bits) // 8, "big"):
            if byte < 4 and unit.endswith(b"\0\0"):  # 7.4.2: it would look like the beginning of a unit
                unit.append(3)
            unit.append(byte)
        return bytes(22) + b"\2" + b"\xa0\0\1\0\3\x40\1\0" + b"\xa1\0\1" + len(unit).to_bytes(2, "big") + unit


def with_everything(layers: int) -> bytes:
    """A parameter set in which all that may be there is there."""
    to = Written()
    to.u((4, 0), (3, layers), (1, 1), (88, 0x0123456789ABCDEF012345), (8, 93))
    to.u(*[(2, 3)] * layers, *([(2 * (8 - layers), 0)] if layers else []), *[(96, 5)] * layers)
    to.ue(0, 3)
    to.u((1, 0))
    to.ue(640, 480)
    to.u((1, 1))
    to.ue(0, 1, 0, 1)
    to.ue(0, 0, 4)  # bits of luma and chroma, and of the order: eight
    to.u((1, 1))
    to.ue(*(layers + 1) * [4, 2, 0])
    to.ue(0, 3, 0, 3, 1, 1)
    to.u((1, 1), (1, 1))
    for size, matrix in itertools.product(range(4), range(6)):
        if size < 3 or matrix % 3 == 0:
            if matrix == 1:
                to.u((1, 0))
                to.ue(1)
            else:
                to.u((1, 1))
                to.ue(*[7] * (min(64, 16 * 4**size) + (size > 1)))
    to.u((2, 3), (1, 1), (8, 0x77))
    to.ue(0, 2)
    to.u((1, 0))
    to.ue(2)
    for place in range(2):
        to.u(*([(1, 0)] if place else []))
        to.ue(2, 1)
        for _ in range(3):
            to.ue(4)
            to.u((1, 1))
    to.u((1, 1))
    to.ue(2)
    to.u((9, 3), (9, 5))
    to.u((2, 3), (1, 1), (1, 1), (8, 255), (32, 0x00010001), (1, 1), (1, 0), (1, 1), (3, 5), (1, 1), (1, 1))
    to.u((8, 9), (8, 16), (8, 9), (16, 0))
    return to.box()


@pytest.mark.parametrize("layers", [0, 1, 6])
def test_every_part_of_a_parameter_set_is_passed_over(layers: int) -> None:
    whole = with_everything(layers)
    assert hevc.code_points(whole) == (9, 16)
    assert {hevc.code_points(whole[:end]) for end in range(0, len(whole) - 4, 16)} == {None}


def test_what_makes_no_sense_says_nothing() -> None:
    head = bytes(22) + b"\xff" + b"\xa1\xff\xff\xff\xff\0\0"
    for hostile in (b"", bytes(23), head + bytes(5000), head + b"\xff" * 70000, bytes(22) + b"\xff" * 70000):
        assert hevc.code_points(hostile) in (None, (255, 255))
    whole = with_everything(1)
    for place in range(0, len(whole), 16):  # a byte is another
        hevc.code_points(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])


def boxed(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(data), kind) + data


@pytest.mark.parametrize("version", [0, 1, 2])
def test_places_that_take_no_bytes_take_no_time(version: int) -> None:
    """A file of 100 KB that counts 10 000 pictures of 65 535 parts, which are said in no bytes at all."""
    count = struct.pack(">I" if version == 2 else ">H", 10_000)
    item = count + (b"\0\0" if version else b"") + b"\0\0" + b"\xff\xff"
    places = boxed(b"iloc", bytes([version, 0, 0, 0, 0, 0]) + count + 10_000 * item)
    began = time.process_time()
    assert boxes.properties(boxed(b"meta", bytes(4) + places)) == boxes.Properties()
    assert time.process_time() - began < 5


def test_many_streams_take_no_time() -> None:
    streams = 2000 * boxed(b"hvcC", bytes(22) + b"\1\xa1\0\1\x0f\xff" + bytes(4095))
    began = time.process_time()
    assert boxes.of_hevc(boxed(b"meta", bytes(4) + boxed(b"iprp", boxed(b"ipco", streams)))) is None
    assert time.process_time() - began < 5
