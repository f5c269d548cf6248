"""Author, copyright and description from XMP, IPTC and a PNG's own text, in every format that has them."""

import logging
import time
import zlib
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from PIL.ExifTags import IFD, Base

from impasto.pictures import authors
from impasto.pictures.authors import Said
from impasto.pictures.codecs import load, origin_of, read_description, save
from tests.helpers import photo

AUTHORS, RIGHTS, SHOWN = ["Zoë Müller", "李雷"], "© 2024 Zoë", "Ein Fluß, 河"
SAID = Said("; ".join(AUTHORS), RIGHTS, SHOWN)
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:creator><rdf:Seq><rdf:li>{AUTHORS[0]}</rdf:li><rdf:li>{AUTHORS[1]}</rdf:li></rdf:Seq></dc:creator>
<dc:rights><rdf:Alt><rdf:li xml:lang="de">anders</rdf:li><rdf:li xml:lang="x-default">{RIGHTS}</rdf:li></rdf:Alt></dc:rights>
<dc:description><rdf:Alt><rdf:li xml:lang="de">{SHOWN}</rdf:li><rdf:li xml:lang="en">other</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()


def entry(record: int, number: int, value: bytes) -> bytes:
    """An entry of IPTC (IIM 4.2, section 1.6)."""
    return bytes([0x1C, record, number]) + len(value).to_bytes(2, "big") + value


def iptc(encoding: str = "utf-8") -> bytes:
    told = entry(1, 90, b"\x1b%G") if encoding == "utf-8" else b""
    told += b"".join(entry(2, 80, each.encode(encoding, "ignore")) for each in AUTHORS)
    return told + entry(2, 116, RIGHTS.encode(encoding)) + entry(2, 120, SHOWN.encode(encoding, "ignore"))


def resources(packet: bytes) -> bytes:
    """The segment of a JPEG with the resources of Photoshop, of which one is IPTC."""
    body = (
        b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + len(packet).to_bytes(4, "big") + packet + b"\0" * (len(packet) % 2)
    )
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def written(path: Path, **more: Any) -> Path:
    Image.fromarray(photo(20, 32)).save(path, **more)
    return path


def kept(path: Path, keep: Any = "all") -> Said:
    """What a result keeps of a photograph, as its file has it."""
    out = path.with_name("out.png")
    save(load(path), out, description="ours", force=True, origin=origin_of(path, keep))
    assert read_description(out) == "ours"
    with Image.open(out) as image:
        main, taken = dict(image.getexif()), dict(image.getexif().get_ifd(IFD.Exif))
    comment = taken.get(Base.UserComment, b"")
    assert not comment or comment.startswith(b"UNICODE\0")
    texts = [str(main.get(tag, "")).encode("latin-1").decode() for tag in (Base.Artist, Base.Copyright)]
    return Said(texts[0], texts[1], comment[8:].decode("utf-16-le"))


