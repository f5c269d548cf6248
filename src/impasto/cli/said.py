"""What commands say on stderr: texts of the library, in which settings have their Python names, with the
options in their place.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any

import typer
from rich.console import Console

from impasto.cli.printing import plain

_NAMED = {"start": "from", "regions": "region", "sweeps": "sweep", "recipes": "recipe"}
"""What has another name on the command line than in Python."""
_own: set[str] = set()
"""The names of what the command at work takes, which are no others'."""


def speaks_of(own: Iterable[str]) -> None:
    """From here on a command is at work that takes what is called so, in every thread."""
    _own.clear()
    _own.update(own)


def with_dashes(text: str) -> str:
    """A text of the library, in which names stand in backticks, with the options in their place.

    >>> with_dashes("`tv_weight` must be at least 0.")
    '--tv-weight must be at least 0.'
    """

    def option(name: str) -> str:
        return "--" + (name if name in _own else _NAMED.get(name, name)).replace("_", "-")

    return re.sub(r"`(\w+)`", lambda found: option(found[1]), text)


class _Stderr(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(plain(with_dashes(each)) if isinstance(each, str) else each for each in objects), **options)


class Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return plain(with_dashes(super().format(record)))


stderr = _Stderr(stderr=True, highlight=False, emoji=False, soft_wrap=True)  # or `a:b:c` would be a🅱c


def fail(message: str, code: int) -> None:
    """Say what is wrong and leave."""
    stderr.print(f"impasto: {message}", markup=False, style=None)
    raise typer.Exit(code)
