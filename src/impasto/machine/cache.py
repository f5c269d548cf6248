"""Where what is made once and used again is kept."""

import os
from pathlib import Path

import platformdirs


def folder() -> Path:
    """The folder, which may not be there yet; the environment variable IMPASTO_CACHE moves it. Raises
    FileNotFoundError for a user without a home directory.
    """
    try:
        named = os.environ.get("IMPASTO_CACHE") or platformdirs.user_cache_dir("impasto", appauthor=False)
        return Path(named).expanduser()
    except RuntimeError:
        raise FileNotFoundError("there is no home directory") from None
