"""What is printed for people, and for programs."""

import re
from typing import Any

from impasto.machine import strict_json

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Steers a terminal, or the direction of what follows: of a text from a file, whoever wrote it would."""


def say(text: object) -> None:
    """Print a line of data on standard output."""
    print(plain(str(text)))


def plain(text: str) -> str:
    r"""A text whose control characters, but for tabs and ends of lines, are shown and not obeyed.

    >>> plain("\x1b[2J")
    '\\x1b[2J'
    """
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def dump(data: Any) -> str:
    return strict_json.dumps(data, indent=2)


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(89), duration(5399), duration(92281)
    ('89 s', '1 h 30 min', '25 h 38 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def lines(data: dict[str, Any], indent: str = "") -> str:
    """A record for people: one ``key: value`` a line, nested ones indented."""
    told: list[str] = []
    for key, value in data.items():
        name = str(key).replace("\n", "\\n")
        if isinstance(value, dict):
            told += [f"{indent}{name}:", lines(value, indent + "  ")]
        else:
            text = f"{value:.4g}" if isinstance(value, float) else str(value).replace("\n", "\\n")
            if name == "estimated_s" and value >= 90:
                text += f" ({duration(value)})"
            told.append(f"{indent}{name}: {text}")
    return "\n".join(told)
