"""Whose a photograph is and what it shows, where XMP (ISO 16684-1), IPTC (IIM 4.2) or a PNG's own text say so
and EXIF does not.

Programs that keep pictures write there what people have typed. All of it is text from anywhere: XML with a
document type, from which entities come, is not read, nor is what is longer than anybody types.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from xml.etree import ElementTree

log = logging.getLogger("impasto")

MOST = 2**20
"""Bytes of a packet that is read."""
XMP_IN_PNG = "XML:com.adobe.xmp"
_OWN = ("Author", "Copyright", "Description")
KEYWORDS = (XMP_IN_PNG, *_OWN)
"""Of a PNG's texts: that of XMP, and those that are its own words for it."""
_DC = "{http://purl.org/dc/elements/1.1/}"
_LIST_ITEM = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}li"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DEFAULT = "x-default"
"""The language of what is meant for all."""
_UTF_8 = b"\x1b%G"
"""How IPTC says so, by ISO 2022."""
_DEEPEST = 100
_MOST_ENTRIES = 10_000


@dataclass(frozen=True)
class Said:
    """ "" for what is not said. Several authors are parted by semicolons, as EXIF has them."""

    author: str = ""
    rights: str = ""
    description: str = ""


def said(xmp: bytes, iptc: bytes, texts: Mapping[str, str]) -> Said:
    """What the packets of a file and the ``texts`` of a PNG say, the first of them that says it. What cannot
    be read is left out, with a warning.
    """
    found = []
    for name, packet, read in (("XMP", xmp, _of_xmp), ("IPTC", iptc, _of_iptc)):
        try:
            found.append(read(packet) if packet else Said())
        except (ValueError, SyntaxError):  # ElementTree's errors are of syntax
            log.warning("The %s data of the photograph cannot be read: they are left out.", name)
    found.append(Said(*(texts.get(keyword, "") for keyword in _OWN)))
    return Said(
        *(next(filter(None, (_clean(getattr(each, part.name)) for each in found)), "") for part in fields(Said))
    )


class _Plain(ElementTree.TreeBuilder):
    """A tree without a document type, and no deeper than XMP is: depth takes its square in time."""

    _depth = 0

    def doctype(self, *_: object) -> None:
        raise ValueError("it has a document type")

    def start(self, tag: str, attrs: dict[str, str]) -> ElementTree.Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("it is nested too deep")
        return super().start(tag, attrs)

    def end(self, tag: str) -> ElementTree.Element:
        self._depth -= 1
        return super().end(tag)


def _of_xmp(data: bytes) -> Said:
    if len(data) > MOST:
        raise ValueError(f"its {len(data)} bytes are more than {MOST}")
    root = ElementTree.fromstring(data.strip(b"\0 \t\r\n"), ElementTree.XMLParser(target=_Plain()))

    def values(name: str) -> list[tuple[str, str]]:
        """With the language of each: of a list's items, of a plain text, or of an attribute."""
        found = []
        for each in root.iter():
            if each.tag == _DC + name:
                found += [(item.get(_LANGUAGE, ""), item.text or "") for item in each.iter(_LIST_ITEM)]
                found.append(("", each.text or ""))
            found.append(("", each.get(_DC + name, "")))
        return [(language, text) for language, text in found if text.strip()]

    def told(name: str) -> str:
        alternatives = values(name)
        return (
            next((text for language, text in alternatives if language == _DEFAULT), alternatives[0][1])
            if alternatives
            else ""
        )

    return Said(_joined(text for _, text in values("creator")), told("rights"), told("description"))


def _of_iptc(data: bytes) -> Said:
    entries: dict[tuple[int, int], list[bytes]] = {}
    place = 0
    for _ in range(_MOST_ENTRIES):
        if data[place : place + 1] != b"\x1c" or place + 5 > len(data):
            break
        length = int.from_bytes(data[place + 3 : place + 5], "big")
        entries.setdefault((data[place + 1], data[place + 2]), []).append(data[place + 5 : place + 5 + length])
        place += 5 + length

    def text(value: bytes) -> str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            if _UTF_8 in entries.get((1, 90), []):
                raise
            return value.decode("latin-1")

    author, rights, description = (_joined(map(text, entries.get((2, number), []))) for number in (80, 116, 120))
    return Said(author, rights, description)


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, map(_clean, texts))))


def _clean(text: str) -> str:
    """In one line, and without what controls a terminal."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
