"""What a training goes on from: by what its checkpoint is known, and what it must hold, for a file may hold
anything.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.errors import CheckpointError, briefly
from impasto.machine.checkpoint import State, digest
from impasto.settings.fields import MACHINES, Settings
from impasto.training.course import Course

_MOMENTS = {"step", "exp_avg", "exp_avg_sq"}
"""What torch's Adam remembers of a parameter."""


def identity(
    kind: str, start: str, *, course: Course, photos: Sequence[Path], paintings: Sequence[Path], settings: Settings
) -> dict[str, Any]:
    """What must be the same for a training to go on, as plain as it will be after JSON."""
    return {
        "kind": kind,
        "network to begin from": start,
        "batch": course.batch,
        "crop": course.crop,
        "learning rate": course.learning_rate,
        "weight of keeping still": course.steady,
        "set of photographs": digest(torch.tensor(list(os.fsencode(path.name))) for path in photos),
        "set of paintings": digest(torch.tensor(list(os.fsencode(path.name))) for path in paintings),
        "settings": {name: repr(value) for name, value in settings.dictionary().items() if name not in MACHINES},
    }


def check_state(
    path: Path, state: State, ours: Mapping[str, Any], weights: Mapping[str, Tensor], parameters: Sequence[Tensor]
) -> None:
    """Raises CheckpointError for the loaded checkpoint of another training than that of an `identity`, or of
    none, with a network of such ``weights``.
    """
    try:
        theirs = {"weight of keeping still": 0.0} | state["training"]  # older ones do not tell of it
        told = theirs["settings"]
        pairs = [(f"another {name}", theirs[name], value) for name, value in ours.items() if name != "settings"]
        # A setting that it does not tell of is younger than it, and is as if it were not there.
        pairs += [(f"another `{name}`", told.get(name, own), own) for name, own in ours["settings"].items()]
        for what, other, own in pairs:
            if other != own:
                raise CheckpointError(
                    f"The checkpoint {path} is of a training with {what} ({briefly(other)}, not {briefly(own)}): "
                    "give what it was begun with, or leave out `resume`."
                )
        for part in ("network", "average"):
            _require(state[part].keys() == weights.keys(), part)
            _require(all(_like(state[part][name], each) for name, each in weights.items()), part)
        _require(len(state["adam"]) == len(parameters), "optimiser")
        for memory, parameter in zip(state["adam"], parameters, strict=True):
            if memory is not None:
                _require(memory.keys() == _MOMENTS and _like(memory["step"], torch.zeros(())), "optimiser")
                _require(_like(memory["exp_avg"], parameter) and _like(memory["exp_avg_sq"], parameter), "optimiser")
        _require(type(state["step"]) is int and state["step"] >= 0 and _finite(state["elapsed"]), "step")
        _require(all(type(loss) is float for loss in state["validation"].values()), "validation")
        _require(type(state["fitting"]) is bool and type(state.get("untrained", 0.0)) is float, "course")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is no checkpoint of a training ({briefly(error)}): leave out `resume`, or name the network that was cut off."
        ) from error


def _like(found: Any, known: Tensor) -> bool:
    right = isinstance(found, Tensor) and found.shape == known.shape and found.dtype == known.dtype
    return right and bool(found.isfinite().all())


def _finite(found: Any) -> bool:
    return type(found) in (int, float) and math.isfinite(found) and found >= 0


def _require(right: bool, what: str) -> None:
    if not right:
        raise ValueError(f"its {what} cannot be one of this training")
