"""The errors Impasto raises on purpose.

    ImpastoError                  everything below; the command line prints it as one sentence, exit code 1
    ├── SettingsError             a setting that makes no sense (also a ValueError); exit code 2
    ├── ImageError                a picture that cannot be used: unreadable, truncated, too large, too small
    ├── VideoError                a moving picture that cannot be read or used
    ├── StyleCodeError            a style code that cannot be read, or is of no network that is here
    ├── OutputError               a result that cannot be written
    ├── CheckpointError           a checkpoint that is missing, damaged, or of another run
    ├── RecordError               a record or a job that cannot be read
    ├── NotInstalledError         a package that an installation may do without, asked for where it is missing
    ├── NotReadyError             something asked for before it is there, or a second time
    ├── WeightsError              pretrained weights that are missing, truncated or altered
    └── SolverError               an optimisation that has no usable picture, a training that went astray

Every message is one sentence or two: what was expected, what came, and what to do. Settings and other
arguments stand in it by their Python names in backticks, like `tv_weight`; the command line shows them as its
options.
"""

import difflib
import re
from collections.abc import Iterable

OR_TRUNCATED = ", or take what there is with `allow_truncated`"
"""Advice for what is cut off, which is none where there is no such setting."""
_SAID = 200
"""The most letters that are repeated of what others have said."""


class ImpastoError(Exception):
    """Base of every error that Impasto raises on purpose."""


class SettingsError(ImpastoError, ValueError):
    """A setting out of its range, misspelt, or at odds with another."""

    @property
    def settings(self) -> tuple[str, ...]:
        """The names of those that it is about.

        >>> SettingsError("`tv_weight` must be at least 0, not -1.").settings
        ('tv_weight',)
        """
        return tuple(re.findall(r"`(\w+)`", str(self)))


class ImageError(ImpastoError):
    """A picture that cannot be read or used."""

    role: str = ""
    """What it was given as, where several are: content, style, start or result, or by its name."""


class VideoError(ImpastoError):
    """A moving picture that cannot be read or used."""


class StyleCodeError(ImpastoError):
    """A style code that cannot be read, or whose network is not here."""


class OutputError(ImpastoError):
    """A result that cannot be written where it was asked for."""


class CheckpointError(ImpastoError):
    """A checkpoint that is missing, damaged, or of another run."""


class RecordError(ImpastoError):
    """A record or a job that cannot be read."""


class NotInstalledError(ImpastoError):
    """A package that is not installed, and that what is asked for needs."""


class NotReadyError(ImpastoError):
    """Something asked for before it is there, or a second time."""


class WeightsError(ImpastoError):
    """Pretrained weights that are missing, truncated or altered."""


class SolverError(ImpastoError):
    """An optimisation that never had a finite loss, so that there is no picture to keep, or a training that
    lost what it had learnt.
    """


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The tail of an error message: the nearest known word, or all of them.

    >>> did_you_mean("relu4_l", ["relu4_1", "relu5_1"])
    "did you mean 'relu4_1'?"
    """
    known = list(known)
    close = difflib.get_close_matches(word[:_SAID], known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(known)}."


def briefly(said: object) -> str:
    """What a foreign file, library or system has said, fit to stand in a message: one printable line, not too
    long, and of a system's errors the words alone.

    >>> briefly("no\\x1b[31m\\nwonder"), briefly(FileNotFoundError(2, "No such file or directory", "a.png"))
    ('no [31m wonder', 'No such file or directory')
    """
    said = getattr(said, "strerror", None) or said
    text = "".join(letter if letter.isprintable() else " " for letter in str(said)[: 4 * _SAID])
    text = " ".join(text.split())
    return text if len(text) <= _SAID else f"{text[:_SAID]}…"
