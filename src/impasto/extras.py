"""What an installation may do without: packages that only some commands need, and the one way in which a
missing one is told.

    with needed("study"):
        import jinja2
"""

from collections.abc import Iterator
from contextlib import contextmanager

from impasto.errors import NotInstalledError, briefly

EXTRAS = {
    "cloud": "A store of objects",
    "demo": "The demo",
    "export": "Exporting a network",
    "networks": "Reading the networks of others",
    "ray": "A cluster",
    "study": "A study",
    "train": "Writing for TensorBoard",
    "video": "A moving picture",
    "web": "The studio",
}
"""The extras by name, as in pyproject.toml, and what needs them."""


@contextmanager
def needed(extra: str, what: str = "") -> Iterator[None]:
    """Around the imports of what an extra brings, for ``what`` if not for its usual purpose. Raises
    NotInstalledError.
    """
    try:
        yield
    except ImportError as error:
        raise NotInstalledError(told(error, extra, what)) from error


def told(error: ImportError, extra: str = "", what: str = "") -> str:
    """One sentence on a package that is missing, or broken, and the command that brings it; without an extra
    it is one that everything needs.

    >>> told(ModuleNotFoundError(name="jinja2.ext"), "study")
    "A study needs the package jinja2, which is not installed: pip install 'impasto[study]'."
    """
    package = f"the package {error.name.partition('.')[0]}" if error.name else "a package"
    state = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be loaded ({briefly(error)})"
    return f"{what or EXTRAS.get(extra, 'Impasto')} needs {package}, which {state}: {command(extra)}."


def command(extra: str = "") -> str:
    """What brings an extra, or all that everything needs."""
    return f"pip install 'impasto[{extra}]'" if extra else "pip install impasto"
