"""The record of a run: what was computed, from what, on what, and how long it took."""

import logging
import platform
import sys
from pathlib import Path
from typing import Any

from impasto.errors import RecordError
from impasto.machine import formats, strict_json
from impasto.pictures.codecs import read_description
from impasto.settings import paths

log = logging.getLogger("impasto")


def peak_rss_bytes() -> int | None:
    """The most memory this process has had resident so far, in bytes; None where the system does not tell."""
    try:  # Linux counts what the process was forked from into the figure of getrusage, but not here
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine() -> dict[str, str]:
    """What a figure depends on besides the settings."""
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(terse=True),
        "processor": torch.cpu.get_capabilities().get("cpu_name") or platform.processor() or platform.machine(),
        "threads": str(torch.get_num_threads()),
    }


_VOLATILE = ("elapsed_s", "startup_s", "seconds_per_step", "peak_rss_bytes", "machine", "resumed", "time_s")


def embedded(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that travels in the picture: the same for the same picture, and without
    folders.
    """
    told = {key: value for key, value in record.items() if key not in _VOLATILE}
    if "snapshots" in told:
        told["snapshots"] = [Path(name).name for name in told["snapshots"]]
    for name in {"output", "network"} & {*told}:
        told[name] = Path(told[name]).name
    return told | {"settings": paths.moved(told["settings"], lambda path: Path(path).name)}


def to_json(record: dict[str, Any]) -> str:
    """The record as JSON in ASCII, which every format can embed."""
    return strict_json.dumps(record, indent=2)


_LISTS = ("snapshots", "events", "inputs", "hashed")
"""What can be long in a record, and is in its job or its file, too."""


def shortened(record: dict[str, Any], most: int) -> str:
    """The record as JSON, without its long lists where it would have more than so many bytes; what was left
    out is named in it.
    """
    text = to_json(record)
    if len(text) <= most:
        return text
    log.warning("The record in the picture is without its %s: the one beside it has them.", ", ".join(_LISTS))
    return to_json({name: value for name, value in record.items() if name not in _LISTS} | {"left_out": _LISTS})


def encoded(record: dict[str, Any]) -> bytes:
    """The record as the content of a file of its own."""
    return (to_json(record) + "\n").encode()


def read(path: Path) -> dict[str, Any]:
    """The record embedded in a result, or the one in a JSON file. Raises RecordError when there is none, and
    ImageError for a file that is no picture either.
    """
    try:
        own = path.suffix.lower() == ".json"
        return _known(formats.read(path), path) if own else of_text(read_description(path), path)
    except OSError as error:
        raise RecordError(f"{path} cannot be read ({error.strerror}): give the path of a result.") from error
    except ValueError:
        return _known({}, path)


def of_text(text: str | bytes, path: Path) -> dict[str, Any]:
    """The record that stands in a file as a text. Raises RecordError when it is none."""
    try:
        return _known(formats.parsed(text), path)
    except ValueError:
        return _known({}, path)


def _known(record: dict[str, Any], path: Path) -> dict[str, Any]:
    if "impasto" not in record:
        raise RecordError(f"{path} holds no record of Impasto: it was made by another program, or saved without it.")
    return record
