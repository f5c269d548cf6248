"""What is looked at, at the finest of several scales: the layers that hold what is new there.

A layer sees the same of a picture as a shallower one does at half the size. What the deep ones hold is
settled by the scales before, and to look at it again takes half of a step.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from impasto.architecture import ARCHITECTURES, BACKBONE
from impasto.settings.fields import Effective
from impasto.settings.parse import bounded
from impasto.settings.whole import WEIGHTS

LAST = ARCHITECTURES[BACKBONE].layers[-1]
"""The deepest layer of all."""


def looking_to(settings: Effective, deepest: str) -> Effective:
    """These without what is deeper than a layer: what is left of a term counts what it did."""
    changed: dict[str, Any] = {}
    for weight in WEIGHTS:
        named = weight.replace("_weight", "_layers")
        layers: Mapping[str, float] = getattr(settings, named)
        left = shallow(layers, deepest)
        if len(left) < len(layers):
            counted = getattr(settings, weight) * sum(left.values()) / sum(layers.values())
            changed |= {named: left, weight: bounded(counted)}
    return replace(settings, **changed) if changed else settings


def shallow(layers: Mapping[str, float], deepest: str) -> dict[str, float]:
    """Those that are not deeper than a layer, and the shallowest in any case."""
    place = ARCHITECTURES[BACKBONE].place
    end = max(place(deepest), min(map(place, layers)))
    return {layer: share for layer, share in layers.items() if place(layer) <= end}
