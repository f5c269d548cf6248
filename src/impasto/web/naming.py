"""Names that clients give: only ever shown, and offered again when something is downloaded."""

import re
import unicodedata
from collections.abc import Iterable

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


def saved(stems: Iterable[str], ending: str) -> str:
    """A name for a file on anybody's disk, of what it is made of, in plain letters.

    >>> saved(["Müller & Söhne (1)", "the_wave"], ".png"), saved(["…"], ".png")
    ('Muller-Sohne-1-the-wave.png', 'picture.png')
    """
    plain = [unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode() for stem in stems]
    parts = [re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-")[:60] for part in plain]
    return ("-".join(filter(None, parts)) or "picture") + ending
