"""What this installation consists of, and whether it is sound."""

import importlib.metadata
from typing import Any

import torch

from impasto import weights
from impasto._version import __version__
from impasto.backbones.passes import Passes, compiled
from impasto.errors import WeightsError
from impasto.machine import cache, limits, memory
from impasto.machine.devices import DTYPES, choose_device, choose_precision, computes_bfloat16
from impasto.tasks import record

OK = "ok"

_LIBRARIES = ("torch", "numpy", "pillow", "opencv-python-headless", "tifffile", "safetensors")


def models() -> list[dict[str, Any]]:
    """The registry of weights as plain rows."""
    return [
        {
            "name": name,
            "package": f"{row.package}=={row.version}",
            "sha256": row.sha256,
            "licence": row.licence,
            "citation": row.citation,
        }
        for name, row in weights.REGISTRY.items()
    ]


def examine() -> tuple[dict[str, Any], bool]:
    """A report on devices, versions and weights, and whether all of it is in order."""
    states = {name: state(name) for name in weights.REGISTRY}
    device = choose_device("auto")
    report = {
        "impasto": __version__,
        "machine": record.machine(),
        "processors": limits.processors(),
        "threads": torch.get_num_threads(),
        "memory for a run": f"{memory.budget('auto', device) / 1e6:.0f} MB",
        "device": str(device),
        "bfloat16 in hardware": computes_bfloat16(device),
        "precision": choose_precision("auto", device),
        "compiled": _compiled(device),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "cuda": torch.version.cuda or "not built in",
        "weights cache": _cache(),
        "weights": states,
    }
    return report, healthy(states)


def healthy(states: dict[str, str]) -> bool:
    """Whether all weights are in order but for those that are optional."""
    return all(found == OK or weights.entry(name).optional for name, found in states.items())


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed under this name"


def _compiled(device: torch.device) -> str:
    if device.type != "cpu":
        return "no need"
    found = compiled(DTYPES[choose_precision("auto", device)])
    return "yes" if isinstance(found, Passes) else f"no, for {found.why}"


def _cache() -> str:
    try:
        return str(cache.folder())
    except FileNotFoundError as error:
        return f"none, for {error}: set IMPASTO_CACHE to a folder"


def state(name: str) -> str:
    """`OK` when the weights of that name are installed and unaltered, else what is wrong and how to mend
    it.
    """
    try:
        weights.source(name)
        return OK
    except WeightsError as error:
        return str(error)
