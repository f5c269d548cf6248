"""What the program's own process is given before anything else: streams that bear everything, quiet
libraries, and as many threads as it may use.
"""

import io
import logging
import os
import sys
import warnings
from typing import TextIO

from impasto.machine import limits


class _Lasting(io.TextIOWrapper):
    """A standard stream on which any text can be written, and for which nothing ends.

    What it cannot encode is escaped. Once it cannot be written to, since its reader has gone or its disk is
    full, what comes later is dropped, by whomever it is written, and ``failure`` says why: progress is no
    reason to lose a picture.
    """

    failure: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.failure = self.failure or error
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no path, a device
            os.dup2(nowhere.fileno(), self.fileno())


def prepare() -> None:
    """Make this process ready."""
    for number in range(3):  # a closed one would be the number of the next file, and be written into
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: PTH123, SIM115
    sys.stdout, sys.stderr = _lasting(sys.stdout, 1), _lasting(sys.stderr, 2)
    if not (sys.warnoptions or os.environ.get("IMPASTO_DEBUG")):
        warnings.simplefilter("ignore")
        logging.getLogger().addHandler(logging.NullHandler())  # or what nobody handles is written to stderr
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    try:
        os.getcwd()  # noqa: PTH109
    except OSError as error:  # torch's libraries end the process then, with words of their own
        sys.exit(f"impasto: The folder that this is run in cannot be found ({error.strerror}): go to another.")
    limits.advise_openmp()


def failure() -> OSError | None:
    """Why standard output has not taken all that was written, if it has not; a reader that has gone does not
    count, for nobody misses what it did not want.
    """
    sys.stdout.flush()
    found = getattr(sys.stdout, "failure", None)
    return None if isinstance(found, BrokenPipeError) else found


def _lasting(stream: TextIO | None, number: int) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    if not isinstance(stream, io.TextIOWrapper):  # another program's
        return stream
    stream.flush()
    encoding, by_line = stream.encoding, number == 2 or stream.isatty()
    return _Lasting(stream.detach(), encoding, errors="backslashreplace", line_buffering=by_line)
