"""C compiled at its first use, by the machine's own compiler and for its very processor, and kept in the
cache.
"""

import ctypes
import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from impasto.errors import OutputError, briefly
from impasto.machine import cache
from impasto.machine.files import write_atomic

log = logging.getLogger("impasto")

_FLAGS = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-shared", "-w")
_SECONDS = 60


class NotCompiledError(Exception):
    """There is no library, for the reason that it gives."""


def library(source: Path, *defines: str) -> ctypes.CDLL:
    """The functions of a C file that uses OpenMP, whose threads are torch's: that has loaded the library of
    their name already.

    Raises NotCompiledError where there is no such compiler, or what it has made cannot be loaded.
    """
    if sys.platform != "linux":
        raise NotCompiledError("it is compiled on Linux alone")
    flags = [*_FLAGS, *(f"-D{each}" for each in defines)]
    known = hashlib.sha256("\0".join([source.read_text(), _processor(), *flags]).encode()).hexdigest()
    kept = _kept(f"{source.stem}-{known[:24]}.so")
    if kept is not None and _ours(kept):
        try:
            return ctypes.CDLL(str(kept))
        except OSError as error:
            log.debug("%s is compiled anew, for it cannot be loaded (%s).", kept, error)
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        made = Path(folder) / f"{source.stem}.so"
        _run([*_compiler(), *flags, str(source), "-o", str(made)])
        try:
            if kept is not None:
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(kept, made.read_bytes(), force=True)
        except (OSError, OutputError) as error:
            log.debug("What was compiled is not kept (%s).", briefly(error))
        try:
            return ctypes.CDLL(str(made))
        except OSError as error:
            raise NotCompiledError(f"what was compiled cannot be loaded: {briefly(error)}") from error


def _kept(name: str) -> Path | None:
    try:
        return cache.folder() / name
    except FileNotFoundError:
        return None


def _ours(path: Path) -> bool:
    """Whether a file is there that nobody else can have written: what it holds is executed."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_uid in (os.getuid(), 0) and not found.st_mode & 0o022


def _processor() -> str:
    """What the processor can do: folders of users are shared by machines of several kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0].splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if line.startswith(("model name", "flags", "CPU", "Features", "isa")))


def _compiler() -> list[str]:
    """As the environment variable CC names it, else gcc, else the system's."""
    named = shlex.split(os.environ.get("CC", "")) or [shutil.which("gcc") or shutil.which("cc") or ""]
    if not named[0]:
        raise NotCompiledError("there is no C compiler: install gcc")
    return named


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS)
    except subprocess.CalledProcessError as error:
        raise NotCompiledError(f"{command[0]} says: {briefly(error.stderr.decode(errors='replace'))}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotCompiledError(f"{command[0]} cannot be run: {briefly(error)}") from error
