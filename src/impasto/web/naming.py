"""Names that clients give: only ever shown, and offered again when something is downloaded."""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

_LONGEST = 100


def shown(name: str) -> str:
    """A client's name for a file as one line without folders, control characters, or what turns the direction
    of reading around.

    >>> shown("../../etc/passwd"), shown("C:\\\\my pictures\\\\a.jpg"), shown("a\\u202egpj.exe"), shown("  ")
    ('passwd', 'a.jpg', 'agpj.exe', '')
    """
    name = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    letters = [
        letter for letter in name if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    ]
    return " ".join("".join(letters).split())[:_LONGEST].strip()


def attachment(stems: Iterable[str], ending: str) -> str:
    """The header Content-Disposition for a file on anybody's disk, which is called after what it is made
    of: in plain letters, and where it has others in these as well (RFC 6266).

    >>> attachment(["the wave (1)"], ".png"), attachment(["…"], ".png")
    ('attachment; filename="the-wave-1.png"', 'attachment; filename="picture.png"')
    >>> print(attachment(["Söhne", "猫"], ".png"))
    attachment; filename="Sohne.png"; filename*=UTF-8''S%C3%B6hne-%E7%8C%AB.png
    """
    own = [*stems]
    named = _joined(own)
    plain = _joined(unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode() for stem in own)
    told = f'attachment; filename="{plain or "picture"}{ending}"'
    return told if named == plain else f"{told}; filename*=UTF-8''{quote(named + ending, safe='')}"


def _joined(stems: Iterable[str]) -> str:
    """Letters and digits with hyphens between them, no more than fit into a name of a file."""
    words = (
        "".join(each if unicodedata.category(each)[0] in "LMN" else " " for each in stem).split() for stem in stems
    )
    parts = ("-".join(each)[:60].encode()[:100].decode(errors="ignore").strip("-") for each in words)
    return "-".join(filter(None, parts))
