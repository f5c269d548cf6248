"""What the styles of a network are called: by the files of their paintings, and no two alike."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path


def style_names(paintings: Sequence[Path]) -> tuple[str, ...]:
    """A name for every painting: that of its file, with a number after it where another has the name, and
    "style-" before one that is a number itself, for styles are chosen by their numbers, too. What cannot be
    written or seen is left out of them.

    >>> style_names([Path("a/wave.jpg"), Path("b/Wave.png"), Path("7.jpg"), Path(" .jpg")])
    ('wave', 'Wave-2', 'style-7', 'style')
    """
    plain = [_written(path.stem) for path in paintings]
    plain = [f"style-{stem}" if stem.isdecimal() else stem for stem in plain]
    own, taken, found = {key(stem) for stem in plain}, set[str](), list[str]()
    for stem in plain:
        name, number = stem, 1
        while key(name) in taken or (number > 1 and key(name) in own):
            number += 1
            name = f"{stem}-{number}"
        taken.add(key(name))
        found.append(name)
    return tuple(found)


def _written(stem: str) -> str:
    """A stem without breaks of lines and bytes that are no letters; "style" for one in which nothing is to be
    seen.
    """
    kept = "".join(" " if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") else each for each in stem).strip()
    return unicodedata.normalize("NFC", kept) if any(map(str.isprintable, kept)) else "style"


def key(name: str) -> str:
    """What is the same for names that people and file systems take for one.

    >>> key("Wave") == key("wave"), key("Caf\\u00e9") == key("Cafe\\u0301")
    (True, True)
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def place_of(name: str, styles: Sequence[str]) -> int | None:
    """Where a style is, by its name, in whatever letters, or else by its number; None where there is none.

    >>> place_of("WAVE", ["kiss", "wave"]), place_of("0", ["kiss", "wave"]), place_of("2", ["kiss", "wave"])
    (1, 0, None)
    """
    if name in styles:
        return styles.index(name)
    alike = [place for place, style in enumerate(styles) if key(style) == key(name)]
    if len(alike) == 1:
        return alike[0]
    number = int(name) if name.isascii() and name.isdecimal() and len(name) < 9 else len(styles)
    return number if number < len(styles) else None
