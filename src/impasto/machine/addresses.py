"""Addresses, ``https://…`` or ``file:///…``, where the path of a file is expected: nothing is fetched from
them, and nothing is sent there.
"""

import os
import re
from pathlib import Path

from impasto.errors import OutputError

NOT_FETCHED = "an address is not fetched, download it first"


def is_address(path: str | os.PathLike[str]) -> bool:
    """Whether a path is an address, or has become one below a folder, and no folder is called as it begins.
    Of two slashes paths keep one; drives have a single letter.

    >>> [is_address(path) for path in ("https://e.org/a.jpg", "/l/https:/a.jpg", "C:/a.jpg", "12:30/a.jpg")]
    [True, True, False, False]
    """
    text = os.fspath(path)
    found = re.search(r"(?:^|[/\\])[A-Za-z][A-Za-z0-9+.-]+:(?=/)", text)
    return found is not None and not os.path.lexists(text[: found.end()])  # a folder may be called so


def refuse(output: Path) -> None:
    """Raises OutputError for an address."""
    if is_address(output):
        raise OutputError(f"{output} is an address, to which nothing is sent: name a file or folder here.")