@pytest.mark.parametrize(
    "kind", ["a.jpg", "a.png", "a.webp", "a.avif", "a.tif", "a.heic", "big-endian.tif", "of-64-bits.tif"]
)
def test_xmp_is_taken_over_from_every_format(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "a.png":
        told = PngImagePlugin.PngInfo()
        told.add_itxt(authors.XMP_IN_PNG, XMP.decode(), zip=True)
        written(path, pnginfo=told)
    elif path.suffix == ".tif":
        order: Any = ">" if "big" in kind else "<"
        extra: Any = [(700, 7, len(XMP), XMP, True)]
        wide = "64" in kind
        tifffile.imwrite(path, photo(20, 32), metadata=None, byteorder=order, bigtiff=wide, extratags=extra)
    elif kind == "a.heic":
        image = pillow_heif.from_pillow(Image.fromarray(photo(64, 64)))
        image.save(path, xmp=XMP)
    else:
        written(path, xmp=XMP)
    assert kept(path) == SAID
    assert kept(path, "some") == Said(SAID.author, SAID.rights)
    assert kept(path, "none") == Said()


@pytest.mark.parametrize(("wide", "order"), [(False, "<"), (False, ">"), (True, "<"), (True, ">")])
def test_exif_of_every_kind_of_tiff(tmp_path: Path, wide: bool, order: Any) -> None:
    extra: Any = [(Base.Artist, 2, None, "me", True), (Base.Copyright, 2, None, "mine", True)]
    data = tmp_path / "a.tif"
    tifffile.imwrite(
        data, photo(20, 32), metadata=None, bigtiff=wide, byteorder=order, description="d", extratags=extra
    )
    assert kept(data) == Said("me", "mine") and read_description(data) == "d"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_iptc_is_taken_over(tmp_path: Path, encoding: str) -> None:
    packet = iptc(encoding)
    right = SAID if encoding == "utf-8" else Said("Zoë Müller", RIGHTS, "Ein Fluß,")
    data = written(tmp_path / "plain.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(data[:2] + resources(packet) + data[2:])
    assert kept(tmp_path / "a.jpg") == right
    numbers = packet + b"\0" * (-len(packet) % 4)  # as Photoshop writes it
    for code, count, name in ((7, len(numbers), "bytes.tif"), (4, len(numbers) // 4, "numbers.tif")):
        extra: Any = [(33723, code, count, numbers, True)]
        tifffile.imwrite(tmp_path / name, photo(20, 32), metadata=None, extratags=extra)
        assert kept(tmp_path / name) == right


def test_words_of_png_and_what_comes_first(tmp_path: Path) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "Zoë", zip=True)
    told.add_itxt("Copyright", RIGHTS, zip=True)
    told.add_text("Description", "a\x1b[31m\n  river")
    assert kept(written(tmp_path / "a.png", pnginfo=told)) == Said("Zoë", RIGHTS, "a [31m river")
    exif = Image.Exif()
    exif[Base.Artist] = "by EXIF"
    exif[Base.Copyright] = "   "
    data = written(
        tmp_path / "plain.jpg", exif=exif, xmp=XMP.replace(b"<dc:creator>", b"<dc:x>").replace(b"/dc:creator", b"/dc:x")
    ).read_bytes()
    (tmp_path / "a.jpg").write_bytes(
        data[:2] + resources(entry(2, 80, b"by IPTC") + entry(2, 116, b"theirs")) + data[2:]
    )
    assert kept(tmp_path / "a.jpg") == Said("by EXIF", RIGHTS, SHOWN)
    assert (
        authors.said(
            XMP.replace(AUTHORS[0].encode(), b"").replace(AUTHORS[1].encode(), b""), entry(2, 80, b"by IPTC"), {}
        ).author
        == "by IPTC"
    )
    short = b'<r xmlns:dc="http://purl.org/dc/elements/1.1/"><d dc:rights="mine"/><dc:creator>me</dc:creator></r>'
    assert authors.said(short, b"", {}) == Said("me", "mine")


ENTITIES = XMP.replace(b"<x:xmpmeta", b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x:xmpmeta', 1)
HOSTILE = {
    "entities": ENTITIES.replace(RIGHTS.encode(), b"&b;"),
    "file": XMP.replace(b"<x:xmpmeta", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x:xmpmeta', 1),
    "entities in UTF-16": ENTITIES.decode().replace("\ufeff", "").encode("utf-16"),
    "cut off": XMP[: len(XMP) // 2],
    "no UTF-8": XMP.replace("ë".encode(), b"\xeb"),
    "deep": b"<a>" * 200_000,
    "deep and whole": b"<a>" * 100_000 + b"</a>" * 100_000,
    "attributes": XMP.replace(
        b"<dc:rights>", b"<dc:x " + b" ".join(b'a%d="1"' % n for n in range(20_000)) + b"><dc:rights>"
    ),
    "long": XMP + b" " * 2**20 + b"<!-- -->",
    "of no words": b"\0" * 100,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_packets_are_left_out(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    began = time.monotonic()
    assert authors.said(HOSTILE[kind], iptc(), {}) == SAID  # what the other one says stays
    assert time.monotonic() - began < 5
    assert "XMP data of the photograph cannot be read" in caplog.text


def test_damaged_iptc_and_texts_are_bounded(tmp_path: Path) -> None:
    assert authors.said(b"", iptc()[:-3], {}).author == SAID.author
    assert authors.said(b"", b"\x1c\x02\x50\xff\xffabc", {}) == Said("abc")
    assert authors.said(b"", entry(1, 90, b"\x1b%G") + entry(2, 80, b"\xeb"), {}) == Said()
    told = PngImagePlugin.PngInfo()
    packed = zlib.compress(bytes(2**21))
    for _ in range(300):  # each a megabyte, unpacked
        told.add(b"zTXt", b"Author\0\0" + packed)
    began = time.monotonic()
    assert kept(written(tmp_path / "a.png", pnginfo=told)) == Said()
    assert time.monotonic() - began < 5
