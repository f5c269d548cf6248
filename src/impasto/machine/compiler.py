"""C compiled at its first use, by the machine's own gcc and for its very processor, and kept in the cache."""

import ctypes
import hashlib
import logging
import os
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
_DIGEST = hashlib.sha256().digest_size


class NotCompiledError(Exception):
    """There is no library, for the reason that it gives."""


class FailedError(NotCompiledError):
    """There is a compiler, but what it should have made is not there, or of no use."""


def library(sources: Sequence[Path], *defines: str) -> ctypes.CDLL:
    """The functions of C files, named with what they include, that use OpenMP: its threads are torch's, which
    has loaded the library of their name already.

    Raises NotCompiledError where there is no such compiler, or what it has made cannot be loaded, and OSError
    where there is no folder to work in.
    """
    if sys.platform != "linux":
        raise NotCompiledError("it is compiled on Linux alone")
    flags = [*_FLAGS, *(f"-D{each}" for each in defines)]
    written = [source.read_bytes() for source in sources]
    known = b"\0".join([*written, *(word.encode() for word in (_processor(), *flags))])
    kept = _place(f"{sources[0].stem}-{hashlib.sha256(known).hexdigest()[:24]}.so")
    if kept is not None and (content := _read(kept)) is not None:
        return _loaded(content)
    gcc = shutil.which("gcc")
    if gcc is None:
        raise NotCompiledError("there is no C compiler: install gcc")
    with tempfile.TemporaryDirectory(prefix="impasto-") as folder:
        made = Path(folder) / "made.so"
        _run([gcc, *flags, *(str(source) for source in sources if source.suffix == ".c"), "-o", str(made)])
        if not made.exists():
            raise FailedError(f"{gcc} has made nothing")
        content = made.read_bytes()
    if kept is not None:
        _keep(kept, content)
    return _loaded(content)


def _place(name: str) -> Path | None:
    try:
        return cache.folder() / name
    except FileNotFoundError:
        return None


def _read(kept: Path) -> bytes | None:
    """What is kept, None where it is not, is damaged, or may be another user's: it is executed."""
    try:
        with kept.open("rb") as file:
            found, content = os.fstat(file.fileno()), file.read()
    except OSError:
        return None
    digest, content = content[:_DIGEST], content[_DIGEST:]
    whole = hashlib.sha256(content).digest() == digest
    return content if whole and found.st_uid == os.getuid() and not found.st_mode & 0o022 else None


def _keep(kept: Path, content: bytes) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.unlink(missing_ok=True)  # or the mode of what was there would stay
        write_atomic(kept, hashlib.sha256(content).digest() + content, force=True)
        kept.chmod(0o600)  # whatever the umask
    except (OSError, OutputError) as error:
        log.debug("What was compiled is not kept (%s).", briefly(error))


def _loaded(content: bytes) -> ctypes.CDLL:
    """From memory: a file that another program cuts short while it is mapped would end the process, and in
    some folders nothing may be executed.
    """
    try:
        descriptor = os.memfd_create("impasto")  # left open, for under its name no other library could be loaded
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        return ctypes.CDLL(f"/proc/self/fd/{descriptor}")
    except OSError as error:
        raise FailedError(f"what was compiled cannot be loaded: {briefly(error)}") from error


def _processor() -> str:
    """What the processor can do: folders of users are shared by machines of several kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").partition("\n\n")[0].splitlines()
    except OSError:
        return ""
    return "\n".join(line for line in lines if line.startswith(("model name", "flags", "CPU", "Features", "isa")))


def _run(command: Sequence[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS)
    except subprocess.CalledProcessError as error:
        raise FailedError(f"{command[0]} says: {briefly(error.stderr.decode(errors='replace'))}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailedError(f"{command[0]} cannot be run: {briefly(error)}") from error
