"""Names in one text with their numbers, ``wave.jpg:0.7``, or with other names, ``mask.png:wave.jpg``.

Names may hold colons, commas and digits of their own. So what is there by the whole name always wins, a
number is digits with a dot or a percent sign, and what can be packed can also be written as JSON, where no
doubt is left: ``{"shot 12:30": 0.7}``, ``["mask.png", "run:2/painting.jpg"]``.
"""

import json
import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from impasto.errors import SettingsError
from impasto.machine import strict_json
from impasto.machine.files import at_home

_DRIVE = r"((?:^|(?<=:))[A-Za-z](?=:[\\/])|(?:^|(?<=:))[A-Za-z][A-Za-z0-9+-]+(?=://)):"
"""A drive's letter at the beginning of a name, or how an address begins, with its colon."""

MASKS = ("faces", "people")
"""The words that stand for a mask, of what is sought in the photograph. A file that is called so is given as
./faces.
"""

_PIECES = 64
"""Of how many pieces a name is put together again: one with more colons or commas is written as JSON."""

Known = Callable[[str], bool]
"""Whether something is there by a name."""


def is_there(path: str) -> bool:
    """Whether there is a file or a folder.

    >>> is_there("/"), is_there("none"), is_there("")
    (True, False, False)
    """
    return bool(path) and os.path.exists(at_home(path))  # noqa: PTH110  # which raises nothing


def check(path: str) -> None:
    """Raises SettingsError for a path that no system can have."""
    try:
        named = os.fsencode(path)
    except (TypeError, ValueError):
        named = b"\0"
    if b"\0" in named:
        raise SettingsError(f"{path!r} is no name of a file: give a path.")


def is_mask(name: str) -> bool:
    """Whether it is one of `MASKS`, or is there."""
    return name in MASKS or is_there(name)


def moved(mask: str, file: Callable[[str], str]) -> str:
    """A mask under the name that ``file`` gives it; one of `MASKS` stays, and no other becomes one.

    >>> [moved(mask, lambda path: path.rpartition("/")[2]) for mask in ("faces", "a/faces", "a/sky.png")]
    ['faces', './faces', 'sky.png']
    """
    if mask in MASKS:
        return mask
    return f"./{name}" if (name := file(mask)) in MASKS else name


def moved_all(amounts: Mapping[str, float], file: Callable[[str], str]) -> dict[str, float]:
    """Masks with their amounts, all of them `moved`; of two that come to the same name one gets a number.

    >>> moved_all({"a/sky.png": 0.3, "b/sky.png": 0.6}, lambda path: path.rpartition("/")[2])
    {'sky.png': 0.3, 'sky-2.png': 0.6}
    """
    found: dict[str, float] = {}
    for mask, amount in amounts.items():
        found[_apart(moved(mask, file), found)] = amount
    return found


def bare(paths: Iterable[str]) -> Callable[[str], str]:
    """What takes the folders away from paths. Of two of these ``paths`` that come to the same name one gets a
    number.

    >>> [*map(bare(["a/sky.png", "b/sky.png"]), ["b/sky.png", "a/sky.png", "a/other.png"])]
    ['sky-2.png', 'sky.png', 'other.png']
    """
    found: dict[str, str] = {}
    for path in dict.fromkeys(paths):
        found[path] = _apart(Path(path).name, found.values())
    return lambda path: found.get(path) or Path(path).name


def _apart(name: str, taken: Collection[str]) -> str:
    path, count = Path(name), 1
    while name in taken:
        count += 1
        name = str(path.with_name(f"{path.stem}-{count}{path.suffix}"))
    return name


def number(text: str) -> float | None:
    """A number of digits with a dot in between, and nothing else; None for what is none.

    >>> [number(text) for text in ("0.7", ".5", "12", "1_000", "1e3", " 1", "inf", "-1", "٣")]
    [0.7, 0.5, 12.0, None, None, None, None, None, None]
    """
    return float(text) if re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", text) else None


def share(text: str) -> float | None:
    """A `number`, or one in hundredths; None for what is neither.

    >>> share("0.7"), share("70%"), share("%"), share("x")
    (0.7, 0.7, None, None)
    """
    found = number(text.removesuffix("%"))
    return found / 100 if found is not None and text.endswith("%") else found


def written(value: float) -> str:
    """A number as `number` reads it, with all its digits.

    >>> written(1e-5), written(2.0), written(0.7)
    ('0.00001', '2', '0.7')
    """
    text = f"{Decimal(repr(float(value))):f}"
    return text.removesuffix(".0")


def weighted(text: str, known: Known = is_there) -> tuple[str, float | None]:
    """A name and the number that follows its last colon, None where there is none.

    Raises SettingsError where what follows the colon is neither a number nor part of a name that is known.

    >>> weighted("painting.jpg:0.7"), weighted("painting.jpg"), weighted("shot 12:30", "shot 12:30".__eq__)
    (('painting.jpg', 0.7), ('painting.jpg', None), ('shot 12:30', None))
    """
    name, colon, tail = text.rpartition(":")
    if known(text) or not colon or not name:
        return text, None
    if (found := share(tail)) is not None:
        return name, found
    if known(name):
        raise SettingsError(
            f"{tail!r} is no number to follow {name}, and there is no {text!r}: write one with digits and a dot, like 0.7, or 70%."
        )
    return text, None


