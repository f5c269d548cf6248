"""What a shell offers when the tab key is pressed: values of options. Most of them need no torch."""

import importlib.resources
import json
from collections.abc import Callable, Iterable
from typing import Any

from impasto.settings.fields import LEARNT, NETWORKS
from impasto.settings.recipes import RECIPES

_MANY = 6
"""Words that take more than a line."""


def words(known: Iterable[str]) -> Callable[..., list[str]]:
    """What completes an option to one of ``known``.

    >>> words(["keep", "srgb"])("k")
    ['keep']
    """
    known = list(known)

    def complete(incomplete: str) -> list[str]:
        return [word for word in known if word.startswith(incomplete)]

    return complete


def one_of(*known: str) -> dict[str, Any]:
    """How an option is declared that takes one of these words; of many its help has to tell."""
    return {"metavar": "|".join(known) if len(known) < _MANY else "WORD", "autocompletion": words(known)}


def learnt(incomplete: str) -> list[str]:
    """The names of the learnt styles that there are without training. In a mixture the last one counts."""
    from safetensors import safe_open

    before, comma, last = incomplete.rpartition(",")
    file = importlib.resources.files("impasto") / "networks" / "weights" / f"{LEARNT}.safetensors"
    with safe_open(str(file), "numpy") as network:
        names: list[str] = json.loads(network.metadata()["design"])["styles"]
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


def weights(incomplete: str) -> list[str]:
    """The names of the pretrained weights."""
    from impasto.weights import REGISTRY

    return words(REGISTRY)(incomplete)


recipe, network = words(RECIPES), words(NETWORKS)
