"""What a state must be to go on from it: the types, the shapes and the names that `solve` gives, for a file
may hold anything.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from impasto.machine.checkpoint import State
from impasto.solver.optimizers import LBFGS, Adam
from impasto.solver.solve import Stage

_NUMBERS = {"_averaged": int, "_failures": int, "_total": float, "_restarted": bool, "finished": bool}


def check_state(state: State, schedule: Sequence[Stage]) -> None:
    """Raises ValueError, KeyError or TypeError for what is no state of a `solve` along a schedule, with
    pictures of three channels in float32.
    """
    index, count = state["at"]
    _require(type(index) is type(count) is int and 0 <= index < len(schedule), "place in the schedule")
    _require(0 <= count <= schedule[index].iterations and _finite(state["elapsed"]), "iteration")
    shape = (1, 3, *schedule[index].size)
    _require(_picture(state["before"], (1, 3, *schedule[max(0, index - 1)].size)), "earlier picture")
    descent = state["descent"]
    for name in ("_good", "picture", "_gradient", "_candidate"):
        # One that went astray is taken back, whatever it is.
        _require(_picture(descent[name], shape, finite=name != "_candidate"), f"picture {name}")
    _require(all(_finite(value) for value in descent["losses"].values()) and "total" in descent["losses"], "losses")
    _require(all(type(descent[name]) is kind for name, kind in _NUMBERS.items()), "numbers")
    _require(descent["_averaged"] >= 0 and descent["_failures"] >= 0, "counts")
    _require(all(_finite(value) for value in descent["totals"]), "losses before")
    _require(isinstance(descent.get("awaited"), str | None), "event")
    # Left for the next scale, it may have that one's moments already.
    later = (1, 3, *schedule[min(index + 1, len(schedule) - 1)].size) if descent["finished"] else shape
    _check_memory(state["optimizer"], shape, later)


def _check_memory(told: Mapping[str, Any], shape: tuple[int, ...], later: tuple[int, ...]) -> None:
    memory = dict(told["memory"])
    if told["kind"] == Adam.__name__:
        moments = memory.pop("_moments")
        alike = [len(moments) == 2 and all(_picture(each, of) for each in moments) for of in (shape, later) if moments]
        _require(moments is None or any(alike), "moments")
        _require(type(memory["_count"]) is int and memory["_count"] >= 0, "count")
        _require(memory.keys() == vars(Adam()).keys() - {"_moments"} and all(map(_finite, memory.values())), "Adam")
        return
    _require(told["kind"] == LBFGS.__name__ and memory.keys() == {"_pairs", "_last"}, "optimiser")
    last = memory["_last"]
    _require(last is None or (len(last) == 2 and all(_picture(each, shape, finite=False) for each in last)), "step")
    for s, y, rho in memory["_pairs"]:
        _require(_picture(s, (math.prod(shape),)) and _picture(y, (math.prod(shape),)) and _picture(rho, ()), "pair")


def _picture(found: Any, shape: tuple[int, ...], *, finite: bool = True) -> bool:
    right = isinstance(found, Tensor) and found.shape == shape and found.dtype == torch.float32
    return right and (not finite or bool(found.isfinite().all()))


def _finite(found: Any) -> bool:
    return type(found) in (int, float) and math.isfinite(found)


def _require(right: bool, what: str) -> None:
    if not right:
        raise ValueError(f"its {what} cannot be one of this run")