def listed(text: str, known: Known = is_there) -> list[tuple[str, float | None]]:
    """Names with their numbers, separated by commas, or as a JSON object. Raises SettingsError, also for a
    number with a comma in it, ``faces:0,5``.

    >>> listed("faces,a.png:0.3"), listed('{"a,b:1.png": 0.5}')
    ([('faces', None), ('a.png', 0.3)], [('a,b:1.png', 0.5)])
    """
    if text.startswith("{") and not known(text):
        return _of_json(text)
    found: list[tuple[str, float | None]] = []
    parts, start = text.split(","), 0
    while start < len(parts):
        ends = range(min(len(parts), start + _PIECES), start, -1)  # the longest that is there: its name may have commas
        end = next((end for end in ends if known(_named(",".join(parts[start:end]), known))), start + 1)
        if part := ",".join(parts[start:end]):
            if start and parts[start - 1].endswith(":0") and part.isdecimal():
                wrong = f"{parts[start - 1]},{part}"
                raise SettingsError(f"{wrong!r} has a comma in its number: write {wrong.replace(',', '.')}.")
            found.append(weighted(part if known(part) else part.strip(), known))
        start = end
    return found


def parted(text: str, counts: tuple[int, ...], known: Known = is_there) -> list[str]:
    """Several names in one text, separated by colons, or as a JSON list; as many as one of ``counts``. Raises
    SettingsError.

    Of the ways in which the colons may part them that counts in which all are there, and where nothing is,
    a drive's letter is not parted from what follows it.

    >>> parted(r"C:\\m\\sky.png:D:/wave.jpg", (2, 3)), parted("sky.png:wave.jpg:inside.png", (2, 3))
    (['C:\\\\m\\\\sky.png', 'D:/wave.jpg'], ['sky.png', 'wave.jpg', 'inside.png'])
    """
    if text.startswith("[") and not known(text):
        names = _json(text)
        if not isinstance(names, list) or len(names) not in counts or not all(isinstance(each, str) for each in names):
            raise SettingsError(f"{text!r} should be a list of {' or '.join(map(str, counts))} names.")
        return names
    sound = [way for way in _ways(text.split(":"), max(counts), known) if len(way) in counts]
    if len(sound) > 1:
        shown = " or ".join(json.dumps(way, ensure_ascii=False) for way in sound)
        raise SettingsError(f"{text!r} can be read in more than one way: write {shown}.")
    if sound:
        return sound[0]
    names = [name.replace("\0", ":") for name in re.sub(_DRIVE, "\\1\0", text).split(":")]
    if len(names) not in counts or not all(names):
        raise SettingsError(f"{text!r} has {len(names)} names where {' or '.join(map(str, counts))} are expected.")
    return names


def normalised(shares: Sequence[float]) -> list[float]:
    """Weights of styles, made to sum to one. Raises SettingsError."""
    total = sum(shares)
    if not all(0 <= share < math.inf for share in shares) or total <= 0:
        raise SettingsError(f"Style weights must be finite, not negative, and not all 0: got {list(shares)}.")
    if math.isinf(total):
        return normalised([share / max(shares) for share in shares])
    return [share / total for share in shares]


def as_name(style_index: str) -> str:
    """Learnt styles as part of a file's name.

    >>> as_name("rhone:0.5, 7:0.5")
    'rhonex0.5+7x0.5'
    """
    return re.sub(r'[{}"\s]', "", style_index).replace(":", "x").replace(",", "+")


def _ways(pieces: list[str], most: int, known: Known) -> Iterator[list[str]]:
    """All ways to join pieces again with colons to at most so many names, all of which are known."""
    if not pieces:
        yield []
    for end in range(1, min(_PIECES, len(pieces)) + 1) if most else ():
        if (most > 1 or end == len(pieces)) and known(name := ":".join(pieces[:end])):
            yield from ([name, *rest] for rest in _ways(pieces[end:], most - 1, known))


def _named(part: str, known: Known) -> str:
    """The name in a part that may end in a number."""
    name, _, tail = part.rpartition(":")
    return part if known(part) or share(tail) is None else name


def _of_json(text: str) -> list[tuple[str, float | None]]:
    values = _json(text)
    if not isinstance(values, dict) or not all(isinstance(each, (int, float)) for each in values.values()):
        raise SettingsError(f'{text!r} should be names with numbers, like {{"painting.jpg": 0.7}}.')
    return [(name, float(value)) for name, value in values.items()]


def _json(text: str) -> Any:
    try:
        return strict_json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{text!r} is no JSON ({error}): write names in double quotes.") from None
