"""The files that settings name: ``init`` and ``network`` may, and ``protect`` has masks."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from impasto.settings import names
from impasto.settings.fields import STARTS


def paths(settings: Mapping[str, Any]) -> Iterator[str]:
    """The paths, and not the words that may stand in their place.

    >>> [*paths({"init": "noise", "network": "n.safetensors", "protect": {"faces": 0.5, "m.png": 1}})]
    ['n.safetensors', 'm.png']
    """
    if _is_start(settings):
        yield settings["init"]
    if is_network(settings.get("network", "")):
        yield settings["network"]
    yield from (mask for mask in settings.get("protect", ()) if mask not in names.MASKS)


def moved(settings: Mapping[str, Any], file: Callable[[str], str]) -> dict[str, Any]:
    """The same settings with every path replaced by what ``file`` makes of it.

    >>> moved({"init": "a/start.png", "network": "any", "size": 64}, lambda path: path.rpartition("/")[2])
    {'init': 'start.png', 'network': 'any', 'size': 64}
    """
    found = dict(settings)
    if _is_start(settings):
        found["init"] = file(settings["init"])
    if is_network(settings.get("network", "")):
        found["network"] = file(settings["network"])
    if "protect" in settings:
        found["protect"] = names.moved_all(settings["protect"], file)
    return found


def is_network(name: str) -> bool:
    """Whether a network's name is the path of its file."""
    return name.endswith(".safetensors")


def is_code(style: str | os.PathLike[str]) -> bool:
    """Whether a style's path is that of a saved style code, and not of a painting."""
    return is_network(str(style))  # whose file has the same ending


def _is_start(settings: Mapping[str, Any]) -> bool:
    return settings.get("init") not in (None, *STARTS)
