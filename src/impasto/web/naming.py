"""Names that clients give: only ever shown, and offered again when something is downloaded."""

import re
import unicodedata

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


def saved(name: str, ending: str) -> str:
    """A name for a file on anybody's disk, in plain letters.

    >>> saved("Müller & Söhne (1).HEIC", ".png"), saved("…", ".png")
    ('Muller-Sohne-1.png', 'picture.png')
    """
    plain = unicodedata.normalize("NFKD", name.rpartition(".")[0] or name).encode("ascii", "ignore").decode()
    return (re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:60] or "picture") + ending
